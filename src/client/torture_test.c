/* SPDX-License-Identifier: Apache-2.0 */
/* A bad network, by chance with a fixed seed: torture_test [STEPS]
 *
 * Connections are cut at any byte, go silent, cannot be opened, are refused; writes take a few
 * bytes; clocks leap either way; the server restarts and keeps its session, or loses it. The
 * application publishes more than the queue holds, with priorities, some of it in pieces. Whenever
 * the client says that a message is delivered, the server has it; and in the peace at the end every
 * message that tacit_publish took has reached the server or was said to be given up, one of QoS 2
 * once as long as the server kept its session. */
#include "client/stand.h"

#include <tacit/pieces.h>

#define MESSAGES 4096
#define IDS      64

/* Of the stand; less of it is a network that takes little. */
#define WIRE_BYTES 8192

enum outcome { UNDECIDED = 0, DELIVERED, GIVEN_UP };

struct server {
    uint8_t bytes[WIRE_BYTES]; /* what is not yet a whole packet */
    size_t len;
    bool is_silent; /* reads and says nothing */
    bool has_session;
    bool forgets;               /* now and then its sessions, when it restarts */
    uint16_t received_ids[IDS]; /* of QoS 2, not released */
    unsigned id_count;
};

struct world {
    struct stand stand;
    struct server server;
    uint32_t seed;
    unsigned published; /* serial numbers below it were taken by tacit_publish */
    uint32_t tokens[MESSAGES];
    uint8_t outcomes[MESSAGES];
    uint8_t qos[MESSAGES];
    unsigned arrived[MESSAGES];
    unsigned connections;
    unsigned sessions_lost;
};

static uint32_t dice(struct world *world, uint32_t below)
{
    world->seed = world->seed * 1664525u + 1013904223u;
    return (world->seed >> 8) % below;
}

static void say(struct world *world, const uint8_t *bytes, size_t len)
{
    if (!world->server.is_silent)
        (void)tacit_memory_feed(&world->stand.wire, bytes, len);
}

static void answer(struct world *world, uint8_t first, const uint8_t *id)
{
    say(world, (const uint8_t[]){ first, 2, id[0], id[1] }, 4);
}

static size_t read_varint(const uint8_t **at)
{
    size_t value = 0;
    unsigned shift = 0;
    do {
        value |= (size_t)(**at & 0x7f) << shift;
        shift += 7;
    } while ((*(*at)++ & 0x80) != 0);
    return value;
}

static bool was_received(const struct server *server, uint16_t id)
{
    for (unsigned i = 0; i < server->id_count; i++)
        if (server->received_ids[i] == id)
            return true;
    return false;
}

static void release(struct server *server, uint16_t id)
{
    for (unsigned i = 0; i < server->id_count; i++)
        if (server->received_ids[i] == id)
            server->received_ids[i--] = server->received_ids[--server->id_count];
}

static void on_publish(struct world *world, const uint8_t *packet, const uint8_t *body)
{
    struct server *server = &world->server;
    unsigned qos = packet[0] >> 1 & 3;
    const uint8_t *at = body + 2 + (body[0] << 8 | body[1]);
    const uint8_t *id = at;
    uint16_t packet_id = (uint16_t)(qos > 0 ? id[0] << 8 | id[1] : 0);
    at += qos > 0 ? 2 : 0;
    size_t block = read_varint(&at);
    at += block;
    unsigned serial = (unsigned)at[0] << 8 | at[1];
    assert_true(serial < world->published && world->qos[serial] == qos);
    if (qos < 2 || !was_received(server, packet_id))
        world->arrived[serial]++;
    if (qos == 2 && !was_received(server, packet_id)) {
        assert_true(server->id_count < IDS);
        server->received_ids[server->id_count++] = packet_id;
    }
    if (qos > 0)
        answer(world, qos == 1 ? 0x40 : 0x50, id);
}

static void on_connect(struct world *world)
{
    bool is_busy = dice(world, 8) == 0;
    bool keeps = world->server.has_session && (!world->server.forgets || dice(world, 10) != 0);
    world->connections++;
    if (is_busy) {
        say(world, (const uint8_t[]){ 0x20, 3, 0, 0x89, 0 }, 5);
        return;
    }
    if (!keeps) {
        world->sessions_lost += world->server.has_session;
        world->server.id_count = 0;
    }
    world->server.has_session = true;
    say(world, (const uint8_t[]){ 0x20, 9, keeps, 0, 6, 0x21, 0, 3, 0x22, 0, 2 }, 11);
}

