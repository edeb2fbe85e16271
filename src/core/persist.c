/* SPDX-License-Identifier: Apache-2.0 */
#include "core/persist.h"
#include "codec/publish.h"
#include "codec/subscribe.h"
#include "codec/topic.h"
#include "core/client.h"
#include "core/journal_record.h"
#include "core/persist_format.h"
#include "core/record.h"
#include "core/session.h"
#include "core/shared.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/subscription.h"

#include <errno.h>
#include <stdlib.h>

/* A record's bytes come from a file: everything is read through the bounded reader
 * and judged before it is used. */
struct loading {
    struct broker *broker;
    struct mqtt_reader r;
    uint64_t away_ms;
    uint64_t now_ms;
};

struct names {
    char device[IDENTITY_NAME_BYTES + 1];
    char tenant[IDENTITY_NAME_BYTES + 1];
    char site[IDENTITY_NAME_BYTES + 1];
    char role[IDENTITY_NAME_BYTES + 1];
};

static uint64_t after(uint64_t left_ms, uint64_t away_ms)
{
    if (left_ms == WHEEL_NEVER)
        return WHEEL_NEVER;
    return left_ms > away_ms ? left_ms - away_ms : 0;
}

/* No session is left more time than it has after its connection. */
static uint64_t bounded_by(uint64_t left_ms, uint32_t expiry_s)
{
    uint64_t most_ms = (uint64_t)expiry_s * 1000;

    return expiry_s == SESSION_NEVER_EXPIRES || left_ms < most_ms ? left_ms : most_ms;
}

static void fail(struct loading *l)
{
    mqtt_reader_fail(&l->r, MQTT_ERR_PROTOCOL);
}

static const char *take_name(struct loading *l, char *memory)
{
    struct mqtt_span name = record_take_span(&l->r);

    if (name.len == 0)
        return NULL;
    if (name.len > IDENTITY_NAME_BYTES || memchr(name.data, 0, name.len) != NULL) {
        fail(l);
        return NULL;
    }
    memcpy(memory, name.data, name.len);
    memory[name.len] = 0;
    return memory;
}

static struct identity take_identity(struct loading *l, struct names *names)
{
    struct identity identity = { 0 };

    identity.device = take_name(l, names->device);
    identity.tenant = take_name(l, names->tenant);
    identity.site = take_name(l, names->site);
    identity.role = take_name(l, names->role);
    identity.proved = mqtt_read_u8(&l->r) != 0;
    return identity;
}

static struct publication take_message(struct mqtt_reader *r, uint64_t away_ms, uint64_t now_ms)
{
    struct publication p = { 0 };

    p.qos = (enum mqtt_qos)mqtt_read_u8(r);
    p.retain = mqtt_read_u8(r) != 0;
    uint64_t left_ms = after(record_take_u64(r), away_ms);
    p.expires_ms = left_ms == WHEEL_NEVER ? WHEEL_NEVER : now_ms + left_ms;
    p.topic = record_take_span(r);
    p.forward = record_take_span(r);
    p.payload = record_take_span(r);
    if (r->status == MQTT_OK && (p.qos > MQTT_QOS_2 || !mqtt_topic_name_is_valid(p.topic)))
        mqtt_reader_fail(r, MQTT_ERR_PROTOCOL);
    return p;
}

static int load_received(struct loading *l, struct session *session)
{
    uint32_t count = mqtt_read_u32(&l->r);

    for (uint32_t i = 0; i < count && l->r.status == MQTT_OK; i++) {
        uint16_t id = mqtt_read_u16(&l->r);
        if (id == 0 || packet_ids_has(&session->received, id))
            fail(l);
        else if (packet_ids_add(&session->received, id) < 0)
            return -ENOMEM;
    }
    return 0;
}

static bool filter_is_valid(struct mqtt_span filter)
{
    struct mqtt_share share = { .filter = filter };

    return filter.len <= UINT16_MAX && mqtt_share_parse(filter, &share) >= 0
           && mqtt_topic_filter_is_valid(share.filter);
}

