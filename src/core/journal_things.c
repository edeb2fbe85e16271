/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing that is kept, written into the frame that is being made: contract in journal.h. */
#include "core/client.h"
#include "core/delivery.h"
#include "core/journal.h"
#include "core/journal_record.h"
#include "core/message.h"
#include "core/packet_ids.h"
#include "core/session.h"
#include "core/state.h"
#include "core/subscription.h"

/* ---- operations ---- */

size_t journal_begin_put(struct record *frame, uint64_t key, uint64_t body)
{
    uint8_t *at = record_reserve(frame, JOURNAL_PUT_BYTES);

    if (at != NULL)
        journal_put_head(at, key, body, 0);
    return frame->len;
}

/* The length stands right before the bytes of the thing. */
void journal_end_put(struct record *frame, size_t begin)
{
    uint32_t len = (uint32_t)(frame->len - begin);

    if (!frame->failed)
        memcpy(frame->bytes + begin - sizeof(len), &len, sizeof(len));
}

void journal_put_drop(struct record *frame, uint64_t key)
{
    uint8_t *at = record_reserve(frame, JOURNAL_DROP_BYTES);

    if (at != NULL)
        journal_drop(at, key);
}

static uint64_t next_number(struct broker *broker)
{
    return ++broker->journal.serial << JOURNAL_SHARD_BITS | broker->options.shard;
}

static bool is_kept(const struct session *session)
{
    return session->number != 0 && session->broker->journal.is_on;
}

/* ---- sessions ---- */

static void put_session(struct session *session)
{
    struct broker *broker = session->broker;
    struct record *frame = &broker->journal.frame;
    const struct identity *identity = session->identity;
    struct journal_session record = {
        .client_id = session_client_id(session),
        .device = span_of(identity->device),
        .tenant = span_of(identity->tenant),
        .site = span_of(identity->site),
        .role = span_of(identity->role),
        .is_proved = identity->proved,
        .is_relaxed = session->is_relaxed,
        .expiry_s = session->expiry_s,
        .expires_ms = JOURNAL_NOT_RUNNING,
    };

    if (wheel_is_armed(&session->expiry))
        record.expires_ms = journal_wall_ms(broker, session->expiry.due_ms);
    else if (session->expiry_s == SESSION_NEVER_EXPIRES)
        record.expires_ms = JOURNAL_NEVER;
    size_t begin = journal_begin_put(frame, journal_key(JOURNAL_SESSION, session->number), 0);
    journal_session_write(frame, &record);
    journal_end_put(frame, begin);
}

struct received {
    const struct session *session;
    bool is_kept;
};

static void visit_received(void *context, uint16_t packet_id)
{
    const struct received *received = context;

    if (received->is_kept)
        journal_received(received->session, packet_id);
    else
        journal_forget_received(received->session, packet_id);
}

static void put_belongings(struct session *session)
{
    struct received received = { session, true };

    list_for_each (link, &session->subscriptions)
        journal_subscription(MQTT_CONTAINER_OF(link, struct subscription, in_session));
    list_for_each (link, &session->outgoing.inflight)
        journal_delivery(session, MQTT_CONTAINER_OF(link, struct delivery, link));
    list_for_each (link, &session->outgoing.queue)
        journal_delivery(session, MQTT_CONTAINER_OF(link, struct delivery, link));
    packet_ids_each(&session->received, visit_received, &received);
    journal_will(session);
}

void journal_session(struct session *session)
{
    struct journal *journal = &session->broker->journal;
    bool is_new = session->number == 0;

    if (!journal->is_on)
        return;
    if (is_new)
        session->number =
            ++journal->session_serial << JOURNAL_SHARD_BITS | session->broker->options.shard;
    put_session(session);
    if (is_new)
        put_belongings(session);
}

void journal_forget_session(struct session *session)
{
    struct broker *broker = session->broker;
    struct received received = { session, false };

    if (!is_kept(session))
        return;
    list_for_each (link, &session->subscriptions)
        journal_forget_subscription(MQTT_CONTAINER_OF(link, struct subscription, in_session));
    list_for_each (link, &session->outgoing.inflight)
        journal_forget_delivery(broker, MQTT_CONTAINER_OF(link, struct delivery, link));
    list_for_each (link, &session->outgoing.queue)
        journal_forget_delivery(broker, MQTT_CONTAINER_OF(link, struct delivery, link));
    packet_ids_each(&session->received, visit_received, &received);
    journal_forget_will(session);
    journal_put_drop(&broker->journal.frame, journal_key(JOURNAL_SESSION, session->number));
    session->number = 0;
}

/* ---- subscriptions ---- */

void journal_subscription(struct subscription *s)
{
    struct session *session = s->session;
    struct record *frame = &session->broker->journal.frame;

    if (!is_kept(session))
        return;
    if (s->number == 0) {
        s->number = next_number(session->broker);
        subscription_is_kept(s, true);
    }
    const struct journal_subscription record = {
        .session = session->number,
        .filter = subscription_filter(s),
        .qos = (uint8_t)s->qos,
        .no_local = s->no_local,
        .retain_as_published = s->retain_as_published,
        .retain_handling = s->retain_handling,
        .identifier = s->identifiers != NULL ? s->identifiers->values[0] : 0,
    };
    size_t begin = journal_begin_put(frame, journal_key(JOURNAL_SUBSCRIPTION, s->number), 0);
    journal_subscription_write(frame, &record);
    journal_end_put(frame, begin);
}

