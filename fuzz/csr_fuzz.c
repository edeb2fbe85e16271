/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate request that anybody may have sent. Promise asserted: what is accepted can be
 * written, and read again as a request of the same key. */
#include "base/invariant.h"
#include "pki/csr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct csr *csr;
    struct csr *again;
    char *pem;
    uint8_t before[KEY_SHA256_BYTES];
    uint8_t after[KEY_SHA256_BYTES];
    struct pki_fault fault;
    int result = csr_parse((struct mqtt_span){ data, len }, &csr, &fault);
    MQTT_INVARIANT(result == 0 || result == -EBADMSG || result == -EKEYREJECTED
                   || result == -ENOMEM);
    if (result != 0)
        return 0;
    MQTT_INVARIANT(csr_encode(csr, &pem, NULL) == 0);
    MQTT_INVARIANT(csr_parse(span_of(pem), &again, NULL) == 0);
    MQTT_INVARIANT(csr_key_sha256(csr, before) == 0 && csr_key_sha256(again, after) == 0);
    MQTT_INVARIANT(memcmp(before, after, sizeof(before)) == 0);
    csr_free(again);
    csr_free(csr);
    free(pem);
    return 0;
}
