/* SPDX-License-Identifier: Apache-2.0 */
/* A public key that anybody may have sent. Promises asserted: the same bytes get the same verdict
 * twice; the name is printable; a key that is fine is one that OpenSSL reads, and writes with the
 * very same bytes: it has one encoding. */
#include "base/invariant.h"
#include "keycheck/keycheck.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect_one_encoding(const uint8_t *data, size_t len)
{
    const uint8_t *at = data;
    uint8_t *again = NULL;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)len);

    ERR_clear_error();
    /* Whether an Edwards y belongs to a point neither of us asks. */
    MQTT_INVARIANT(key != NULL && at == data + len);
    MQTT_INVARIANT(i2d_PUBKEY(key, &again) == (int)len && memcmp(again, data, len) == 0);
    OPENSSL_free(again);
    EVP_PKEY_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mqtt_span spki = { data, len };
    uint8_t tag[KEYCHECK_TAG_BYTES];
    struct keycheck_result result = keycheck_of_spki(spki, KEYCHECK_QUICK);

    MQTT_INVARIANT(result.fault == keycheck_of_spki(spki, KEYCHECK_QUICK).fault);
    MQTT_INVARIANT(memchr(result.algorithm, '\0', sizeof(result.algorithm)) != NULL);
    for (const char *c = result.algorithm; *c != '\0'; c++)
        MQTT_INVARIANT(*c >= ' ' && *c <= '~');
    (void)keycheck_modulus_tag(spki, tag);
    if (result.fault == KEYCHECK_FINE)
        expect_one_encoding(data, len);
    return 0;
}
