/* SPDX-License-Identifier: Apache-2.0 */
/* An acknowledgement that is accepted says the same when it is encoded again, and
 * is never longer than it was. */
#include "codec/ack.h"
#include "codec_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum mqtt_packet_type types[] = { MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL,
                                                   MQTT_PUBCOMP };

    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0] >> 4);
    enum mqtt_packet_type type = types[data[0] % 4];
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_ack first;
    struct mqtt_ack second;

    if (mqtt_ack_decode(version, type, body, &first) != MQTT_OK)
        return 0;
    promise(first.packet_id != 0 && lies_in(first.properties, body));
    promise(lies_in(first.reason_string, first.properties));
    promise(version == MQTT_VERSION_5 || (first.reason == 0 && first.properties.len == 0));

    struct mqtt_writer w = writer_for(body);
    mqtt_ack_encode(&w, version, type, &first);
    struct mqtt_frame frame = frame_of(&w, type);
    promise(frame.body.len <= body.len);
    promise(mqtt_ack_decode(version, type, frame.body, &second) == MQTT_OK);
    promise(first.packet_id == second.packet_id && first.reason == second.reason);
    promise(span_equal(first.properties, second.properties));
    promise(span_equal(first.reason_string, second.reason_string));
    free(w.start);
    return 0;
}
