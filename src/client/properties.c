/* SPDX-License-Identifier: Apache-2.0 */
#include "client/properties.h"

#include "client/state.h"
#include "codec/properties.h"
#include "codec/topic.h"
#include "codec/utf8.h"

/* Nothing when the value is zero: absent means so for each of ours. */
static void emit_number(struct mqtt_writer *w, uint8_t id, uint32_t number)
{
    if (number != 0)
        mqtt_property_write_number(w, id, number);
}

/* Nothing when the value is empty. */
static void emit_bytes(struct mqtt_writer *w, uint8_t id, struct tacit_bytes value)
{
    if (value.len == 0)
        return;
    mqtt_write_u8(w, id);
    mqtt_write_binary(w, tacit_span(value));
}

static void emit_pairs(struct mqtt_writer *w, const struct tacit_pair *pairs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        mqtt_write_u8(w, MQTT_PROP_USER_PROPERTY);
        mqtt_write_binary(w, tacit_span(pairs[i].name));
        mqtt_write_binary(w, tacit_span(pairs[i].value));
    }
}

static size_t pairs_bytes(const struct tacit_pair *pairs, unsigned count)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += 5 + pairs[i].name.len + pairs[i].value.len;
    return bytes;
}

static size_t text_bytes(struct tacit_bytes text)
{
    return text.len > 0 ? 3 + text.len : 0;
}

size_t tacit_message_property_bytes(const struct tacit_message *message)
{
    if (!MQTT_SPEAKS_5)
        return 0;
    return (message->payload_is_utf8 ? 2u : 0u) + text_bytes(message->content_type)
           + text_bytes(message->response_topic) + text_bytes(message->correlation)
           + pairs_bytes(message->user_properties, message->user_property_count)
           + (message->has_expiry ? 5u : 0u);
}

void tacit_message_properties(struct mqtt_writer *w, const struct tacit_message *message,
                              uint32_t now_s)
{
    if (!MQTT_SPEAKS_5)
        return;
    uint32_t longest = UINT32_MAX - now_s;
    emit_number(w, MQTT_PROP_PAYLOAD_FORMAT, message->payload_is_utf8);
    emit_bytes(w, MQTT_PROP_CONTENT_TYPE, message->content_type);
    emit_bytes(w, MQTT_PROP_RESPONSE_TOPIC, message->response_topic);
    emit_bytes(w, MQTT_PROP_CORRELATION_DATA, message->correlation);
    emit_pairs(w, message->user_properties, message->user_property_count);
    if (message->has_expiry)
        mqtt_property_write_number(
            w, MQTT_PROP_MESSAGE_EXPIRY,
            now_s + (message->expiry_s < longest ? message->expiry_s : longest));
}

void tacit_will_properties(struct mqtt_writer *w, const struct tacit_config *config)
{
    if (config->will == NULL)
        return;
    tacit_message_properties(w, config->will, 0);
    emit_number(w, MQTT_PROP_WILL_DELAY, config->will_delay_s);
}

void tacit_connect_properties(struct mqtt_writer *w, const struct tacit_config *config,
                              uint16_t aliases_in)
{
    const struct tacit_limits *limits = &config->limits;
    emit_number(w, MQTT_PROP_SESSION_EXPIRY, config->session_expiry_s);
    emit_number(w, MQTT_PROP_RECEIVE_MAXIMUM, tacit_or(limits->inbound_messages, 1));
    emit_number(w, MQTT_PROP_MAXIMUM_PACKET_SIZE,
                tacit_or(limits->maximum_packet_bytes, limits->receive_bytes));
    emit_number(w, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, aliases_in);
    emit_number(w, MQTT_PROP_REQUEST_RESPONSE, config->request_response);
    if (config->greeting != NULL) {
        emit_bytes(w, MQTT_PROP_AUTHENTICATION_METHOD, config->greeting->method);
        emit_bytes(w, MQTT_PROP_AUTHENTICATION_DATA, config->greeting->data);
    }
    emit_pairs(w, config->user_properties, config->user_property_count);
}

size_t tacit_subscribe_property_bytes(const struct tacit_subscription *subscription)
{
    return MQTT_SPEAKS_5
               ? 5 + pairs_bytes(subscription->user_properties, subscription->user_property_count)
               : 0;
}

void tacit_subscribe_properties(struct mqtt_writer *w,
                                const struct tacit_subscription *subscription)
{
    emit_number(w, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, subscription->identifier);
    emit_pairs(w, subscription->user_properties, subscription->user_property_count);
}

static bool text_is_valid(struct tacit_bytes text)
{
    return text.len <= UINT16_MAX && mqtt_utf8_is_valid(tacit_span(text));
}

static bool pairs_are_valid(const struct tacit_pair *pairs, unsigned count)
{
    for (unsigned i = 0; MQTT_SPEAKS_5 && i < count; i++)
        if (!text_is_valid(pairs[i].name) || !text_is_valid(pairs[i].value))
            return false;
    return true;
}

static bool topic_is_valid(struct tacit_bytes topic)
{
    return text_is_valid(topic) && mqtt_topic_name_is_valid(tacit_span(topic));
}

/* Of what only MQTT 5 has. */
static bool properties_are_valid(const struct tacit_message *message)
{
    return (message->response_topic.len == 0 || topic_is_valid(message->response_topic))
           && text_is_valid(message->content_type) && message->correlation.len <= UINT16_MAX
           && pairs_are_valid(message->user_properties, message->user_property_count);
}

bool tacit_message_is_valid(const struct tacit_message *message)
{
    return message->qos <= TACIT_HIGHEST_QOS && message->priority <= TACIT_HIGHEST_PRIORITY
           && topic_is_valid(message->topic) && (!MQTT_SPEAKS_5 || properties_are_valid(message));
}

/* [MQTT-3.8.3-4] no local with a shared subscription is a protocol error. */
static bool share_is_valid(const struct tacit_subscription *subscription)
{
    struct mqtt_share share;
    int shared = mqtt_share_parse(tacit_span(subscription->filter), &share);
    return shared >= 0 && !(shared == 1 && subscription->no_local);
}

bool tacit_subscription_is_valid(const struct tacit_subscription *subscription)
{
    return subscription->qos <= TACIT_HIGHEST_QOS && subscription->retain_handling <= 2
           && subscription->identifier <= MQTT_VARINT_MAX && text_is_valid(subscription->filter)
           && mqtt_topic_filter_is_valid(tacit_span(subscription->filter))
           && (!MQTT_SPEAKS_5 || share_is_valid(subscription))
           && pairs_are_valid(subscription->user_properties, subscription->user_property_count);
}

static bool version_is_known(uint8_t version)
{
    bool is_old = version == MQTT_VERSION_3_1 || version == MQTT_VERSION_3_1_1;
    return version == 0 || (MQTT_SPEAKS_3 && is_old)
           || (MQTT_SPEAKS_5 && version == MQTT_VERSION_5);
}

static bool limits_are_valid(const struct tacit_limits *limits)
{
    return limits->receive_bytes >= 64 && limits->send_bytes >= 64 && limits->queue_bytes >= 64
           && limits->maximum_packet_bytes <= MQTT_VARINT_MAX + 5u;
}

/* Before MQTT 5 a password needs a user name [MQTT-3.1.2-22]. */
static bool names_are_valid(const struct tacit_config *config)
{
    bool is_old = !MQTT_SPEAKS_5 || (config->version != 0 && config->version < MQTT_VERSION_5);
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
