/* SPDX-License-Identifier: Apache-2.0 */
/* Every order of what can happen, to a depth: model_test [DEPTH]
 *
 * A client with a store and a server that keeps its session exchange a message of QoS 1 and
 * one of QoS 2 in each direction, while at any point what is under way can be lost with the
 * connection, and the client with its power. What is lost is sent again, so duplicates come
 * by themselves. Wherever the order ends, peace follows, and then: each message that
 * tacit_publish took has reached the server and each of the server's the application, those
 * of QoS 2 once. The application has processed a message when it comes back to tacit_poll. */
#include "client/shelf.h"

#include <stdio.h>

#define WIRE_BYTES  512
#define ARENA_BYTES 2048
#define KINDS       2 /* of messages: QoS 1 and QoS 2 */

enum outbound { NOT_SENT = 0, SENT, RELEASED, DONE };

struct server {
    bool is_connected;
    bool has_session;
    unsigned got[KINDS];
    uint16_t qos_2_id; /* received and not yet released; 0: none */
    enum outbound out[KINDS];
};

struct application {
    bool published[KINDS];
    uint32_t token[KINDS];
    unsigned delivered[KINDS];
    unsigned processed[KINDS];
    int pending; /* kind of the message that was handed out last; -1: none */
};

struct world {
    struct stand stand;
    struct shelf shelf;
    struct server server;
    struct application application;
    uint8_t to_server[WIRE_BYTES];
    uint8_t to_client[WIRE_BYTES];
};

static unsigned long paths;

/* Identifiers of the server's messages. */
static uint8_t server_id(unsigned kind)
{
    return (uint8_t)(11 + kind);
}

static void say(struct world *world, const uint8_t *bytes, size_t len)
{
    assert_true(tacit_memory_feed(&world->stand.wire, bytes, len));
}

static void answer(struct world *world, uint8_t first, const uint8_t *id)
{
    say(world, (const uint8_t[]){ first, 2, id[0], id[1] }, 4);
}

static void send_message(struct world *world, unsigned kind, bool again)
{
    uint8_t first = (uint8_t)(0x32 + 2 * kind + (again ? 8 : 0));
    say(world,
        (const uint8_t[]){ first, 7, 0, 1, 's', 0, server_id(kind), 0, (uint8_t)('0' + kind) }, 9);
}

static void on_connect(struct world *world)
{
    struct server *server = &world->server;
    say(world, (const uint8_t[]){ 0x20, 3, server->has_session, 0, 0 }, 5);
    server->is_connected = true;
    server->has_session = true;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (server->out[kind] == SENT)
            send_message(world, kind, true);
        if (server->out[kind] == RELEASED)
            answer(world, 0x62, (const uint8_t[]){ 0, server_id(kind) });
    }
}

/* Topic of one byte, identifier, no properties, payload of one byte. */
static void on_publish(struct world *world, const uint8_t *packet)
{
    struct server *server = &world->server;
    unsigned kind = packet[8] - '0';
    uint16_t id = (uint16_t)(packet[5] << 8 | packet[6]);
    assert_true(kind < KINDS && (packet[0] >> 1 & 3) == (int)kind + 1);
    if (kind == 0 || server->qos_2_id != id)
        server->got[kind]++;
    if (kind == 1)
        server->qos_2_id = id;
    answer(world, kind == 0 ? 0x40 : 0x50, packet + 5);
}

static void on_packet(struct world *world, const uint8_t *packet)
{
    struct server *server = &world->server;
    switch (packet[0] >> 4) {
    case 1:
        on_connect(world);
        break;
    case 3:
        on_publish(world, packet);
        break;
    case 4:
        server->out[0] = DONE;
        break;
    case 5:
        if (server->out[1] == SENT)
            server->out[1] = RELEASED;
        answer(world, 0x62, packet + 2);
        break;
    case 6:
        server->qos_2_id = 0;
        answer(world, 0x70, packet + 2);
        break;
    case 7:
        server->out[1] = DONE;
        break;
    default:
        fail_msg("the client sends 0x%02x", packet[0]);
    }
}

/* The server reads all that has come. */
static void let_server_read(struct world *world)
{
    struct tacit_memory_buffer *buffer = &world->stand.wire.to_server;
    size_t at = 0;
    while (at < buffer->len) {
        on_packet(world, buffer->bytes + at);
        at += 2u + buffer->bytes[at + 1];
    }
    assert_int_equal(at, buffer->len);
    tacit_memory_drop(&world->stand.wire, at);
}

static void on_delivered(struct world *world, uint32_t token)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (world->application.token[kind] == token) {
            assert_int_equal(++world->application.delivered[kind], 1);
            assert_true(world->server.got[kind] > 0);
        }
}

/* One tacit_poll. The application processes at its beginning what the last one brought. */
static void let_client_poll(struct world *world)
{
    struct application *application = &world->application;
    struct stand *stand = &world->stand;
    if (application->pending >= 0)
        application->processed[application->pending]++;
    application->pending = -1;
    enum tacit_event_type type = stand_poll(stand);
    assert_int_not_equal(type, TACIT_EVENT_REJECTED);
    if (type == TACIT_EVENT_MESSAGE)
        application->pending = *(const char *)stand->event.message.payload.data - '0';
    if (type == TACIT_EVENT_DELIVERED)
        on_delivered(world, stand->event.token);
    if (type == TACIT_EVENT_DOWN) {
        assert_int_equal(stand->event.status, TACIT_IO);
        stand->wire.hung_up = false;
    }
}

