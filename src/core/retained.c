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
    const struct journal_retained record = {
        .message = {
            .qos = (uint8_t)p->qos,
            .retain = true,
            .expires_ms = p->expires_ms == WHEEL_NEVER
                              ? JOURNAL_NEVER
                              : (int64_t)p->expires_ms + shared->journal.wall_offset_ms,
            .topic = p->topic,
            .forward = p->forward,
            .payload = p->payload,
        },
        .owner = p->payer != NULL ? allowance_owner(p->payer) : (struct mqtt_span){ NULL, 0 },
        .role = p->payer_role,
    };

    if (message->number == 0)
        message->number = ++shared->journal.serial;
    size_t begin = journal_begin_put(frame, key_of(message), 0);
    journal_retained_write(frame, &record);
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

/* The broker's own do not take the place of clients' messages. Who wrote it decides, not the topic:
 * a role can be granted topics under $SYS. */
static void count_own(struct shared *shared, const struct retained_message *message, int sign)
{
    if (!message->is_own)
        return;
    shared->own_messages += (size_t)sign;
    shared->own_bytes += (size_t)sign * size_of(message);
}

static struct retained_payers take_payers(struct shared *shared, const struct publication *p)
{
    return (struct retained_payers){
        .identity = p->payer != NULL ? allowance_ref(shared, p->payer) : NULL,
        .role = allowance_ref_role(shared, p->payer_role),
    };
}

static void give_payers(struct shared *shared, const struct retained_payers *payers)
{
    allowance_unref(shared, payers->identity);
    allowance_unref(shared, payers->role);
}

static void charge(const struct retained_payers *payers, size_t bytes)
{
    if (payers->identity != NULL)
        payers->identity->retained_bytes += bytes;
    if (payers->role != NULL)
        payers->role->retained_bytes += bytes;
}

static void pay_back(const struct retained_payers *payers, size_t bytes)
{
    if (payers->identity != NULL)
        payers->identity->retained_bytes -= bytes;
    if (payers->role != NULL)
        payers->role->retained_bytes -= bytes;
}

static void drop(struct shared *shared, struct retained_message *message)
{
    if (message == NULL)
        return;
    shared->retained_bytes -= size_of(message);
    pay_back(&message->payers, size_of(message));
    give_payers(shared, &message->payers);
    count_own(shared, message, -1);
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
        .is_own = p->is_own,
        .number = p->is_restored ? p->number : 0,
    };
    append(append(append(m->bytes, p->topic), p->forward), p->payload);
    return m;
}

/* `gone`: bytes of the message in whose place it comes, where the same one has paid for that. */
static bool can_pay(const struct allowance *payer, uint64_t most, uint64_t gone, size_t bytes)
{
    return payer == NULL || most == 0 || payer->retained_bytes - gone + bytes <= most;
}

static bool can_all_pay(const struct publication *p, const struct retained_payers *payers,
                        const struct retained_message *old, size_t bytes)
{
    uint64_t of_identity =
        old != NULL && old->payers.identity == payers->identity ? size_of(old) : 0;
    uint64_t of_role = old != NULL && old->payers.role == payers->role ? size_of(old) : 0;

    return can_pay(payers->identity, p->payer_bytes, of_identity, bytes)
           && can_pay(payers->role, p->payer_role_bytes, of_role, bytes);
}

static bool fits(const struct shared *shared, const struct publication *p,
                 const struct retained_payers *payers, const struct limits *limits)
{
    const struct retained_message *old = retained_tree_find(shared->retained, p->topic);
    bool takes_place = old != NULL && !old->is_own; /* of another that counts as it will */
    size_t count = retained_tree_count(shared->retained) - shared->own_messages + !takes_place;
    size_t more = p->topic.len + p->forward.len + p->payload.len;
    size_t bytes =
        shared->retained_bytes - shared->own_bytes + more - (takes_place ? size_of(old) : 0);

    return shared_pressure(shared) < PRESSURE_REFUSE && count <= limits->retained_messages
           && bytes <= limits->retained_bytes && can_all_pay(p, payers, old, more);
}

/* Did the journal move? */
static int replace_on_disk(struct shared *shared, struct retained_message *message,
                           const struct retained_message *old, const struct publication *p)
{
    if (!shared->journal.is_on || p->is_restored)
        return 0;
    if (p->stays_in_memory || p->is_own)
        return journal_let_go(shared, old);
    message->number = old != NULL ? old->number : 0;
    journal_keep(shared, message, p);
    return 1;
}

/* The message takes over the payers, unless it fails. */
static int keep_paid(struct shared *shared, const struct publication *p,
                     const struct retained_payers *payers, const struct limits *limits)
{
    struct retained_message *message;
    void *old = NULL;

    if (!p->is_own && !fits(shared, p, payers, limits))
        return -EDQUOT;
    message = retained_message_new(p);
    if (message == NULL)
        return -ENOMEM;
    if (retained_tree_put(shared->retained, p->topic, message, &old) < 0) {
        free(message);
        return -ENOMEM;
    }
    shared->retained_bytes += size_of(message);
    message->payers = *payers;
    charge(payers, size_of(message));
    count_own(shared, message, 1);
    if (message->expires_ms != WHEEL_NEVER)
        list_push_back(&shared->expiring, &message->expiring);
    int moved = replace_on_disk(shared, message, old, p);
    drop(shared, old);
    return moved;
}

static int keep(struct shared *shared, const struct publication *p, const struct limits *limits)
{
    const struct retained_payers payers = take_payers(shared, p);
    int moved = keep_paid(shared, p, &payers, limits);

    if (moved < 0)
        give_payers(shared, &payers);
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
