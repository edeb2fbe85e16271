/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed key as bytes (docs/device-keys.md has the layout). Only the private number is under the
 * seal; everything before it is authenticated with it. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

#define SEALED_FORMAT_SALT_BYTES   32
#define SEALED_FORMAT_NONCE_BYTES  12
#define SEALED_FORMAT_POINT_BYTES  65
#define SEALED_FORMAT_SCALAR_BYTES 32
#define SEALED_FORMAT_TAG_BYTES    16
#define SEALED_FORMAT_WRAPPED_MAX  1024
#define SEALED_FORMAT_MAX_BYTES                                                           \
    (4 + SEALED_FORMAT_SALT_BYTES + SEALED_FORMAT_NONCE_BYTES + SEALED_FORMAT_POINT_BYTES \
     + SEALED_FORMAT_WRAPPED_MAX + SEALED_FORMAT_SCALAR_BYTES + SEALED_FORMAT_TAG_BYTES)

/* What the key of the seal is made from. */
enum sealed_method {
    SEALED_BY_NOTHING = 0, /* is none */
    SEALED_BY_MACHINE,     /* the machine's secret, its id and the user */
    SEALED_BY_TPM,         /* a secret that this TPM alone opens */
    SEALED_METHOD_COUNT,
};

struct sealed_format {
    enum sealed_method method;
    size_t wrapped_len; /* of the TPM's object; 0 without one */
    uint8_t salt[SEALED_FORMAT_SALT_BYTES];
    uint8_t nonce[SEALED_FORMAT_NONCE_BYTES];
    uint8_t point[SEALED_FORMAT_POINT_BYTES]; /* the public key */
    uint8_t wrapped[SEALED_FORMAT_WRAPPED_MAX];
    uint8_t scalar[SEALED_FORMAT_SCALAR_BYTES]; /* encrypted */
    uint8_t tag[SEALED_FORMAT_TAG_BYTES];
};

/* To `out` of SEALED_FORMAT_MAX_BYTES bytes; how many were written. */
size_t sealed_format_encode(const struct sealed_format *sealed, uint8_t *out);

/* Of these the last so many bytes, number and tag, are not authenticated as they stand. */
#define SEALED_FORMAT_BODY_BYTES (SEALED_FORMAT_SCALAR_BYTES + SEALED_FORMAT_TAG_BYTES)

/* Accepts exactly what sealed_format_encode() writes. -EBADMSG; -ENOTSUP: of a version or a method
 * that is not known here. */
MQTT_NODISCARD int sealed_format_decode(struct mqtt_span bytes, struct sealed_format *out);
