/* SPDX-License-Identifier: Apache-2.0 */
/* Promise I6 in the core: what admission has found out about a ratchet is told and followed, and the
 * first packet behind CONNACK is passed on. */
#include "core/clone.h"

#include "core/state.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TURN 77u

/* The world's admission, which knows of ratchets besides. */
struct ratchet {
    struct world world;
    struct admission_port inner;
    struct event_clone fork;
    const char *forked; /* from that place, a step was left; NULL: from none */
    unsigned confirmed;
};

static enum admission decide(void *context, const struct admission_request *request,
                             struct admission_answer *out)
{
    struct ratchet *ratchet = context;
    const struct world_peer *peer = request->facts;
    enum admission admission = ratchet->inner.decide(ratchet->inner.context, request, out);

    if (admission != ADMISSION_ALLOW)
        return admission;
    if (ratchet->forked != NULL && strcmp(ratchet->forked, peer->place) == 0)
        out->fork = &ratchet->fork;
    else
        out->turn = request->turn != 0 ? request->turn : TURN;
    return admission;
}

static void confirm(void *context, const struct identity *identity, uint64_t turn)
{
    struct ratchet *ratchet = context;

    assert_string_equal(identity->device, "lamp");
    assert_int_equal(turn, TURN);
    ratchet->confirmed++;
}

static void begin(struct ratchet *ratchet, unsigned shards, enum policy_clone rule)
{
    *ratchet = (struct ratchet){ .fork = { .other_client_id = span_of("lamp"),
                                           .other_note = span_of("elsewhere") } };
    world_init(&ratchet->world, shards, NULL);
    ratchet->world.clone = rule;
    ratchet->inner = ratchet->world.brokers[0]->options.ports.admission;
    for (unsigned i = 0; i < shards; i++) {
        struct admission_port *port = &ratchet->world.brokers[i]->options.ports.admission;
        port->context = ratchet;
        port->decide = decide;
        port->confirm = confirm;
    }
}

/* The port's other functions know the world only. */
static void end(struct ratchet *ratchet)
{
    for (unsigned i = 0; i < ratchet->world.shards; i++)
        ratchet->world.brokers[i]->options.ports.admission = ratchet->inner;
    world_fini(&ratchet->world);
}

static struct world_peer *come(struct ratchet *ratchet, const char *place, const char *client_id)
{
    struct world_peer *peer = world_open_at(&ratchet->world, MQTT_VERSION_5, "lamp", place);

    world_begin(peer, &(struct world_connect){ .client_id = client_id, .expiry_s = 600 });
    return peer;
}

static uint8_t reason_of(struct world_peer *peer)
{
    uint8_t reason;

    world_take_connack(peer, &reason);
    return reason;
}

static bool is_held(const struct world_peer *peer)
{
    return peer->is_open && peer->client->state == CLIENT_HELD;
}

static void ping(struct world_peer *peer)
{
    world_send(peer, (struct mqtt_span){ (const uint8_t *)"\xc0", 2 });
    world_run(peer->world);
}

static const unsigned shard_counts[] = { 1, 4 };

/* The other one is not there: nobody is asked, and nobody waits. */
static void who_was_left_behind_is_held(void **state)
{
    static const enum policy_clone rules[] = { POLICY_CLONE_BY_KIND, POLICY_CLONE_HOLD };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rules); i++) {
        struct ratchet ratchet;

        begin(&ratchet, shard_counts[i], rules[i]);
        ratchet.forked = "there";
        struct world_peer *copy = come(&ratchet, "there", "lamp");
        assert_int_equal(reason_of(copy), MQTT_SUCCESS);
        assert_true(is_held(copy));
        assert_int_equal(ratchet.world.events[EVENT_CLONE], 1);
        assert_string_equal(ratchet.world.clone_of, "there/elsewhere");
        assert_string_equal(ratchet.world.held, "lamp");
        end(&ratchet);
    }
}

/* The other one is: whichever of the two it is, it is not believed either. */
static void so_is_who_has_gone_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(shard_counts); i++) {
        struct ratchet ratchet;

        begin(&ratchet, shard_counts[i], POLICY_CLONE_HOLD);
        ratchet.forked = "there";
        struct world_peer *first = come(&ratchet, "here", "lamp");
        assert_int_equal(reason_of(first), MQTT_SUCCESS);
        struct world_peer *copy = come(&ratchet, "there", "lamp-2");
        assert_true(is_held(first) && is_held(copy));
        assert_int_equal(ratchet.world.events[EVENT_HELD], 2);
        /* Who is held comes again, and is told of no more. */
        struct world_peer *again = come(&ratchet, "there", "lamp-3");
        assert_true(is_held(again));
        assert_int_equal(ratchet.world.events[EVENT_CLONE], 1);
        end(&ratchet);
    }
}

