/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_respond.h"

#include "core/pace.h"
#include "core/sensing_testing.h"

#define STEPS 8u

/* A fleet about which something is done. */
struct ward {
    struct watch watch;
    enum sensing_right right;
    bool is_out_of_memory;
    unsigned steps;
    enum sensing_action step[STEPS];
    char device[STEPS][16];
    struct sensing_response last;
};

static struct ward ward;

static enum sensing_right on_may(void *context, const struct identity *identity)
{
    (void)context;
    assert_non_null(identity->device);
    return ward.right;
}

static const char *on_respond(void *context, const struct sensing_response *response)
{
    (void)context;
    assert_true(ward.steps < STEPS);
    assert_true(response->why->reason_count > 0 || response->action == SENSING_LIFT);
    ward.step[ward.steps] = response->action;
    snprintf(ward.device[ward.steps++], sizeof(ward.device[0]), "%s",
             response->why->identity.device);
    ward.last = *response;
    return ward.is_out_of_memory ? NULL : "in quarantine";
}

static int set_up(void **state)
{
    (void)state;
    memset(&ward, 0, sizeof(ward));
    watch_init(&ward.watch, NULL);
    ward.right = SENSING_MAY_QUARANTINE;
    ward.watch.options.mode = SENSING_RESPONDS;
    ward.watch.options.port.may = on_may;
    ward.watch.options.port.respond = on_respond;
    assert_true(sensing_set(broker_of(&ward.watch), &ward.watch.options, ward.watch.world.now_ms));
    learn(&ward.watch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_fini(&ward.watch.world);
    return 0;
}

static void flood(unsigned device)
{
    for (unsigned i = 0; i < 300; i++)
        publish(ward.watch.fleet[device], "t");
}

/* It asks for what it may not have, again and again. */
static void scan(unsigned device, unsigned windows)
{
    struct world_peer *peer = ward.watch.fleet[device];
    char filter[32];

    for (unsigned n = 0; n < windows && peer->client->state == CLIENT_ACTIVE; n++) {
        for (unsigned i = 0; i < 12 && peer->client->state == CLIENT_ACTIVE; i++) {
            snprintf(filter, sizeof(filter), "devices/other%u/%u", n, i);
            world_send_subscribe(peer, filter, MQTT_QOS_0);
        }
        if (peer->client->state == CLIENT_ACTIVE)
            publish(peer, "t");
        run_without(&ward.watch, 1, device);
    }
}

static bool is_held(unsigned device)
{
    return ward.watch.fleet[device]->client->state == CLIENT_HELD;
}

static void who_floods_is_read_slowly_until_it_is_calm(void **state)
{
    const struct world_peer *peer = ward.watch.fleet[3];

    (void)state;
    assert_null(peer->client->pace);
    flood(3);
    world_sleep(&ward.watch.world, 1500);
    assert_int_equal(ward.steps, 1);
    assert_int_equal(ward.step[0], SENSING_THROTTLE);
    assert_string_equal(ward.device[0], "dev3");
    assert_false(ward.last.is_dry);
    assert_in_range(ward.last.messages.count, 1, 20);
    assert_int_equal(ward.last.messages.seconds, SENSE_WINDOW_MS / 1000);
    assert_int_equal(peer->client->pace->messages.count, ward.last.messages.count);
    assert_true(peer->client->pace->bytes.count > 0);
    for (unsigned i = 0; i < 50; i++)
        publish(ward.watch.fleet[3], "t");
    assert_true(pace_is_paused(peer->client));
    run(&ward.watch, 200);
    assert_int_equal(ward.steps, 2);
    assert_int_equal(ward.step[1], SENSING_LIFT);
    assert_int_equal(peer->client->pace->messages.count, 0);
    assert_int_equal(broker_statistics(broker_of(&ward.watch))->sense_responses, 2);
}

/* More of the same is what a throttle takes away: there is no need for more. */
static void and_no_more_is_done_about_it(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 12; n++) {
        flood(3);
        run(&ward.watch, 1);
    }
    assert_int_equal(ward.steps, 1);
    assert_false(is_held(3));
}

