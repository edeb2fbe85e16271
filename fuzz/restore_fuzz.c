/* SPDX-License-Identifier: Apache-2.0 */
/* Things that anybody may have put on the disk, restored into one to three shards; then clients
 * come, take what is theirs and go, time passes, and the broker is killed and starts again, with
 * another number of shards. Promises asserted: each thing is taken or refused for a reason that the
 * header knows, and what was taken once is taken again.
 *
 * The input is a script: a byte for the shards, then things. Of a thing: kind, number and body in
 * small numbers, so that things find each other, and its record either as bytes or as fields. */
#include "base/invariant.h"
#include "codec/ack.h"
#include "core/journal_record.h"
#include "core/record.h"
#include "core/shared_state.h"
#include "core/state.h"
#include "core/world.h"
#include "script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THINGS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct thing {
    uint64_t key;
    uint64_t body_key;
    struct record record;
    bool is_taken;
};

struct script {
    struct mqtt_reader r;
    struct thing things[MOST_THINGS];
    size_t count;
};

/* ---- the script ---- */

static uint8_t u8(struct script *script)
{
    return script_u8(&script->r);
}

/* Mostly near the present. */
static int64_t a_time(struct script *script)
{
    uint8_t how = u8(script);

    if (how == 0)
        return JOURNAL_NEVER;
    if (how == 1)
        return JOURNAL_NOT_RUNNING;
    if (how < 10)
        return (int64_t)record_take_u64(&script->r);
    return 1000000 + (int64_t)how * 1000;
}

static uint32_t some_seconds(struct script *script)
{
    uint8_t how = u8(script);

    return how == 0 ? UINT32_MAX : how == 1 ? mqtt_read_u32(&script->r) : how;
}

static void make_session(struct script *script, struct record *record)
{
    const struct journal_session session = {
        .client_id = span_of(SCRIPT_ONE_OF(&script->r, "a", "b", "c", "d", "lamp", "\xff", "")),
        .device = span_of(SCRIPT_ONE_OF(&script->r, "", "lamp", "a device", "\1")),
        .tenant = span_of(SCRIPT_ONE_OF(&script->r, "", "", "acme")),
        .site = span_of(SCRIPT_ONE_OF(&script->r, "", "north")),
        .role = span_of(SCRIPT_ONE_OF(&script->r, "all", "device", "nobody", "")),
        .is_proved = u8(script) % 2 != 0,
        .is_relaxed = u8(script) % 2 != 0,
        .expiry_s = some_seconds(script),
        .expires_ms = a_time(script),
    };

    journal_session_write(record, &session);
}

static void make_subscription(struct script *script, struct record *record)
{
    const struct journal_subscription subscription = {
        .session = u8(script) % 8,
        .filter = span_of(SCRIPT_ONE_OF(&script->r, "t", "#", "+/v", "$share/g/t", "$share/g/#",
                                        "acme/t", "$share/h/+", "/")),
        .qos = u8(script) % 4,
        .no_local = u8(script) % 2 != 0,
        .retain_as_published = u8(script) % 2 != 0,
        .retain_handling = u8(script) % 4,
        .identifier = u8(script),
    };

    journal_subscription_write(record, &subscription);
}

static struct journal_message a_message(struct script *script)
{
    return (struct journal_message){
        .qos = u8(script) % 4,
        .retain = u8(script) % 2 != 0,
        .expires_ms = a_time(script),
        .topic = span_of(SCRIPT_ONE_OF(&script->r, "t", "u/v", "$SYS/x", "a/b/c", "acme/t", "")),
        .forward = mqtt_read_bytes(&script->r, u8(script) % 8),
        .payload = mqtt_read_bytes(&script->r, u8(script) % 32),
    };
}

static void make_message(struct script *script, struct record *record)
{
    const struct journal_message message = a_message(script);

    journal_message_write(record, &message);
}

static void make_retained(struct script *script, struct record *record)
{
    static const char owned[] = "\x01lamp\0acme\0north";
    static const struct mqtt_span owners[] = {
        { NULL, 0 },
        { (const uint8_t *)"c1", 2 },
        { (const uint8_t *)owned, sizeof(owned) },
        { (const uint8_t *)owned, sizeof(owned) - 1 }, /* no owner of this form */
    };
    const struct journal_retained retained = {
        .message = a_message(script),
        .owner = owners[u8(script) % MQTT_ARRAY_LEN(owners)],
        .role = span_of(SCRIPT_ONE_OF(&script->r, "", "device")),
    };

    journal_retained_write(record, &retained);
}