static void the_one_that_has_gone_on_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(shard_counts); i++) {
        struct ratchet ratchet;

        begin(&ratchet, shard_counts[i], POLICY_CLONE_KEEP_FIRST);
        ratchet.forked = "there";
        struct world_peer *first = come(&ratchet, "here", "lamp");
        assert_int_equal(reason_of(first), MQTT_SUCCESS);
        struct world_peer *copy = come(&ratchet, "there", "lamp-2");
        assert_int_equal(reason_of(copy), MQTT_NOT_AUTHORIZED);
        assert_false(copy->is_open);
        assert_true(first->is_open && !is_held(first));
        assert_int_equal(ratchet.world.events[EVENT_CLONE], 1);
        end(&ratchet);
    }
}

static void both_are_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(shard_counts); i++) {
        struct ratchet ratchet;

        begin(&ratchet, shard_counts[i], POLICY_CLONE_DROP_BOTH);
        ratchet.forked = "there";
        struct world_peer *first = come(&ratchet, "here", "lamp");
        struct world_peer *copy = come(&ratchet, "there", "lamp-2");
        assert_int_equal(reason_of(copy), MQTT_NOT_AUTHORIZED);
        assert_false(copy->is_open || first->is_open);
        assert_int_equal(ratchet.world.events[EVENT_CLONE], 1);
        assert_string_equal(ratchet.world.held, "");
        end(&ratchet);
    }
}

static void where_several_are_normal_nothing_is_told(void **state)
{
    struct ratchet ratchet;

    (void)state;
    begin(&ratchet, 1, POLICY_CLONE_ALLOW);
    ratchet.forked = "there";
    struct world_peer *copy = come(&ratchet, "there", "lamp");
    assert_int_equal(reason_of(copy), MQTT_SUCCESS);
    assert_false(is_held(copy));
    assert_int_equal(ratchet.world.events[EVENT_CLONE], 0);
    end(&ratchet);
}

/* ---- the first packet ---- */

static void the_first_packet_confirms_and_no_other(void **state)
{
    struct ratchet ratchet;

    (void)state;
    begin(&ratchet, 1, POLICY_CLONE_HOLD);
    struct world_peer *lamp = come(&ratchet, "here", "lamp");
    assert_int_equal(reason_of(lamp), MQTT_SUCCESS);
    assert_int_equal(ratchet.confirmed, 0);
    ping(lamp);
    assert_int_equal(ratchet.confirmed, 1);
    ping(lamp);
    assert_int_equal(ratchet.confirmed, 1);
    end(&ratchet);
}

/* It was turned before it waited for the one that was there. */
static void so_it_does_after_a_contest(void **state)
{
    struct ratchet ratchet;

    (void)state;
    begin(&ratchet, 4, POLICY_CLONE_HOLD);
    assert_int_equal(reason_of(come(&ratchet, "here", "lamp")), MQTT_SUCCESS);
    struct world_peer *second = come(&ratchet, "there", "lamp");
    assert_true(client_is_waiting(second->client));
    world_sleep(&ratchet.world, 701);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    ping(second);
    assert_int_equal(ratchet.confirmed, 1);
    end(&ratchet);
}

/* Its device has stored what it was given all the same. */
static void and_of_one_that_is_held(void **state)
{
    struct ratchet ratchet;

    (void)state;
    begin(&ratchet, 1, POLICY_CLONE_HOLD);
    snprintf(ratchet.world.held, sizeof(ratchet.world.held), "lamp");
    struct world_peer *lamp = come(&ratchet, "here", "lamp");
    assert_int_equal(reason_of(lamp), MQTT_SUCCESS);
    assert_true(is_held(lamp));
    ping(lamp);
    assert_int_equal(ratchet.confirmed, 1);
    end(&ratchet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_left_behind_is_held),
        cmocka_unit_test(so_is_who_has_gone_on),
        cmocka_unit_test(the_one_that_has_gone_on_is_kept),
        cmocka_unit_test(both_are_dropped),
        cmocka_unit_test(where_several_are_normal_nothing_is_told),
        cmocka_unit_test(the_first_packet_confirms_and_no_other),
        cmocka_unit_test(so_it_does_after_a_contest),
        cmocka_unit_test(and_of_one_that_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