static void on_packet(struct world *world, const uint8_t *packet, const uint8_t *body)
{
    switch (packet[0] >> 4) {
    case 1:
        on_connect(world);
        break;
    case 3:
        on_publish(world, packet, body);
        break;
    case 6:
        release(&world->server, (uint16_t)(body[0] << 8 | body[1]));
        answer(world, 0x70, body);
        break;
    case 8:
        say(world, (const uint8_t[]){ 0x90, 4, body[0], body[1], 0, 1 }, 6);
        break;
    case 12:
        say(world, (const uint8_t[]){ 0xd0, 0 }, 2);
        break;
    default:
        /* PUBACK to what the server sent, DISCONNECT. */
        break;
    }
}

/* Bytes of the packet in front, 0 if it is not all there. */
static size_t whole_packet(const struct server *server, const uint8_t **out_body)
{
    size_t header = 1;
    while (header < server->len && header < 5 && (server->bytes[header] & 0x80) != 0)
        header++;
    if (header >= server->len)
        return 0;
    *out_body = server->bytes + 1;
    size_t len = read_varint(out_body);
    len += (size_t)(*out_body - server->bytes);
    return len <= server->len ? len : 0;
}

static void let_server_read(struct world *world)
{
    struct server *server = &world->server;
    struct tacit_memory_buffer *buffer = &world->stand.wire.to_server;
    const uint8_t *body;
    if (server->is_silent)
        buffer->len = 0;
    assert_true(buffer->len <= sizeof(server->bytes) - server->len);
    memcpy(server->bytes + server->len, buffer->bytes, buffer->len);
    server->len += buffer->len;
    buffer->len = 0;
    for (size_t len; (len = whole_packet(server, &body)) > 0;) {
        on_packet(world, server->bytes, body);
        server->len -= len;
        memmove(server->bytes, server->bytes + len, server->len);
    }
}

static unsigned serial_of(const struct world *world, uint32_t token)
{
    unsigned serial = 0;
    while (serial < world->published && world->tokens[serial] != token)
        serial++;
    assert_true(serial < world->published);
    return serial;
}

static void on_end(struct world *world, const struct tacit_event *event)
{
    unsigned serial = serial_of(world, event->token);
    bool is_delivered = event->type == TACIT_EVENT_DELIVERED;
    assert_int_equal(world->outcomes[serial], UNDECIDED);
    world->outcomes[serial] = is_delivered ? DELIVERED : GIVEN_UP;
    assert_true(is_delivered ? world->arrived[serial] > 0 : event->status == TACIT_DROPPED);
}

static void hand_over(struct world *world, const struct tacit_event *event)
{
    unsigned serial = serial_of(world, event->token);
    uint8_t payload[400] = { (uint8_t)(serial >> 8), (uint8_t)serial };
    size_t left = event->total - event->offset;
    size_t len = dice(world, 150);
    size_t taken;
    struct tacit_bytes piece = { payload + event->offset, len < left ? len : left };
    enum tacit_status status =
        tacit_publish_part(world->stand.client, event->token, event->offset, piece, &taken);
    assert_true(status == TACIT_OK || status == TACIT_AGAIN || status == TACIT_IO);
}

static void poll_once(struct world *world)
{
    struct stand *stand = &world->stand;
    enum tacit_event_type type = stand_poll(stand);
    if (type == TACIT_EVENT_DELIVERED || type == TACIT_EVENT_REJECTED)
        on_end(world, &stand->event);
    if (type == TACIT_EVENT_WANTED)
        hand_over(world, &stand->event);
    if (type == TACIT_EVENT_DOWN) {
        world->server.len = 0;
        world->server.is_silent = false;
        stand->wire.to_server.len = 0;
        if (stand->event.retry_in_ms == UINT32_MAX)
            tacit_start(stand->client);
    }
}

static void publish(struct world *world)
{
    unsigned serial = world->published;
    uint8_t payload[400] = { (uint8_t)(serial >> 8), (uint8_t)serial };
    struct tacit_message message = { .topic = { "abcdefgh", 1 + dice(world, 8) },
                                     .payload = { payload, 2 + dice(world, 300) },
                                     .qos = (uint8_t)dice(world, 3),
                                     .priority = (uint8_t)dice(world, 8) };
    bool in_pieces = message.qos < 2 && dice(world, 6) == 0;
    if (serial == MESSAGES)
        return;
    enum tacit_status status =
        in_pieces ? tacit_publish_begin(world->stand.client, &message, &world->tokens[serial])
                  : tacit_publish(world->stand.client, &message, &world->tokens[serial]);
    assert_true(status == TACIT_OK || status == TACIT_FULL);
    world->qos[serial] = message.qos;
    world->published += status == TACIT_OK;
}