static void its_throttle_outlives_the_connection(void **state)
{
    (void)state;
    flood(3);
    world_sleep(&ward.watch.world, 1500);
    assert_int_equal(ward.steps, 1);
    world_break(ward.watch.fleet[3]);
    const struct world_peer *again = come(&ward.watch, "dev3");
    assert_int_equal(again->client->pace->messages.count, ward.last.messages.count);
}

static void who_goes_on_reaching_for_more_is_held(void **state)
{
    (void)state;
    scan(2, 8);
    assert_int_equal(ward.steps, 2);
    assert_int_equal(ward.step[0], SENSING_THROTTLE);
    assert_int_equal(ward.step[1], SENSING_QUARANTINE);
    assert_string_equal(ward.device[1], "dev2");
    assert_null(ward.last.not_done);
    assert_true(is_held(2));
    /* Its silence from now on says nothing. */
    unsigned before = told(&ward.watch);
    run_without(&ward.watch, 60, 2);
    assert_int_equal(told(&ward.watch), before);
    assert_int_equal(ward.steps, 2);
}

/* However much there is of it from the beginning. */
static void also_when_there_is_no_room_for_more_evidence(void **state)
{
    struct world_peer *peer = ward.watch.fleet[2];
    char filter[32];

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(filter, sizeof(filter), "devices/others/%u", i);
        world_send_subscribe(peer, filter, MQTT_QOS_0);
    }
    world_sleep(&ward.watch.world, 1500);
    assert_int_equal(ward.steps, 1);
    scan(2, 8);
    assert_true(is_held(2));
}

static void one_deed_is_no_quarantine(void **state)
{
    (void)state;
    scan(2, 1);
    run(&ward.watch, 20);
    assert_true(told(&ward.watch) > 0);
    assert_true(ward.steps <= 1);
    assert_false(is_held(2));
}

static void what_cannot_be_written_is_not_held(void **state)
{
    (void)state;
    ward.is_out_of_memory = true;
    scan(2, 8);
    assert_int_equal(ward.steps, 2);
    assert_false(is_held(2));
}

/* One of eight is five of a hundred, as there is always one. */
static void a_bounded_part_of_a_role(void **state)
{
    (void)state;
    scan(2, 8);
    assert_true(is_held(2));
    scan(5, 8);
    assert_false(is_held(5));
    assert_int_equal(ward.steps, 4);
    assert_string_equal(ward.device[3], "dev5");
    assert_int_equal(ward.step[3], SENSING_QUARANTINE);
    assert_non_null(ward.last.not_done);
}

static void a_rehearsal_only_says_so(void **state)
{
    (void)state;
    ward.watch.options.mode = SENSING_REHEARSES;
    assert_true(sensing_set(broker_of(&ward.watch), &ward.watch.options, ward.watch.world.now_ms));
    scan(2, 8);
    assert_int_equal(ward.steps, 2);
    assert_int_equal(ward.step[1], SENSING_QUARANTINE);
    assert_true(ward.last.is_dry);
    assert_false(is_held(2));
    assert_null(ward.watch.fleet[2]->client->pace);
    assert_int_equal(broker_statistics(broker_of(&ward.watch))->sense_responses, 0);
}

static void who_may_not_be_touched_is_not(void **state)
{
    (void)state;
    ward.right = SENSING_MAY_TELL;
    flood(3);
    scan(2, 8);
    assert_int_equal(ward.steps, 0);
    ward.right = SENSING_MAY_THROTTLE;
    scan(2, 4);
    assert_true(ward.steps >= 1);
    for (unsigned i = 0; i < ward.steps; i++)
        assert_int_equal(ward.step[i], SENSING_THROTTLE);
    assert_false(is_held(2));
}

