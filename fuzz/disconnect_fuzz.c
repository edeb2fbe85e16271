/* SPDX-License-Identifier: Apache-2.0 */
/* A DISCONNECT that is accepted says the same when it is encoded again, and is
 * never longer than it was. */
#include "codec/disconnect.h"
#include "codec_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0] >> 4);
    bool from_server = data[0] % 2 != 0;
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_disconnect first;
    struct mqtt_disconnect second;

    if (mqtt_disconnect_decode(version, from_server, body, &first) != MQTT_OK)
        return 0;
    promise(version == MQTT_VERSION_5 || body.len == 0);
    promise(lies_in(first.properties, body) && lies_in(first.reason_string, first.properties));
    promise(!from_server || !first.has_session_expiry);
    promise(from_server || first.server_reference.len == 0);

    struct mqtt_writer w = writer_for(body);
    mqtt_disconnect_encode(&w, version, &first);
    struct mqtt_frame frame = frame_of(&w, MQTT_DISCONNECT);
    promise(frame.body.len <= body.len);
    promise(mqtt_disconnect_decode(version, from_server, frame.body, &second) == MQTT_OK);
    promise(first.reason == second.reason && span_equal(first.properties, second.properties));
    promise(first.has_session_expiry == second.has_session_expiry);
    free(w.start);
    return 0;
}
