/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/der.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void der_fini(struct der *der)
{
    free(der->bytes);
    *der = (struct der){ 0 };
}

struct mqtt_span der_span(const struct der *der)
{
    return (struct mqtt_span){ der->bytes, der->len };
}

int der_take(uint8_t *made, int len, struct der *out)
{
    uint8_t *copy = len > 0 ? malloc((size_t)len) : NULL;

    if (copy != NULL)
        memcpy(copy, made, (size_t)len);
    OPENSSL_free(made);
    if (copy == NULL)
        return -ENOMEM;
    *out = (struct der){ copy, (size_t)len };
    return 0;
}