void journal_forget_subscription(struct subscription *s)
{
    struct broker *broker = s->session->broker;

    if (s->number == 0)
        return;
    subscription_is_kept(s, false);
    if (broker->journal.is_on)
        journal_put_drop(&broker->journal.frame, journal_key(JOURNAL_SUBSCRIPTION, s->number));
    s->number = 0;
}

/* ---- wills ---- */

static int64_t expiry_wall_ms(const struct broker *broker, uint64_t expires_ms)
{
    return expires_ms == WHEEL_NEVER ? JOURNAL_NEVER : journal_wall_ms(broker, expires_ms);
}

static struct journal_message describe(const struct broker *broker, const struct message *message)
{
    return (struct journal_message){
        .qos = (uint8_t)message->qos,
        .retain = message->retain,
        .expires_ms = expiry_wall_ms(broker, message->expires_ms),
        .topic = message_topic(message),
        .forward = message_forward(message),
        .payload = message_payload(message),
    };
}

void journal_will(const struct session *session)
{
    const struct will *will = session->will;
    struct broker *broker = session->broker;
    struct record *frame = &broker->journal.frame;

    if (!is_kept(session) || will == NULL)
        return;
    const struct journal_will record = {
        .message = describe(broker, will->message),
        .due_ms = wheel_is_armed(&will->timer) ? journal_wall_ms(broker, will->timer.due_ms)
                                               : JOURNAL_NOT_RUNNING,
        .delay_s = will->delay_s,
        .has_expiry = will->has_expiry,
        .expiry_s = will->expiry_s,
    };
    size_t begin = journal_begin_put(frame, journal_key(JOURNAL_WILL, session->number), 0);
    journal_will_write(frame, &record);
    journal_end_put(frame, begin);
}

void journal_forget_will(const struct session *session)
{
    if (is_kept(session) && session->will != NULL)
        journal_put_drop(&session->broker->journal.frame,
                         journal_key(JOURNAL_WILL, session->number));
}

/* ---- QoS 2, taken over ---- */

static uint64_t received_key(const struct session *session, uint16_t packet_id)
{
    return journal_key(JOURNAL_RECEIVED, session->number << 16 | packet_id);
}

void journal_received(const struct session *session, uint16_t packet_id)
{
    struct record *frame = &session->broker->journal.frame;

    if (!is_kept(session))
        return;
    size_t begin = journal_begin_put(frame, received_key(session, packet_id), 0);
    record_put_u8(frame, JOURNAL_RECORD_VERSION);
    journal_end_put(frame, begin);
}

void journal_forget_received(const struct session *session, uint16_t packet_id)
{
    if (is_kept(session))
        journal_put_drop(&session->broker->journal.frame, received_key(session, packet_id));
}

/* ---- messages and who needs them ---- */

uint64_t journal_message(struct broker *broker, struct message *message)
{
    struct record *frame = &broker->journal.frame;

    if (message->number == 0) {
        const struct journal_message record = describe(broker, message);

        message->number = next_number(broker);
        size_t begin = journal_begin_put(frame, journal_key(JOURNAL_BODY, message->number), 0);
        journal_message_write(frame, &record);
        journal_end_put(frame, begin);
    }
    return journal_key(JOURNAL_BODY, message->number);
}

void journal_settle_message(struct message *message)
{
    if (message != NULL && message->needed == 0)
        message->number = 0;
}

/* A delivery that is kept has its message counted once, from the first time it is written. */
void journal_delivery(struct session *session, struct delivery *d)
{
    struct broker *broker = session->broker;
    struct record *frame = &broker->journal.frame;
    uint64_t body = 0;

    if (!is_kept(session))
        return;
    if (d->message != NULL)
        body = journal_message(broker, d->message);
    if (d->number == 0) {
        d->number = next_number(broker);
        if (d->message != NULL)
            d->message->needed++;
    }
    const struct identifiers *identifiers = d->identifiers;
    const struct journal_delivery record = {
        .session = session->number,
        .state = d->state,
        .qos = d->qos,
        .retain = d->retain,
        .is_shared = d->shared,
        .packet_id = d->packet_id,
        .identifiers = { identifiers != NULL ? (const uint8_t *)identifiers->values : NULL,
                         identifiers != NULL ? identifiers->count * sizeof(uint32_t) : 0 },
    };
    size_t begin = journal_begin_put(frame, journal_key(JOURNAL_DELIVERY, d->number), body);
    journal_delivery_write(frame, &record);
    journal_end_put(frame, begin);
}

void journal_release_message(struct delivery *d)
{
    if (d->number == 0 || d->message == NULL)
        return;
    d->message->needed--;
    journal_settle_message(d->message);
}

void journal_forget_delivery(struct broker *broker, struct delivery *d)
{
    if (d->number == 0)
        return;
    journal_release_message(d);
    if (broker->journal.is_on)
        journal_put_drop(&broker->journal.frame, journal_key(JOURNAL_DELIVERY, d->number));
    d->number = 0;
}

/* ---- parcels ---- */

uint64_t journal_parcel(struct broker *broker, const struct journal_parcel *parcel,
                        uint64_t message_key)
{
    struct record *frame = &broker->journal.frame;
    uint64_t number = next_number(broker);

    size_t begin = journal_begin_put(frame, journal_key(JOURNAL_PARCEL, number), message_key);
    journal_parcel_write(frame, parcel);
    journal_end_put(frame, begin);
    return number;
}

void journal_forget_parcel(struct broker *broker, uint64_t number)
{
    if (number != 0 && broker->journal.is_on)
        journal_put_drop(&broker->journal.frame, journal_key(JOURNAL_PARCEL, number));
}
