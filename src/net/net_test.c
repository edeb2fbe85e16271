/* SPDX-License-Identifier: Apache-2.0 */
/* Real sockets and real TLS on one side (net_test_device.h), a small core in place of
 * the broker on the other (net_test_core.h). */
#include "net/net.h"

#include "base/testing.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/net_test_world.h"
#include "net/porch.h"
#include "net/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const enum kind kinds[] = { KIND_PLAIN, KIND_TLS, KIND_UNIX, KIND_DETACHED };

/* ---- bytes both ways ---- */

static void packets_arrive_whole_however_they_are_cut(void **state)
{
    (void)state;
    static const size_t sizes[] = { 200, 5000, 70000, 600000, 300, 1000000, 150 };
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        world_connect(&world, &device);
        struct queue expected = { 0 };
        for (unsigned i = 0; i < MQTT_ARRAY_LEN(sizes); i++)
            queue_put_publish(&expected, sizes[i], i + 1);
        struct test_random random = { 7 };
        for (size_t at = 0; at < expected.len;) {
            size_t len = 1 + test_random_below(&random, at < 20000 ? 300 : 90000);
            if (len > expected.len - at)
                len = expected.len - at;
            queue_put(&device.out, expected.bytes + at, len);
            at += len;
            world_turn(&world, &device);
        }
        world_until_came(&world, &device, expected.len);
        assert_int_equal(device.in.len, expected.len);
        assert_memory_equal(device.in.bytes, expected.bytes, expected.len);
        assert_string_equal(world.broker.peer, kind_is_tls(kinds[k]) ? "lamp" : "");
        free(expected.bytes);
        device_close(&device);
        world_until_alone(&world);
        assert_int_equal(world.broker.lost, 1);
        world_close(&world);
    }
}

static void connect_may_come_byte_by_byte(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        static const uint8_t connect[] = { 0x10, 0x05, 0x00, 1, 2, 3, 4 };
        for (size_t i = 0; i < sizeof(connect); i++) {
            assert_int_equal(world.broker.opened, 0);
            queue_put(&device.out, &connect[i], 1);
            for (int turn = 0; turn < 10; turn++)
                world_turn(&world, &device);
        }
        world_until_came(&world, &device, 4);
        assert_int_equal(world.broker.opened, 1);
        device_close(&device);
        world_close(&world);
    }
}

static void a_peer_that_does_not_read_gets_everything_later(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        world_connect(&world, &device);
        device.is_deaf = true;
        queue_put(&device.out, "\xc0\x00", 2);
        for (int turn = 0; turn < 50; turn++)
            world_turn(&world, &device);
        assert_true(world.broker.last->outbox.bytes > 0);
        assert_true(world.broker.last->is_full);
        device.is_deaf = false;
        size_t total = (size_t)FLOOD_PACKETS * FLOOD_BYTES;
        world_until_came(&world, &device, total);
        assert_int_equal(device.in.len, total);
        for (unsigned i = 0; i < FLOOD_PACKETS; i++)
            assert_int_equal(device.in.bytes[i * FLOOD_BYTES + 3], i & 0xff);
        assert_true(world.broker.sent_calls > 1);
        assert_int_equal(world.broker.last->outbox.bytes, 0);
        assert_false(world.broker.last->is_full);
        device_close(&device);
        world_close(&world);
    }
}

/* The peer is not read while its client waits, and what it has sent is not lost. */
static void a_client_that_waits_gets_everything_later(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        world_connect(&world, &device);
        struct queue expected = { 0 };
        queue_put_publish(&expected, 100, 1);
        queue_put_publish(&expected, 700000, 2);
        queue_put(&device.out, "\x82\x05\0\1\0\0\0", 7);
        queue_put(&device.out, expected.bytes, expected.len);
        for (int turn = 0; turn < 50; turn++)
            world_turn(&world, &device);
        assert_int_equal(device.in.len, 0);
        core_judge(world.broker.last);
        world_until_came(&world, &device, expected.len);
        assert_memory_equal(device.in.bytes, expected.bytes, expected.len);
        free(expected.bytes);
        device_close(&device);
        world_until_alone(&world);
        world_close(&world);
    }
}

