/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of the sink; what it answers, and that it touches nothing else, is
 * tests/scenario/test_430_canaries.py. */
#include "daemon/decoy.h"

#include "config/rulebook.h"
#include "config/testing.h"
#include "net/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAYLOAD_BYTES 300000u

static const char configuration[] =
    "role \"device\" { publish = { \"#\" } subscribe = { \"x\" } retain = on }\n"
    "listener \"open\" { port = 1883 tls = off address = localhost anonymous-role = device }\n";

static const struct connection_facts facts = { .listener = "open", .address = "127.0.0.1:1" };

struct world {
    struct log *log;
    struct loop *loop;
    struct config *config;
    struct policy *policy;
    struct admission_rules rules;
    struct decoy decoy;
    unsigned closed;
};

static enum admission on_decide(void *context, const struct admission_request *request,
                                struct admission_answer *out)
{
    return admission_decide(context, request, out);
}

static void on_wake(void *transport)
{
    (void)transport;
}

static void on_close(void *transport, struct client *client)
{
    struct world *world = transport;

    outbox_clear(client_outbox(client), broker_outbox_pools(world->decoy.broker));
    world->closed++;
}

static void on_random(void *context, void *bytes, size_t len)
{
    (void)context;
    memset(bytes, 7, len);
}

static int set_up(void **state)
{
    const struct rulebook_basis basis = { .now_s = 1 };
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR);
    assert_int_equal(loop_open(&world->loop), 0);
    world->config = test_load_good(configuration, NULL);
    assert_int_equal(rulebook_build(world->config, &basis, NULL, &world->policy, NULL), 0);
    world->rules = (struct admission_rules){
        .config = world->config, .policy = world->policy, .trust_domain = "", .loop = world->loop
    };
    world->decoy.alarm = alarm_new(world->log);
    world->decoy.log = world->log;
    world->config->limits.canary_sessions = 2;
    world->config->limits.canary_bytes = 1048576;
    const struct broker_options like = {
        .limits = world->config->limits,
        .hash_key = { 1, 2 },
        .shard = 3,
        .shard_count = 4,
        .ports = { .transport = { .wake = on_wake, .close = on_close },
                   .admission = { .decide = on_decide },
                   .random = { .fill = on_random } },
    };
    assert_int_equal(decoy_open(&world->decoy, &like, &world->rules), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    struct alarm *alarm = world->decoy.alarm;

    decoy_drain(&world->decoy);
    decoy_close(&world->decoy);
    decoy_close(&(struct decoy){ 0 });
    alarm_free(alarm);
    policy_unref(world->policy);
    config_unref(world->config);
    loop_close(world->loop);
    log_free(world->log);
    free(world);
    return 0;
}

static void feed(struct client *client, const void *bytes, size_t len)
{
    bool is_gone = false;
    size_t used = client_receive(client, (struct mqtt_span){ bytes, len }, 0, &is_gone);

    assert_false(is_gone);
    assert_int_equal(used, len);
}

/* The last packet that it was sent, up to `size` bytes of it; then nothing waits any more. */
static size_t answer(struct world *world, struct client *client, uint8_t *out, size_t size)
{
    struct outbox *outbox = client_outbox(client);
    struct mqtt_span span;
    size_t len = 0;

    while (outbox_peek(outbox, &span, 1) > 0) {
        len = span.len < size ? span.len : size;
        memcpy(out, span.data, len);
        outbox_consume(outbox, broker_outbox_pools(world->decoy.broker), span.len);
    }
    return len;
}

static struct client *come(struct world *world, char id)
{
    uint8_t connect[] = "\x10\x0e\0\4MQTT\5\2\0\0\0\0\1i";
    uint8_t connack[128];
    struct client *client = client_open(world->decoy.broker, world, &facts, 0, 0);

    if (client == NULL)
        return NULL;
    connect[sizeof(connect) - 2] = (uint8_t)id;
    feed(client, connect, sizeof(connect) - 1);
    assert_true(answer(world, client, connack, sizeof(connack)) > 4);
    assert_int_equal(connack[0], 0x20);
    assert_int_equal(connack[3], 0);
    return client;
}

/* limits.canary_sessions */
static void no_further_connection(void **state)
{
    struct world *world = *state;

    assert_non_null(come(world, 'a'));
    assert_non_null(come(world, 'b'));
    assert_null(come(world, 'c'));
}

static uint8_t retain(struct world *world, struct client *client, char topic)
{
    static uint8_t packet[PAYLOAD_BYTES + 16];
    uint8_t puback[16];
    size_t body = 2 + 1 + 2 + 1 + PAYLOAD_BYTES;
    const uint8_t head[] = { 0x33,
                             (uint8_t)(body & 0x7f) | 0x80,
                             (uint8_t)(body >> 7 & 0x7f) | 0x80,
                             (uint8_t)(body >> 14),
                             0,
                             1,
                             (uint8_t)topic,
                             0,
                             9,
                             0 };

    memcpy(packet, head, sizeof(head));
    feed(client, packet, sizeof(head) + PAYLOAD_BYTES);
    assert_true(answer(world, client, puback, sizeof(puback)) >= 4);
    assert_int_equal(puback[0], 0x40);
    return puback[1] > 2 ? puback[4] : 0;
}

/* limits.canary_bytes */
static void no_further_bytes(void **state)
{
    struct world *world = *state;
    struct client *client = come(world, 'a');

    assert_int_equal(retain(world, client, 'x'), 0x10);
    assert_int_equal(retain(world, client, 'y'), 0x97);
    assert_int_equal(retain(world, client, 'x'), 0x10);
}

/* The policy that it was opened with may be gone. */
static void it_follows_the_rules_in_force(void **state)
{
    struct world *world = *state;
    const struct rulebook_basis basis = { .now_s = 2 };
    struct policy *next;

    assert_non_null(come(world, 'a'));
    assert_int_equal(rulebook_build(world->config, &basis, NULL, &next, NULL), 0);
    world->rules.policy = next;
    world->config->limits.canary_sessions = 1;
    decoy_follow(&world->decoy, &world->rules, &world->config->limits);
    policy_unref(world->policy);
    world->policy = next;
    decoy_end_turn(&world->decoy);
    assert_null(come(world, 'b'));
    decoy_follow(&(struct decoy){ 0 }, &world->rules, &world->config->limits);
    decoy_end_turn(&(struct decoy){ 0 });
    decoy_drain(&(struct decoy){ 0 });
    assert_int_equal(world->closed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_further_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_further_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_follows_the_rules_in_force, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
