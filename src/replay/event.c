/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/event.h"

#include "replay/number.h"
#include "sense/value.h"

#include <string.h>

static const struct {
    const char *name;
    enum replay_column column;
} names[] = {
    { "t_epoch", REPLAY_TIME },
    { "timestamp", REPLAY_TIMESTAMP },
    { "client_ip", REPLAY_ADDRESS },
    { "ip", REPLAY_ADDRESS },
    { "tcp_stream", REPLAY_STREAM },
    { "client_id", REPLAY_CLIENT },
    { "device", REPLAY_CLIENT },
    { "topic", REPLAY_TOPIC },
    { "run", REPLAY_RUN },
    { "dir", REPLAY_DIRECTION },
    { "mqtt_type", REPLAY_TYPE },
    { "remaining_len", REPLAY_LENGTH },
    { "qos", REPLAY_QOS },
    { "retained", REPLAY_RETAINED },
    { "keepalive", REPLAY_KEEPALIVE },
    { "connack_rc", REPLAY_ANSWER },
    { "payload_hex", REPLAY_PAYLOAD },
    { "value", REPLAY_VALUE },
};

#define SUBACK 9u

struct rest {
    uint8_t *at;
    uint8_t *end;
    bool is_over;
};

/* A field in quotes, which are taken out where they stand. false: it does not end. */
static bool take_quoted(struct rest *rest, struct mqtt_span *out)
{
    uint8_t *to = ++rest->at;

    *out = (struct mqtt_span){ to, 0 };
    while (rest->at < rest->end) {
        if (*rest->at != '"') {
            *to++ = *rest->at++;
            continue;
        }
        if (rest->at + 1 == rest->end || rest->at[1] != '"')
            break;
        *to++ = '"';
        rest->at += 2;
    }
    if (rest->at == rest->end)
        return false;
    rest->at++;
    out->len = (size_t)(to - out->data);
    return rest->at == rest->end || *rest->at == ',';
}

static bool take_field(struct rest *rest, struct mqtt_span *out)
{
    if (rest->at < rest->end && *rest->at == '"') {
        if (!take_quoted(rest, out))
            return false;
    } else {
        uint8_t *comma =
            rest->at < rest->end ? memchr(rest->at, ',', (size_t)(rest->end - rest->at)) : NULL;
        uint8_t *stop = comma != NULL ? comma : rest->end;
        *out = (struct mqtt_span){ rest->at, (size_t)(stop - rest->at) };
        rest->at = stop;
    }
    rest->is_over = rest->at == rest->end;
    if (!rest->is_over)
        rest->at++;
    return true;
}

static enum replay_column column_of(struct mqtt_span name)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++)
        if (span_equal(name, span_of(names[i].name)))
            return names[i].column;
    return REPLAY_OTHER;
}

static bool has(const struct replay_header *header, enum replay_column column)
{
    return memchr(header->columns, (int)column, header->count) != NULL;
}

const char *replay_header_parse(uint8_t *line, size_t len, struct replay_header *out)
{
    struct rest rest = { line, len > 0 ? line + len : line, false };
    struct replay_header header = { .count = 0 };
    struct mqtt_span field;

    while (!rest.is_over) {
        if (!take_field(&rest, &field))
            return "a quoted name does not end";
        if (header.count == REPLAY_COLUMNS_MOST)
            return "too many columns";
        header.columns[header.count++] = (uint8_t)column_of(field);
    }
    if (!has(&header, REPLAY_TIME) && !has(&header, REPLAY_TIMESTAMP))
        return "no column t_epoch or timestamp";
    if (!has(&header, REPLAY_CLIENT) && !has(&header, REPLAY_ADDRESS))
        return "no column that says who it is";
    *out = header;
    return NULL;
}

/* An empty field, or a number. */
static bool take_number(struct mqtt_span field, uint32_t most, uint32_t *out)
{
    *out = 0;
    return field.len == 0 || number_parse(field, most, out);
}

static const char *read_time(const struct mqtt_span *fields, struct replay_event *event)
{
    if (fields[REPLAY_TIME].len > 0)
        return number_parse_epoch(fields[REPLAY_TIME], &event->time_ms) ? NULL
                                                                        : "t_epoch is no time";
    return number_parse_date(fields[REPLAY_TIMESTAMP], &event->time_ms) ? NULL
                                                                        : "timestamp is no time";
}

