/* SPDX-License-Identifier: Apache-2.0 */
/* The look at a ClientHello before anything is spent on it, and its print. Promises asserted: what it
 * wants is more than there is and no more than a record can have; a ticket lies within the bytes;
 * bytes that are whole stay so whatever follows; of all that is no longer than a record a print is
 * made, and the random number in it does not change that. */
#include "base/invariant.h"
#include "tls/hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look(const uint8_t *bytes, size_t len, bool *out_is_whole)
{
    const struct tls_hello hello = tls_hello_read((struct mqtt_span){ bytes, len });

    *out_is_whole = hello.wants == 0;
    if (hello.wants > 0)
        MQTT_INVARIANT(hello.wants > len && hello.wants <= TLS_HELLO_MAX_BYTES);
    if (hello.ticket.len > 0)
        MQTT_INVARIANT(hello.ticket.data >= bytes
                       && hello.ticket.data + hello.ticket.len <= bytes + len);
}

#define RANDOM_AT    2u
#define RANDOM_BYTES 32u

static void print(const uint8_t *data, size_t len)
{
    uint8_t first[TLS_HELLO_PRINT_BYTES];
    uint8_t again[TLS_HELLO_PRINT_BYTES];
    uint8_t *copy = malloc(len);

    if (copy == NULL)
        return;
    memcpy(copy, data, len);
    MQTT_INVARIANT(tls_hello_print((struct mqtt_span){ copy, len }, first));
    if (len >= RANDOM_AT + RANDOM_BYTES)
        memset(copy + RANDOM_AT, 0xa5, RANDOM_BYTES);
    MQTT_INVARIANT(tls_hello_print((struct mqtt_span){ copy, len }, again));
    MQTT_INVARIANT(memcmp(first, again, sizeof(first)) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    bool was_whole = false, is_whole;

    if (len > TLS_HELLO_MAX_BYTES)
        return 0;
    if (len > 0)
        print(data, len);
    for (size_t part = 1; part <= len; part = part < len && 2 * part > len ? len : 2 * part) {
        /* Exactly sized: whoever reads on is seen. */
        uint8_t *copy = malloc(part);
        if (copy == NULL)
            return 0;
        memcpy(copy, data, part);
        look(copy, part, &is_whole);
        free(copy);
        MQTT_INVARIANT(is_whole || !was_whole);
        was_whole = is_whole;
    }
    return 0;
}
