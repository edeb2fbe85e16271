/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_key.h"

#include "audit/hex.h"
#include "tools/identity_print.h"
#include "tools/log_place.h"

#include <errno.h>
#include <stdio.h>

int log_key(const struct identity_options *options)
{
    struct log_place place;
    char pem[AUDIT_KEY_PEM_BYTES];
    char hash[2 * AUDIT_HASH_BYTES + 1];
    int code = log_place_open(options, &place);

    if (code != 0)
        return code;
    (void)audit_hex_put(place.audit.port.key, AUDIT_HASH_BYTES, hash);
    if (audit_key_public_pem(place.audit.key, pem) != 0) {
        code = log_place_fail(&place, -ENOMEM);
    } else if (options->json) {
        code = identity_print_document(
            json_pack("{s:s, s:s, s:s}", "algorithm", "ed25519", "sha256", hash, "pem", pem));
    } else {
        (void)fputs(pem, stdout);
        code = fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
    }
    log_place_close(&place);
    return code;
}
