/* SPDX-License-Identifier: Apache-2.0 */
/* An AUTH that is accepted says the same when it is encoded again, and is never
 * longer than it was. */
#include "codec/disconnect.h"
#include "codec_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_span body = { data, size };
    struct mqtt_auth first;
    struct mqtt_auth second;

    if (mqtt_auth_decode(body, &first) != MQTT_OK)
        return 0;
    promise(first.reason == 0x00 || first.reason == 0x18 || first.reason == 0x19);
    promise(lies_in(first.properties, body) && lies_in(first.method, first.properties));
    promise(lies_in(first.data, first.properties));

    struct mqtt_writer w = writer_for(body);
    mqtt_auth_encode(&w, &first);
    struct mqtt_frame frame = frame_of(&w, MQTT_AUTH);
    promise(span_equal(frame.body, body));
    promise(mqtt_auth_decode(frame.body, &second) == MQTT_OK);
    promise(first.reason == second.reason && span_equal(first.method, second.method));
    free(w.start);
    return 0;
}
