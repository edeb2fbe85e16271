/* SPDX-License-Identifier: Apache-2.0 */
/* The look at a ClientHello before anything is spent on it. Promises asserted: what it wants is more
 * than there is and no more than a record can have; a ticket lies within the bytes; and bytes that
 * are whole stay so whatever follows. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    bool was_whole = false, is_whole;

    if (len > TLS_HELLO_MAX_BYTES)
        return 0;
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
