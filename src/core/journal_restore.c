/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal_restore.h"

#include "codec/subscribe.h"
#include "core/allowance.h"
#include "core/client.h"
#include "core/journal_restore_state.h"
#include "core/limits.h"
#include "core/policy_walk.h"
#include "core/route.h"
#include "core/session.h"
#include "core/shared_state.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/subscription.h"
#include "policy/filter.h"

#include <errno.h>
#include <stdlib.h>

struct restoring *restoring_begin(const struct restoring_options *options)
{
    struct restoring *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->options = *options;
    list_init(&r->parcels);
    for (unsigned i = 0; i < options->count; i++) {
        struct journal *journal = &options->brokers[i]->journal;

        journal->session_serial = options->highest_session >> JOURNAL_SHARD_BITS;
        journal->serial = options->highest >> JOURNAL_SHARD_BITS;
    }
    options->shared->journal.serial = options->highest_retained;
    return r;
}

/* Millions of years: times in a file may be anything, and are added to. */
#define MOST_MS ((uint64_t)INT64_MAX / 4)

uint64_t journal_restore_due_ms(const struct restoring *r, int64_t wall_ms)
{
    if (wall_ms <= r->options.wall_ms)
        return r->options.now_ms;
    uint64_t left_ms = (uint64_t)wall_ms - (uint64_t)r->options.wall_ms;
    return r->options.now_ms + (left_ms < MOST_MS ? left_ms : MOST_MS);
}

/* ---- sessions ---- */

static struct broker *home_of(const struct restoring *r, struct mqtt_span client_id)
{
    struct broker *first = r->options.brokers[0];

    return r->options.brokers[siphash(&first->options.hash_key, client_id) % r->options.count];
}