/* While memory is short, the rest of a long packet is not read until its client goes on. */
static void a_long_packet_waits_in_the_middle(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        world_connect(&world, &device);
        struct queue expected = { 0 };
        queue_put_publish(&expected, 700000, 1);
        queue_put_publish(&expected, 100, 2);
        world.broker.is_short = true;
        queue_put(&device.out, expected.bytes, expected.len);
        for (int turn = 0; turn < 100; turn++) {
            world_turn(&world, &device);
            if (turn % 20 == 19)
                core_judge(world.broker.last);
        }
        assert_int_equal(device.in.len, 0);
        world.broker.is_short = false;
        core_judge(world.broker.last);
        world_until_came(&world, &device, expected.len);
        assert_memory_equal(device.in.bytes, expected.bytes, expected.len);
        free(expected.bytes);
        device_close(&device);
        world_until_alone(&world);
        world_close(&world);
    }
}

/* ---- ends ---- */

static void a_client_that_waits_can_be_lost(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        world_connect(&world, &device);
        queue_put(&device.out, "\x82\x05\0\1\0\0\0\xc0\0", 9);
        for (int turn = 0; turn < 50; turn++)
            world_turn(&world, &device);
        device_reset(&device);
        world_until_alone(&world);
        assert_int_equal(world.broker.lost, 1);
        device_close(&device);
        world_close(&world);
    }
}

static void last_words_arrive_though_the_peer_goes_on_sending(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world_device(&device, &world, "lamp");
        world_connect(&world, &device);
        queue_put(&device.out, "\xe0\x00", 2);
        struct queue more = { 0 };
        queue_put_publish(&more, 100000, 3);
        queue_put(&device.out, more.bytes, more.len);
        free(more.bytes);
        world_until_over(&world, &device);
        assert_int_equal(device.error, 0);
        assert_int_equal(device.in.len, 2);
        assert_memory_equal(device.in.bytes, "\xd0\0", 2);
        assert_int_equal(device.is_closed_by_tls, kind_is_tls(kinds[k]));
        assert_int_equal(world.broker.ended, 1);
        assert_int_equal(world.broker.lost, 0);
        device_close(&device);
        world_until_alone(&world);
        world_close(&world);
    }
}

/* It is not waited for, and has them nevertheless. */
static void who_has_closed_its_side_gets_the_last_words(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_PLAIN, NULL);
    world_device(&device, &world, NULL);
    world_connect(&world, &device);
    size_t before = device.in.len;
    queue_put(&device.out, "\xc0\x00\xe0\x00", 4);
    device_turn(&device);
    assert_int_equal(device.out.len, 0);
    assert_int_equal(shutdown(device.fd, SHUT_WR), 0);
    world_until_over(&world, &device);
    assert_true(device.in.len > before);
    assert_int_equal(device.error, 0);
    assert_int_equal(world.broker.ended, 1);
    assert_int_equal(net_statistics(world.net)->closed, 1);
    device_close(&device);
    world_close(&world);
}

static void lingering_ends(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_PLAIN, NULL);
    world_device(&device, &world, NULL);
    world_connect(&world, &device);
    device.is_deaf = true; /* and never closes */
    queue_put(&device.out, "\xc0\x00\xe0\x00", 4);
    for (int turn = 0; turn < 20; turn++)
        world_turn(&world, &device);
    assert_int_equal(world.broker.ended, 1);
    assert_int_equal(net_connections(world.net), 1);
    world_until_alone(&world);
    assert_int_equal(net_statistics(world.net)->closed, 1);
    device_close(&device);
    world_close(&world);
}

