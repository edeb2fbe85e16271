/* SPDX-License-Identifier: Apache-2.0 */
/* An input read as a script: bytes that choose. At its end every choice is the first one. */
#pragma once

#include "base/attrs.h"
#include "codec/reader.h"

static inline uint8_t script_u8(struct mqtt_reader *script)
{
    return mqtt_read_u8(script);
}

/* As many bytes as that, or all that are left. */
static inline struct mqtt_span script_bytes(struct mqtt_reader *script, size_t len)
{
    size_t left = mqtt_reader_left(script);

    return mqtt_read_bytes(script, len < left ? len : left);
}

static inline const char *script_text(struct mqtt_reader *script, const char *const *texts,
                                      size_t count)
{
    return texts[script_u8(script) % count];
}

/* One of the texts given. */
#define SCRIPT_ONE_OF(script, ...)                            \
    script_text(script, (const char *const[]){ __VA_ARGS__ }, \
                MQTT_ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))
