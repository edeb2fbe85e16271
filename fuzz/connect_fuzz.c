/* SPDX-License-Identifier: Apache-2.0 */
/* A CONNECT that is accepted says the same when it is encoded again; from 3.1.1 on
 * in the same bytes. */
#include "codec/connect.h"
#include "codec/topic.h"
#include "codec_promise.h"

static void check(struct mqtt_span body, const struct mqtt_connect *c)
{
    promise(c->version == MQTT_VERSION_5 || (c->properties.len == 0 && !c->will.has_expiry));
    promise(c->version == MQTT_VERSION_5 || c->has_user_name || !c->has_password);
    promise(!c->has_will || mqtt_topic_name_is_valid(c->will.topic));
    promise(c->will.qos <= MQTT_QOS_2 && c->receive_maximum > 0 && c->maximum_packet_size > 0);
    promise(lies_in(c->client_id, body) && lies_in(c->user_name, body));
    promise(lies_in(c->password, body) && lies_in(c->will.payload, body));
    promise(lies_in(c->authentication_method, c->properties));
    promise(lies_in(c->authentication_data, c->properties));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_span body = { data, size };
    struct mqtt_connect first;
    struct mqtt_connect second;

    if (mqtt_connect_decode(body, &first) != MQTT_OK)
        return 0;
    check(body, &first);

    struct mqtt_writer w = writer_for(body);
    mqtt_connect_encode(&w, &first);
    struct mqtt_frame frame = frame_of(&w, MQTT_CONNECT);
    promise(first.version == MQTT_VERSION_3_1 || span_equal(frame.body, body));
    promise(mqtt_connect_decode(frame.body, &second) == MQTT_OK);
    promise(span_equal(first.client_id, second.client_id));
    promise(span_equal(first.will.topic, second.will.topic));
    promise(span_equal(first.will.payload, second.will.payload));
    promise(first.has_user_name == second.has_user_name);
    promise(span_equal(first.user_name, second.user_name));
    promise(first.has_password == second.has_password);
    promise(span_equal(first.password, second.password));
    promise(first.keep_alive_s == second.keep_alive_s && first.version == second.version);
    free(w.start);
    return 0;
}
