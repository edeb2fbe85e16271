/* SPDX-License-Identifier: Apache-2.0 */
#include "client/properties.h"

#include "client/state.h"
#include "codec/properties.h"
#include "codec/topic.h"
#include "codec/utf8.h"

static size_t emit(struct mqtt_writer *w, const struct mqtt_property *property)
{
    if (w != NULL)
        mqtt_property_write(w, property);
    return mqtt_property_size(property);
}

static size_t emit_number(struct mqtt_writer *w, uint8_t id, enum mqtt_property_type type,
                          uint32_t number)
{
    return emit(w, &(struct mqtt_property){ .id = id, .type = type, .number = number });
}

/* Nothing when the value is empty. */
static size_t emit_bytes(struct mqtt_writer *w, uint8_t id, enum mqtt_property_type type,
                         struct tacit_bytes value)
{
    if (value.len == 0)
        return 0;
    return emit(w, &(struct mqtt_property){ .id = id, .type = type, .value = tacit_span(value) });
}

static size_t emit_pairs(struct mqtt_writer *w, const struct tacit_pair *pairs, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += emit(w, &(struct mqtt_property){ .id = MQTT_PROP_USER_PROPERTY,
                                                 .type = MQTT_PROPERTY_PAIR,
                                                 .name = tacit_span(pairs[i].name),
                                                 .value = tacit_span(pairs[i].value) });
    return size;
}

size_t tacit_message_properties(struct mqtt_writer *w, const struct tacit_message *message)
{
    size_t size = 0;
    if (message->payload_is_utf8)
        size += emit_number(w, MQTT_PROP_PAYLOAD_FORMAT, MQTT_PROPERTY_BYTE, 1);
    size += emit_bytes(w, MQTT_PROP_CONTENT_TYPE, MQTT_PROPERTY_UTF8, message->content_type);
    size += emit_bytes(w, MQTT_PROP_RESPONSE_TOPIC, MQTT_PROPERTY_UTF8, message->response_topic);
    size += emit_bytes(w, MQTT_PROP_CORRELATION_DATA, MQTT_PROPERTY_BINARY, message->correlation);
    return size + emit_pairs(w, message->user_properties, message->user_property_count);
}

size_t tacit_will_properties(struct mqtt_writer *w, const struct tacit_config *config)
{
    size_t size = tacit_message_properties(w, config->will);
    if (config->will->has_expiry)
        size += emit_number(w, MQTT_PROP_MESSAGE_EXPIRY, MQTT_PROPERTY_U32, config->will->expiry_s);
    if (config->will_delay_s > 0)
        size += emit_number(w, MQTT_PROP_WILL_DELAY, MQTT_PROPERTY_U32, config->will_delay_s);
    return size;
}

size_t tacit_connect_properties(struct mqtt_writer *w, const struct tacit_config *config,
                                uint16_t aliases_in)
{
    const struct tacit_limits *limits = &config->limits;
    size_t size = 0;
    if (config->session_expiry_s > 0)
        size +=
            emit_number(w, MQTT_PROP_SESSION_EXPIRY, MQTT_PROPERTY_U32, config->session_expiry_s);
    size += emit_number(w, MQTT_PROP_RECEIVE_MAXIMUM, MQTT_PROPERTY_U16,
                        tacit_or(limits->inbound_messages, 1));
    size += emit_number(w, MQTT_PROP_MAXIMUM_PACKET_SIZE, MQTT_PROPERTY_U32,
                        tacit_or(limits->maximum_packet_bytes, limits->receive_bytes));
    if (aliases_in > 0)
        size += emit_number(w, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, MQTT_PROPERTY_U16, aliases_in);
    if (config->request_response)
        size += emit_number(w, MQTT_PROP_REQUEST_RESPONSE, MQTT_PROPERTY_BYTE, 1);
    return size + emit_pairs(w, config->user_properties, config->user_property_count);
}

size_t tacit_subscribe_properties(struct mqtt_writer *w,
                                  const struct tacit_subscription *subscription)
{
    size_t size = 0;
    if (subscription->identifier > 0)
        size += emit_number(w, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, MQTT_PROPERTY_VARINT,
                            subscription->identifier);
    return size + emit_pairs(w, subscription->user_properties, subscription->user_property_count);
}

static bool text_is_valid(struct tacit_bytes text)
{
    return text.len <= UINT16_MAX && mqtt_utf8_is_valid(tacit_span(text));
}

static bool pairs_are_valid(const struct tacit_pair *pairs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!text_is_valid(pairs[i].name) || !text_is_valid(pairs[i].value))
            return false;
    return true;
}

static bool topic_is_valid(struct tacit_bytes topic)
{
    return text_is_valid(topic) && mqtt_topic_name_is_valid(tacit_span(topic));
}

bool tacit_message_is_valid(const struct tacit_message *message)
{
    return message->qos <= 2 && topic_is_valid(message->topic)
           && (message->response_topic.len == 0 || topic_is_valid(message->response_topic))
           && text_is_valid(message->content_type) && message->correlation.len <= UINT16_MAX
           && pairs_are_valid(message->user_properties, message->user_property_count);
}

bool tacit_subscription_is_valid(const struct tacit_subscription *subscription)
{
    struct mqtt_share share;
    if (subscription->qos > 2 || subscription->retain_handling > 2
        || subscription->identifier > MQTT_VARINT_MAX || !text_is_valid(subscription->filter)
        || !mqtt_topic_filter_is_valid(tacit_span(subscription->filter)))
        return false;
    int shared = mqtt_share_parse(tacit_span(subscription->filter), &share);
    /* [MQTT-3.8.3-4] no local with a shared subscription is a protocol error. */
    return shared >= 0 && !(shared == 1 && subscription->no_local)
           && pairs_are_valid(subscription->user_properties, subscription->user_property_count);
}

static bool version_is_known(uint8_t version)
{
    return version == 0 || (version >= MQTT_VERSION_3_1 && version <= MQTT_VERSION_5);
}

static bool limits_are_valid(const struct tacit_limits *limits)
{
    return limits->receive_bytes >= 64 && limits->send_bytes >= 64 && limits->queue_bytes >= 64
           && limits->maximum_packet_bytes <= MQTT_VARINT_MAX + 5u;
}

/* Before MQTT 5 a password needs a user name [MQTT-3.1.2-22]. */
static bool names_are_valid(const struct tacit_config *config)
{
    bool is_old = config->version != 0 && config->version < MQTT_VERSION_5;
    bool has_password_alone = config->password.data != NULL && config->user_name.data == NULL;
    return text_is_valid(config->client_id) && text_is_valid(config->user_name)
           && config->password.len <= UINT16_MAX && !(is_old && has_password_alone)
           && pairs_are_valid(config->user_properties, config->user_property_count);
}

static bool will_is_valid(const struct tacit_message *will)
{
    return will == NULL || (tacit_message_is_valid(will) && will->payload.len <= UINT16_MAX);
}

static bool transport_is_complete(const struct tacit_transport *transport)
{
    return transport->open != NULL && transport->sendv != NULL && transport->receive != NULL
           && transport->close != NULL;
}

bool tacit_config_is_valid(const struct tacit_config *config)
{
    return version_is_known(config->version) && limits_are_valid(&config->limits)
           && names_are_valid(config) && will_is_valid(config->will)
           && transport_is_complete(&config->transport) && config->random != NULL;
}
