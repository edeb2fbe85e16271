/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_tpm.h"

#include "attest/area.h"
#include "keystore/tpm_attest.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* What there is to say of it. */
struct facts {
    char sha256[65];
    const char *algorithm;
    bool has_certificate;
};

static int look(struct facts *out, struct pki_fault *fault)
{
    struct tpm_attest_identity *identity = calloc(1, sizeof(*identity));
    struct attest_area area;
    uint8_t sha256[ATTEST_HASH_BYTES];

    if (identity == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    int error = tpm_attest_identify(identity, fault);
    if (error == 0
        && (attest_area_decode(
                (struct mqtt_span){ identity->endorsement.bytes, identity->endorsement.len }, &area)
                < 0
            || attest_area_sha256(&area, sha256) < 0))
        error = pki_fail(fault, -EIO, "the TPM shows an endorsement key that is none");
    if (error == 0) {
        (void)identity_print_hash(sha256, out->sha256);
        out->algorithm = area.type == ATTEST_ALG_RSA ? "RSA 2048" : "EC P-256";
        out->has_certificate = identity->certificate_len > 0;
    }
    free(identity);
    return error;
}

int keys_tpm(const struct identity_options *options)
{
    struct facts facts = { .has_certificate = false };
    struct pki_fault fault = { "" };

    if (look(&facts, &fault) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    if (options->json)
        return identity_print_document(json_pack("{s:s, s:s, s:b}", "endorsement_sha256",
                                                 facts.sha256, "algorithm", facts.algorithm,
                                                 "has_certificate", (int)facts.has_certificate));
    (void)printf("endorsement key  %s, SHA-256 %s\ncertificate      %s\n", facts.algorithm,
                 facts.sha256,
                 facts.has_certificate ? "of its manufacturer, in the TPM"
                                       : "none; name it to the broker: tacit device token NAME "
                                         "--ek SHA256");
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}
