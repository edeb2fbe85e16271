/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_test_world.h"

#include "base/testing.h"
#include "net/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static struct tls_fixture pki;
static struct tls_context *tls_required;
static struct tls_context *tls_detached;
static struct tls_context *tls_idle;

static const char *check(void *context, const struct connection_facts *facts)
{
    const struct world *world = context;
    assert_non_null(facts->listener);
    return world->objection;
}

static bool is_decoy(void *context, const struct connection_facts *facts, struct mqtt_span bytes)
{
    (void)context;
    assert_non_null(facts->listener);
    return bytes.data[2] == WORLD_DECOY;
}

static void on_refused(void *context, const struct connection_facts *facts, enum net_refusal why,
                       const char *text)
{
    struct world *world = context;
    (void)facts;
    world->refused[why]++;
    snprintf(world->refusal, sizeof(world->refusal), "%s", text);
}

static bool is_barred(void *context, const struct porch_place *place)
{
    const struct world *world = context;

    return world->barred != 0 && place->bytes[3] == world->barred;
}

static void on_calm(void *context)
{
    struct world *world = context;
    world->calm_count++;
}

struct net_options world_net_options(struct world *world, unsigned shard)
{
    struct net_options options = {
        .loop = world->loop,
        .broker = &world->broker,
        .decoy = shard == 0 ? &world->decoy : NULL,
        .porch = world->porch,
        .shard = shard,
        .limits = limits_default(),
        .hooks = { .context = world,
                   .check_peer = check,
                   .is_decoy = is_decoy,
                   .is_barred = is_barred,
                   .refused = on_refused,
                   .calm = on_calm },
        .linger_ms = 300,
    };
    return options;
}

struct listener_options world_listener_options(struct world *world, enum kind kind)
{
    struct listener_options options = { .name = "test", .address = "127.0.0.1" };
    if (kind == KIND_TLS)
        options.tls = tls_required;
    if (kind == KIND_DETACHED)
        options.tls = tls_detached;
    if (kind == KIND_IDLE)
        options.tls = tls_idle;
    if (kind == KIND_UNIX) {
        tls_fixture_path(&pki, "socket", world->path);
        options.path = world->path;
    }
    return options;
}

void world_listen(struct world *world, int fd)
{
    struct listener_options options = world_listener_options(world, world->kind);
    world->port = listener_port(fd);
    assert_int_equal(listener_open(world->net, &options, fd, &world->listener), 0);
}

struct porch *world_porch(const struct limits *limits, const struct shared_lock *lock)
{
    struct porch *porch = porch_new(&(struct siphash_key){ 1, 2 }, lock, limits);
    assert_non_null(porch);
    return porch;
}

/* Its kind and its porch are set. */
void world_open_shard(struct world *world, unsigned shard, const struct limits *limits)
{
    assert_int_equal(loop_open(&world->loop), 0);
    assert_int_equal(outbox_pools_init(&world->broker.pools), 0);
    assert_int_equal(outbox_pools_init(&world->decoy.pools), 0);
    world->broker.transport = world->decoy.transport = net_transport();
    world->broker.shard = shard;
    struct net_options options = world_net_options(world, shard);
    options.limits = *limits;
    assert_int_equal(net_open(&options, &world->net), 0);
}

void world_open(struct world *world, enum kind kind, const struct limits *changed)
{
    *world = (struct world){ .kind = kind };
    assert_int_equal(loop_open(&world->loop), 0);
    assert_int_equal(outbox_pools_init(&world->broker.pools), 0);
    world->broker.transport = net_transport();
    struct net_options options = world_net_options(world, 0);
    if (changed != NULL)
        options.limits = *changed;
    world->porch = world_porch(&options.limits, &(struct shared_lock){ NULL, NULL, NULL });
    world->has_porch = true;
    options.porch = world->porch;
    assert_int_equal(net_open(&options, &world->net), 0);
    struct listener_options listener = world_listener_options(world, kind);
    int fd = -1;
    assert_int_equal(listener_bind(&listener, 1, &fd), 0);
    world_listen(world, fd);
}

void world_close(struct world *world)
{
    struct porch *own = world->has_porch ? world->porch : NULL;

    listener_close(world->listener);
    net_close(world->net);
    loop_close(world->loop);
    outbox_pools_fini(&world->broker.pools);
    outbox_pools_fini(&world->decoy.pools);
    porch_free(own);
    if (world->path[0] != '\0')
        unlink(world->path);
}

void world_device_from(struct device *device, const struct world *world, uint32_t source)
{
    const struct device_target target = {
        .kind = world->kind, .port = world->port, .path = world->path, .pki = &pki, .source = source
    };
    device_open(device, &target, "lamp");
}

void world_device(struct device *device, const struct world *world, const char *identity)
{
    const struct device_target target = {
        .kind = world->kind, .port = world->port, .path = world->path, .pki = &pki
    };
    device_open(device, &target, identity);
}

void world_turn(struct world *world, struct device *device)
{
    device_turn(device);
    assert_int_equal(loop_turn(world->loop, 1), 0);
}

void world_until_came(struct world *world, struct device *device, size_t bytes)
{
    uint64_t end_ms = loop_now_ms(world->loop) + PATIENCE_MS;
    while (device->in.len < bytes) {
        world_turn(world, device);
        if (loop_now_ms(world->loop) > end_ms)
            fail_msg("%zu of %zu bytes", device->in.len, bytes);
    }
}

void world_until_over(struct world *world, struct device *device)
{
    uint64_t end_ms = loop_now_ms(world->loop) + PATIENCE_MS;
    while (!device->is_over && device->error == 0) {
        world_turn(world, device);
        assert_true(loop_now_ms(world->loop) < end_ms);
    }
}

void world_until_alone(struct world *world)
{
    uint64_t end_ms = loop_now_ms(world->loop) + PATIENCE_MS;
    while (net_connections(world->net) > 0) {
        assert_int_equal(loop_turn(world->loop, 1), 0);
        assert_true(loop_now_ms(world->loop) < end_ms);
    }
}

void world_connect(struct world *world, struct device *device)
{
    queue_put(&device->out, "\x10\x01\x00", 3);
    world_until_came(world, device, 4);
    assert_memory_equal(device->in.bytes, "\x20\x02\0\0", 4);
    device->in.len = 0;
}

int world_set_up(void **state)
{
    (void)state;
    tls_fixture_init(&pki);
    tls_fixture_issue(
        &pki,
        &(struct tls_fixture_subject){
            .file = "lamp", .common_name = "lamp", .serial = 3, .from_s = -60, .until_s = 3600 });
    struct tls_options options = { .certificate_path = pki.server_path,
                                   .key_path = pki.server_key_path,
                                   .client_ca_path = pki.ca_path,
                                   .sessions = 10 };
    struct tls_error why;
    int error = tls_context_new(&options, &why, &tls_required);
    options.detach = TLS_DETACH_ALWAYS;
    if (error == 0)
        error = tls_context_new(&options, &why, &tls_detached);
    options.detach = TLS_DETACH_IDLE;
    return error == 0 ? tls_context_new(&options, &why, &tls_idle) : error;
}

int world_tear_down(void **state)
{
    (void)state;
    tls_context_free(tls_required);
    tls_context_free(tls_detached);
    tls_context_free(tls_idle);
    tls_fixture_fini(&pki);
    return 0;
}
