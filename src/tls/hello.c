/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/hello.h"

#include <openssl/evp.h>
#include <string.h>

#define RECORD_HEADER_BYTES  5u
#define RECORD_IS_HANDSHAKE  22u
#define CLIENT_HELLO         1u
#define EXTENSION_GROUPS     10u
#define EXTENSION_PADDING    21u
#define EXTENSION_TICKETS    41u /* pre_shared_key */
#define EXTENSION_EARLY      42u
#define EXTENSION_COOKIE     44u
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

/* ---- its print ---- */

#define SHA256_BYTES 32u

/* Numbers of two bytes, to be hashed. There are no more of them than in a ClientHello. */
struct numbers {
    size_t len;
    uint8_t bytes[TLS_HELLO_MAX_BYTES + 8u];
};

static void put(struct numbers *numbers, size_t value)
{
    numbers->bytes[numbers->len++] = (uint8_t)(value >> 8);
    numbers->bytes[numbers->len++] = (uint8_t)value;
}

/* Values that clients throw in so that servers stay used to what they do not know: they differ from
 * one connection to the next. */
static bool is_grease(size_t value)
{
    return (value & 0x0f0fu) == 0x0a0au && value >> 8 == (value & 0xffu);
}

static bool comes_and_goes(size_t kind)
{
    return is_grease(kind) || kind == EXTENSION_PADDING || kind == EXTENSION_TICKETS
           || kind == EXTENSION_EARLY || kind == EXTENSION_COOKIE;
}

/* How many there are goes to the place that was kept for it. */
static void put_count(struct numbers *numbers, size_t place)
{
    size_t end = numbers->len;
    size_t count = (end - place) / 2 - 1;

    numbers->len = place;
    put(numbers, count);
    numbers->len = end;
}

static void put_list(struct numbers *numbers, struct mqtt_span list)
{
    size_t place = numbers->len;

    put(numbers, 0);
    while (list.len >= 2) {
        size_t value = take_number(&list, 2);
        if (!is_grease(value))
            put(numbers, value);
    }
    put_count(numbers, place);
}

/* Returns the list of groups. */
static struct mqtt_span put_extensions(struct numbers *numbers, struct mqtt_span extensions)
{
    struct mqtt_span groups = { 0 };
    size_t place = numbers->len;

    put(numbers, 0);
    while (extensions.len >= 4) {
        size_t kind = take_number(&extensions, 2);
        struct mqtt_span body = take_counted(&extensions, 2);
        if (kind == EXTENSION_GROUPS)
            groups = take_counted(&body, 2);
        if (!comes_and_goes(kind))
            put(numbers, kind);
    }
    put_count(numbers, place);
    return groups;
}

bool tls_hello_print(struct mqtt_span body, uint8_t out[TLS_HELLO_PRINT_BYTES])
{
    struct numbers numbers;
    uint8_t digest[SHA256_BYTES];

    if (body.len > TLS_HELLO_MAX_BYTES)
        return false;
    numbers.len = 0; /* not all of it: it is large */
    put(&numbers, take_number(&body, 2));
    (void)take(&body, VERSION_RANDOM_BYTES - 2);
    (void)take_counted(&body, 1); /* session id */
    put_list(&numbers, take_counted(&body, 2));
    (void)take_counted(&body, 1); /* compression */
    struct mqtt_span groups = put_extensions(&numbers, take_counted(&body, 2));
    put_list(&numbers, groups);
    if (EVP_Digest(numbers.bytes, numbers.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    memcpy(out, digest, TLS_HELLO_PRINT_BYTES);
    return true;
}
