/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that have proved nothing, over real sockets. What the porch decides is porch_test.c's. */
#include "net/guest.h"

#include "base/testing.h"
#include "net/net_test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NEAR  0x7f000001u /* 127.0.0.1 */
#define APART 0x7f000101u /* 127.0.1.1: another network */

static struct porch_figures figures(const struct world *world)
{
    return porch_figures(world->porch);
}

static void until_guests(struct world *world, uint64_t count)
{
    for (int turn = 0; turn < 5000 && figures(world).guests != count; turn++)
        assert_int_equal(loop_turn(world->loop, 1), 0);
    assert_int_equal(figures(world).guests, count);
}

static void a_client_that_is_in_is_no_guest(void **state)
{
    (void)state;
    static const enum kind kinds[] = { KIND_PLAIN, KIND_TLS, KIND_UNIX };
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        until_guests(&world, 1);
        world_connect(&world, &device);
        assert_int_equal(figures(&world).guests, 0);
        assert_int_equal(figures(&world).bytes, 0);
        device_close(&device);
        world_until_alone(&world);
        world_close(&world);
    }
}

/* A handshake byte by byte: it ends when it has to, and nothing is spent on it. */
static void dripping_does_not_move_the_deadline(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    struct device source;
    struct limits limits = limits_default();
    limits.handshake_timeout_ms = 150;
    world_open(&world, KIND_TLS, &limits);
    world_device(&source, &world, "lamp");
    uint8_t hello[4096];
    (void)tls_client_handshake(source.tls);
    size_t len = tls_client_take(source.tls, hello, sizeof(hello));
    world_device(&device, &world, "lamp");
    tls_client_free(device.tls);
    device.tls = NULL; /* what is sent is sent as it is */

    uint64_t begun_ms = loop_now_ms(world.loop);
    for (size_t i = 0; i + 1 < len && !device.is_over && device.error == 0; i++) {
        queue_put(&device.out, hello + i, 1);
        world_turn(&world, &device);
        assert_int_equal(figures(&world).bytes, 0);
    }
    world_until_over(&world, &device);
    uint64_t took_ms = loop_now_ms(world.loop) - begun_ms;
    assert_true(took_ms + 5 >= 150);
    assert_in_range(world.refused[NET_REFUSED_TIMEOUT], 1, 2);
    assert_string_equal(world.refusal, "no TLS handshake in time");
    device_close(&device);
    device_close(&source);
    world_close(&world);
}

static void a_hello_in_pieces_is_answered(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_TLS, NULL);
    world_device(&device, &world, "lamp");
    uint8_t hello[4096];
    (void)tls_client_handshake(device.tls);
    size_t len = tls_client_take(device.tls, hello, sizeof(hello));
    for (size_t at = 0; at < len; at += 7) {
        assert_int_equal(figures(&world).bytes, 0);
        queue_put(&device.wire, hello + at, len - at < 7 ? len - at : 7);
        world_turn(&world, &device);
    }
    world_connect(&world, &device);
    device_close(&device);
    world_until_alone(&world);
    world_close(&world);
}

static void who_hangs_up_before_the_hello_is_whole_is_gone(void **state)
{
    (void)state;
    static const size_t lens[] = { 0, 1, 4, 5, 9 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(lens); i++) {
        struct world world;
        struct device device;
        world_open(&world, KIND_TLS, NULL);
        world_device(&device, &world, "lamp");
        tls_client_free(device.tls);
        device.tls = NULL;
        queue_put(&device.out, "\x16\x03\x01\x01\x00\x01\x00\x00\xfc", lens[i]);
        for (int turn = 0; turn < 10; turn++)
            world_turn(&world, &device);
        assert_int_equal(figures(&world).guests, 1);
        device_close(&device);
        world_until_alone(&world);
        assert_int_equal(world.refused[NET_REFUSED_HANDSHAKE], 1);
        assert_int_equal(figures(&world).guests, 0);
        world_close(&world);
    }
}

/* Half-open TLS: what it holds is counted, and comes back. */
static void a_half_open_handshake_is_counted(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    struct limits limits = limits_default();
    limits.handshake_timeout_ms = 200;
    world_open(&world, KIND_TLS, &limits);
    world_device(&device, &world, "lamp");
    device.is_deaf = true;
    world_turn(&world, &device);
    for (int turn = 0; turn < 5000 && figures(&world).bytes == 0; turn++)
        assert_int_equal(loop_turn(world.loop, 1), 0);
    assert_true(figures(&world).bytes > 10000);
    world_until_alone(&world);
    assert_int_equal(world.refused[NET_REFUSED_TIMEOUT], 1);
    assert_int_equal(figures(&world).bytes, 0);
    device_close(&device);
    world_close(&world);
}