/* Some of what is under way still arrives, up to any byte. */
static void cut(struct world *world)
{
    struct tacit_memory *wire = &world->stand.wire;
    wire->to_server.len = dice(world, (uint32_t)wire->to_server.len + 1);
    wire->to_client.len = dice(world, (uint32_t)wire->to_client.len + 1);
    let_server_read(world);
    wire->hung_up = wire->is_open;
}

static void step(struct world *world)
{
    struct stand *stand = &world->stand;
    static const uint8_t message[] = { 0x32, 7, 0, 1, 's', 0, 9, 0, '!' };
    switch (dice(world, 24)) {
    case 0:
        cut(world);
        break;
    case 1:
        world->server.is_silent |= dice(world, 4) == 0; /* until somebody notices */
        break;
    case 2: /* a name that nobody knows, a server that does not listen, one that is slow */
        stand->wire.open_result = dice(world, 2) == 0 ? TACIT_IO : TACIT_AGAIN;
        break;
    case 3:
        stand->now_ms += dice(world, 40) == 0 ? (uint64_t)1 << 40 : dice(world, 30000);
        break;
    case 4:
        stand->now_ms -= dice(world, 1000);
        break;
    case 5:
        if (tacit_is_up(stand->client))
            say(world, message, sizeof(message));
        break;
    case 6:
        stand->wire.to_server.size = dice(world, 3) == 0 ? dice(world, 100) : WIRE_BYTES;
        stand->wire.send_limit = dice(world, 3) == 0 ? dice(world, 40) : SIZE_MAX;
        stand->wire.chunk_bytes = dice(world, 20);
        break;
    case 7:
        (void)tacit_cancel(stand->client, world->tokens[dice(world, world->published + 1)]);
        break;
    case 8:
    case 9:
    case 10:
        publish(world);
        break;
    default:
        stand->wire.open_result = TACIT_OK;
        let_server_read(world);
        break;
    }
    poll_once(world);
    stand->now_ms += dice(world, 100);
}

static void find_peace(struct world *world)
{
    struct stand *stand = &world->stand;
    stand->wire.open_result = TACIT_OK;
    stand->wire.send_limit = SIZE_MAX;
    stand->wire.to_server.size = WIRE_BYTES;
    stand->wire.chunk_bytes = 0;
    for (unsigned i = 0; i < 5000 && !tacit_is_idle(stand->client); i++) {
        let_server_read(world);
        poll_once(world);
        stand->now_ms += i % 10 == 0 ? stand->sleep_ms % 130000 : 1;
    }
    assert_true(tacit_is_idle(stand->client));
}

static void check(const struct world *world)
{
    for (unsigned serial = 0; serial < world->published; serial++) {
        unsigned arrived = world->arrived[serial];
        if (world->qos[serial] == 0)
            continue; /* it may be lost */
        assert_true(world->outcomes[serial] != UNDECIDED);
        assert_true(arrived > 0 || world->outcomes[serial] == GIVEN_UP);
        if (world->qos[serial] == 2 && world->sessions_lost == 0)
            assert_true(arrived <= 1);
    }
}

static unsigned long steps = 20000;

static void run(uint32_t seed)
{
    static const struct tacit_subscription subscription = { .filter = TACIT_LITERAL("s"),
                                                            .qos = 1 };
    struct world *world = calloc(1, sizeof(*world));
    struct tacit_limits *limits = &world->stand.config.limits;
    world->seed = seed;
    world->server.forgets = seed % 3 == 0;
    stand_init(&world->stand);
    world->stand.config.session_expiry_s = 1000000000;
    world->stand.config.keep_alive_s = 10;
    world->stand.config.when_full = seed % 2 == 0 ? tacit_drop_lowest : tacit_drop_qos_0;
    limits->send_bytes = 64;
    limits->receive_bytes = 64;
    limits->queue_bytes = 1200;
    stand_start(&world->stand);
    assert_int_equal(tacit_subscribe(world->stand.client, &subscription), TACIT_OK);
    for (unsigned long i = 0; i < steps; i++)
        step(world);
    find_peace(world);
    check(world);
    assert_true(steps < 20000 || (world->published > 500 && world->connections > 20));
    print_message("seed %u: %u messages over %u connections, %u sessions lost\n", seed,
                  world->published, world->connections, world->sessions_lost);
    stand_fini(&world->stand);
    free(world);
}

static void nothing_that_was_taken_is_lost(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 6; seed++)
        run(seed);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_taken_is_lost),
    };
    if (argc > 1)
        steps = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
