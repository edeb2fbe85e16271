/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/key_level.h"

#include <string.h>

#define NOW_WHAT "; tacit enroll --renew --new-key --key-store makes another"

const char *policy_key_name(enum policy_key key)
{
    static const char *const names[POLICY_KEY_COUNT] = {
        [POLICY_KEY_ANY] = "any",
        [POLICY_KEY_SEALED] = "sealed",
        [POLICY_KEY_PKCS11] = "pkcs11",
        [POLICY_KEY_TPM] = "tpm",
        [POLICY_KEY_ATTESTED_TPM] = "attested-tpm",
    };

    return names[key];
}

enum policy_key policy_key_of_word(const char *word, bool is_attested)
{
    for (int key = POLICY_KEY_SEALED; key < POLICY_KEY_TPM; key++)
        if (strcmp(word, policy_key_name((enum policy_key)key)) == 0)
            return (enum policy_key)key;
    if (strcmp(word, policy_key_name(POLICY_KEY_TPM)) != 0)
        return POLICY_KEY_ANY;
    return is_attested ? POLICY_KEY_ATTESTED_TPM : POLICY_KEY_TPM;
}

const char *policy_key_objection(enum policy_key wanted, enum policy_key has)
{
    static const char *const reasons[POLICY_KEY_COUNT] = {
        [POLICY_KEY_ANY] = NULL,
        [POLICY_KEY_SEALED] = "the role asks for a key that is sealed to its machine, or in "
                              "hardware, and the registry does not say that of this one" NOW_WHAT,
        [POLICY_KEY_PKCS11] = "the role asks for a key in a PKCS#11 token or a TPM, and the "
                              "registry does not say that of this one" NOW_WHAT,
        [POLICY_KEY_TPM] = "the role asks for a key in a TPM, and the registry does not say that "
                           "of this one" NOW_WHAT,
        [POLICY_KEY_ATTESTED_TPM] =
            "the role asks for a key that a TPM has proved to have, and the "
            "registry does not say that of this one; tacit enroll --renew "
            "--force on the device proves it, or says why it does not",
    };

    return has < wanted ? reasons[wanted] : NULL;
}
