/* SPDX-License-Identifier: Apache-2.0 */
/* A frame that is found lies in the input, is within the limit, and is found only
 * when its last byte is there; a refusal comes no later than that. */
#include "codec_promise.h"

#define LIMIT 300

static void check_found(struct mqtt_span bytes, const struct mqtt_frame *frame)
{
    struct mqtt_frame shorter;

    promise(frame->len <= bytes.len && frame->len <= LIMIT);
    promise(lies_in(frame->body, bytes) && frame->body.len + 2 <= frame->len);
    promise(frame->type >= MQTT_CONNECT && frame->type <= MQTT_AUTH);
    for (size_t len = 0; len < frame->len; len++) {
        struct mqtt_span prefix = { bytes.data, len };
        promise(mqtt_frame_decode(prefix, LIMIT, &shorter) == MQTT_PENDING);
        promise(shorter.len == 0 || shorter.len == frame->len);
    }
    promise(mqtt_frame_decode((struct mqtt_span){ bytes.data, frame->len }, frame->len, &shorter)
            == MQTT_OK);
    promise(mqtt_frame_decode(bytes, frame->len - 1, &shorter) == MQTT_ERR_TOO_LARGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_span bytes = { data, size };
    struct mqtt_frame frame;
    enum mqtt_status status = mqtt_frame_decode(bytes, LIMIT, &frame);

    if (status == MQTT_OK)
        check_found(bytes, &frame);
    else if (status == MQTT_PENDING)
        promise(frame.len == 0 ? size < 5 : frame.len > size && frame.len <= LIMIT);
    return 0;
}
