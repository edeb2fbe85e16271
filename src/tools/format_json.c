/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/properties.h"
#include "codec/utf8.h"
#include "tools/format.h"

#include <jansson.h>
#include <stdlib.h>

void format_iso_time(char *out, size_t size, const struct timespec *time)
{
    struct tm tm = { 0 };
    char zone[8] = "";
    (void)localtime_r(&time->tv_sec, &tm);
    size_t len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)strftime(zone, sizeof(zone), "%z", &tm);
    (void)snprintf(out + len, size - len, ".%06ld%s", time->tv_nsec / 1000, zone);
}

/* Bytes that are no text become hex under another name. */
static void set_bytes(json_t *object, const char *name, const char *hex_name,
                      struct tacit_bytes bytes)
{
    if (bytes.len == 0 || mqtt_utf8_is_valid((struct mqtt_span){ bytes.data, bytes.len })) {
        (void)json_object_set_new(object, name,
                                  json_stringn(bytes.len > 0 ? bytes.data : "", bytes.len));
        return;
    }
    char *hex = malloc(bytes.len * 2 + 1);
    const uint8_t *at = bytes.data;
    for (size_t i = 0; hex != NULL && i < bytes.len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", at[i]);
    (void)json_object_set_new(object, hex_name, json_string(hex != NULL ? hex : ""));
    free(hex);
}

static void add_property(json_t *object, const struct tacit_property *property)
{
    json_t *list = NULL;
    switch (property->id) {
    case MQTT_PROP_PAYLOAD_FORMAT:
        (void)json_object_set_new(object, "payload-format-indicator",
                                  json_integer(property->number));
        break;
    case MQTT_PROP_MESSAGE_EXPIRY:
        (void)json_object_set_new(object, "message-expiry-interval",
                                  json_integer(property->number));
        break;
    case MQTT_PROP_CONTENT_TYPE:
        set_bytes(object, "content-type", "content-type", property->value);
        break;
    case MQTT_PROP_RESPONSE_TOPIC:
        set_bytes(object, "response-topic", "response-topic", property->value);
        break;
    case MQTT_PROP_CORRELATION_DATA:
        set_bytes(object, "correlation-data", "correlation-data-hex", property->value);
        break;
    case MQTT_PROP_SUBSCRIPTION_IDENTIFIER:
        list = json_object_get(object, "subscription-identifiers");
        if (list == NULL) {
            (void)json_object_set_new(object, "subscription-identifiers", json_array());
            list = json_object_get(object, "subscription-identifiers");
        }
        (void)json_array_append_new(list, json_integer(property->number));
        break;
    default: /* user properties apart; aliases are the connection's own affair */
        break;
    }
}

/* A list, since a name may come more than once. */
static void add_user_property(json_t *object, const struct tacit_property *property)
{
    json_t *list = json_object_get(object, "user-properties");
    if (list == NULL) {
        (void)json_object_set_new(object, "user-properties", json_array());
        list = json_object_get(object, "user-properties");
    }
    (void)json_array_append_new(
        list, json_pack("{s:s%, s:s%}", "name", property->name.len > 0 ? property->name.data : "",
                        property->name.len, "value",
                        property->value.len > 0 ? property->value.data : "", property->value.len));
}

static json_t *properties_json(struct tacit_bytes block)
{
    json_t *object = json_object();
    struct tacit_property property;
    while (tacit_property_next(&block, &property)) {
        if (property.id == MQTT_PROP_USER_PROPERTY)
            add_user_property(object, &property);
        else
            add_property(object, &property);
    }
    return object;
}

void format_json(FILE *file, const struct format_input *input, bool payload_is_json)
{
    const struct tacit_message *message = input->message;
    char time[64];
    format_iso_time(time, sizeof(time), &input->received);
    json_t *object =
        json_pack("{s:s, s:s%, s:i, s:i, s:I}", "tst", time, "topic", message->topic.data,
                  message->topic.len, "qos", (int)message->qos, "retain", (int)message->retain,
                  "payloadlen", (json_int_t)message->payload.len);
    json_t *payload = NULL;
    if (payload_is_json)
        payload = json_loadb(message->payload.len > 0 ? message->payload.data : "",
                             message->payload.len, JSON_DECODE_ANY, NULL);
    if (payload != NULL)
        (void)json_object_set_new(object, "payload", payload);
    else
        set_bytes(object, "payload", "payload_hex", message->payload);
    json_t *properties = properties_json(message->properties);
    if (json_object_size(properties) > 0)
        (void)json_object_set(object, "properties", properties);
    json_decref(properties);
    (void)json_dumpf(object, file, JSON_COMPACT);
    json_decref(object);
}
