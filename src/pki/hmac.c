/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/hmac.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int hmac_sha256(void *context, const uint8_t key[HMAC_BYTES], struct mqtt_span data,
                uint8_t out[HMAC_BYTES])
{
    unsigned len = 0;

    (void)context;
    if (HMAC(EVP_sha256(), key, HMAC_BYTES, data.data, data.len, out, &len) == NULL
        || len != HMAC_BYTES)
        return -EIO;
    return 0;
}
