/* SPDX-License-Identifier: Apache-2.0 */
#include "client/properties.h"

#include "client/characters.h"
#include "client/state.h"
#include "codec/properties.h"
#include "codec/reader.h"
#include "codec/topic.h"

void tacit_put_property(struct tacit_sink *sink, uint8_t id, uint32_t number, unsigned bytes)
{
    if (number == 0)
        return;
    tacit_put_number(sink, id, 1);
    tacit_put_number(sink, number, bytes);
}

/* Nothing when the value is empty. */
static void put_text(struct tacit_sink *sink, uint8_t id, const struct tacit_bytes *value)
{
    if (value->len == 0)
        return;
    tacit_put_number(sink, id, 1);
    tacit_put_string(sink, value);
}

static void put_pairs(struct tacit_sink *sink, const struct tacit_pair *pairs, unsigned count)
{
    for (; count > 0; count--, pairs++) {
        tacit_put_number(sink, MQTT_PROP_USER_PROPERTY, 1);
        tacit_put_string(sink, &pairs->name);
        tacit_put_string(sink, &pairs->value);
    }
}

void tacit_message_properties(struct tacit_sink *sink, const struct tacit_message *message,
                              uint32_t now_s)
{
    tacit_put_property(sink, MQTT_PROP_PAYLOAD_FORMAT, message->payload_is_utf8, 1);
    put_text(sink, MQTT_PROP_CONTENT_TYPE, &message->content_type);
    put_text(sink, MQTT_PROP_RESPONSE_TOPIC, &message->response_topic);
    put_text(sink, MQTT_PROP_CORRELATION_DATA, &message->correlation);
    put_pairs(sink, message->user_properties, message->user_property_count);
    if (!message->has_expiry)
        return;
    tacit_put_number(sink, MQTT_PROP_MESSAGE_EXPIRY, 1);
    tacit_put_number(sink, tacit_sum(now_s, message->expiry_s), 4);
}

void tacit_connect_properties(struct tacit_sink *sink, const struct tacit_config *config,
                              uint16_t aliases_in)
{
    const struct tacit_limits *limits = &config->limits;
    tacit_put_property(sink, MQTT_PROP_SESSION_EXPIRY, config->session_expiry_s, 4);
    tacit_put_property(sink, MQTT_PROP_RECEIVE_MAXIMUM, tacit_or(limits->inbound_messages, 1), 2);
    tacit_put_property(sink, MQTT_PROP_MAXIMUM_PACKET_SIZE, tacit_longest_packet(limits), 4);
    tacit_put_property(sink, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, aliases_in, 2);
    tacit_put_property(sink, MQTT_PROP_REQUEST_RESPONSE, config->request_response, 1);
    if (tacit_greeting(config) != NULL) {
        put_text(sink, MQTT_PROP_AUTHENTICATION_METHOD, &config->greeting->method);
        put_text(sink, MQTT_PROP_AUTHENTICATION_DATA, &config->greeting->data);
    }
    put_pairs(sink, config->user_properties, config->user_property_count);
}

void tacit_subscribe_properties(struct tacit_sink *sink,
                                const struct tacit_subscription *subscription)
{
    if (subscription->identifier != 0) {
        tacit_put_number(sink, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, 1);
        tacit_put_varint(sink, subscription->identifier);
    }
    put_pairs(sink, subscription->user_properties, subscription->user_property_count);
}

static bool text_is_valid(const struct tacit_bytes *text)
{
    return text->len <= UINT16_MAX && tacit_is_text(text->data, text->len);
}

static bool pairs_are_valid(const struct tacit_pair *pairs, unsigned count)
{
    for (; MQTT_SPEAKS_5 && count > 0; count--, pairs++)
        if (!text_is_valid(&pairs->name) || !text_is_valid(&pairs->value))
            return false;
    return true;
}

static bool topic_is_valid(const struct tacit_bytes *topic)
{
    return topic->len <= UINT16_MAX && tacit_is_topic(topic->data, topic->len);
}

