/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/sealed_format.h"

#include <errno.h>
#include <string.h>

#define VERSION     1
#define FIXED_BYTES (SEALED_FORMAT_MAX_BYTES - SEALED_FORMAT_WRAPPED_MAX)

/* One order of fields for both directions. */
struct cursor {
    uint8_t *to;         /* NULL when reading */
    const uint8_t *from; /* NULL when writing */
};

static void move(struct cursor *c, void *field, size_t len)
{
    if (c->to != NULL) {
        memcpy(c->to, field, len);
        c->to += len;
    } else {
        memcpy(field, c->from, len);
        c->from += len;
    }
}

static void move_all(struct cursor *c, struct sealed_format *sealed)
{
    move(c, sealed->salt, sizeof(sealed->salt));
    move(c, sealed->nonce, sizeof(sealed->nonce));
    move(c, sealed->point, sizeof(sealed->point));
    move(c, sealed->wrapped, sealed->wrapped_len);
    move(c, sealed->scalar, sizeof(sealed->scalar));
    move(c, sealed->tag, sizeof(sealed->tag));
}

size_t sealed_format_encode(const struct sealed_format *sealed, uint8_t *out)
{
    struct sealed_format copy = *sealed;
    struct cursor c = { .to = out + 4 };

    out[0] = VERSION;
    out[1] = (uint8_t)sealed->method;
    out[2] = (uint8_t)(sealed->wrapped_len >> 8);
    out[3] = (uint8_t)sealed->wrapped_len;
    move_all(&c, &copy);
    return FIXED_BYTES + sealed->wrapped_len;
}

int sealed_format_decode(struct mqtt_span bytes, struct sealed_format *out)
{
    struct sealed_format sealed = { .method = SEALED_BY_NOTHING };

    if (bytes.len < FIXED_BYTES)
        return -EBADMSG;
    if (bytes.data[0] != VERSION || bytes.data[1] == SEALED_BY_NOTHING
        || bytes.data[1] >= SEALED_METHOD_COUNT)
        return -ENOTSUP;
    sealed.method = (enum sealed_method)bytes.data[1];
    sealed.wrapped_len = (size_t)bytes.data[2] << 8 | bytes.data[3];
    if (sealed.wrapped_len > SEALED_FORMAT_WRAPPED_MAX
        || bytes.len != FIXED_BYTES + sealed.wrapped_len
        || (sealed.wrapped_len > 0) != (sealed.method == SEALED_BY_TPM))
        return -EBADMSG;
    struct cursor c = { .from = bytes.data + 4 };
    move_all(&c, &sealed);
    *out = sealed;
    return 0;
}
