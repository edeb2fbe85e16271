/* SPDX-License-Identifier: Apache-2.0 */
/* A whole broker, one to three shards with a disk, and eight clients, good and bad, of all three
 * versions: the input is what happens to them, step by step. Promises asserted after each step:
 * the shards are in order (broker_check.h), every client is sent what the standard and the policy
 * allow and nothing else (broker_witness.h), and a message reaches whom it has to (broker_oracle.h).
 * What was confirmed is there after a crash; in the end nothing is left. */
#include "base/invariant.h"
#include "broker_check.h"
#include "broker_limits.h"
#include "broker_names.h"
#include "broker_oracle.h"
#include "broker_packets.h"
#include "broker_roles.h"
#include "codec/ack.h"
#include "codec/disconnect.h"
#include "core/authentication.h"
#include "core/client.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 128u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct play {
    struct mqtt_reader script;
    struct world world;
    struct actor actors[ACTORS];
    uint64_t marker; /* of the last message */
    bool has_moved;  /* the wall clock was set: times of before mean something else */
};

static uint8_t u8(struct play *play)
{
    return script_u8(&play->script);
}

static struct actor *an_actor(struct play *play)
{
    return &play->actors[u8(play) % ACTORS];
}

static void look(struct play *play)
{
    world_run(&play->world);
    for (size_t i = 0; i < ACTORS; i++)
        witness_look(&play->actors[i]);
}

/* ---- clients come and go ---- */

static struct world_peer *open_peer(struct play *play)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_5, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_5, MQTT_VERSION_3_1 };
    struct world *world = &play->world;
    uint8_t how = u8(play);
    enum mqtt_version version = versions[how % 4];

    if (how / 4 % 4 == 1)
        return world_open_device(world, version, "lamp", "device");
    if (how / 4 % 4 == 2)
        return world_open_at(world, version, "rock", how / 16 % 2 == 0 ? "here" : "there");
    return world_open(world, version);
}