/* Of what only MQTT 5 has. */
static bool properties_are_valid(const struct tacit_message *message)
{
    return (message->response_topic.len == 0 || topic_is_valid(&message->response_topic))
           && text_is_valid(&message->content_type) && message->correlation.len <= UINT16_MAX
           && pairs_are_valid(message->user_properties, message->user_property_count);
}

bool tacit_message_is_valid(const struct tacit_message *message)
{
    return message->qos <= TACIT_HIGHEST_QOS && message->priority <= TACIT_HIGHEST_PRIORITY
           && topic_is_valid(&message->topic) && (!MQTT_SPEAKS_5 || properties_are_valid(message));
}

/* Of a filter that is valid as one: "$share/", a name without wildcards, "/" and a filter
 * [MQTT-4.8.2-1] [MQTT-4.8.2-2]; no local with it is a protocol error [MQTT-3.8.3-4]. */
static bool share_is_valid(const struct tacit_subscription *subscription)
{
    static const char prefix[] = { '$', 's', 'h', 'a', 'r', 'e', '/' };
    const uint8_t *at = subscription->filter.data;
    const uint8_t *end = at + subscription->filter.len;
    if (subscription->filter.len < sizeof(prefix) || memcmp(at, prefix, sizeof(prefix)) != 0)
        return true;
    const uint8_t *name = at + sizeof(prefix);
    for (at = name; at < end && *at != '/'; at++)
        if (*at == '+' || *at == '#')
            return false;
    return !subscription->no_local && at > name && end - at > 1;
}

bool tacit_subscription_is_valid(const struct tacit_subscription *subscription)
{
    return subscription->qos <= TACIT_HIGHEST_QOS && subscription->retain_handling <= 2
           && subscription->identifier <= MQTT_VARINT_MAX && text_is_valid(&subscription->filter)
           && mqtt_topic_filter_is_valid(tacit_span(subscription->filter))
           && (!MQTT_SPEAKS_5 || share_is_valid(subscription))
           && pairs_are_valid(subscription->user_properties, subscription->user_property_count);
}

/* A bit for each, 0 among them. */
#define VERSIONS                                          \
    (1u | (MQTT_SPEAKS_3_1 ? 1u << MQTT_VERSION_3_1 : 0u) \
     | (MQTT_SPEAKS_3 ? 1u << MQTT_VERSION_3_1_1 : 0u)    \
     | (MQTT_SPEAKS_5 ? 1u << MQTT_VERSION_5 : 0u))

static bool version_is_known(uint8_t version)
{
    return version <= MQTT_VERSION_5 && (VERSIONS >> version & 1) != 0;
}

static bool limits_are_valid(const struct tacit_limits *limits)
{
    return limits->receive_bytes >= 64 && limits->send_bytes >= 60 && limits->queue_bytes >= 64
           && limits->maximum_packet_bytes <= MQTT_VARINT_MAX + 5u;
}

/* Before MQTT 5 a password needs a user name [MQTT-3.1.2-22]. */
static bool names_are_valid(const struct tacit_config *config)
{
    bool is_old = !MQTT_SPEAKS_5 || (config->version != 0 && config->version < MQTT_VERSION_5);
    bool has_password_alone = config->password.data != NULL && config->user_name.data == NULL;
    return text_is_valid(&config->client_id) && text_is_valid(&config->user_name)
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

/* What this build does not have is refused rather than left out without a word. */
static bool parts_are_there(const struct tacit_config *config)
{
    return version_is_known(config->version) && (TACIT_WILLS || config->will == NULL)
           && (TACIT_GREETINGS || config->greeting == NULL)
           && (TACIT_MANUAL || !config->manual_acknowledgement);
}

bool tacit_config_is_valid(const struct tacit_config *config)
{
    return parts_are_there(config)
           && (!TACIT_CHECKS
               || (limits_are_valid(&config->limits) && names_are_valid(config)
                   && will_is_valid(config->will) && transport_is_complete(&config->transport)
                   && config->random != NULL));
}
