/* SPDX-License-Identifier: Apache-2.0 */
/* How well the keys of devices are kept, as a role asks for it. */
#pragma once

#include <stdbool.h>

/* How well the key has to be kept of whoever has the role (promise I7), from the least. What is
 * better than what is asked for will do. */
enum policy_key {
    POLICY_KEY_ANY = 0, /* also none: somebody with a password, or with nothing */
    POLICY_KEY_SEALED,  /* a file that opens on one machine */
    POLICY_KEY_PKCS11,  /* in a token */
    POLICY_KEY_TPM,
    POLICY_KEY_ATTESTED_TPM, /* and the TPM has proved it */
    POLICY_KEY_COUNT,
};
const char *policy_key_name(enum policy_key key); /* static */

/* What the registry's word for a key is worth: "sealed", "pkcs11", "tpm"; whatever else: ANY. */
enum policy_key policy_key_of_word(const char *word, bool is_attested);

/* Why a key of that level is not enough for a role that asks for `wanted`, static; NULL: it is. */
const char *policy_key_objection(enum policy_key wanted, enum policy_key has);
