/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes. A span never owns what it points at. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `data` may be NULL only when `len` is 0. */
struct mqtt_span {
    const uint8_t *data;
    size_t len; /* bytes */
};

/* The bytes of a NUL-terminated string, without the NUL. `text` may be NULL. */
static inline struct mqtt_span span_of(const char *text)
{
    return (struct mqtt_span){ (const uint8_t *)text, text != NULL ? strlen(text) : 0 };
}

static inline bool span_equal(struct mqtt_span a, struct mqtt_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool span_starts_with(struct mqtt_span whole, struct mqtt_span prefix)
{
    return whole.len >= prefix.len
           && (prefix.len == 0 || memcmp(whole.data, prefix.data, prefix.len) == 0);
}

/* Takes `text` off the front of *rest; false: it does not begin so, and stays as it is. */
static inline bool span_skip(struct mqtt_span *rest, const char *text)
{
    struct mqtt_span prefix = span_of(text);

    if (!span_starts_with(*rest, prefix))
        return false;
    rest->data += prefix.len;
    rest->len -= prefix.len;
    return true;
}

/* Takes so many bytes off the front of *rest, or all that there are. */
static inline struct mqtt_span span_take(struct mqtt_span *rest, size_t most)
{
    struct mqtt_span taken = { rest->data, most < rest->len ? most : rest->len };

    rest->data += taken.len;
    rest->len -= taken.len;
    return taken;
}