static void make_will(struct script *script, struct record *record)
{
    const struct journal_will will = { .message = a_message(script),
                                       .due_ms = a_time(script),
                                       .delay_s = some_seconds(script),
                                       .has_expiry = u8(script) % 2 != 0,
                                       .expiry_s = some_seconds(script) };

    journal_will_write(record, &will);
}

static void make_delivery(struct script *script, struct record *record)
{
    struct journal_delivery delivery = {
        .session = u8(script) % 8,
        .state = u8(script) % 5,
        .qos = u8(script) % 4,
        .retain = u8(script) % 2 != 0,
        .is_shared = u8(script) % 2 != 0,
        .packet_id = (uint16_t)(u8(script) * (u8(script) % 2 != 0 ? 257u : 1u)),
        .identifiers = mqtt_read_bytes(&script->r, (size_t)(u8(script) % 3) * 4),
    };

    journal_delivery_write(record, &delivery);
}

static void make_parcel(struct script *script, struct record *record)
{
    static const uint8_t group[] = "g\0t";
    const struct journal_parcel parcel = { .shard = u8(script) % 4,
                                           .shard_count = u8(script) % 5,
                                           .hops = u8(script),
                                           .qos = u8(script) % 4,
                                           .retain = u8(script) % 2 != 0,
                                           .group = { group, u8(script) % 2 != 0 ? 3 : 0 } };

    journal_parcel_write(record, &parcel);
}

static void make_received(struct script *script, struct record *record)
{
    (void)script;
    record_put_u8(record, JOURNAL_RECORD_VERSION);
}

static void make_bytes(struct script *script, struct record *record)
{
    struct mqtt_span bytes = mqtt_read_bytes(&script->r, u8(script));
    uint8_t *at = record_reserve(record, bytes.len + 1);

    MQTT_INVARIANT(at != NULL);
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    record->len -= 1;
}

static void (*const makers[JOURNAL_KINDS])(struct script *, struct record *) = {
    [JOURNAL_SESSION] = make_session,   [JOURNAL_SUBSCRIPTION] = make_subscription,
    [JOURNAL_WILL] = make_will,         [JOURNAL_RECEIVED] = make_received,
    [JOURNAL_BODY] = make_message,      [JOURNAL_DELIVERY] = make_delivery,
    [JOURNAL_RETAINED] = make_retained, [JOURNAL_PARCEL] = make_parcel,
};

static const struct thing *find(const struct script *script, uint64_t key)
{
    for (size_t i = 0; i < script->count; i++)
        if (script->things[i].key == key)
            return &script->things[i];
    return NULL;
}

static void read_thing(struct script *script)
{
    struct thing *thing = &script->things[script->count];
    uint8_t how = u8(script);
    enum journal_kind kind = (enum journal_kind)(how % JOURNAL_KINDS);
    uint64_t number = u8(script) % 8;
    uint8_t body = u8(script) % 8;

    if (kind == JOURNAL_RECEIVED)
        number = number << 16 | u8(script) % 4;
    *thing = (struct thing){ .key = journal_key(kind, number),
                             .body_key = body > 0 ? journal_key(JOURNAL_BODY, body) : 0 };
    if (how >= 224 || makers[kind] == NULL)
        make_bytes(script, &thing->record);
    else
        makers[kind](script, &thing->record);
    if (kind == JOURNAL_BODY) /* it needs none itself */
        thing->body_key = 0;
    /* A store has every key once, and no thing without the body that it needs. */
    if (thing->key == 0 || find(script, thing->key) != NULL)
        record_fini(&thing->record);
    else
        script->count++;
}

static int by_key(const void *one, const void *other)
{
    const struct thing *a = one;
    const struct thing *b = other;

    return a->key < b->key ? -1 : a->key > b->key;
}

/* ---- restoring ---- */

static void highest(const struct script *script, struct restoring_options *options)
{
    for (size_t i = 0; i < script->count; i++) {
        uint64_t number = journal_number_of(script->things[i].key);
        enum journal_kind kind = journal_kind_of(script->things[i].key);
        uint64_t *most = kind == JOURNAL_SESSION    ? &options->highest_session
                         : kind == JOURNAL_RETAINED ? &options->highest_retained
                                                    : &options->highest;

        if (kind != JOURNAL_RECEIVED && kind != JOURNAL_WILL && number > *most)
            *most = number;
    }
}