/* However long others are waited for. */
static void who_is_expelled_is_not_waited_for(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_PLAIN, NULL);
    world.net->linger_ms = 60000;
    world_device(&device, &world, NULL);
    world_connect(&world, &device);
    device.is_deaf = true; /* and never closes */
    world.broker.last->is_expelled = true;
    core_end(world.broker.last);
    world_until_alone(&world);
    assert_int_equal(net_statistics(world.net)->closed, 1);
    device_close(&device);
    world_close(&world);
}

static void an_end_from_outside_is_flushed_too(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_TLS, NULL);
    world_device(&device, &world, "lamp");
    world_connect(&world, &device);
    core_say(world.broker.last, span_of("bye"));
    core_end(world.broker.last);
    world_until_over(&world, &device);
    assert_int_equal(device.in.len, 3);
    assert_memory_equal(device.in.bytes, "bye", 3);
    device_close(&device);
    world_close(&world);
}

/* ---- who is not let in ---- */

static void silence_is_cut_at_the_deadline(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        struct limits limits = limits_default();
        limits.connect_timeout_ms = 50;
        world_open(&world, kinds[k], &limits);
        world_device(&device, &world, "lamp");
        if (!kind_is_tls(kinds[k]))
            queue_put(&device.out, "\x10\x05\x00", 3); /* half a CONNECT */
        world_until_over(&world, &device);
        assert_int_equal(world.broker.opened, 0);
        assert_int_equal(world.refused[NET_REFUSED_TIMEOUT], 1);
        device_close(&device);
        world_close(&world);
    }
}

static void the_deadline_does_not_cut_a_client(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    struct limits limits = limits_default();
    limits.connect_timeout_ms = 50;
    world_open(&world, KIND_PLAIN, &limits);
    world_device(&device, &world, NULL);
    world_connect(&world, &device);
    uint64_t end_ms = loop_now_ms(world.loop) + 120;
    while (loop_now_ms(world.loop) < end_ms)
        world_turn(&world, &device);
    assert_false(device.is_over);
    assert_int_equal(net_connections(world.net), 1);
    device_close(&device);
    world_close(&world);
}

static void a_bad_handshake_is_reported_and_the_client_is_told(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_TLS, NULL);
    world_device(&device, &world, NULL); /* no certificate */
    queue_put(&device.out, "\x10\x01\x00", 3);
    world_until_over(&world, &device);
    assert_int_equal(device.error, 0);
    assert_int_equal(world.refused[NET_REFUSED_HANDSHAKE], 1);
    assert_string_equal(world.refusal, "the client sent no certificate");
    assert_int_equal(world.broker.opened, 0);
    device_close(&device);

    world.kind = KIND_PLAIN; /* towards the TLS port */
    world_device(&device, &world, NULL);
    queue_put(&device.out, "\x10\x01\x00 plain", 9);
    world_until_over(&world, &device);
    assert_int_equal(world.refused[NET_REFUSED_HANDSHAKE], 2);
    assert_non_null(strstr(world.refusal, "not TLS"));
    device_close(&device);
    world_close(&world);
}

static void check_peer_can_object(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        world_open(&world, kinds[k], NULL);
        world.objection = "revoked";
        world_device(&device, &world, "lamp");
        queue_put(&device.out, "\x10\x01\x00", 3);
        world_until_over(&world, &device);
        assert_int_equal(world.broker.opened, 0);
        assert_int_equal(world.refused[NET_REFUSED_PEER], 1);
        assert_string_equal(world.refusal, "revoked");
        device_close(&device);
        world_close(&world);
    }
}

static void connections_are_limited(void **state)
{
    (void)state;
    struct world world;
    struct device devices[3];
    struct limits limits = limits_default();
    limits.connections = 2;
    world_open(&world, KIND_PLAIN, &limits);
    for (size_t i = 0; i < 2; i++) {
        world_device(&devices[i], &world, NULL);
        world_connect(&world, &devices[i]);
    }
    world_device(&devices[2], &world, NULL);
    world_until_over(&world, &devices[2]);
    assert_int_equal(world.refused[NET_REFUSED_CONNECTIONS], 1);
    for (size_t i = 0; i < 3; i++)
        device_close(&devices[i]);
    world_close(&world);
}