static const struct numbered *find(struct restoring *r, uint64_t number)
{
    size_t low = 0;
    size_t high = r->session_count;

    if (r->last < high && r->sessions[r->last].number == number)
        return &r->sessions[r->last];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (r->sessions[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    r->last = low;
    return low < r->session_count && r->sessions[low].number == number ? &r->sessions[low] : NULL;
}

static int remember(struct restoring *r, struct session *session, bool starts_anew)
{
    if (r->session_count == r->session_capacity) {
        size_t capacity = r->session_capacity > 0 ? 2 * r->session_capacity : 64;
        struct numbered *bigger = realloc(r->sessions, capacity * sizeof(*bigger));

        if (bigger == NULL)
            return -ENOMEM;
        r->sessions = bigger;
        r->session_capacity = capacity;
    }
    r->sessions[r->session_count++] = (struct numbered){ session->number, session, starts_anew };
    return 0;
}

struct names {
    char device[IDENTITY_NAME_BYTES + 1];
    char tenant[IDENTITY_NAME_BYTES + 1];
    char site[IDENTITY_NAME_BYTES + 1];
    char role[IDENTITY_NAME_BYTES + 1];
};

static bool copy_name(struct mqtt_span name, char *memory, const char **out)
{
    *out = name.len > 0 ? memory : NULL;
    if (name.len > IDENTITY_NAME_BYTES || (name.len > 0 && memchr(name.data, 0, name.len) != NULL))
        return false;
    if (name.len > 0)
        memcpy(memory, name.data, name.len);
    memory[name.len] = 0;
    return true;
}

static bool read_identity(const struct journal_session *record, struct names *names,
                          struct identity *out)
{
    *out = (struct identity){ .proved = record->is_proved };
    return copy_name(record->device, names->device, &out->device)
           && copy_name(record->tenant, names->tenant, &out->tenant)
           && copy_name(record->site, names->site, &out->site)
           && copy_name(record->role, names->role, &out->role);
}

static struct session *make_session(struct broker *broker, const struct journal_session *record,
                                    const struct identity *identity, bool *out_is_barred)
{
    const struct admission_port *port = &broker->options.ports.admission;
    struct standing standing = { 0 };

    if (port->find_standing != NULL)
        port->find_standing(port->context, identity, &standing);
    *out_is_barred = standing.barred != NULL;
    /* Who was kept stays, whatever the limit says by now. */
    uint64_t limit = broker->limits.sessions;
    broker->limits.sessions = UINT64_MAX;
    struct session *session =
        session_new(broker, record->client_id, identity, *out_is_barred ? NULL : standing.role);
    broker->limits.sessions = limit;
    return session;
}

/* A wall clock that was set back makes nothing last longer than it was to. */
static bool is_too_late(const struct restoring *r, const struct journal_session *record)
{
    if (record->expires_ms == JOURNAL_NEVER)
        return record->expiry_s != SESSION_NEVER_EXPIRES;
    return journal_restore_due_ms(r, record->expires_ms) - r->options.now_ms
           > (uint64_t)record->expiry_s * 1000;
}

static int take_session(struct restoring *r, const struct journal_thing *thing)
{
    struct journal_session record;
    struct names names;
    struct identity identity;
    bool is_barred;
    int error = journal_session_read(thing->bytes, &record);

    if (error == 0 && !read_identity(&record, &names, &identity))
        error = -EBADMSG;
    if (error != 0)
        return error;
    struct broker *broker = home_of(r, record.client_id);
    if (session_find(broker, record.client_id) != NULL)
        return -EBADMSG;
    struct session *session = make_session(broker, &record, &identity, &is_barred);
    if (session == NULL)
        return -ENOMEM;
    session->number = journal_number_of(thing->key);
    session->expiry_s = record.expiry_s;
    session->is_relaxed = record.is_relaxed;
    bool starts_anew = record.expires_ms == JOURNAL_NOT_RUNNING || is_too_late(r, &record);
    if (remember(r, session, starts_anew) < 0) {
        session->number = 0; /* it goes from memory only */
        session_discard(session);
        return -ENOMEM;
    }
    if (is_barred)
        session_freeze(session);
    if (!starts_anew && record.expires_ms != JOURNAL_NEVER)
        session_expire_in(session, journal_restore_due_ms(r, record.expires_ms) - r->options.now_ms,
                          r->options.now_ms);
    return 0;
}

/* ---- what belongs to them ---- */

static int take_subscription(struct restoring *r, const struct journal_thing *thing)
{
    struct journal_subscription record;
    bool is_new;
    int error = journal_subscription_read(thing->bytes, &record);

    if (error != 0)
        return error;
    const struct numbered *owner = find(r, record.session);
    if (owner == NULL)
        return -ENOENT;
    if (!space_has(owner->session, filter_unshared(record.filter))
        || subscription_find(owner->session, record.filter) != NULL)
        return -EBADMSG;
    const struct mqtt_subscription wanted = {
        .filter = record.filter,
        .qos = (enum mqtt_qos)record.qos,
        .no_local = record.no_local,
        .retain_as_published = record.retain_as_published,
        .retain_handling = record.retain_handling,
    };
    struct subscription *s = subscription_set(owner->session, &wanted, record.identifier, &is_new);
    if (s == NULL)
        return -ENOMEM;
    s->number = journal_number_of(thing->key);
    subscription_is_kept(s, true);
    policy_walk_judge(s); /* what was granted then says nothing */
    return 0;
}

struct publication journal_restore_publication(const struct restoring *r,
                                               const struct journal_message *m)
{
    return (struct publication){
        .topic = m->topic,
        .forward = m->forward,
        .payload = m->payload,
        .expires_ms =
            m->expires_ms == JOURNAL_NEVER ? WHEEL_NEVER : journal_restore_due_ms(r, m->expires_ms),
        .qos = (enum mqtt_qos)m->qos,
        .retain = m->retain,
    };
}

static int take_will(struct restoring *r, const struct journal_thing *thing)
{
    struct journal_will record;
    const struct numbered *owner = find(r, journal_number_of(thing->key));
    int error = journal_will_read(thing->bytes, &record);

    if (error != 0 || owner == NULL)
        return error != 0 ? error : -ENOENT;
    struct session *session = owner->session;
    if (session->is_cut_off) { /* who may not be here has no will any more */
        journal_put_drop(&session->broker->journal.frame, thing->key);
        return 0;
    }
    if (!space_has(session, record.message.topic))
        return -EBADMSG;
    struct publication p = journal_restore_publication(r, &record.message);
    struct will *will = calloc(1, sizeof(*will));
    if (will == NULL)
        return -ENOMEM;
    p.expires_ms = WHEEL_NEVER;
    will->message = publication_message(&p, &session->broker->messages);
    if (will->message == NULL) {
        free(will);
        return -ENOMEM;
    }
    will->session = session;
    will->delay_s = record.delay_s;
    will->has_expiry = record.has_expiry;
    will->expiry_s = record.expiry_s;
    session->will = will; /* the publication's reference is now the will's */
    /* The connection that it was for went with the broker at the latest. */
    uint64_t most_ms = (uint64_t)record.delay_s * 1000;
    uint64_t left_ms = record.due_ms == JOURNAL_NOT_RUNNING
                           ? most_ms
                           : journal_restore_due_ms(r, record.due_ms) - r->options.now_ms;
    will_delay(session, left_ms < most_ms ? left_ms : most_ms, r->options.now_ms);
    return 0;
}

static int take_received(struct restoring *r, const struct journal_thing *thing)
{
    uint64_t number = journal_number_of(thing->key);
    uint16_t packet_id = (uint16_t)number;
    const struct numbered *owner = find(r, number >> 16);

    if (owner == NULL)
        return -ENOENT;
    if (packet_id == 0 || packet_ids_has(&owner->session->received, packet_id))
        return -EBADMSG;
    return packet_ids_add(&owner->session->received, packet_id);
}

/* ---- deliveries ---- */

static void let_message_go(struct restoring *r)
{
    if (r->message != NULL) {
        journal_settle_message(r->message);
        message_unref(r->message, &r->message_home->messages);
    }
    r->message = NULL;
}

/* The message of a body, once for those who stand side by side and need it. Borrowed. */
int journal_restore_message(struct restoring *r, struct broker *home,
                            const struct journal_thing *thing, struct message **out)
{
    struct journal_message record;
    uint64_t number = journal_number_of(thing->body_key);

    *out = NULL;
    if (thing->body_key == 0)
        return 0;
    if (r->message == NULL || r->message_home != home || r->message->number != number) {
        let_message_go(r);
        int error = journal_message_read(thing->body, &record);
        if (error != 0)
            return error;
        struct publication p = journal_restore_publication(r, &record);
        p.number = number;
        r->message = publication_message(&p, &home->messages);
        r->message_home = home;
    }
    *out = r->message;
    return r->message != NULL ? 0 : -ENOMEM;
}

static struct identifiers *copy_identifiers(const struct journal_delivery *record)
{
    struct identifiers *identifiers = malloc(sizeof(*identifiers) + record->identifiers.len);

    if (identifiers == NULL)
        return NULL;
    identifiers->references = 1;
    identifiers->count = record->identifier_count;
    memcpy(identifiers->values, record->identifiers.data, record->identifiers.len);
    return identifiers;
}

static int take_delivery(struct restoring *r, const struct journal_thing *thing)
{
    struct journal_delivery record;
    int error = journal_delivery_read(thing->bytes, &record);

    if (error != 0)
        return error;
    const struct numbered *owner = find(r, record.session);
    if (owner == NULL)
        return -ENOENT;
    if ((record.state == DELIVERY_AWAITS_PUBCOMP) != (thing->body_key == 0))
        return -EBADMSG;
    struct session *session = owner->session;
    struct delivery model = {
        .number = journal_number_of(thing->key),
        .state = record.state,
        .qos = record.qos,
        .packet_id = record.packet_id,
        .retain = record.retain,
        .shared = record.is_shared,
        .sent = record.packet_id != 0, /* as far as anybody knows */
    };
    error = journal_restore_message(r, session->broker, thing, &model.message);
    if (error != 0)
        return error;
    if (record.identifier_count > 0) {
        model.identifiers = copy_identifiers(&record);
        if (model.identifiers == NULL)
            return -ENOMEM;
    }
    error = session_restore_delivery(session, &model);
    identifiers_unref(model.identifiers);
    if (error == 0 && model.message != NULL)
        model.message->needed++;
    if (error == 0 && record.packet_id != 0)
        session->outgoing.last_packet_id = record.packet_id;
    return error == -EEXIST ? -EBADMSG : error;
}

/* ---- retained messages and parcels ---- */

/* Out of memory for the account, it is nobody's: it is not thrown away for that. */
static int take_retained(struct restoring *r, const struct journal_thing *thing)
{
    struct limits limits = limits_default();
    struct shared *shared = r->options.shared;
    struct journal_retained record;
    int error = journal_retained_read(thing->bytes, &record);

    if (error == 0
        && (record.message.payload.len == 0
            || (record.owner.len > 0 && !allowance_owner_is_valid(record.owner))))
        error = -EBADMSG;
    if (error != 0)
        return error;
    struct publication p = journal_restore_publication(r, &record.message);
    p.payer = allowance_take_owner(shared, record.owner);
    p.payer_role = record.role;
    p.number = journal_number_of(thing->key);
    p.is_restored = true;
    /* What was kept under the limits of then is not thrown away under those of now; what has
     * expired is swept like the rest. */
    limits.retained_messages = UINT64_MAX;
    limits.retained_bytes = UINT64_MAX;
    error = shared_retain(shared, &p, &limits);
    if (p.payer != NULL)
        allowance_give(shared, p.payer, UINT64_MAX);
    return error < 0 ? error : 0;
}

static int take_nothing(struct restoring *r, const struct journal_thing *thing)
{
    (void)r;
    (void)thing;
    return 0;
}

/* A kind that is not here is not known to this version. */
static int (*const takers[JOURNAL_KINDS])(struct restoring *, const struct journal_thing *) = {
    [JOURNAL_META] = take_nothing, /* was read before */
    [JOURNAL_SESSION] = take_session,
    [JOURNAL_SUBSCRIPTION] = take_subscription,
    [JOURNAL_WILL] = take_will,
    [JOURNAL_RECEIVED] = take_received,
    [JOURNAL_DELIVERY] = take_delivery,
    [JOURNAL_RETAINED] = take_retained,
    [JOURNAL_PARCEL] = journal_restore_parcel,
};

int restoring_take(struct restoring *r, const struct journal_thing *thing)
{
    enum journal_kind kind = journal_kind_of(thing->key);

    if (journal_number_of(thing->key) == 0) /* nothing that is kept has this one */
        return -EBADMSG;
    return takers[kind] != NULL ? takers[kind](r, thing) : -EPROTO;
}

/* ---- the end ---- */

void restoring_end(struct restoring *r)
{
    let_message_go(r);
    journal_restore_deliver(r);
    /* The deliveries of all shards and that the parcels are gone, in one frame: or a crash between
     * two frames would have them delivered again. */
    journal_join(r->options.brokers, r->options.count);
    for (size_t i = 0; i < r->session_count; i++) {
        struct session *session = r->sessions[i].session;

        if (!r->sessions[i].starts_anew)
            continue;
        if (session->expiry_s != SESSION_NEVER_EXPIRES)
            session_expire_in(session, (uint64_t)session->expiry_s * 1000, r->options.now_ms);
        journal_session(session);
    }
    free(r->sessions);
    free(r);
}