static void restore(struct script *script, struct world *world)
{
    struct restoring_options options = { .brokers = world->brokers,
                                         .count = world->shards,
                                         .shared = world->shared,
                                         .wall_ms = (int64_t)world->now_ms,
                                         .now_ms = world->now_ms };

    highest(script, &options);
    struct restoring *restoring = restoring_begin(&options);
    MQTT_INVARIANT(restoring != NULL);
    for (size_t i = 0; i < script->count; i++) {
        struct thing *thing = &script->things[i];
        const struct thing *body = find(script, thing->body_key);

        if (journal_kind_of(thing->key) == JOURNAL_BODY || (thing->body_key != 0 && body == NULL))
            continue;
        const struct journal_thing given = {
            .key = thing->key,
            .body_key = thing->body_key,
            .bytes = { thing->record.bytes, thing->record.len },
            .body = { body != NULL ? body->record.bytes : NULL,
                      body != NULL ? body->record.len : 0 },
        };
        int error = restoring_take(restoring, &given);
        MQTT_INVARIANT(error == 0 || error == -EBADMSG || error == -EPROTO || error == -ENOENT);
        thing->is_taken = error == 0;
    }
    restoring_end(restoring);
}

/* What was taken is on the world's disk from now on, as if it had been written there. */
static void put_on_disk(const struct script *script, struct world *world)
{
    size_t len = 0;

    for (size_t i = 0; i < script->count; i++)
        len += JOURNAL_PUT_BYTES + script->things[i].record.len;
    uint8_t *bytes = malloc(len + 1);
    MQTT_INVARIANT(bytes != NULL);
    uint8_t *at = bytes;
    for (size_t i = 0; i < script->count; i++) {
        const struct thing *thing = &script->things[i];
        const struct record *record = &thing->record;

        if (!thing->is_taken && journal_kind_of(thing->key) != JOURNAL_BODY)
            continue;
        at = journal_put_head(at, thing->key, thing->body_key, (uint32_t)record->len);
        if (record->len > 0)
            memcpy(at, record->bytes, record->len);
        at += record->len;
    }
    world_disk_add(&world->disk, 0, 0, bytes, (size_t)(at - bytes));
    world->confirmed = world->disk.count;
}

/* ---- clients ---- */

/* Acknowledges whatever comes, some of it. */
static void take_what_comes(struct world_peer *peer, unsigned most)
{
    struct mqtt_publish publish;
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    for (unsigned i = 0; peer->is_open && i < most && !world_is_silent(peer); i++) {
        if (world_take_publish(peer, &publish)) {
            if (publish.qos != MQTT_QOS_0)
                world_ack(peer, publish.qos == MQTT_QOS_2 ? MQTT_PUBREC : MQTT_PUBACK,
                          publish.packet_id);
            continue;
        }
        if (!world_take(peer, &frame))
            return; /* properties of a message that are none: the client would go */
        if (frame.type == MQTT_PUBREL
            && mqtt_ack_decode(peer->version, MQTT_PUBREL, frame.body, &ack) == MQTT_OK)
            world_ack(peer, MQTT_PUBCOMP, ack.packet_id);
    }
}

static void come_and_go(struct world *world, const char *client_id, uint8_t how)
{
    static const char *const topics[] = { "t", "u/v", "a/b/c", "x" };
    struct world_peer *peer =
        how % 4 == 3 ? world_open_device(world, MQTT_VERSION_5, "lamp", "device")
                     : world_open(world, how % 4 == 2 ? MQTT_VERSION_3_1_1 : MQTT_VERSION_5);
    const struct world_connect connect = { .client_id = client_id,
                                           .resume = how % 8 != 0,
                                           .expiry_s = how % 16 == 1 ? 0 : how };
    uint8_t reason;

    world_connect(peer, &connect, &reason);
    take_what_comes(peer, how % 32);
    if (reason == 0 && peer->is_open)
        world_publish(peer, topics[how / 4 % 4], "x", (enum mqtt_qos)(how % 3), how / 3 + 1u,
                      how % 5 == 0);
    take_what_comes(peer, how);
    world_break(peer);
}

static void live(struct script *script, struct world *world)
{
    static const char *const ids[] = { "a", "b", "c", "d", "lamp", "new" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(ids); i++)
        come_and_go(world, ids[i], u8(script));
    world_sleep(world, (uint64_t)u8(script) * 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct script script = { .r = mqtt_reader_over((struct mqtt_span){ data, len }) };
    static struct world world;
    unsigned shards = 1 + u8(&script) % 3;

    while (mqtt_reader_left(&script.r) > 0 && script.count < MOST_THINGS && u8(&script) != 0)
        read_thing(&script);
    qsort(script.things, script.count, sizeof(script.things[0]), by_key);
    world_init(&world, shards, NULL);
    restore(&script, &world);
    put_on_disk(&script, &world);
    world_run(&world);
    live(&script, &world);
    world_crash(&world, 0, 1 + shards % 3);
    live(&script, &world);
    world_fini(&world);
    for (size_t i = 0; i < script.count; i++)
        record_fini(&script.things[i].record);
    return 0;
}