static void without_descriptors_newcomers_are_turned_away(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    struct device late;
    struct rlimit before;
    world_open(&world, KIND_PLAIN, NULL);
    world_device(&device, &world, NULL);
    world_device(&late, &world, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = before;
    none.rlim_cur = (rlim_t)late.fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    world_until_over(&world, &device);
    world_until_over(&world, &late);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(world.refused[NET_REFUSED_DESCRIPTORS], 2);
    device_close(&device);
    device_close(&late);

    world_device(&device, &world, NULL);
    world_connect(&world, &device);
    device_close(&device);
    world_close(&world);
}

static void a_storm_of_handshakes_is_taken_in_turns(void **state)
{
    (void)state;
    struct world world;
    struct device devices[6];
    struct limits limits = limits_default();
    limits.handshakes_per_turn = 1;
    world_open(&world, KIND_TLS, &limits);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++) {
        world_device(&devices[i], &world, "lamp");
        device_turn(&devices[i]);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
        world_connect(&world, &devices[i]);
    assert_int_equal(net_statistics(world.net)->handshakes, MQTT_ARRAY_LEN(devices));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
        device_close(&devices[i]);
    world_close(&world);
}

static size_t count_waiting(const struct net *net)
{
    size_t count = 0;
    for (size_t i = 0; i < HANDSHAKE_CLASS_COUNT; i++) {
        list_for_each (link, &net->handshakes.waiting[i]) {
            count++;
        }
    }
    return count;
}

/* In one turn: what comes from who is in goes out before a step, and then one step is all. */
static void who_is_in_is_served_before_a_handshake(void **state)
{
    (void)state;
    for (int speaks = 0; speaks < 2; speaks++) {
        struct world world;
        struct device in;
        struct device devices[4];
        struct limits limits = limits_default();
        limits.handshakes_per_turn = 2;
        world_open(&world, KIND_TLS, &limits);
        world_device(&in, &world, "lamp");
        world_connect(&world, &in);
        for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
            world_device(&devices[i], &world, "lamp");
        assert_int_equal(loop_turn(world.loop, 1), 0); /* accepts */
        for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
            device_turn(&devices[i]);
        if (speaks == 1)
            queue_put(&in.out, "\x30\x03\0\x01t", 5);
        device_turn(&in);
        assert_int_equal(loop_turn(world.loop, 1), 0);
        device_turn(&in);
        assert_int_equal(in.in.len, speaks == 1 ? 5 : 0);
        assert_int_equal(count_waiting(world.net), speaks == 1 ? 3 : 2);
        for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++) {
            world_connect(&world, &devices[i]);
            device_close(&devices[i]);
        }
        device_close(&in);
        world_close(&world);
    }
}

/* ---- tickets ---- */

static void shake_hands(struct world *world, struct device *device)
{
    world_device(device, world, "lamp");
    for (unsigned turns = 0; net_statistics(world->net)->handshakes == 0; turns++) {
        assert_true(turns < 1000);
        world_turn(world, device);
    }
    for (unsigned turns = 0; turns < 5; turns++)
        world_turn(world, device);
}

/* Not in a write of their own, whoever encrypts CONNACK. */
static void tickets_come_with_connack(void **state)
{
    (void)state;
    static const enum kind encrypted[] = { KIND_TLS, KIND_DETACHED };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(encrypted); i++) {
        struct world world;
        struct device device;
        world_open(&world, encrypted[i], NULL);
        shake_hands(&world, &device);
        assert_true(device.is_shaken);
        assert_false(tls_client_has_ticket(device.tls));
        world_connect(&world, &device);
        assert_true(tls_client_has_ticket(device.tls));
        device_close(&device);
        world_until_alone(&world);
        world_close(&world);
    }
}

