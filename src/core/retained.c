/* SPDX-License-Identifier: Apache-2.0 */
/* Retained messages: contract in shared.h. */
#include "core/allowance.h"
#include "core/journal_record.h"
#include "core/limits.h"
#include "core/message.h"
#include "core/pressure.h"
#include "core/shared.h"
#include "core/shared_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t size_of(const struct retained_message *m)
{
    return (size_t)m->topic_len + m->forward_len + m->payload_len;
}

/* ---- on disk ---- */

static uint64_t key_of(const struct retained_message *message)
{
    return journal_key(JOURNAL_RETAINED, message->number);
}

/* Sets the thing of `message`: that of the one before it, or a new one. */
static void journal_keep(struct shared *shared, struct retained_message *message,
                         const struct publication *p)
{
    struct record *frame = &shared->journal.frame;
    const struct journal_message record = {
        .qos = (uint8_t)p->qos,
        .retain = true,
        .expires_ms = p->expires_ms == WHEEL_NEVER
                          ? JOURNAL_NEVER
                          : (int64_t)p->expires_ms + shared->journal.wall_offset_ms,
        .topic = p->topic,
        .forward = p->forward,
        .payload = p->payload,
    };

    if (message->number == 0)
        message->number = ++shared->journal.serial;
    size_t begin = journal_begin_put(frame, key_of(message), 0);
    journal_message_write(frame, &record);
    journal_end_put(frame, begin);
}

static bool journal_let_go(struct shared *shared, const struct retained_message *message)
{
    if (message == NULL || message->number == 0 || !shared->journal.is_on)
        return false;
    journal_put_drop(&shared->journal.frame, key_of(message));
    return true;
}

/* ---- in memory ---- */

/* The broker's own; they do not take the place of clients' messages. */
static bool is_sys(struct mqtt_span topic)
{
    return span_starts_with(topic, span_of("$SYS/"));
}

static void drop(struct shared *shared, struct retained_message *message)
{
    if (message == NULL)
        return;
    shared->retained_bytes -= size_of(message);
    if (message->allowance != NULL)
        message->allowance->retained_bytes -= size_of(message);
    allowance_unref(shared, message->allowance);
    shared->sys_messages -= is_sys((struct mqtt_span){ message->bytes, message->topic_len });
    list_unlink(&message->expiring);
    free(message);
}