static const char *read_type(struct mqtt_span field, struct replay_event *event)
{
    uint32_t type = 3;

    if (field.len > 0 && (!number_parse(field, 15, &type) || type == 0))
        return "mqtt_type is none of 1 to 15";
    event->type = (uint8_t)type;
    return NULL;
}

static const char *read_direction(struct mqtt_span field, struct replay_event *event)
{
    event->is_up = field.len == 0 || span_equal(field, span_of("up"));
    return event->is_up || span_equal(field, span_of("down")) ? NULL : "dir is neither up nor down";
}

static const char *read_numbers(const struct mqtt_span *fields, struct replay_event *event)
{
    uint32_t qos;
    uint32_t retained;
    uint32_t keepalive;
    uint32_t answer;

    if (!take_number(fields[REPLAY_LENGTH], 268435455u, &event->length))
        return "remaining_len is no length";
    if (!take_number(fields[REPLAY_QOS], 3, &qos))
        return "qos is none of 0 to 3";
    if (!take_number(fields[REPLAY_RETAINED], 1, &retained))
        return "retained is neither 0 nor 1";
    if (!take_number(fields[REPLAY_KEEPALIVE], UINT16_MAX, &keepalive))
        return "keepalive is none of 0 to 65535";
    if (!take_number(fields[REPLAY_ANSWER], UINT8_MAX, &answer))
        return "connack_rc is none of 0 to 255";
    event->qos = (uint8_t)qos;
    event->is_retained = retained != 0;
    event->keepalive_s = (uint16_t)keepalive;
    event->answer = (uint8_t)answer;
    return NULL;
}

/* Reason codes from 0x80 on, two digits each. */
static uint8_t count_refused(struct mqtt_span codes)
{
    unsigned count = 0;

    for (size_t i = 0; i + 1 < codes.len; i += 2)
        count += (codes.data[i] >= '8' && codes.data[i] <= '9')
                 || ((codes.data[i] | 0x20) >= 'a' && (codes.data[i] | 0x20) <= 'f');
    return count < UINT8_MAX ? (uint8_t)count : UINT8_MAX;
}

static const char *read_fields(const struct mqtt_span *fields, struct replay_event *event)
{
    const char *wrong = read_time(fields, event);

    if (wrong == NULL)
        wrong = read_type(fields[REPLAY_TYPE], event);
    if (wrong == NULL)
        wrong = read_direction(fields[REPLAY_DIRECTION], event);
    if (wrong == NULL)
        wrong = read_numbers(fields, event);
    event->address = fields[REPLAY_ADDRESS];
    event->stream = fields[REPLAY_STREAM];
    event->client = fields[REPLAY_CLIENT];
    event->topic = fields[REPLAY_TOPIC];
    event->run = fields[REPLAY_RUN];
    event->refused = 0;
    if (event->type == SUBACK && !event->is_up)
        event->refused = count_refused(fields[REPLAY_PAYLOAD]);
    event->has_value = sense_value_take(fields[REPLAY_VALUE], &event->value)
                       || number_parse_hex(fields[REPLAY_PAYLOAD], &event->value);
    return wrong;
}

const char *replay_event_parse(const struct replay_header *header, uint8_t *line, size_t len,
                               struct replay_event *out)
{
    struct mqtt_span fields[REPLAY_COLUMNS] = { 0 };
    struct rest rest = { line, len > 0 ? line + len : line, false };
    struct replay_event event = { .time_ms = 0 };
    struct mqtt_span field;
    unsigned count = 0;

    while (!rest.is_over) {
        if (!take_field(&rest, &field))
            return "a quoted field does not end";
        if (count == header->count)
            return "more fields than columns";
        /* Of columns with two names the first that is filled counts. */
        struct mqtt_span *place = &fields[header->columns[count++]];
        if (place->len == 0)
            *place = field;
    }
    if (count != header->count)
        return "fewer fields than columns";
    const char *wrong = read_fields(fields, &event);
    if (wrong == NULL)
        *out = event;
    return wrong;
}
