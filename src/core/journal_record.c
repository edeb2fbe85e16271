/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal_record.h"

#include "codec/subscribe.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "core/delivery.h"
#include "core/record.h"
#include "policy/identity.h"

#include <errno.h>

/* ---- pieces ---- */

/* Versions 1 to `newest` of a layout. */
static struct mqtt_reader begin_of(struct mqtt_span bytes, uint8_t newest, uint8_t *out_version,
                                   int *out_error)
{
    struct mqtt_reader r = mqtt_reader_over(bytes);
    uint8_t version = mqtt_read_u8(&r);

    *out_error = 0;
    if (r.status == MQTT_OK && version > newest)
        *out_error = -EPROTO;
    else if (version == 0)
        *out_error = -EBADMSG;
    *out_version = version;
    return r;
}

static struct mqtt_reader begin(struct mqtt_span bytes, int *out_error)
{
    uint8_t version;

    return begin_of(bytes, JOURNAL_RECORD_VERSION, &version, out_error);
}

static int finish(const struct mqtt_reader *r, int error, bool makes_sense)
{
    if (error != 0)
        return error;
    return mqtt_reader_finish(r) == MQTT_OK && makes_sense ? 0 : -EBADMSG;
}

static void put_time(struct record *record, int64_t time_ms)
{
    record_put_u64(record, (uint64_t)time_ms);
}

static int64_t take_time(struct mqtt_reader *r)
{
    return (int64_t)record_take_u64(r);
}

static bool take_bool(struct mqtt_reader *r)
{
    return mqtt_read_u8(r) != 0;
}

static bool filter_is_valid(struct mqtt_span filter)
{
    struct mqtt_share share = { .filter = filter };

    return filter.len <= UINT16_MAX && mqtt_utf8_is_valid(filter)
           && mqtt_share_parse(filter, &share) >= 0 && mqtt_topic_filter_is_valid(share.filter);
}

/* ---- META ---- */

void journal_meta_write(struct record *record, const struct journal_meta *meta)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    record_put_u64(record, meta->hash_key.low);
    record_put_u64(record, meta->hash_key.high);
}

int journal_meta_read(struct mqtt_span bytes, struct journal_meta *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    out->hash_key.low = record_take_u64(&r);
    out->hash_key.high = record_take_u64(&r);
    return finish(&r, error, true);
}

/* ---- SESSION ---- */

enum session_flag {
    SESSION_PROVED = 1,
    SESSION_RELAXED = 2,
};

void journal_session_write(struct record *record, const struct journal_session *session)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    record_put_span(record, session->client_id);
    record_put_span(record, session->device);
    record_put_span(record, session->tenant);
    record_put_span(record, session->site);
    record_put_span(record, session->role);
    record_put_u8(record, (uint8_t)((session->is_proved ? SESSION_PROVED : 0)
                                    | (session->is_relaxed ? SESSION_RELAXED : 0)));
    record_put_u32(record, session->expiry_s);
    put_time(record, session->expires_ms);
}

int journal_session_read(struct mqtt_span bytes, struct journal_session *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    out->client_id = record_take_span(&r);
    out->device = record_take_span(&r);
    out->tenant = record_take_span(&r);
    out->site = record_take_span(&r);
    out->role = record_take_span(&r);
    uint8_t flags = mqtt_read_u8(&r);
    out->is_proved = (flags & SESSION_PROVED) != 0;
    out->is_relaxed = (flags & SESSION_RELAXED) != 0;
    out->expiry_s = mqtt_read_u32(&r);
    out->expires_ms = take_time(&r);
    return finish(&r, error, out->client_id.len > 0 && out->client_id.len <= UINT16_MAX);
}

/* ---- SUBSCRIPTION ---- */

/* The options as in SUBSCRIBE, MQTT 5.0 section 3.8.3.1. */
void journal_subscription_write(struct record *record,
                                const struct journal_subscription *subscription)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    record_put_u64(record, subscription->session);
    record_put_span(record, subscription->filter);
    record_put_u8(record, (uint8_t)(subscription->qos | (subscription->no_local ? 4u : 0u)
                                    | (subscription->retain_as_published ? 8u : 0u)
                                    | (unsigned)subscription->retain_handling << 4));
    record_put_u32(record, subscription->identifier);
}

int journal_subscription_read(struct mqtt_span bytes, struct journal_subscription *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    out->session = record_take_u64(&r);
    out->filter = record_take_span(&r);
    uint8_t options = mqtt_read_u8(&r);
    out->qos = options & 3;
    out->no_local = (options & 4) != 0;
    out->retain_as_published = (options & 8) != 0;
    out->retain_handling = options >> 4 & 3;
    out->identifier = mqtt_read_u32(&r);
    return finish(&r, error,
                  out->qos <= MQTT_QOS_2 && out->retain_handling <= 2
                      && out->identifier <= MQTT_VARINT_MAX && filter_is_valid(out->filter));
}

/* ---- BODY ---- */

static void put_message(struct record *record, const struct journal_message *message)
{
    record_put_u8(record, message->qos);
    record_put_u8(record, message->retain);
    put_time(record, message->expires_ms);
    record_put_span(record, message->topic);
    record_put_span(record, message->forward);
    record_put_span(record, message->payload);
}

static void take_message(struct mqtt_reader *r, struct journal_message *out)
{
    out->qos = mqtt_read_u8(r);
    out->retain = take_bool(r);
    out->expires_ms = take_time(r);
    out->topic = record_take_span(r);
    out->forward = record_take_span(r);
    out->payload = record_take_span(r);
}