/* The announced length is not what memory is taken for. */
static void a_fat_connect_gets_memory_as_it_comes(void **state)
{
    (void)state;
    static const enum kind kinds[] = { KIND_PLAIN, KIND_TLS };
    static const uint8_t start[] = { 0x10, 0xe8, 0xd4, 0x03, 0x00 }; /* 60008 bytes of body */
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        uint8_t body[60007] = { 0 };
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        until_guests(&world, 1);
        queue_put(&device.out, start, sizeof(start));
        uint64_t base = 0;
        for (size_t sent = 0; sent < sizeof(body);) {
            for (int turn = 0; turn < 30; turn++)
                world_turn(&world, &device);
            if (base == 0)
                base = kinds[k] == KIND_TLS ? figures(&world).bytes : 1;
            assert_true(figures(&world).bytes <= base + 2 * (sent + sizeof(start)) + 100);
            size_t len = sizeof(body) - sent < 7001 ? sizeof(body) - sent : 7001;
            assert_int_equal(world.broker.opened, 0);
            queue_put(&device.out, body + sent, len);
            sent += len;
        }
        world_until_came(&world, &device, 4);
        assert_memory_equal(device.in.bytes, "\x20\x02\0\0", 4);
        assert_int_equal(figures(&world).bytes, 0);
        device_close(&device);
        world_until_alone(&world);
        world_close(&world);
    }
}

static void a_listener_accepts_so_many_in_a_turn(void **state)
{
    (void)state;
    struct world world;
    struct device devices[3];
    struct limits limits = limits_default();
    limits.accepts_per_turn = 1;
    world_open(&world, KIND_PLAIN, &limits);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
        world_device(&devices[i], &world, NULL);
    for (uint64_t i = 1; i <= MQTT_ARRAY_LEN(devices); i++) {
        assert_int_equal(loop_turn(world.loop, 100), 0);
        assert_int_equal(net_connections(world.net), i);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
        device_close(&devices[i]);
    world_close(&world);
}

static void too_many_from_one_address_or_network_are_closed_at_accept(void **state)
{
    (void)state;
    for (int by_network = 0; by_network < 2; by_network++) {
        struct world world;
        struct device devices[4];
        struct limits limits = limits_default();
        *(by_network ? &limits.unproved_per_network : &limits.unproved_per_address) = 2;
        world_open(&world, KIND_PLAIN, &limits);
        for (unsigned i = 0; i < 3; i++)
            world_device_from(&devices[i], &world, NEAR + (by_network ? i : 0));
        world_until_over(&world, &devices[2]);
        assert_int_equal(world.refused[by_network ? NET_REFUSED_NETWORK : NET_REFUSED_ADDRESS], 1);
        assert_string_equal(world.refusal, by_network ? "limits.unproved_per_network"
                                                      : "limits.unproved_per_address");
        world_device_from(&devices[3], &world, APART);
        world_connect(&world, &devices[3]);
        for (unsigned i = 0; i < 4; i++)
            device_close(&devices[i]);
        world_until_alone(&world);
        assert_int_equal(figures(&world).guests, 0);
        world_close(&world);
    }
}

/* Nobody's place is safe but that of those who are in. */
static void in_all_the_crowd_makes_room(void **state)
{
    (void)state;
    struct world world;
    struct device inside;
    struct device devices[4];
    struct device other;
    struct limits limits = limits_default();
    limits.unproved = 3;
    world_open(&world, KIND_PLAIN, &limits);
    world_device_from(&inside, &world, NEAR + 9);
    world_connect(&world, &inside);
    for (unsigned i = 0; i < 3; i++) {
        world_device_from(&devices[i], &world, NEAR + i);
        until_guests(&world, i + 1);
    }
    /* One more of the same goes itself; one from elsewhere takes the place of the newest. */
    world_device_from(&devices[3], &world, NEAR + 3);
    world_until_over(&world, &devices[3]);
    world_device_from(&other, &world, APART);
    world_connect(&world, &other);
    world_until_over(&world, &devices[2]);
    assert_int_equal(world.refused[NET_REFUSED_UNPROVED], 2);
    world_turn(&world, &devices[0]);
    world_turn(&world, &inside);
    assert_false(devices[0].is_over || inside.is_over);
    device_close(&inside);
    device_close(&other);
    for (unsigned i = 0; i < 4; i++)
        device_close(&devices[i]);
    world_close(&world);
}

/* Two shards with a port each, turned by one thread. */
struct pair {
    struct world worlds[2];
    struct net *nets[2];
    struct porch *porch;
};

static void open_pair(struct pair *pair, const struct limits *limits)
{
    *pair =
        (struct pair){ .porch = world_porch(limits, &(struct shared_lock){ NULL, NULL, NULL }) };
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = &pair->worlds[i];
        struct listener_options listener = world_listener_options(world, KIND_PLAIN);
        int fd = -1;
        *world = (struct world){ .kind = KIND_PLAIN, .porch = pair->porch };
        world_open_shard(world, i, limits);
        pair->nets[i] = world->net;
        assert_int_equal(listener_bind(&listener, 1, &fd), 0);
        world_listen(world, fd);
    }
    for (unsigned i = 0; i < 2; i++)
        net_set_peers(pair->nets[i], pair->nets, 2);
}

