/* SPDX-License-Identifier: Apache-2.0 */
/* What vault.c and vault_key.c need of each other. */
#pragma once

/* What OpenSSL makes at its first key and keeps for good is made: 400 KB that are no secret and
 * would fill the vault. Any thread, once, outside of the vault. */
void vault_key_prepare(void);

/* vault_enter() without that, for a key for which the caller has made all that stays. */
void vault_enter_prepared(void);
