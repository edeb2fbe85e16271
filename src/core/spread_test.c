/* SPDX-License-Identifier: Apache-2.0 */
/* What each of many gets is what it would get alone: the same bytes, whoever is served before. */
#include "core/spread.h"

#include "base/testing.h"
#include "core/state.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RECEIVERS 24u
#define TOPIC     "a/b"

/* How a receiver differs: one bit each. */
enum difference {
    OLD = 1,      /* speaks 3.1.1 */
    NUMBERED = 2, /* with a subscription identifier */
    AS_PUBLISHED = 4,
    ALIASED = 8,
    NARROW = 16, /* takes short packets only */
    SECOND = 32, /* asks for QoS 1 */
};

static void subscribe(struct world_peer *peer, unsigned how)
{
    uint8_t packet[32];
    size_t len = 2;
    bool is_old = (how & OLD) != 0;

    packet[0] = 0x82;
    packet[len++] = 0;
    packet[len++] = 7;
    if (!is_old && (how & NUMBERED) != 0) {
        packet[len++] = 2;
        packet[len++] = 0x0B;
        packet[len++] = 5;
    } else if (!is_old) {
        packet[len++] = 0;
    }
    packet[len++] = 0;
    packet[len++] = sizeof(TOPIC) - 1;
    memcpy(packet + len, TOPIC, sizeof(TOPIC) - 1);
    len += sizeof(TOPIC) - 1;
    packet[len++] =
        (uint8_t)(((how & SECOND) != 0 ? 1 : 0) | (!is_old && (how & AS_PUBLISHED) != 0 ? 8 : 0));
    packet[1] = (uint8_t)(len - 2);
    world_send(peer, (struct mqtt_span){ packet, len });
    world_run(peer->world);
    assert_true(world_expect(peer, MQTT_SUBACK));
}

static struct world_peer *come(struct world *world, unsigned number, unsigned how)
{
    char name[16];
    struct world_peer *peer =
        world_open(world, (how & OLD) != 0 ? MQTT_VERSION_3_1_1 : MQTT_VERSION_5);

    (void)snprintf(name, sizeof(name), "r%u", number);
    assert_false(
        world_connect(peer,
                      &(struct world_connect){
                          .client_id = name,
                          .alias_maximum = (how & OLD) == 0 && (how & ALIASED) != 0 ? 3 : 0,
                          .maximum_packet = (how & OLD) == 0 && (how & NARROW) != 0 ? 40 : 0 },
                      NULL));
    subscribe(peer, how);
    return peer;
}

struct got {
    size_t len;
    uint8_t bytes[8192];
};

/* Everything that has come and was not looked at. */
static void take_all(struct world_peer *peer, struct got *got)
{
    got->len = peer->len - peer->parsed;
    assert_true(got->len <= sizeof(got->bytes));
    memcpy(got->bytes, peer->inbox + peer->parsed, got->len);
    peer->parsed = peer->len;
}

/* Some messages: short and long, retained and not, with and without properties. */
static void publish_all(struct world *world)
{
    char text[SPREAD_BYTES + 100];
    struct world_peer *old = world_open(world, MQTT_VERSION_3_1_1);
    struct world_peer *new = world_open(world, MQTT_VERSION_5);

    assert_false(world_connect(old, &(struct world_connect){ .client_id = "old" }, NULL));
    assert_false(world_connect(new, &(struct world_connect){ .client_id = "new" }, NULL));
    for (unsigned i = 0; i < 8; i++) {
        size_t len = i == 3 ? SPREAD_BYTES + 50 : i == 4 ? SPREAD_BYTES - 8 : 10 * i;
        memset(text, 'a' + (int)i, len);
        text[len] = '\0';
        world_publish(i % 2 == 0 ? old : new, TOPIC, text, MQTT_QOS_0, 0, i >= 5);
    }
    /* With a lifetime and a user property. */
    static const uint8_t with_properties[] = { 0x30, 21,  0, 3, 'a', '/',  'b', 14,
                                               0x02, 0,   0, 0, 100, 0x26, 0,   2,
                                               'k',  '1', 0, 1, 'v', 'x',  'y' };
    assert_int_equal(with_properties[1], sizeof(with_properties) - 2);
    world_send(new, (struct mqtt_span){ with_properties, sizeof(with_properties) });
    world_run(world);
    world_break(old);
    world_break(new);
    world_run(world);
}

static void alone(unsigned how, struct got *got)
{
    static struct world world;

    world_init(&world, 1, NULL);
    struct world_peer *peer = come(&world, 0, how);
    publish_all(&world);
    take_all(peer, got);
    world_fini(&world);
}

static void everybody_gets_what_he_would_get_alone(void **state)
{
    static struct world world;
    static struct got expected[64];
    struct test_random random = { .state = 4 };

    (void)state;
    for (unsigned how = 0; how < 64; how++)
        alone(how, &expected[how]);
    /* The differences differ, else this would prove nothing. */
    assert_memory_not_equal(expected[0].bytes, expected[NUMBERED].bytes, expected[0].len);
    assert_true(expected[NARROW].len < expected[0].len);
    assert_int_not_equal(expected[ALIASED].len, expected[0].len);
    for (unsigned round = 0; round < 40; round++) {
        struct world_peer *peers[RECEIVERS];
        unsigned hows[RECEIVERS] = { 0 };
        unsigned different = round % 7; /* from all alike to any */

        world_init(&world, 1, NULL);
        for (unsigned i = 0; i < RECEIVERS; i++) {
            if (test_random_below(&random, 6) < different)
                hows[i] = (unsigned)test_random_below(&random, 64);
            peers[i] = come(&world, i, hows[i]);
        }
        publish_all(&world);
        for (unsigned i = 0; i < RECEIVERS; i++) {
            struct got got;

            take_all(peers[i], &got);
            assert_int_equal(got.len, expected[hows[i]].len);
            assert_memory_equal(got.bytes, expected[hows[i]].bytes, got.len);
        }
        world_fini(&world);
    }
}

/* To so many alike one is encoded, and the others are copied: else all of this is for nothing. */
static void one_is_kept_for_the_others(void **state)
{
    static struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    for (unsigned i = 0; i < SPREAD_LEAST; i++)
        (void)come(&world, i, 0);
    struct world_peer *from = world_come(&world, "from", false, 0);
    world_publish(from, TOPIC, "x", MQTT_QOS_0, 0, false);
    assert_non_null(world.brokers[0]->spread.of);
    assert_int_equal(world.brokers[0]->spread.len, 2 + 2 + 3 + 1 + 1);
    world_publish(from, "nobody", "x", MQTT_QOS_0, 0, false);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_gets_what_he_would_get_alone),
        cmocka_unit_test(one_is_kept_for_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