/* As when somebody says that it was wrong. */
static void what_was_begun_ends_with_the_right_to_it(void **state)
{
    (void)state;
    flood(3);
    world_sleep(&ward.watch.world, 1500);
    assert_int_equal(ward.step[0], SENSING_THROTTLE);
    ward.right = SENSING_MAY_TELL;
    world_sleep(&ward.watch.world, 1500);
    assert_int_equal(ward.steps, 2);
    assert_int_equal(ward.step[1], SENSING_LIFT);
    assert_int_equal(ward.watch.fleet[3]->client->pace->messages.count, 0);
}

/* Five of them send more and more, which is one event. */
static void flood_together(void)
{
    for (unsigned n = 0; n < 20; n++) {
        for (unsigned d = 0; d < 5; d++)
            publish(ward.watch.fleet[d], "t");
        run(&ward.watch, 1);
    }
    assert_int_equal(ward.watch.told[SENSING_OF_GROUP], 1);
}

static void many_at_once_are_left_alone(void **state)
{
    (void)state;
    flood_together();
    assert_int_equal(ward.steps, 0);
}

/* Nor is a group a shelter: one of it that goes on to reach for what is not his is told of alone. */
static void one_of_many_that_goes_on_is_held(void **state)
{
    (void)state;
    flood_together();
    scan(2, 12);
    assert_true(is_held(2));
    for (unsigned i = 0; i < ward.steps; i++)
        assert_string_equal(ward.device[i], "dev2");
}

/* Whoever names a device and is not it does not get it into trouble. */
static void strangers_cannot_have_anybody_held(void **state)
{
    (void)state;
    ward.watch.place = 99;
    for (unsigned n = 0; n < 10; n++) {
        for (unsigned i = 0; i < 30; i++) {
            struct world_peer *thief =
                world_open_device(&ward.watch.world, MQTT_VERSION_5, "thief", "all");
            uint8_t reason = 0;
            world_connect(thief, &(struct world_connect){ .client_id = "dev2" }, &reason);
            assert_int_equal(reason, MQTT_CLIENT_IDENTIFIER_NOT_VALID);
        }
        run(&ward.watch, 1);
    }
    assert_true(ward.watch.told[SENSING_OF_SOURCE] > 0);
    assert_int_equal(ward.steps, 0);
    assert_false(is_held(2));
}

/* Whoever is silent is attacked, if anything. */
static void who_is_attacked_is_protected(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 80 && ward.steps == 0; n++)
        run_without(&ward.watch, 1, 2);
    assert_int_equal(ward.steps, 1);
    assert_int_equal(ward.step[0], SENSING_PROTECT);
    assert_string_equal(ward.device[0], "dev2");
    run_without(&ward.watch, 20, 2);
    assert_int_equal(ward.steps, 1);
    assert_null(ward.watch.fleet[2]->client->pace);
}

/* Held up with others, or on purpose: that is no shelter for whoever attacks. */
static void who_is_silent_first_is_held_for_what_it_does_then(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 80 && ward.steps == 0; n++)
        run_without(&ward.watch, 1, 2);
    assert_int_equal(ward.step[0], SENSING_PROTECT);
    run_without(&ward.watch, 40, 2);
    scan(2, 12);
    assert_true(is_held(2));
    assert_int_equal(ward.step[ward.steps - 1], SENSING_QUARANTINE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_floods_is_read_slowly_until_it_is_calm),
        TEST(and_no_more_is_done_about_it),
        TEST(its_throttle_outlives_the_connection),
        TEST(who_goes_on_reaching_for_more_is_held),
        TEST(also_when_there_is_no_room_for_more_evidence),
        TEST(one_deed_is_no_quarantine),
        TEST(what_cannot_be_written_is_not_held),
        TEST(a_bounded_part_of_a_role),
        TEST(a_rehearsal_only_says_so),
        TEST(who_may_not_be_touched_is_not),
        TEST(what_was_begun_ends_with_the_right_to_it),
        TEST(many_at_once_are_left_alone),
        TEST(one_of_many_that_goes_on_is_held),
        TEST(strangers_cannot_have_anybody_held),
        TEST(who_is_attacked_is_protected),
        TEST(who_is_silent_first_is_held_for_what_it_does_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
