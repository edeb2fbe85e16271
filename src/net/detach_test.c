/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections leave OpenSSL, and when; that those that have left work is tried in net_test.c, where
 * they are one of the kinds. */
#include "net/detach.h"

#include "base/testing.h"
#include "net/connection.h"
#include "net/net_test_world.h"
#include "net/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define IDLE_MS     40u
#define PATIENCE_MS 5000u

static void open_world(struct world *world, enum kind kind, uint64_t idle_ms)
{
    struct limits limits = limits_default();
    limits.tls_detach_idle_ms = idle_ms;
    world_open(world, kind, &limits);
}

static void come(struct world *world, struct device *device)
{
    world_device(device, world, "lamp");
    world_connect(world, device);
}

static uint64_t now_ms(const struct world *world)
{
    return loop_now_ms(world->loop);
}

static void until_detached(struct world *world, struct device *device, uint64_t count)
{
    uint64_t end_ms = now_ms(world) + PATIENCE_MS;
    while (net_statistics(world->net)->detached < count) {
        world_turn(world, device);
        assert_true(now_ms(world) < end_ms);
    }
}

static void echo(struct world *world, struct device *device)
{
    struct queue packet = { 0 };
    queue_put_publish(&packet, 200, 3);
    device->in.len = 0;
    queue_put(&device->out, packet.bytes, packet.len);
    world_until_came(world, device, packet.len);
    assert_memory_equal(device->in.bytes, packet.bytes, packet.len);
    free(packet.bytes);
}

static void who_is_idle_leaves_and_who_is_not_stays(void **state)
{
    (void)state;
    struct world world;
    struct device busy;
    struct device idle;
    open_world(&world, KIND_IDLE, IDLE_MS);
    come(&world, &busy);
    come(&world, &idle);

    uint64_t since_ms = now_ms(&world);
    while (net_statistics(world.net)->detached == 0) {
        echo(&world, &busy);
        device_turn(&idle);
        assert_true(now_ms(&world) < since_ms + PATIENCE_MS);
    }
    assert_true(now_ms(&world) >= since_ms + IDLE_MS);
    for (unsigned i = 0; i < 3 * IDLE_MS; i++)
        echo(&world, &busy);
    assert_int_equal(net_statistics(world.net)->detached, 1);
    echo(&world, &idle);
    assert_int_equal(net_statistics(world.net)->detached, 1);

    /* Now it has nothing to do, either. */
    until_detached(&world, &busy, 2);
    echo(&world, &busy);
    device_close(&busy);
    device_close(&idle);
    world_until_alone(&world);
    assert_int_equal(net_statistics(world.net)->detached_closed, 2);
    world_close(&world);
}

/* With the second that it says: who connects and goes has not paid for it. */
static void where_all_leave_who_goes_on_does_at_once(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    open_world(&world, KIND_DETACHED, 3600000);
    world_device(&device, &world, "lamp");
    for (unsigned i = 0; i < 20; i++)
        world_turn(&world, &device);
    /* No CONNECT, no leave: it may still be asked what only OpenSSL knows. */
    assert_int_equal(net_statistics(world.net)->handshakes, 1);
    world_connect(&world, &device);
    for (unsigned i = 0; i < 20; i++)
        world_turn(&world, &device);
    assert_int_equal(net_statistics(world.net)->detached, 0);
    echo(&world, &device);
    until_detached(&world, &device, 1);
    echo(&world, &device);
    device_close(&device);
    world_close(&world);
}

static void where_all_leave_who_only_listens_does_so_in_a_round(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    open_world(&world, KIND_DETACHED, IDLE_MS);
    come(&world, &device);
    until_detached(&world, &device, 1);
    echo(&world, &device);
    device_close(&device);
    world_close(&world);
}

/* It goes in the very turn in which it would leave. */
static void where_all_leave_who_goes_does_not(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    open_world(&world, KIND_DETACHED, 3600000);
    come(&world, &device);
    queue_put(&device.out, "\xe0\x00", 2);
    world_until_over(&world, &device);
    device_close(&device);
    world_until_alone(&world);
    assert_int_equal(net_statistics(world.net)->detached, 0);
    world_close(&world);
}

