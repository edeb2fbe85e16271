/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key_admission.h"

#include "keycheck/keycheck.h"
#include "pki/blocked_keys.h"
#include "pki/issued.h"
#include "pki/key_use.h"

#include <errno.h>

int key_admission_check(struct registry *registry, const struct csr *csr, struct pki_fault *fault)
{
    struct keycheck_result found = keycheck_of_spki(csr_spki(csr), KEYCHECK_QUICK);

    if (found.fault != KEYCHECK_FINE)
        return pki_fail(fault, -EKEYREJECTED, "%s", keycheck_text(found.fault));
    return blocked_keys_check(registry, csr_spki(csr), fault);
}

int key_admission_check_owner(struct registry *registry, const uint8_t *key_sha256,
                              const char *name, struct pki_fault *fault)
{
    bool is_revoked = false;
    int error = key_use_check(registry, key_sha256, name, fault);

    if (error == 0)
        error = issued_key_is_revoked(registry, key_sha256, &is_revoked, fault);
    if (error == 0 && is_revoked)
        error =
            pki_fail(fault, -EKEYREVOKED, "a certificate of this key was revoked; make a new key");
    return error;
}