static uint8_t *append(uint8_t *at, struct mqtt_span bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static struct retained_message *retained_message_new(const struct publication *p)
{
    struct retained_message *m =
        malloc(sizeof(*m) + p->topic.len + p->forward.len + p->payload.len);

    if (m == NULL)
        return NULL;
    *m = (struct retained_message){
        .expires_ms = p->expires_ms,
        .topic_len = (uint32_t)p->topic.len,
        .forward_len = (uint32_t)p->forward.len,
        .payload_len = (uint32_t)p->payload.len,
        .qos = (uint8_t)p->qos,
        .number = p->is_restored ? p->number : 0,
    };
    append(append(append(m->bytes, p->topic), p->forward), p->payload);
    return m;
}

static bool can_pay(const struct publication *p, const struct retained_message *old, size_t bytes)
{
    const struct allowance *payer = p->payer;

    if (payer == NULL || p->payer_bytes == 0)
        return true;
    uint64_t gone = old != NULL && old->allowance == payer ? size_of(old) : 0;
    return payer->retained_bytes - gone + bytes <= p->payer_bytes;
}

static bool fits(const struct shared *shared, const struct publication *p,
                 const struct limits *limits)
{
    const struct retained_message *old = retained_tree_find(shared->retained, p->topic);
    size_t count = retained_tree_count(shared->retained) - shared->sys_messages + (old == NULL);
    size_t more = p->topic.len + p->forward.len + p->payload.len;
    size_t bytes = shared->retained_bytes + more - (old != NULL ? size_of(old) : 0);

    return shared_pressure(shared) < PRESSURE_REFUSE && count <= limits->retained_messages
           && bytes <= limits->retained_bytes && can_pay(p, old, more);
}

/* Did the journal move? */
static int replace_on_disk(struct shared *shared, struct retained_message *message,
                           const struct retained_message *old, const struct publication *p)
{
    if (!shared->journal.is_on || is_sys(p->topic) || p->is_restored)
        return 0;
    if (p->stays_in_memory)
        return journal_let_go(shared, old);
    message->number = old != NULL ? old->number : 0;
    journal_keep(shared, message, p);
    return 1;
}

static int keep(struct shared *shared, const struct publication *p, const struct limits *limits)
{
    struct retained_message *message;
    void *old = NULL;

    if (!is_sys(p->topic) && !fits(shared, p, limits))
        return -EDQUOT;
    message = retained_message_new(p);
    if (message == NULL)
        return -ENOMEM;
    if (retained_tree_put(shared->retained, p->topic, message, &old) < 0) {
        free(message);
        return -ENOMEM;
    }
    shared->retained_bytes += size_of(message);
    message->allowance = p->payer != NULL ? allowance_ref(p->payer) : NULL;
    if (message->allowance != NULL)
        message->allowance->retained_bytes += size_of(message);
    shared->sys_messages += is_sys(p->topic);
    if (message->expires_ms != WHEEL_NEVER)
        list_push_back(&shared->expiring, &message->expiring);
    int moved = replace_on_disk(shared, message, old, p);
    drop(shared, old);
    return moved;
}

int shared_retain(struct shared *shared, const struct publication *publication,
                  const struct limits *limits)
{
    int error;

    shared_enter(shared);
    if (publication->payload.len > 0) {
        error = keep(shared, publication, limits);
    } else {
        struct retained_message *old = retained_tree_take(shared->retained, publication->topic);

        error = journal_let_go(shared, old);
        drop(shared, old);
    }
    shared_exit(shared);
    return error;
}

struct publication retained_publication(const struct retained_message *m)
{
    return (struct publication){
        .topic = { m->bytes, m->topic_len },
        .forward = { m->bytes + m->topic_len, m->forward_len },
        .payload = { m->bytes + m->topic_len + m->forward_len, m->payload_len },
        .expires_ms = m->expires_ms,
        .qos = (enum mqtt_qos)m->qos,
        .retain = true,
    };
}

struct matching {
    shared_retained_visit visit;
    void *context;
    uint64_t now_ms;
};

static bool on_match(void *context, struct mqtt_span topic, void *value)
{
    const struct matching *matching = context;
    struct publication publication = retained_publication(value);

    (void)topic;
    if (publication.expires_ms > matching->now_ms)
        matching->visit(matching->context, &publication);
    return true;
}

void shared_retained_match(struct shared *shared, struct mqtt_span filter, uint64_t now_ms,
                           shared_retained_visit visit, void *context)
{
    struct matching matching = { visit, context, now_ms };

    shared_enter(shared);
    retained_tree_match(shared->retained, filter, on_match, &matching);
    shared_exit(shared);
}

bool shared_sweep(struct shared *shared, uint64_t now_ms)
{
    bool has_moved = false;

    shared_enter(shared);
    list_for_each_safe (node, following, &shared->expiring) {
        struct retained_message *m = MQTT_CONTAINER_OF(node, struct retained_message, expiring);

        if (m->expires_ms > now_ms)
            continue;
        retained_tree_take(shared->retained, (struct mqtt_span){ m->bytes, m->topic_len });
        has_moved |= journal_let_go(shared, m);
        drop(shared, m);
    }
    allowance_sweep(shared, now_ms);
    shared_exit(shared);
    return has_moved;
}

struct shared_figures shared_figures(struct shared *shared)
{
    struct shared_figures figures;

    shared_enter(shared);
    figures.retained_messages = retained_tree_count(shared->retained);
    figures.retained_bytes = shared->retained_bytes;
    shared_exit(shared);
    return figures;
}