static void close_pair(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++)
        loop_deliver(pair->worlds[i].loop);
    for (unsigned i = 0; i < 2; i++)
        world_close(&pair->worlds[i]);
    porch_free(pair->porch);
}

/* All that is taken is taken on one shard: who comes to the other one is let in all the same. */
static void the_fullest_shard_gives_way(void **state)
{
    (void)state;
    enum { CROWD = 20 };
    struct pair pair;
    struct device crowd[CROWD];
    struct device other;
    struct limits limits = limits_default();
    limits.unproved = CROWD;
    open_pair(&pair, &limits);
    for (unsigned i = 0; i < CROWD; i++) {
        world_device_from(&crowd[i], &pair.worlds[0], NEAR + i);
        until_guests(&pair.worlds[0], i + 1);
    }
    world_device_from(&other, &pair.worlds[1], APART);
    until_guests(&pair.worlds[1], CROWD + 1);
    assert_int_equal(loop_turn(pair.worlds[0].loop, 100), 0);
    assert_int_equal(figures(&pair.worlds[0]).guests, CROWD);
    assert_int_equal(pair.worlds[0].refused[NET_REFUSED_UNPROVED], 1);
    world_until_over(&pair.worlds[0], &crowd[CROWD - 1]);
    queue_put(&other.out, "\x10\x01\x01", 3); /* its home is that shard */
    world_until_came(&pair.worlds[1], &other, 4);
    assert_int_equal(pair.worlds[1].refused[NET_REFUSED_UNPROVED], 0);
    device_close(&other);
    for (unsigned i = 0; i < CROWD; i++)
        device_close(&crowd[i]);
    close_pair(&pair);
}

/* What was asked for is not needed any more when others have gone meanwhile. */
static void nobody_goes_when_it_is_not_too_much_any_more(void **state)
{
    (void)state;
    struct pair pair;
    struct device crowd[4];
    struct device other;
    struct limits limits = limits_default();
    limits.unproved = 4;
    open_pair(&pair, &limits);
    for (unsigned i = 0; i < 4; i++) {
        world_device_from(&crowd[i], &pair.worlds[0], NEAR + i);
        until_guests(&pair.worlds[0], i + 1);
    }
    world_device_from(&other, &pair.worlds[1], APART);
    until_guests(&pair.worlds[1], 5);
    device_close(&other);
    until_guests(&pair.worlds[1], 4);
    assert_int_equal(loop_turn(pair.worlds[0].loop, 100), 0);
    assert_int_equal(figures(&pair.worlds[0]).guests, 4);
    assert_int_equal(pair.worlds[0].refused[NET_REFUSED_UNPROVED], 0);
    for (unsigned i = 0; i < 4; i++)
        device_close(&crowd[i]);
    close_pair(&pair);
}

static void what_guests_hold_in_all_is_bounded(void **state)
{
    (void)state;
    struct world world;
    struct device devices[3];
    struct limits limits = limits_default();
    limits.unproved_bytes = 65536; /* one handshake, and a little */
    world_open(&world, KIND_TLS, &limits);
    for (unsigned i = 0; i < 2; i++) {
        world_device_from(&devices[i], &world, NEAR + i);
        devices[i].is_deaf = true;
        for (int turn = 0; turn < 50; turn++)
            world_turn(&world, &devices[i]);
    }
    assert_int_equal(world.refused[NET_REFUSED_BYTES], 1);
    assert_string_equal(world.refusal, "limits.unproved_bytes");
    assert_int_equal(figures(&world).guests, 1);
    for (unsigned i = 0; i < 2; i++)
        device_close(&devices[i]);
    world_until_alone(&world);
    world_device_from(&devices[2], &world, APART);
    world_connect(&world, &devices[2]);
    device_close(&devices[2]);
    world_close(&world);
}

