/* SPDX-License-Identifier: Apache-2.0 */
/* A SUBACK or UNSUBACK that is accepted is the same bytes when it is encoded
 * again. */
#include "codec/suback.h"
#include "codec_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0] >> 4);
    enum mqtt_packet_type type = data[0] % 2 == 0 ? MQTT_SUBACK : MQTT_UNSUBACK;
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_suback s;

    if (mqtt_suback_decode(version, type, body, &s) != MQTT_OK)
        return 0;
    promise(s.packet_id != 0 && lies_in(s.properties, body) && lies_in(s.reasons, body));
    promise(lies_in(s.reason_string, s.properties));
    promise((s.reasons.len == 0) == (version != MQTT_VERSION_5 && type == MQTT_UNSUBACK));

    struct mqtt_writer w = writer_for(body);
    mqtt_suback_encode(&w, version, type, &s);
    promise(span_equal(frame_of(&w, type).body, body));
    free(w.start);
    return 0;
}
