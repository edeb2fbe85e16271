/* SPDX-License-Identifier: Apache-2.0 */
/* What passes through this program stays in it: keys, tokens, passwords. */
#pragma once

/* From now on a crash leaves no core, and no other process of this user looks into the memory. */
void secrecy_begin(void);