/* What is said instead of CONNACK is encrypted after them. */
static void tickets_come_with_an_alert(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    world_open(&world, KIND_TLS, NULL);
    shake_hands(&world, &device);
    queue_put(&device.wire, "\x17\x03\x03\0\x20 not a record of this connection ", 37);
    world_until_over(&world, &device);
    assert_true(tls_client_has_ticket(device.tls));
    device_close(&device);
    world_until_alone(&world);
    world_close(&world);
}

/* ---- drain ---- */

static void on_drained(void *context)
{
    struct world *world = context;
    assert_false(world->drained);
    world->drained = true;
}

static void drain_waits_for_the_last_client_or_the_deadline(void **state)
{
    (void)state;
    for (int in_time = 0; in_time < 2; in_time++) {
        struct world world;
        struct device device;
        struct device idle;
        world_open(&world, KIND_PLAIN, NULL);
        world_device(&device, &world, NULL);
        world_connect(&world, &device);
        world_device(&idle, &world, NULL);
        world_turn(&world, &idle);
        net_drain(world.net, loop_now_ms(world.loop) + 200, on_drained, &world);
        world_until_over(&world, &idle);
        assert_false(world.drained);
        if (in_time == 1)
            core_end(world.broker.last);
        world_until_over(&world, &device);
        close(device.fd);
        device.fd = -1;
        world_until_alone(&world);
        world_turn(&world, &idle);
        assert_true(world.drained);
        assert_int_equal(world.broker.lost, in_time == 1 ? 0 : 1);
        device_close(&device);
        device_close(&idle);
        world_close(&world);
    }
}

/* ---- two shards ---- */

static void *run_loop(void *context)
{
    struct world *world = context;
    if (loop_run(world->loop) < 0)
        abort();
    return NULL;
}

static void lock_porch(void *context)
{
    pthread_mutex_lock(context);
}

static void unlock_porch(void *context)
{
    pthread_mutex_unlock(context);
}

static void open_pair(struct world worlds[2], struct net *nets[2], enum kind kind,
                      pthread_mutex_t *lock)
{
    int fds[2];
    struct limits limits = limits_default();
    struct porch *porch =
        world_porch(&limits, &(struct shared_lock){ lock, lock_porch, unlock_porch });
    for (unsigned i = 0; i < 2; i++) {
        worlds[i] = (struct world){ .kind = kind, .porch = porch };
        world_open_shard(&worlds[i], i, &limits);
        nets[i] = worlds[i].net;
    }
    struct listener_options listener = world_listener_options(&worlds[0], kind);
    assert_int_equal(listener_bind(&listener, 2, fds), 0);
    for (unsigned i = 0; i < 2; i++) {
        net_set_peers(nets[i], nets, 2);
        world_listen(&worlds[i], fds[i]);
    }
}

static void wait_for(struct device *device, size_t bytes)
{
    for (int i = 0; device->in.len < bytes; i++) {
        struct pollfd poll_fd = { .fd = device->fd, .events = POLLIN };
        device_turn(device);
        if (device->in.len < bytes)
            poll(&poll_fd, 1, 5);
        assert_true(i < 5000 / 5);
        assert_int_equal(device->error, 0);
    }
}

static void talk_to_home(struct world worlds[2], enum kind kind, const uint8_t homes[2])
{
    enum { DEVICES = 12 };
    struct device devices[DEVICES];
    struct queue echo = { 0 };
    queue_put_publish(&echo, 20000, 5);
    for (unsigned i = 0; i < DEVICES; i++) {
        uint8_t connect[] = { 0x10, 0x01, homes[i % 2] };
        world_device(&devices[i], &worlds[0], "lamp");
        /* What follows the CONNECT moves with it, half a packet included. */
        queue_put(&devices[i].out, connect, sizeof(connect));
        queue_put(&devices[i].out, echo.bytes, echo.len);
        queue_put(&devices[i].out, echo.bytes, 10);
    }
    for (unsigned i = 0; i < DEVICES; i++)
        wait_for(&devices[i], 4 + echo.len);
    for (unsigned i = 0; i < DEVICES; i++) {
        queue_put(&devices[i].out, echo.bytes + 10, echo.len - 10);
        wait_for(&devices[i], 4 + 2 * echo.len);
        assert_memory_equal(devices[i].in.bytes + 4 + echo.len, echo.bytes, echo.len);
        assert_int_equal(devices[i].tls != NULL, kind_is_tls(kind));
        device_close(&devices[i]);
    }
    free(echo.bytes);
}