/* What stands already stays. */
static void who_is_barred_is_closed_at_accept(void **state)
{
    struct world world;
    struct device standing;
    struct device barred;
    struct device other;

    (void)state;
    world_open(&world, KIND_TLS, NULL);
    world_device_from(&standing, &world, NEAR);
    world_connect(&world, &standing);
    world.barred = (uint8_t)(NEAR & 0xff);
    world_device_from(&barred, &world, NEAR);
    world_until_over(&world, &barred);
    assert_int_equal(world.refused[NET_REFUSED_BARRED], 1);
    assert_int_equal(figures(&world).guests, 0);
    world_device_from(&other, &world, NEAR + 1);
    world_connect(&world, &other);
    assert_false(standing.is_over);
    device_close(&barred);
    device_close(&other);
    device_close(&standing);
    world_close(&world);
}

/* While memory is short few come in of whom nobody knows, and all who are known. */
static void strangers_are_closed_at_accept_while_memory_is_short(void **state)
{
    (void)state;
    struct world world;
    struct device crowd[PORCH_SHORT_MOST + 1];
    struct device known;
    world_open(&world, KIND_PLAIN, NULL);
    world_device_from(&known, &world, APART);
    world_connect(&world, &known);
    world.broker.refuses_newcomers = true;
    for (unsigned i = 0; i < PORCH_SHORT_MOST; i++) {
        world_device_from(&crowd[i], &world, NEAR);
        until_guests(&world, i + 1);
    }
    world_device_from(&crowd[PORCH_SHORT_MOST], &world, NEAR);
    world_until_over(&world, &crowd[PORCH_SHORT_MOST]);
    assert_int_equal(world.refused[NET_REFUSED_SHORT], 1);
    assert_string_equal(world.refusal, "limits.memory_bytes");
    device_close(&known);
    world_device_from(&known, &world, APART);
    world_connect(&world, &known);
    device_close(&crowd[0]);
    until_guests(&world, PORCH_SHORT_MOST - 1);
    device_close(&crowd[PORCH_SHORT_MOST]);
    world_device_from(&crowd[0], &world, NEAR);
    world_connect(&world, &crowd[0]);
    device_close(&known);
    for (unsigned i = 0; i < PORCH_SHORT_MOST; i++)
        device_close(&crowd[i]);
    world_until_alone(&world);
    world_close(&world);
}

/* While three quarters of the places are taken, who is slow has a quarter of the time. */
static void the_slow_go_early_when_it_is_crowded(void **state)
{
    (void)state;
    struct world world;
    struct device devices[4];
    struct limits limits = limits_default();
    limits.unproved = 4;
    limits.connect_timeout_ms = 20000;
    world_open(&world, KIND_PLAIN, &limits);
    limits.connect_timeout_ms = 400;
    net_set_limits(world.net, &limits);
    for (unsigned i = 0; i < 3; i++)
        world_device_from(&devices[i], &world, NEAR + i);
    until_guests(&world, 3);
    uint64_t begun_ms = loop_now_ms(world.loop);
    /* The first one that is looked at goes; then it is not crowded any more. */
    until_guests(&world, 2);
    assert_true(loop_now_ms(world.loop) - begun_ms < 400);
    assert_int_equal(world.refused[NET_REFUSED_UNPROVED], 1);
    until_guests(&world, 0);
    assert_int_equal(world.refused[NET_REFUSED_TIMEOUT], 2);
    for (unsigned i = 0; i < 3; i++)
        device_close(&devices[i]);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_is_in_is_no_guest),
        cmocka_unit_test(dripping_does_not_move_the_deadline),
        cmocka_unit_test(a_hello_in_pieces_is_answered),
        cmocka_unit_test(who_hangs_up_before_the_hello_is_whole_is_gone),
        cmocka_unit_test(a_half_open_handshake_is_counted),
        cmocka_unit_test(a_fat_connect_gets_memory_as_it_comes),
        cmocka_unit_test(a_listener_accepts_so_many_in_a_turn),
        cmocka_unit_test(too_many_from_one_address_or_network_are_closed_at_accept),
        cmocka_unit_test(in_all_the_crowd_makes_room),
        cmocka_unit_test(the_fullest_shard_gives_way),
        cmocka_unit_test(nobody_goes_when_it_is_not_too_much_any_more),
        cmocka_unit_test(what_guests_hold_in_all_is_bounded),
        cmocka_unit_test(strangers_are_closed_at_accept_while_memory_is_short),
        cmocka_unit_test(who_is_barred_is_closed_at_accept),
        cmocka_unit_test(the_slow_go_early_when_it_is_crowded),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
