/* SPDX-License-Identifier: Apache-2.0 */
/* A session with a PKCS#11 token, without an engine and without a provider: the module that the URI
 * names (module-path), else whatever p11-kit knows. It ends with a logout and the module's own end:
 * modules in front of a TPM leave sessions in it otherwise. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct token_module {
    CK_FUNCTION_LIST_PTR functions;
    CK_SESSION_HANDLE session;
};

/* Opens the token of the URI and logs in with the PIN that stands in its file. `writes`: objects are
 * to be made. -EINVAL: no such name; -ENODEV: no module, or no such token; -EKEYREJECTED: the PIN is
 * not the one; -EPERM, -ENOENT: of the PIN's file. */
MQTT_NODISCARD int token_module_open(const char *uri, bool writes, struct token_module *out,
                                     struct pki_fault *fault);
void token_module_close(struct token_module *module);

/* "what (PKCS#11 code 0x…)". */
MQTT_NODISCARD int token_module_fail(struct pki_fault *fault, int error, CK_RV code,
                                     const char *what);