/* What is under way is lost. The client sees that the connection has ended. */
static void lose_connection(struct world *world)
{
    world->server.is_connected = false;
    world->stand.wire.to_server.len = 0;
    world->stand.wire.to_client.len = 0;
    world->stand.wire.hung_up = world->stand.wire.is_open;
}

static void lose_power(struct world *world)
{
    world->server.is_connected = false;
    world->application.pending = -1;
    /* Tokens begin anew when nothing is kept. */
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (world->application.delivered[kind] > 0)
            world->application.token[kind] = 0;
    assert_int_equal(shelf_reboot(&world->stand), TACIT_OK);
}

static void publish(struct world *world, unsigned kind)
{
    const char payload[2] = { (char)('0' + kind), '\0' };
    world->application.published[kind] = true;
    world->application.token[kind] =
        stand_publish(&world->stand, "c", payload, (uint8_t)(kind + 1));
}

static void server_publishes(struct world *world, unsigned kind)
{
    world->server.out[kind] = SENT;
    send_message(world, kind, false);
}

enum action {
    CLIENT_POLLS = 0,
    SERVER_READS,
    CONNECTION_LOST,
    POWER_LOST,
    CLIENT_PUBLISHES, /* and the next, for each kind */
    SERVER_PUBLISHES = CLIENT_PUBLISHES + KINDS,
    ACTION_COUNT = SERVER_PUBLISHES + KINDS,
};

/* False if it cannot happen now, or would change nothing. */
static bool happen(struct world *world, unsigned action)
{
    if (action == CLIENT_POLLS) {
        let_client_poll(world);
    } else if (action == SERVER_READS) {
        if (world->stand.wire.to_server.len == 0)
            return false;
        let_server_read(world);
    } else if (action == CONNECTION_LOST) {
        if (!world->stand.wire.is_open || world->stand.wire.hung_up)
            return false;
        lose_connection(world);
    } else if (action == POWER_LOST) {
        lose_power(world);
    } else if (action < SERVER_PUBLISHES) {
        unsigned kind = action - CLIENT_PUBLISHES;
        if (world->application.published[kind])
            return false;
        publish(world, kind);
    } else {
        unsigned kind = action - SERVER_PUBLISHES;
        if (!world->server.is_connected || world->server.out[kind] != NOT_SENT)
            return false;
        server_publishes(world, kind);
    }
    return true;
}

/* Nothing is lost any more: everything arrives. */
static void find_peace(struct world *world)
{
    for (unsigned i = 0; i < 30; i++) {
        let_client_poll(world);
        let_server_read(world);
    }
    assert_true(tacit_is_up(world->stand.client) && tacit_is_idle(world->stand.client));
    for (unsigned kind = 0; kind < KINDS; kind++) {
        unsigned got = world->server.got[kind];
        unsigned processed = world->application.processed[kind];
        bool is_sent = world->server.out[kind] != NOT_SENT;
        assert_int_equal(got > 0, world->application.published[kind]);
        assert_int_equal(processed > 0, is_sent);
        assert_true(!is_sent || world->server.out[kind] == DONE);
        assert_true(kind == 0 || (got <= 1 && processed <= 1));
    }
    paths++;
}

/* The client knows where it lies, so that it comes back to the same place. */
struct moment {
    struct world world;
    uint8_t arena[ARENA_BYTES];
};

static void keep(struct moment *moment, const struct world *world)
{
    moment->world = *world;
    memcpy(moment->arena, world->stand.arena, tacit_arena_bytes(&world->stand.config.limits));
}

static void go_back(struct world *world, const struct moment *moment)
{
    void *arena = world->stand.arena;
    *world = moment->world;
    assert_ptr_equal(arena, world->stand.arena);
    memcpy(arena, moment->arena, tacit_arena_bytes(&world->stand.config.limits));
}

static void explore(struct world *world, unsigned depth, struct moment *moments)
{
    keep(&moments[depth], world);
    find_peace(world);
    go_back(world, &moments[depth]);
    for (unsigned action = 0; depth > 0 && action < ACTION_COUNT; action++) {
        if (happen(world, action))
            explore(world, depth - 1, moments);
        go_back(world, &moments[depth]);
    }
}

static unsigned deepest = 7;

static void nothing_is_lost_and_qos_2_comes_once(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct moment *moments = calloc(deepest + 1, sizeof(*moments));
    (void)state;
    stand_init(&world->stand);
    free(world->stand.wire.to_server.bytes);
    free(world->stand.wire.to_client.bytes);
    tacit_memory_init(&world->stand.wire,
                      (struct tacit_memory_buffer){ world->to_server, WIRE_BYTES, 0 },
                      (struct tacit_memory_buffer){ world->to_client, WIRE_BYTES, 0 });
    shelf_init(&world->shelf, &world->stand);
    world->stand.config.keep_alive_s = 0;
    world->application.pending = -1;
    stand_start(&world->stand);
    assert_true(tacit_arena_bytes(&world->stand.config.limits) <= ARENA_BYTES);
    explore(world, deepest, moments);
    print_message("%lu orders of up to %u steps\n", paths, deepest);
    free(world->stand.arena);
    free(moments);
    free(world);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_qos_2_comes_once),
    };
    if (argc > 1)
        deepest = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
