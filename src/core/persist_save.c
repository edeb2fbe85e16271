/* SPDX-License-Identifier: Apache-2.0 */
#include "core/client.h"
#include "core/message.h"
#include "core/persist.h"
#include "core/persist_format.h"
#include "core/record.h"
#include "core/session.h"
#include "core/shared_state.h"
#include "core/state.h"
#include "core/subscription.h"

#include <errno.h>

struct saving {
    struct record record;
    uint64_t now_ms;
    persist_write write;
    void *context;
    int error;
};

static uint64_t left_ms(uint64_t due_ms, uint64_t now_ms)
{
    if (due_ms == WHEEL_NEVER)
        return WHEEL_NEVER;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

static void put_message(struct record *r, const struct publication *p, uint64_t now_ms)
{
    record_put_u8(r, (uint8_t)p->qos);
    record_put_u8(r, p->retain);
    record_put_u64(r, left_ms(p->expires_ms, now_ms));
    record_put_span(r, p->topic);
    record_put_span(r, p->forward);
    record_put_span(r, p->payload);
}

static void put_identity(struct record *r, const struct identity *identity)
{
    record_put_span(r, span_of(identity->device));
    record_put_span(r, span_of(identity->tenant));
    record_put_span(r, span_of(identity->site));
    record_put_span(r, span_of(identity->role));
    record_put_u8(r, identity->proved);
}

static void put_received(void *context, uint16_t id)
{
    record_put_u16(context, id);
}

static void put_subscriptions(struct record *r, const struct session *session)
{
    record_put_u32(r, session->subscription_count);
    list_for_each (link, &session->subscriptions) {
        const struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);

        record_put_span(r, subscription_filter(s));
        record_put_u8(r, (uint8_t)((unsigned)s->qos | (s->no_local ? 4u : 0u)
                                   | (s->retain_as_published ? 8u : 0u)
                                   | (unsigned)s->retain_handling << 4));
        record_put_u32(r, s->identifiers != NULL ? s->identifiers->values[0] : 0);
    }
}

static void put_will(struct record *r, const struct session *session, uint64_t now_ms)
{
    const struct will *will = session->will;

    record_put_u8(r, will != NULL);
    if (will == NULL)
        return;
    const struct publication p = message_publication(will->message);
    record_put_u64(r, wheel_is_armed(&will->timer) ? left_ms(will->timer.due_ms, now_ms)
                                                   : (uint64_t)will->delay_s * 1000);
    record_put_u8(r, will->has_expiry);
    record_put_u32(r, will->expiry_s);
    put_message(r, &p, now_ms);
}

static void put_delivery(struct record *r, const struct delivery *d, uint64_t now_ms)
{
    uint32_t count = d->identifiers != NULL ? d->identifiers->count : 0;

    record_put_u8(r, d->state);
    record_put_u8(r, (uint8_t)((d->retain ? PERSIST_RETAIN : 0) | (d->shared ? PERSIST_SHARED : 0)
                               | (d->sent ? PERSIST_SENT : 0)));
    record_put_u8(r, d->qos);
    record_put_u16(r, d->packet_id);
    record_put_u32(r, count);
    for (uint32_t i = 0; i < count; i++)
        record_put_u32(r, d->identifiers->values[i]);
    record_put_u8(r, d->message != NULL);
    if (d->message == NULL)
        return;
    const struct publication p = message_publication(d->message);
    put_message(r, &p, now_ms);
}

static void put_deliveries(struct record *r, const struct outgoing *outgoing, uint64_t now_ms)
{
    record_put_u32(r, outgoing->inflight_count + outgoing->queued_count);
    list_for_each (link, &outgoing->inflight)
        put_delivery(r, MQTT_CONTAINER_OF(link, struct delivery, link), now_ms);
    list_for_each (link, &outgoing->queue)
        put_delivery(r, MQTT_CONTAINER_OF(link, struct delivery, link), now_ms);
}

static uint64_t expiry_left_ms(const struct session *session, uint64_t now_ms)
{
    if (session->expiry_s == SESSION_NEVER_EXPIRES)
        return WHEEL_NEVER;
    return wheel_is_armed(&session->expiry) ? left_ms(session->expiry.due_ms, now_ms)
                                            : (uint64_t)session->expiry_s * 1000;
}

static void put_session(struct record *r, const struct session *session, uint64_t now_ms)
{
    record_put_u8(r, PERSIST_SESSION);
    record_put_u8(r, PERSIST_VERSION);
    record_put_span(r, session_client_id(session));
    put_identity(r, session->identity);
    record_put_u32(r, session->expiry_s);
    record_put_u64(r, expiry_left_ms(session, now_ms));
    record_put_u16(r, session->outgoing.last_packet_id);
    record_put_u32(r, session->received.count);
    packet_ids_each(&session->received, put_received, r);
    put_subscriptions(r, session);
    put_will(r, session, now_ms);
    put_deliveries(r, &session->outgoing, now_ms);
}

static void flush(struct saving *saving)
{
    if (saving->error != 0)
        return;
    saving->error = saving->record.failed
                        ? -ENOMEM
                        : saving->write(saving->context, (struct mqtt_span){ saving->record.bytes,
                                                                             saving->record.len });
    record_reset(&saving->record);
}

static void save_session(struct bytes_node *node, void *context)
{
    struct saving *saving = context;
    const struct session *session = MQTT_CONTAINER_OF(node, struct session, by_client_id);

    if (session->expiry_s == 0 || saving->error != 0)
        return;
    put_session(&saving->record, session, saving->now_ms);
    flush(saving);
}

int broker_save(struct broker *broker, uint64_t now_ms, persist_write write, void *context)
{
    struct saving saving = { .now_ms = now_ms, .write = write, .context = context };

    bytes_map_each(&broker->sessions, save_session, &saving);
    record_fini(&saving.record);
    return saving.error;
}

static bool save_retained(void *context, struct mqtt_span topic, void *value)
{
    struct saving *saving = context;
    const struct publication p = retained_publication(value);

    /* $SYS is made anew; what expired stays behind. */
    if (span_starts_with(topic, span_of("$SYS/")) || p.expires_ms <= saving->now_ms)
        return true;
    record_put_u8(&saving->record, PERSIST_RETAINED);
    record_put_u8(&saving->record, PERSIST_VERSION);
    put_message(&saving->record, &p, saving->now_ms);
    flush(saving);
    return saving->error == 0;
}

int shared_save(struct shared *shared, uint64_t now_ms, persist_write write, void *context)
{
    struct saving saving = { .now_ms = now_ms, .write = write, .context = context };

    shared_enter(shared);
    retained_tree_each(shared->retained, save_retained, &saving);
    shared_exit(shared);
    record_fini(&saving.record);
    return saving.error;
}
