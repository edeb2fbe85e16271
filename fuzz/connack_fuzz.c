/* SPDX-License-Identifier: Apache-2.0 */
/* A CONNACK that is accepted says the same when it is encoded again; from 3.1.1 on
 * in the same bytes. */
#include "codec/connack.h"
#include "codec_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0]);
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_connack c;

    if (mqtt_connack_decode(version, body, &c) != MQTT_OK)
        return 0;
    promise(!c.session_present || c.reason == 0);
    promise(c.receive_maximum > 0 && c.maximum_packet_size > 0 && c.maximum_qos <= MQTT_QOS_2);
    promise(lies_in(c.properties, body) && lies_in(c.assigned_client_id, c.properties));
    promise(lies_in(c.reason_string, c.properties) && lies_in(c.server_reference, c.properties));

    struct mqtt_writer w = writer_for(body);
    mqtt_connack_encode(&w, version, &c);
    struct mqtt_frame frame = frame_of(&w, MQTT_CONNACK);
    if (version == MQTT_VERSION_3_1)
        promise(frame.body.len == 2 && frame.body.data[1] == c.reason);
    else
        promise(span_equal(frame.body, body));
    free(w.start);
    return 0;
}