static int load_subscriptions(struct loading *l, struct session *session)
{
    uint32_t count = mqtt_read_u32(&l->r);

    for (uint32_t i = 0; i < count && l->r.status == MQTT_OK; i++) {
        bool is_new;
        struct mqtt_subscription wanted = { .filter = record_take_span(&l->r) };
        uint8_t options = mqtt_read_u8(&l->r);
        uint32_t identifier = mqtt_read_u32(&l->r);

        wanted.qos = (enum mqtt_qos)(options & 3);
        wanted.no_local = (options & 4) != 0;
        wanted.retain_as_published = (options & 8) != 0;
        wanted.retain_handling = options >> 4 & 3;
        if (l->r.status != MQTT_OK || wanted.qos > MQTT_QOS_2 || !filter_is_valid(wanted.filter)
            || identifier > MQTT_VARINT_MAX)
            fail(l);
        else if (subscription_set(session, &wanted, identifier, &is_new) == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int load_will(struct loading *l, struct session *session, uint64_t *out_delay_ms)
{
    struct will *will;

    *out_delay_ms = 0;
    if (mqtt_read_u8(&l->r) == 0)
        return 0;
    *out_delay_ms = after(record_take_u64(&l->r), l->away_ms);
    will = calloc(1, sizeof(*will));
    if (will == NULL)
        return -ENOMEM;
    will->session = session;
    will->has_expiry = mqtt_read_u8(&l->r) != 0;
    will->expiry_s = mqtt_read_u32(&l->r);
    struct publication p = take_message(&l->r, 0, l->now_ms);
    will->message = l->r.status == MQTT_OK ? publication_message(&p, &l->broker->messages) : NULL;
    if (will->message == NULL) {
        free(will);
        return l->r.status == MQTT_OK ? -ENOMEM : 0;
    }
    session->will = will;
    return 0;
}

static struct identifiers *take_identifiers(struct loading *l)
{
    uint32_t count = mqtt_read_u32(&l->r);
    struct identifiers *identifiers;

    if (count == 0)
        return NULL;
    if (count > mqtt_reader_left(&l->r) / sizeof(uint32_t)) {
        fail(l);
        return NULL;
    }
    identifiers = malloc(sizeof(*identifiers) + count * sizeof(identifiers->values[0]));
    if (identifiers == NULL) {
        fail(l);
        return NULL;
    }
    identifiers->references = 1;
    identifiers->count = count;
    for (uint32_t i = 0; i < count; i++)
        identifiers->values[i] = mqtt_read_u32(&l->r);
    return identifiers;
}

static int load_delivery(struct loading *l, struct session *session)
{
    struct delivery model = { .state = mqtt_read_u8(&l->r) };
    struct publication p = { 0 };
    uint8_t flags = mqtt_read_u8(&l->r);
    int error = 0;

    model.retain = (flags & PERSIST_RETAIN) != 0;
    model.shared = (flags & PERSIST_SHARED) != 0;
    model.sent = (flags & PERSIST_SENT) != 0;
    model.qos = mqtt_read_u8(&l->r);
    model.packet_id = mqtt_read_u16(&l->r);
    model.identifiers = take_identifiers(l);
    if (mqtt_read_u8(&l->r) != 0) {
        p = take_message(&l->r, l->away_ms, l->now_ms);
        if (l->r.status == MQTT_OK)
            model.message = publication_message(&p, &l->broker->messages);
    }
    if (!journal_delivery_makes_sense(model.state, model.qos, model.packet_id)
        || (model.state == DELIVERY_AWAITS_PUBCOMP) != (model.message == NULL))
        fail(l);
    if (l->r.status == MQTT_OK)
        error = session_restore_delivery(session, &model);
    if (error == -EEXIST) {
        fail(l);
        error = 0;
    }
    publication_fini(&p, &l->broker->messages);
    identifiers_unref(model.identifiers);
    return error;
}

static int load_deliveries(struct loading *l, struct session *session)
{
    uint32_t count = mqtt_read_u32(&l->r);
    int error = 0;

    for (uint32_t i = 0; i < count && l->r.status == MQTT_OK && error == 0; i++)
        error = load_delivery(l, session);
    return error;
}

static int load_contents(struct loading *l, struct session *session, uint64_t *out_delay_ms)
{
    session->outgoing.last_packet_id = mqtt_read_u16(&l->r);
    int error = load_received(l, session);
    if (error == 0)
        error = load_subscriptions(l, session);
    if (error == 0)
        error = load_will(l, session, out_delay_ms);
    if (error == 0)
        error = load_deliveries(l, session);
    if (error == 0 && mqtt_reader_finish(&l->r) != MQTT_OK)
        error = -EINVAL;
    return error;
}

static int load_session(struct loading *l)
{
    struct names names;
    struct session *session;
    uint64_t will_delay_ms = 0;
    struct mqtt_span client_id = record_take_span(&l->r);
    struct identity identity = take_identity(l, &names);
    uint32_t expiry_s = mqtt_read_u32(&l->r);
    uint64_t left_ms = bounded_by(after(record_take_u64(&l->r), l->away_ms), expiry_s);

    if (l->r.status != MQTT_OK || client_id.len == 0 || client_id.len > UINT16_MAX
        || session_find(l->broker, client_id) != NULL)
        return -EINVAL;
    const struct admission_port *port = &l->broker->options.ports.admission;
    struct standing standing = { 0 };
    if (port->find_standing != NULL)
        port->find_standing(port->context, &identity, &standing);
    bool is_barred = standing.barred != NULL;
    session = session_new(l->broker, client_id, &identity, is_barred ? NULL : standing.role);
    if (session == NULL)
        return -ENOMEM;
    session->expiry_s = expiry_s;
    int error = load_contents(l, session, &will_delay_ms);
    if (error < 0) {
        session_discard(session);
        return error;
    }
    if (left_ms != WHEEL_NEVER)
        session_expire_in(session, left_ms, l->now_ms);
    if (is_barred)
        session_freeze(session);
    will_delay(session, will_delay_ms, l->now_ms);
    return 0;
}

static bool begins_with(struct mqtt_reader *r, enum persist_type type)
{
    return mqtt_read_u8(r) == (uint8_t)type && mqtt_read_u8(r) == PERSIST_VERSION
           && r->status == MQTT_OK;
}

int broker_load(struct broker *broker, struct mqtt_span record, uint64_t away_ms, uint64_t now_ms)
{
    struct loading l = { broker, mqtt_reader_over(record), away_ms, now_ms };

    return begins_with(&l.r, PERSIST_SESSION) ? load_session(&l) : -EINVAL;
}

int shared_load(struct shared *shared, struct mqtt_span record, uint64_t away_ms, uint64_t now_ms)
{
    struct limits limits = limits_default();
    struct mqtt_reader r = mqtt_reader_over(record);
    struct publication p;

    if (!begins_with(&r, PERSIST_RETAINED))
        return -EINVAL;
    p = take_message(&r, away_ms, now_ms);
    if (mqtt_reader_finish(&r) != MQTT_OK || p.payload.len == 0)
        return -EINVAL;
    if (p.expires_ms <= now_ms)
        return 0;
    /* What was kept under the limits of then is not thrown away under those of now. */
    limits.retained_messages = UINT64_MAX;
    limits.retained_bytes = UINT64_MAX;
    int error = shared_retain(shared, &p, &limits);
    return error < 0 ? error : 0;
}

int persist_record_home(const struct broker *broker, struct mqtt_span record)
{
    struct mqtt_reader r = mqtt_reader_over(record);
    uint8_t type = mqtt_read_u8(&r);
    uint8_t version = mqtt_read_u8(&r);
    struct mqtt_span client_id = record_take_span(&r);

    if (version != PERSIST_VERSION || r.status != MQTT_OK)
        return type == PERSIST_RETAINED && version == PERSIST_VERSION ? -1 : -EINVAL;
    if (type == PERSIST_RETAINED)
        return -1;
    if (type != PERSIST_SESSION)
        return -EINVAL;
    return (int)(siphash(&broker->options.hash_key, client_id) % broker->options.shard_count);
}
