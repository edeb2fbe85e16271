/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/hello.h"

#define RECORD_HEADER_BYTES  5u
#define RECORD_IS_HANDSHAKE  22u
#define CLIENT_HELLO         1u
#define EXTENSION_TICKETS    41u /* pre_shared_key */
#define VERSION_RANDOM_BYTES 34u

/* The first bytes of what is left, which is shorter by them then; empty, and so is what is left,
 * when there are not so many. */
static struct mqtt_span take(struct mqtt_span *rest, size_t len)
{
    struct mqtt_span taken = { rest->data, len };

    if (len > rest->len) {
        *rest = (struct mqtt_span){ 0 };
        return *rest;
    }
    if (len > 0)
        *rest = (struct mqtt_span){ rest->data + len, rest->len - len };
    return taken;
}

static size_t take_number(struct mqtt_span *rest, size_t width)
{
    struct mqtt_span bytes = take(rest, width);
    size_t number = 0;

    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | bytes.data[i];
    return number;
}

/* Bytes with their number before them. */
static struct mqtt_span take_counted(struct mqtt_span *rest, size_t width)
{
    size_t len = take_number(rest, width);

    return take(rest, len);
}

static struct mqtt_span ticket_of(struct mqtt_span extensions)
{
    while (extensions.len > 0) {
        size_t kind = take_number(&extensions, 2);
        struct mqtt_span body = take_counted(&extensions, 2);
        if (kind != EXTENSION_TICKETS)
            continue;
        struct mqtt_span tickets = take_counted(&body, 2);
        return take_counted(&tickets, 2);
    }
    return (struct mqtt_span){ 0 };
}

struct tls_hello tls_hello_read(struct mqtt_span bytes)
{
    struct mqtt_span rest = bytes;

    if (bytes.len > 0 && bytes.data[0] != RECORD_IS_HANDSHAKE)
        return (struct tls_hello){ 0 };
    if (bytes.len < RECORD_HEADER_BYTES)
        return (struct tls_hello){ .wants = RECORD_HEADER_BYTES };
    (void)take(&rest, 3);
    size_t len = take_number(&rest, 2);
    if (len > rest.len && RECORD_HEADER_BYTES + len <= TLS_HELLO_MAX_BYTES)
        return (struct tls_hello){ .wants = RECORD_HEADER_BYTES + len };
    if (take_number(&rest, 1) != CLIENT_HELLO)
        return (struct tls_hello){ 0 };
    struct mqtt_span body = take_counted(&rest, 3);
    (void)take(&body, VERSION_RANDOM_BYTES);
    (void)take_counted(&body, 1); /* session id */
    (void)take_counted(&body, 2); /* cipher suites */
    (void)take_counted(&body, 1); /* compression */
    return (struct tls_hello){ .ticket = ticket_of(take_counted(&body, 2)) };
}