static void who_says_nothing_of_it_stays(void **state)
{
    (void)state;
    static const enum kind kinds[] = { KIND_PLAIN, KIND_TLS };
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device device;
        open_world(&world, kinds[k], IDLE_MS);
        come(&world, &device);
        uint64_t end_ms = now_ms(&world) + (uint64_t)3 * IDLE_MS;
        while (now_ms(&world) < end_ms)
            world_turn(&world, &device);
        assert_int_equal(net_statistics(world.net)->detached, 0);
        device_close(&device);
        world_close(&world);
    }
}

/* Half a record has come, and the rest takes its time. */
static void who_cannot_leave_yet_does_so_later(void **state)
{
    (void)state;
    struct world world;
    struct device device;
    open_world(&world, KIND_IDLE, IDLE_MS);
    come(&world, &device);
    tls_client_write(device.tls, span_of("\xe0"));
    uint8_t wire[64];
    size_t len = tls_client_take(device.tls, wire, sizeof(wire));
    queue_put(&device.wire, wire, len / 2);
    uint64_t end_ms = now_ms(&world) + (uint64_t)3 * IDLE_MS;
    while (now_ms(&world) < end_ms)
        world_turn(&world, &device);
    assert_int_equal(net_statistics(world.net)->detached, 0);
    queue_put(&device.wire, wire + len / 2, len - len / 2);
    until_detached(&world, &device, 1);
    queue_put(&device.out, "\x00", 1); /* the rest of a DISCONNECT */
    world_until_over(&world, &device);
    assert_true(device.is_closed_by_tls);
    device_close(&device);
    world_until_alone(&world);
    world_close(&world);
}

/* More than one turn takes on. */
static void many_leave_in_turns(void **state)
{
    (void)state;
    enum { DEVICES = 40 };
    struct world world;
    struct device devices[DEVICES];
    open_world(&world, KIND_IDLE, 2000);
    for (unsigned i = 0; i < DEVICES; i++) {
        come(&world, &devices[i]);
    }
    /* One of them goes while it is in the list. */
    device_close(&devices[0]);
    assert_int_equal(net_statistics(world.net)->detached, 0);
    until_detached(&world, &devices[1], DEVICES - 1);
    for (unsigned i = 1; i < DEVICES; i++) {
        echo(&world, &devices[i]);
        device_close(&devices[i]);
    }
    world_until_alone(&world);
    assert_int_equal(net_statistics(world.net)->detached_closed, DEVICES - 1);
    world_close(&world);
}

static void until_calm(struct world *world, struct device *device, unsigned count)
{
    uint64_t end_ms = now_ms(world) + PATIENCE_MS;
    while (world->calm_count < count) {
        world_turn(world, device);
        assert_true(now_ms(world) < end_ms);
    }
}

/* Once each time, and not while somebody is with OpenSSL who is to leave it. */
static void when_all_have_left_that_is_said_once(void **state)
{
    (void)state;
    static const enum kind kinds[] = { KIND_IDLE, KIND_DETACHED };
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
        struct world world;
        struct device devices[3];
        open_world(&world, kinds[k], IDLE_MS);
        for (unsigned i = 0; i < MQTT_ARRAY_LEN(devices); i++) {
            come(&world, &devices[i]);
            if (i == 0)
                assert_int_equal(world.calm_count, 0);
            until_calm(&world, &devices[i], i + 1);
            assert_int_equal(net_statistics(world.net)->detached, i + 1);
            uint64_t end_ms = now_ms(&world) + (uint64_t)3 * IDLE_MS;
            while (now_ms(&world) < end_ms)
                world_turn(&world, &devices[i]);
            assert_int_equal(world.calm_count, i + 1);
        }
        for (unsigned i = 0; i < MQTT_ARRAY_LEN(devices); i++)
            device_close(&devices[i]);
        world_until_alone(&world);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_idle_leaves_and_who_is_not_stays),
        cmocka_unit_test(where_all_leave_who_goes_on_does_at_once),
        cmocka_unit_test(where_all_leave_who_only_listens_does_so_in_a_round),
        cmocka_unit_test(where_all_leave_who_goes_does_not),
        cmocka_unit_test(who_says_nothing_of_it_stays),
        cmocka_unit_test(who_cannot_leave_yet_does_so_later),
        cmocka_unit_test(many_leave_in_turns),
        cmocka_unit_test(when_all_have_left_that_is_said_once),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