static void talk_to_pair(struct world worlds[2], enum kind kind, const uint8_t homes[2])
{
    struct net *nets[2];
    pthread_t threads[2];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    open_pair(worlds, nets, kind, &lock);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_loop, &worlds[i]), 0);
    talk_to_home(worlds, kind, homes);
    for (unsigned i = 0; i < 2; i++)
        loop_stop(worlds[i].loop);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(net_statistics(nets[i])->moved_in, net_statistics(nets[1 - i])->moved_out);
    assert_int_equal(porch_figures(worlds[0].porch).guests, 0);
    for (unsigned i = 0; i < 2; i++)
        world_close(&worlds[i]);
    porch_free(worlds[0].porch);
}

static void connections_move_to_their_home_shard(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world worlds[2];
        talk_to_pair(worlds, kinds[k], (const uint8_t[]){ 0, 1 });
        assert_int_equal(worlds[0].broker.opened, 6);
        assert_int_equal(worlds[1].broker.opened, 6);
        assert_int_equal(worlds[0].decoy.opened, 0);
    }
}

static void decoys_move_to_the_broker_that_is_for_them(void **state)
{
    (void)state;
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world worlds[2];
        talk_to_pair(worlds, kinds[k], (const uint8_t[]){ WORLD_DECOY, 1 });
        assert_int_equal(worlds[0].decoy.opened, 6);
        assert_int_equal(worlds[0].broker.opened, 0);
        assert_int_equal(worlds[1].broker.opened, 6);
        assert_int_equal(worlds[0].decoy.lost + worlds[0].decoy.ended, 6);
    }
}

static void an_idle_connection_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct connection) <= 152);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_arrive_whole_however_they_are_cut),
        cmocka_unit_test(connect_may_come_byte_by_byte),
        cmocka_unit_test(a_peer_that_does_not_read_gets_everything_later),
        cmocka_unit_test(a_client_that_waits_gets_everything_later),
        cmocka_unit_test(a_long_packet_waits_in_the_middle),
        cmocka_unit_test(a_client_that_waits_can_be_lost),
        cmocka_unit_test(last_words_arrive_though_the_peer_goes_on_sending),
        cmocka_unit_test(who_has_closed_its_side_gets_the_last_words),
        cmocka_unit_test(lingering_ends),
        cmocka_unit_test(who_is_expelled_is_not_waited_for),
        cmocka_unit_test(an_end_from_outside_is_flushed_too),
        cmocka_unit_test(silence_is_cut_at_the_deadline),
        cmocka_unit_test(the_deadline_does_not_cut_a_client),
        cmocka_unit_test(a_bad_handshake_is_reported_and_the_client_is_told),
        cmocka_unit_test(check_peer_can_object),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(without_descriptors_newcomers_are_turned_away),
        cmocka_unit_test(a_storm_of_handshakes_is_taken_in_turns),
        cmocka_unit_test(who_is_in_is_served_before_a_handshake),
        cmocka_unit_test(tickets_come_with_connack),
        cmocka_unit_test(tickets_come_with_an_alert),
        cmocka_unit_test(drain_waits_for_the_last_client_or_the_deadline),
        cmocka_unit_test(connections_move_to_their_home_shard),
        cmocka_unit_test(decoys_move_to_the_broker_that_is_for_them),
        cmocka_unit_test(an_idle_connection_is_small),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
