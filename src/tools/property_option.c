/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/property_option.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind { KIND_NONE = 0, KIND_FLAG, KIND_NUMBER, KIND_TEXT, KIND_PAIR };

struct row {
    const char *command;
    const char *name;
    enum kind kind;
    size_t offset;     /* of the value in struct property_options */
    size_t has_offset; /* of the bool that says so; 0: none needed */
    uint32_t maximum;  /* of a number */
};

#define AT(member) offsetof(struct property_options, member)

static const struct row rows[] = {
    { "connect", "user-property", KIND_PAIR, AT(connect_pairs), 0, 0 },
    { "connect", "request-response-information", KIND_FLAG, AT(request_response), 0, 1 },
    { "connect", "session-expiry-interval", KIND_NUMBER, AT(session_expiry_s),
      AT(has_session_expiry), UINT32_MAX },
    { "publish", "user-property", KIND_PAIR, AT(publish.pairs), 0, 0 },
    { "publish", "payload-format-indicator", KIND_FLAG, AT(publish.payload_is_utf8), 0, 1 },
    { "publish", "message-expiry-interval", KIND_NUMBER, AT(publish.expiry_s),
      AT(publish.has_expiry), UINT32_MAX },
    { "publish", "content-type", KIND_TEXT, AT(publish.content_type), 0, 0 },
    { "publish", "response-topic", KIND_TEXT, AT(publish.response_topic), 0, 0 },
    { "publish", "correlation-data", KIND_TEXT, AT(publish.correlation), 0, 0 },
    { "will", "user-property", KIND_PAIR, AT(will.pairs), 0, 0 },
    { "will", "payload-format-indicator", KIND_FLAG, AT(will.payload_is_utf8), 0, 1 },
    { "will", "message-expiry-interval", KIND_NUMBER, AT(will.expiry_s), AT(will.has_expiry),
      UINT32_MAX },
    { "will", "content-type", KIND_TEXT, AT(will.content_type), 0, 0 },
    { "will", "response-topic", KIND_TEXT, AT(will.response_topic), 0, 0 },
    { "will", "correlation-data", KIND_TEXT, AT(will.correlation), 0, 0 },
    { "will", "will-delay-interval", KIND_NUMBER, AT(will_delay_s), 0, UINT32_MAX },
    { "subscribe", "user-property", KIND_PAIR, AT(subscribe_pairs), 0, 0 },
    { "subscribe", "subscription-identifier", KIND_NUMBER, AT(subscription_identifier), 0,
      268435455 },
};

static const struct row *row_find(const char *command, const char *name)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        if (strcasecmp(rows[i].command, command) == 0 && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static struct tacit_bytes bytes_of(const char *text)
{
    return (struct tacit_bytes){ text, text != NULL ? strlen(text) : 0 };
}

static bool add_pair(struct property_pairs *pairs, const char *name, const char *value)
{
    if (pairs->count == PROPERTY_PAIRS_MAX)
        return false;
    pairs->pair[pairs->count++] = (struct tacit_pair){ bytes_of(name), bytes_of(value) };
    return true;
}

static bool take_number(const char *text, uint32_t maximum, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number > maximum)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool take_value(struct property_options *options, const struct row *row, char **value)
{
    char *base = (char *)options;
    void *place = base + row->offset;
    uint32_t number = 0;
    switch (row->kind) {
    case KIND_PAIR:
        return add_pair(place, value[0], value[1]);
    case KIND_TEXT:
        memcpy(place, &value[0], sizeof(value[0]));
        return true;
    case KIND_NUMBER:
    case KIND_FLAG:
        if (!take_number(value[0], row->maximum, &number))
            return false;
        if (row->kind == KIND_FLAG)
            *(bool *)place = number == 1;
        else
            memcpy(place, &number, sizeof(number));
        if (row->has_offset != 0)
            *(bool *)(void *)(base + row->has_offset) = true;
        return true;
    case KIND_NONE:
        break;
    }
    return false;
}

int property_option_parse(struct property_options *options, int argc, char **argv,
                          const char **out_error)
{
    *out_error = argc > 0 ? argv[argc < 2 ? 0 : 1] : "";
    const struct row *row = argc < 3 ? NULL : row_find(argv[0], argv[1]);
    if (row == NULL)
        return 0;
    int taken = row->kind == KIND_PAIR ? 4 : 3;
    if (argc < taken)
        return 0;
    *out_error = argv[2];
    return take_value(options, row, argv + 2) ? taken : 0;
}

void property_option_apply(const struct property_message *properties, struct tacit_message *message)
{
    message->payload_is_utf8 = properties->payload_is_utf8;
    message->has_expiry = properties->has_expiry;
    message->expiry_s = properties->expiry_s;
    message->content_type = bytes_of(properties->content_type);
    message->response_topic = bytes_of(properties->response_topic);
    message->correlation = bytes_of(properties->correlation);
    message->user_properties = properties->pairs.pair;
    message->user_property_count = properties->pairs.count;
}
