/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_wire.h"

#include <string.h>

#define ANSWER_US        1800 /* what the broker takes, and the way there and back */
#define ANSWER_SPREAD_US 400
#define ORIGIN_BITS      16
#define SUBACK_FAILURE   0x80

uint64_t fleet_wire_stream(uint64_t connection, uint32_t origin)
{
    return connection << ORIGIN_BITS | origin;
}

/* The answer's time differs from one connection and moment to the next, yet is no chance: whatever
 * else is said would change it. */
static int64_t answered(const struct fleet_speaker *speaker, int64_t at_us)
{
    return at_us + ANSWER_US
           + (int64_t)((speaker->origin * 131u + (uint64_t)at_us / 64) % ANSWER_SPREAD_US);
}

static struct fleet_row row_of(const struct fleet_speaker *speaker, int64_t at_us,
                               enum fleet_type type)
{
    return (struct fleet_row){ .at_us = at_us,
                               .order = (uint64_t)speaker->origin << 32 | (*speaker->sequence)++,
                               .address = speaker->address,
                               .client_id = speaker->client_id,
                               .stream = speaker->stream,
                               .keepalive_s = FLEET_ABSENT,
                               .connack = FLEET_ABSENT,
                               .qos = FLEET_ABSENT,
                               .type = (uint8_t)type,
                               .attack = speaker->attack };
}

static struct fleet_row answer_of(const struct fleet_speaker *speaker, int64_t at_us,
                                  enum fleet_type type, uint32_t remaining)
{
    struct fleet_row row = row_of(speaker, answered(speaker, at_us), type);

    row.down = true;
    row.remaining = remaining;
    return row;
}

void fleet_wire_connect(const struct fleet_speaker *speaker, int64_t at_us, unsigned keepalive_s,
                        int connack)
{
    struct fleet_row row = row_of(speaker, at_us, FLEET_CONNECT);

    row.keepalive_s = (int32_t)keepalive_s;
    row.remaining = 12 + (uint32_t)strlen(speaker->client_id);
    fleet_sink_put(speaker->sink, &row);
    row = answer_of(speaker, at_us, FLEET_CONNACK, 2);
    row.connack = (int16_t)connack;
    fleet_sink_put(speaker->sink, &row);
}

static void put_topic(struct fleet_row *row, const char *topic)
{
    memcpy(row->topic, topic, strlen(topic) + 1);
}

void fleet_wire_subscribe(const struct fleet_speaker *speaker, int64_t at_us, const char *filter,
                          bool granted)
{
    struct fleet_row row = row_of(speaker, at_us, FLEET_SUBSCRIBE);

    put_topic(&row, filter);
    row.remaining = 5 + (uint32_t)strlen(filter);
    fleet_sink_put(speaker->sink, &row);
    row = answer_of(speaker, at_us, FLEET_SUBACK, 3);
    if (!granted) {
        row.sample[0] = SUBACK_FAILURE;
        row.sample_len = 1;
    }
    fleet_sink_put(speaker->sink, &row);
}

static void put_publish(const struct fleet_speaker *speaker, struct fleet_row *row,
                        const struct fleet_message *message, int qos)
{
    put_topic(row, message->topic);
    row->qos = (int8_t)qos;
    row->remaining = 2 + (uint32_t)strlen(message->topic) + (qos > 0 ? 2 : 0) + message->bytes;
    row->sample_len = message->sample_len;
    memcpy(row->sample, message->sample, message->sample_len);
    fleet_sink_put(speaker->sink, row);
}

void fleet_wire_publish(const struct fleet_speaker *speaker, int64_t at_us,
                        const struct fleet_message *message)
{
    struct fleet_row row = row_of(speaker, at_us, FLEET_PUBLISH);

    put_publish(speaker, &row, message, message->qos);
    if (message->qos > 0) {
        row = answer_of(speaker, at_us, FLEET_PUBACK, 2);
        fleet_sink_put(speaker->sink, &row);
    }
}

void fleet_wire_deliver(const struct fleet_speaker *speaker, int64_t at_us,
                        const struct fleet_message *message)
{
    struct fleet_row row = row_of(speaker, at_us, FLEET_PUBLISH);

    row.down = true;
    put_publish(speaker, &row, message, 0);
}

void fleet_wire_ping(const struct fleet_speaker *speaker, int64_t at_us)
{
    struct fleet_row row = row_of(speaker, at_us, FLEET_PINGREQ);

    fleet_sink_put(speaker->sink, &row);
    row = answer_of(speaker, at_us, FLEET_PINGRESP, 0);
    fleet_sink_put(speaker->sink, &row);
}

void fleet_wire_disconnect(const struct fleet_speaker *speaker, int64_t at_us)
{
    const struct fleet_row row = row_of(speaker, at_us, FLEET_DISCONNECT);

    fleet_sink_put(speaker->sink, &row);
}