static void come(struct play *play)
{
    uint8_t packet[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    struct actor *actor = an_actor(play);

    if (actor->peer != NULL) {
        world_break(actor->peer);
        look(play);
    }
    witness_open(actor, open_peer(play));
    packet_connect(&play->script, actor, &w);
    world_send(actor->peer, mqtt_writer_written(&w));
}

static void break_off(struct play *play)
{
    const struct actor *actor = an_actor(play);

    if (actor->peer != NULL)
        world_break(actor->peer);
}

static void leave(struct play *play)
{
    uint8_t packet[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct actor *actor = an_actor(play);

    if (actor->peer == NULL)
        return;
    packet_disconnect(&play->script, actor->peer->version, &w);
    world_send(actor->peer, mqtt_writer_written(&w));
}

/* ---- what they send ---- */

static void subscribe(struct play *play)
{
    uint8_t packet[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct actor *actor = an_actor(play);

    if (actor->peer == NULL)
        return;
    if (u8(play) % 4 != 0)
        packet_subscribe(&play->script, actor->peer->version, &w);
    else
        packet_unsubscribe(&play->script, actor->peer->version, &w);
    world_send(actor->peer, mqtt_writer_written(&w));
}

static void send_message(struct play *play, struct actor *actor)
{
    uint8_t packet[PACKET_BYTES];
    uint8_t payload[PAYLOAD_BYTES];
    struct foreseen foreseen = { 0 };
    const struct mqtt_publish_out message = packet_publish(&play->script, ++play->marker, payload);

    oracle_foresee(&play->world, play->actors, actor, &message, &foreseen);
    const uint8_t *end = mqtt_publish_write(packet, actor->peer->version, &message, NULL);
    world_send(actor->peer, (struct mqtt_span){ packet, (size_t)(end - packet) });
    look(play);
    oracle_check(&play->world, &foreseen);
}

static void publish(struct play *play)
{
    struct actor *actor = an_actor(play);

    if (actor->peer != NULL)
        send_message(play, actor);
}

/* The same message several times over, which fills windows and queues. */
static void send_many(struct play *play, struct actor *actor, unsigned count)
{
    const struct mqtt_reader again = play->script;

    for (unsigned i = 0; i < count && actor->peer != NULL; i++) {
        play->script = again;
        send_message(play, actor);
    }
}

static void publish_many(struct play *play)
{
    struct actor *actor = an_actor(play);

    send_many(play, actor, 2 + u8(play) % 32);
}

/* To everything that it may have. */
static void subscribe_widely(struct play *play, const struct actor *actor)
{
    uint8_t packet[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));

    if (actor->peer == NULL)
        return;
    packet_subscribe_all(actor->peer->version, &w);
    world_send(actor->peer, mqtt_writer_written(&w));
    look(play);
}

static void acknowledge(struct play *play)
{
    static const enum mqtt_packet_type types[] = { MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL,
                                                   MQTT_PUBCOMP };
    struct actor *actor = an_actor(play);
    uint8_t which = u8(play);

    if (actor->peer == NULL)
        return;
    if (which % 8 == 7) { /* of its own message, or of none */
        enum mqtt_packet_type type = types[u8(play) % 4];
        actor->is_wild |= type != MQTT_PUBREL;
        world_ack(actor->peer, type, (uint16_t)(1 + u8(play) % 16));
        return;
    }
    if (actor->owed_count == 0)
        return;
    which %= actor->owed_count;
    struct owed owed = actor->owed[which];
    witness_acked(actor, which);
    world_ack(actor->peer, owed.next, owed.packet_id);
}

/* All that is owed, in order, until there is no more. */
static void acknowledge_all(struct play *play)
{
    struct actor *actor = an_actor(play);

    for (unsigned i = 0; i < OWED && actor->peer != NULL && actor->owed_count > 0; i++) {
        struct owed owed = actor->owed[0];
        witness_acked(actor, 0);
        world_ack(actor->peer, owed.next, owed.packet_id);
        look(play);
    }
}

static void send_raw(struct play *play)
{
    struct actor *actor = an_actor(play);
    struct mqtt_span bytes = script_bytes(&play->script, u8(play) % 64);

    if (bytes.len == 0)
        return;
    if (actor->peer == NULL)
        witness_open(actor, open_peer(play));
    actor->is_wild = true;
    world_send(actor->peer, bytes);
}

/* A packet that was well-formed until one of its bytes was changed. */
static void send_mutated(struct play *play)
{
    uint8_t packet[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    struct actor *actor = an_actor(play);
    uint8_t how = u8(play);

    if (actor->peer == NULL)
        return;
    if (how % 4 == 0)
        packet_connect(&play->script, actor, &w);
    else if (how % 4 == 1)
        packet_subscribe(&play->script, actor->peer->version, &w);
    else if (how % 4 == 2)
        packet_disconnect(&play->script, actor->peer->version, &w);
    else
        packet_auth(&play->script, &w);
    struct mqtt_span written = mqtt_writer_written(&w);
    if (how / 4 % 4 != 0 && written.len > 0)
        packet[u8(play) % written.len] ^= u8(play);
    actor->is_wild = true;
    world_send(actor->peer, written);
}

static void ping(struct play *play)
{
    uint8_t packet[2];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct actor *actor = an_actor(play);

    if (actor->peer == NULL)
        return;
    mqtt_ping_encode(&w, MQTT_PINGREQ);
    world_send(actor->peer, mqtt_writer_written(&w));
}

static void read_nothing(struct play *play)
{
    const struct actor *actor = an_actor(play);

    if (actor->peer != NULL)
        actor->peer->takes_nothing = !actor->peer->takes_nothing;
}

static void judge(struct play *play)
{
    static const enum admission verdicts[] = { ADMISSION_ALLOW, ADMISSION_REFUSE, ADMISSION_WAIT };
    const struct actor *actor = an_actor(play);
    enum admission verdict = verdicts[u8(play) % 3];

    if (actor->peer == NULL || actor->peer->client == NULL)
        return;
    /* It may wait for what others say of its key, too: that is not for the port to answer. */
    const struct client *client = actor->peer->client;
    if (client->state == CLIENT_AWAITS_VERDICT && client->authentication != NULL
        && client->authentication->exchange != NULL)
        world_judge(actor->peer, verdict);
}

/* ---- what happens around them ---- */

static void sleep_a_while(struct play *play)
{
    static const uint64_t times_ms[] = { 1, 100, 1000, 11000, 70000, 600000 };

    world_sleep(&play->world, times_ms[u8(play) % MQTT_ARRAY_LEN(times_ms)]);
}

static void set_wall(struct play *play)
{
    struct world *world = &play->world;

    play->has_moved = true;
    world->wall_offset_ms += ((int64_t)u8(play) - 128) * 10000;
    for (unsigned i = 0; i < world->shards; i++)
        broker_set_wall(world->brokers[i], (int64_t)world->now_ms + world->wall_offset_ms,
                        world->now_ms);
}

static void disk(struct play *play)
{
    static const enum journal_state states[] = { JOURNAL_OPEN, JOURNAL_OPEN, JOURNAL_FULL,
                                                 JOURNAL_FAILED };
    struct world *world = &play->world;
    uint8_t how = u8(play);

    if (how % 2 != 0) {
        world->disk_state = states[how / 2 % 4];
        world->disk_is_slow = how / 2 % 4 == 1 || world->disk_state == JOURNAL_FAILED;
        world_confirm(world, 0);
    } else if (how % 4 == 0) {
        world_confirm(world, how / 4 % 8);
    } else {
        world_write(world, how / 4 % 8);
    }
}

static void crash(struct play *play)
{
    struct world *world = &play->world;
    struct kept kept;
    uint8_t how = u8(play);
    unsigned shards = 1 + how / 8 % 3;

    oracle_keep(world, &kept);
    world->disk_state = JOURNAL_OPEN;
    world->disk_is_slow = false;
    if (how / 24 % 4 == 0) {
        world_restart(world, shards); /* connections end first, sessions change with them */
        kept.is_known = false;
    } else {
        world_crash(world, how % 8, shards);
    }
    for (size_t i = 0; i < ACTORS; i++)
        play->actors[i].peer = NULL;
    if (!play->has_moved)
        oracle_check_kept(world, &kept);
}

static void drain(struct play *play)
{
    struct world *world = &play->world;

    broker_drain(world->brokers[u8(play) % world->shards], world->now_ms);
}

/* ---- policy ---- */

static void enforce(struct play *play, struct policy *policy)
{
    policy_seal(policy);
    for (size_t i = 0; i < ACTORS; i++)
        play->actors[i].is_behind = play->actors[i].peer != NULL;
    world_set_policy(&play->world, policy);
}

static void change_policy(struct play *play)
{
    struct world *world = &play->world;
    struct policy *policy = policy_new();
    uint8_t how = u8(play);

    MQTT_INVARIANT(policy != NULL);
    if (how % 8 < 4)
        roles_add_wide(policy, "all");
    else if (how % 8 < 7)
        roles_add_narrow(policy, u8(play));
    if (how / 8 % 4 != 0)
        roles_add_wide(policy, "device");
    world->barred = how / 32 % 4 == 1 ? "lamp" : NULL;
    world->slow = how / 32 % 4 == 2 ? "rock" : NULL;
    world->clone = (enum policy_clone)(how % POLICY_CLONE_COUNT);
    world->held[0] = '\0';
    enforce(play, policy);
}

/* Somebody may have all but a few topics, asks for all, and others publish to every one. */
static void carve(struct play *play)
{
    struct policy *policy = policy_new();
    const struct actor *reader = an_actor(play);

    MQTT_INVARIANT(policy != NULL);
    roles_add_carved(policy, "all", u8(play));
    roles_add_carved(policy, "device", u8(play));
    enforce(play, policy);
    if (u8(play) % 2 != 0)
        (void)world_settle_policy(&play->world, UINT32_MAX);
    look(play);
    subscribe_widely(play, reader);
    for (unsigned i = 0; i < BROKER_TOPICS; i++)
        publish(play);
}

/* Identifiers come round while some of them are in flight. */
static void come_round(struct play *play)
{
    struct actor *actor = an_actor(play);
    uint8_t how = u8(play);

    subscribe_widely(play, actor);
    send_many(play, actor, 1 + how % 4);
    witness_turn_over(actor, 1 + how / 4 % 4);
    send_many(play, actor, 1 + how / 16 % 8);
}

static void walk(struct play *play)
{
    struct world *world = &play->world;
    unsigned most = 1 + u8(play) % 8;

    for (unsigned i = 0; i < world->shards; i++)
        (void)!broker_policy_step(world->brokers[i], most, world->now_ms);
}

static void change_durability(struct play *play)
{
    play->world.durability = (enum policy_durability)(u8(play) % POLICY_DURABILITY_COUNT);
}

static void change_tenant(struct play *play)
{
    play->world.tenant = u8(play) % 2 != 0 ? "acme" : NULL;
}

/* What happens often stands here often. */
static void (*const steps[])(struct play *) = {
    come,
    come,
    come,
    come,
    break_off,
    leave,
    subscribe,
    subscribe,
    subscribe,
    publish,
    publish_many,
    publish,
    publish,
    publish,
    publish,
    publish,
    acknowledge,
    acknowledge,
    acknowledge_all,
    send_raw,
    send_mutated,
    ping,
    read_nothing,
    judge,
    sleep_a_while,
    set_wall,
    disk,
    disk,
    crash,
    drain,
    change_policy,
    walk,
    change_durability,
    change_tenant,
};

/* Bytes that choose these chose others once: inputs that are kept have few of them. */
#define RARE 248u

static void (*const rare_steps[])(struct play *) = { carve, come_round };

static void step(struct play *play)
{
    uint8_t which = u8(play);

    if (which >= RARE)
        rare_steps[which % MQTT_ARRAY_LEN(rare_steps)](play);
    else
        steps[which % MQTT_ARRAY_LEN(steps)](play);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct play play;
    const struct limits limits = broker_small_limits();

    play = (struct play){ .script = mqtt_reader_over((struct mqtt_span){ data, len }) };
    world_init(&play.world, 1 + u8(&play) % 3, &limits);
    for (unsigned i = 0; i < MOST_STEPS && mqtt_reader_left(&play.script) > 0; i++) {
        step(&play);
        look(&play);
        broker_check(&play.world);
    }
    broker_check_end(&play.world);
    world_fini(&play.world);
    return 0;
}