static bool message_makes_sense(const struct journal_message *message)
{
    return message->qos <= MQTT_QOS_2 && message->topic.len <= UINT16_MAX
           && mqtt_topic_name_is_valid(message->topic) && mqtt_utf8_is_valid(message->topic);
}

void journal_message_write(struct record *record, const struct journal_message *message)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    put_message(record, message);
}

int journal_message_read(struct mqtt_span bytes, struct journal_message *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    take_message(&r, out);
    return finish(&r, error, error == 0 && message_makes_sense(out));
}

/* ---- RETAINED ---- */

/* One that nobody pays for is written as ever, so that an older tacitd reads it. */
void journal_retained_write(struct record *record, const struct journal_retained *retained)
{
    if (retained->owner.len == 0 && retained->role.len == 0) {
        journal_message_write(record, &retained->message);
        return;
    }
    record_put_u8(record, JOURNAL_RETAINED_VERSION);
    put_message(record, &retained->message);
    record_put_span(record, retained->owner);
    record_put_span(record, retained->role);
}

int journal_retained_read(struct mqtt_span bytes, struct journal_retained *out)
{
    uint8_t version;
    int error;
    struct mqtt_reader r = begin_of(bytes, JOURNAL_RETAINED_VERSION, &version, &error);

    *out = (struct journal_retained){ 0 };
    take_message(&r, &out->message);
    if (version >= JOURNAL_RETAINED_VERSION) {
        out->owner = record_take_span(&r);
        out->role = record_take_span(&r);
    }
    return finish(&r, error,
                  error == 0 && message_makes_sense(&out->message) && out->owner.len <= UINT16_MAX
                      && out->role.len <= IDENTITY_NAME_BYTES);
}

/* ---- WILL ---- */

void journal_will_write(struct record *record, const struct journal_will *will)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    put_time(record, will->due_ms);
    record_put_u32(record, will->delay_s);
    record_put_u8(record, will->has_expiry);
    record_put_u32(record, will->expiry_s);
    put_message(record, &will->message);
}

int journal_will_read(struct mqtt_span bytes, struct journal_will *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    out->due_ms = take_time(&r);
    out->delay_s = mqtt_read_u32(&r);
    out->has_expiry = take_bool(&r);
    out->expiry_s = mqtt_read_u32(&r);
    take_message(&r, &out->message);
    return finish(&r, error, error == 0 && message_makes_sense(&out->message));
}

/* ---- DELIVERY ---- */

enum delivery_flag {
    FLAG_RETAIN = 1,
    FLAG_SHARED = 2,
};

void journal_delivery_write(struct record *record, const struct journal_delivery *delivery)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    record_put_u64(record, delivery->session);
    record_put_u8(record, delivery->state);
    record_put_u8(record, delivery->qos);
    record_put_u8(record, (uint8_t)((delivery->retain ? FLAG_RETAIN : 0)
                                    | (delivery->is_shared ? FLAG_SHARED : 0)));
    record_put_u16(record, delivery->packet_id);
    record_put_span(record, delivery->identifiers);
}

bool journal_delivery_makes_sense(uint8_t state, uint8_t qos, uint16_t packet_id)
{
    if ((state == DELIVERY_QUEUED) != (packet_id == 0))
        return false;
    switch (state) {
    case DELIVERY_QUEUED: /* the policy may have lowered what waits to QoS 0 */
        return qos <= MQTT_QOS_2;
    case DELIVERY_AWAITS_PUBACK:
        return qos == MQTT_QOS_1;
    case DELIVERY_AWAITS_PUBREC:
    case DELIVERY_AWAITS_PUBCOMP:
        return qos == MQTT_QOS_2;
    default:
        return false;
    }
}

int journal_delivery_read(struct mqtt_span bytes, struct journal_delivery *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    out->session = record_take_u64(&r);
    out->state = mqtt_read_u8(&r);
    out->qos = mqtt_read_u8(&r);
    uint8_t flags = mqtt_read_u8(&r);
    out->retain = (flags & FLAG_RETAIN) != 0;
    out->is_shared = (flags & FLAG_SHARED) != 0;
    out->packet_id = mqtt_read_u16(&r);
    out->identifiers = record_take_span(&r);
    out->identifier_count = (uint32_t)(out->identifiers.len / sizeof(uint32_t));
    return finish(&r, error,
                  journal_delivery_makes_sense(out->state, out->qos, out->packet_id)
                      && out->identifiers.len % sizeof(uint32_t) == 0);
}

/* ---- PARCEL ---- */

void journal_parcel_write(struct record *record, const struct journal_parcel *parcel)
{
    record_put_u8(record, JOURNAL_RECORD_VERSION);
    record_put_u32(record, parcel->shard);
    record_put_u32(record, parcel->shard_count);
    record_put_u8(record, parcel->hops);
    record_put_u8(record, parcel->qos);
    record_put_u8(record, parcel->retain);
    record_put_span(record, parcel->group);
}

int journal_parcel_read(struct mqtt_span bytes, struct journal_parcel *out)
{
    int error;
    struct mqtt_reader r = begin(bytes, &error);

    out->shard = mqtt_read_u32(&r);
    out->shard_count = mqtt_read_u32(&r);
    out->hops = mqtt_read_u8(&r);
    out->qos = mqtt_read_u8(&r);
    out->retain = take_bool(&r);
    out->group = record_take_span(&r);
    return finish(&r, error, out->shard < out->shard_count && out->qos <= MQTT_QOS_2);
}
