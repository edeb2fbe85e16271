/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of the codec share: a promise of a header that does not
 * hold aborts. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void promise(bool holds)
{
    if (!holds)
        abort();
}

/* The first byte of an input chooses the version. */
static inline enum mqtt_version version_of(uint8_t byte)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_3_1, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_5 };
    return versions[byte % 3];
}

static inline bool lies_in(struct mqtt_span inner, struct mqtt_span outer)
{
    if (inner.len == 0)
        return true;
    return inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len;
}

/* Room for any packet that was decoded from `body` and is encoded again. */
static inline struct mqtt_writer writer_for(struct mqtt_span body)
{
    size_t room = body.len + 16;
    void *memory = malloc(room);

    promise(memory != NULL);
    return mqtt_writer_over(memory, room);
}

static inline struct mqtt_frame frame_of(const struct mqtt_writer *w, enum mqtt_packet_type type)
{
    struct mqtt_span written = mqtt_writer_written(w);
    struct mqtt_frame frame = { .type = MQTT_RESERVED };

    promise(w->status == MQTT_OK);
    promise(mqtt_frame_decode(written, written.len, &frame) == MQTT_OK);
    promise(frame.type == type && frame.len == written.len);
    return frame;
}
