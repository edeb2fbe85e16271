/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing.h"

#include "core/sensing_testing.h"

static bool has_reason(const struct watch *watch, enum sense_feature feature)
{
    for (unsigned i = 0; i < watch->reasons && i < 3; i++)
        if (watch->features[i] == feature)
            return true;
    return false;
}

static void a_flood_is_told_with_its_reason(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    learn(&watch);
    for (unsigned i = 0; i < 300; i++)
        publish(watch.fleet[3], "t");
    assert_int_equal(watch.told[SENSING_OF_DEVICE], 1);
    assert_string_equal(watch.device, "dev3");
    assert_int_equal(watch.verdict, SENSE_ATTACKING);
    assert_true(has_reason(&watch, SENSE_PUBLISHES));
    run(&watch, 3);
    assert_int_equal(told(&watch), 1);
    assert_int_equal(broker_statistics(broker_of(&watch))->sense_alarms, 1);
    assert_int_equal(broker_statistics(broker_of(&watch))->sense_devices, DEVICES);
    world_fini(&watch.world);
}

static void many_together_are_one_event(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    learn(&watch);
    for (unsigned n = 0; n < 20; n++) {
        for (unsigned d = 0; d < 5; d++)
            publish(watch.fleet[d], "t");
        run(&watch, 1);
    }
    assert_int_equal(watch.told[SENSING_OF_GROUP], 1);
    assert_int_equal(watch.told[SENSING_OF_DEVICE], 0);
    assert_true(watch.members >= SENSE_GROUP_LEAST);
    world_fini(&watch.world);
}

/* That it is silent is told although nothing happens: the timer looks. */
static void silence_is_told(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    learn(&watch);
    for (unsigned n = 0; n < 60 && told(&watch) == 0; n++)
        run_without(&watch, 1, 2);
    assert_true(told(&watch) > 0);
    assert_string_equal(watch.device, "dev2");
    world_fini(&watch.world);
}

static void say(struct world_peer *peer, const char *payload)
{
    char topic[64];

    snprintf(topic, sizeof(topic), "devices/%s/t", peer->device);
    world_publish(peer, topic, payload, MQTT_QOS_0, 0, false);
}

/* What a device measures does not jump to and fro between one report and the next. */
static void values_that_jump_are_told(void **state)
{
    (void)state;
    struct watch watch;
    bool is_told = false;

    watch_init(&watch, NULL);
    learn(&watch);
    for (unsigned n = 0; n < 120 && told(&watch) == 0; n++) {
        for (unsigned i = 0; i < DEVICES; i++) {
            say(watch.fleet[i], i == 3 && n % 2 == 0 ? "80.5" : "21.5");
            world_sleep(&watch.world, 500);
        }
        world_sleep(&watch.world, SENSE_WINDOW_MS - DEVICES * 500);
    }
    assert_int_equal(watch.told[SENSING_OF_DEVICE], 1);
    assert_string_equal(watch.device, "dev3");
    assert_int_equal(watch.verdict, SENSE_ATTACKING);
    for (unsigned i = 0; i < watch.reasons; i++)
        is_told = is_told || watch.features[i] == SENSE_VALUE;
    assert_true(is_told);
    world_fini(&watch.world);
}

/* Nor is anything seen in what is no number, or is sealed. */
static void payloads_that_are_no_numbers_have_no_value(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    fleet_come(&watch);
    say(watch.fleet[0], "on");
    say(watch.fleet[0], "{\"t\":21.5}");
    say(watch.fleet[0], "\xa7\x31\x39");
    assert_int_equal(sensed_of(watch.fleet[0])->device.values[0].topic, 0);
    say(watch.fleet[0], "21.5");
    assert_int_not_equal(sensed_of(watch.fleet[0])->device.values[0].topic, 0);
    world_fini(&watch.world);
}

/* Whoever tries to come in as a device is booked to where he comes from. */
static void what_strangers_do_is_not_booked_to_whom_they_name(void **state)
{
    (void)state;
    struct watch watch;
    struct sense_device before;

    watch_init(&watch, NULL);
    fleet_come(&watch);
    world_sleep(&watch.world, 2 * SENSE_WINDOW_MS);
    watch.place = 99;
    memcpy(&before, &sensed_of(watch.fleet[0])->device, sizeof(before));
    for (unsigned i = 0; i < 30; i++) {
        struct world_peer *thief = world_open_device(&watch.world, MQTT_VERSION_5, "thief", "all");
        uint8_t reason = 0;
        world_connect(thief, &(struct world_connect){ .client_id = "dev0" }, &reason);
        assert_int_equal(reason, MQTT_CLIENT_IDENTIFIER_NOT_VALID);
    }
    assert_int_equal(watch.told[SENSING_OF_SOURCE], 1);
    assert_int_equal(watch.source, SENSE_FAILURES);
    assert_true(watch.has_facts);
    assert_int_equal(watch.told[SENSING_OF_DEVICE], 0);
    assert_memory_equal(&before, &sensed_of(watch.fleet[0])->device, sizeof(before));
    world_fini(&watch.world);
}

/* Who guesses is locked out soon, and is told so; that is when it goes on. */
static void guesses_that_are_not_looked_at_count_too(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    fleet_come(&watch);
    world_sleep(&watch.world, 2 * SENSE_WINDOW_MS);
    struct world_peer *thief = world_open_device(&watch.world, MQTT_VERSION_5, "thief", "all");
    world_send(thief, (struct mqtt_span){ (const uint8_t *)"\x10", 1 });
    for (unsigned i = 0; i < 30; i++)
        sensed_refused(watch.fleet[0]->client,
                       MQTT_CONNECTION_RATE_EXCEEDED); /* by its allowance */
    assert_int_equal(watch.told[SENSING_OF_SOURCE], 0);
    for (unsigned i = 0; i < 30; i++)
        sensed_refused(thief->client, MQTT_CONNECTION_RATE_EXCEEDED);
    assert_int_equal(watch.told[SENSING_OF_SOURCE], 1);
    assert_int_equal(watch.source, SENSE_FAILURES);
    world_fini(&watch.world);
}

static void half_open_connections_speak_against_their_place(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    world_sleep(&watch.world, 2 * SENSE_WINDOW_MS);
    for (unsigned i = 0; i < 40; i++)
        sensing_note_stranger(broker_of(&watch), &watch, SENSE_HALF_OPEN, watch.world.now_ms);
    assert_int_equal(watch.told[SENSING_OF_SOURCE], 1);
    assert_int_equal(watch.source, SENSE_HALF_OPEN);
    watch.place = 0; /* a socket of this machine is nowhere */
    for (unsigned i = 0; i < 40; i++)
        sensing_note_stranger(broker_of(&watch), &watch, SENSE_FAILURES, watch.world.now_ms);
    assert_int_equal(watch.told[SENSING_OF_SOURCE], 1);
    world_fini(&watch.world);
}

static void who_is_nobody_in_particular_is_not_watched(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *peer = world_open(&watch.world, MQTT_VERSION_5);
    world_connect(peer, &(struct world_connect){ .client_id = "c" }, NULL);
    assert_null(peer->client->session->sensed);
    world_publish(peer, "a", "1", MQTT_QOS_0, 0, false);
    world_fini(&watch.world);
}

/* Coming and going, and what was known, are the identity's, whatever becomes of its session. */
static void what_is_known_outlives_the_session(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *peer = come(&watch, "dev0");
    const struct sensed *known = sensed_of(peer);
    publish(peer, "t");
    world_sleep(&watch.world, 3 * SENSE_WINDOW_MS);
    assert_true(known->device.windows > 0);
    world_break(peer);
    assert_int_equal(known->connected, 0);
    assert_ptr_equal(sensed_of(come(&watch, "dev0")), known);
    assert_int_equal(known->device.window.counts[SENSE_CONNECTS], 1);
    assert_int_equal(known->device.window.counts[SENSE_LOST], 1);
    world_fini(&watch.world);
}

/* Two sessions of an identity: the one that stays is still watched. */
static void sessions_of_one_identity_are_watched_together(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *first = come(&watch, "dev0");
    struct world_peer *second = world_open_device(&watch.world, MQTT_VERSION_5, "dev0", "device");
    world_connect(second, &(struct world_connect){ .client_id = "dev0-b" }, NULL);
    assert_ptr_equal(sensed_of(first), sensed_of(second));
    world_break(second);
    publish(first, "t");
    assert_int_equal(sensed_of(first)->device.window.counts[SENSE_PUBLISHES], 1);
    assert_true(sensed_of(first)->device.present);
    assert_int_equal(sensed_of(first)->connected, 1);
    world_fini(&watch.world);
}

static void each_event_has_its_counter(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *peer = come(&watch, "dev0");
    const uint16_t *counts = sensed_of(peer)->device.window.counts;
    world_subscribe(peer, "devices/dev0/in", MQTT_QOS_1);
    assert_int_equal(counts[SENSE_NEW_FILTERS], 1);
    world_publish(peer, "devices/dev0/in", "x", MQTT_QOS_1, 1, true);
    assert_int_equal(counts[SENSE_PUBLISHES], 1);
    assert_int_equal(counts[SENSE_RETAINED], 1);
    assert_int_equal(counts[SENSE_DELIVERED], 1);
    world_publish(peer, "devices/dev1/in", "x", MQTT_QOS_1, 2, false);
    assert_int_equal(counts[SENSE_DENIED_PUBLISHES], 1);
    assert_int_equal(counts[SENSE_PUBLISHES], 1);
    world_send_subscribe(peer, "#", MQTT_QOS_0);
    assert_int_equal(counts[SENSE_DENIED_SUBSCRIBES], 1);
    world_send(peer, (struct mqtt_span){ (const uint8_t *)"\xf1\x00", 2 });
    const struct sensed *known = NULL;
    world_run(&watch.world);
    assert_false(peer->is_open);
    known = sensed_of(come(&watch, "dev0"));
    assert_int_equal(known->device.window.counts[SENSE_PROTOCOL_ERRORS], 1);
    world_fini(&watch.world);
}

/* Who hears itself answers nobody: each of its messages counts. Who is told something by others may answer
 * at once, once. */
static void nobody_answers_itself(void **state)
{
    (void)state;
    for (enum mqtt_qos qos = MQTT_QOS_0; qos <= MQTT_QOS_1; qos++) {
        struct watch watch;

        watch_init(&watch, NULL);
        struct world_peer *peer = come(&watch, "dev0");
        const uint16_t *counts = sensed_of(peer)->device.window.counts;
        world_subscribe(peer, "devices/dev0/in", qos);
        for (uint16_t i = 0; i < 100; i++) {
            world_publish(peer, "devices/dev0/in", "x", qos, qos == MQTT_QOS_0 ? 0 : i + 1, false);
            for (struct mqtt_frame frame; world_take(peer, &frame);)
                continue;
        }
        assert_int_equal(counts[SENSE_PUBLISHES], 100);
        struct world_peer *other = world_open(&watch.world, MQTT_VERSION_5);
        assert_false(world_connect(other, &(struct world_connect){ .client_id = "other" }, NULL));
        world_publish(other, "devices/dev0/in", "x", MQTT_QOS_0, 0, false);
        world_publish(peer, "devices/dev0/t", "x", MQTT_QOS_0, 0, false);
        assert_int_equal(counts[SENSE_PUBLISHES], 100);
        world_publish(peer, "devices/dev0/t", "x", MQTT_QOS_0, 0, false);
        assert_int_equal(counts[SENSE_PUBLISHES], 101);
        world_fini(&watch.world);
    }
}

/* What waits in the broker was not heard yet. */
static void nobody_answers_what_has_not_left(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *peer = come(&watch, "dev0");
    const uint16_t *counts = sensed_of(peer)->device.window.counts;
    world_subscribe(peer, "devices/dev0/in", MQTT_QOS_0);
    struct world_peer *other = world_open(&watch.world, MQTT_VERSION_5);
    assert_false(world_connect(other, &(struct world_connect){ .client_id = "other" }, NULL));
    say(peer, "x");
    peer->takes_nothing = true;
    for (unsigned i = 0; i < 3; i++)
        world_publish(other, "devices/dev0/in", "x", MQTT_QOS_0, 0, false);
    say(peer, "x");
    assert_int_equal(counts[SENSE_PUBLISHES], 2);
    assert_int_equal(counts[SENSE_DELIVERED], 0);
    peer->takes_nothing = false;
    world_run(&watch.world);
    assert_int_equal(counts[SENSE_DELIVERED], 3);
    say(peer, "x"); /* the answer */
    say(peer, "x");
    assert_int_equal(counts[SENSE_PUBLISHES], 3);
    world_fini(&watch.world);
}

#define READ_MESSAGES 300u

/* All kinds of messages, and between them something else: by the number of a message. */
static uint8_t *write_message(uint8_t *at, const char *device, unsigned number)
{
    static const char *const payloads[] = { "hello", "21.5", "much more to say", "7" };
    char topic[64];

    snprintf(topic, sizeof(topic), "devices/%s/%c", device, "tttu"[number % 4]);
    if (number % 50 == 49)
        snprintf(topic, sizeof(topic), "devices/somebody/t");
    const struct mqtt_publish_out publish = {
        .topic = span_of(topic),
        .payload = span_of(payloads[number / 7 % MQTT_ARRAY_LEN(payloads)]),
        .retain = number % 40 == 39,
    };
    return mqtt_publish_write(at, MQTT_VERSION_5, &publish, NULL);
}

/* Whether they come with one read or with many. */
static void each_message_of_a_read_counts(void **state)
{
    (void)state;
    static uint8_t bytes[READ_MESSAGES * 64];
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *at_once = come(&watch, "dev0");
    struct world_peer *singly = come(&watch, "dev1");
    uint8_t *at = bytes;
    for (unsigned i = 0; i < READ_MESSAGES; i++)
        at = write_message(at, "dev0", i);
    world_send(at_once, (struct mqtt_span){ bytes, (size_t)(at - bytes) });
    for (unsigned i = 0; i < READ_MESSAGES; i++) {
        at = write_message(bytes, "dev1", i);
        world_send(singly, (struct mqtt_span){ bytes, (size_t)(at - bytes) });
    }
    world_run(&watch.world);
    const struct sense_device *one = &sensed_of(at_once)->device;
    const struct sense_device *other = &sensed_of(singly)->device;
    assert_int_equal(one->window.counts[SENSE_PUBLISHES], READ_MESSAGES * 49 / 50);
    assert_int_equal(one->window.counts[SENSE_DENIED_PUBLISHES], READ_MESSAGES / 50);
    assert_memory_equal(one->window.counts, other->window.counts, sizeof(one->window.counts));
    assert_int_equal(one->window.bytes, other->window.bytes);
    assert_int_equal(one->window.size_least, other->window.size_least);
    assert_int_equal(one->window.size_most, other->window.size_most);
    assert_true(one->values[0].topic != 0);
    assert_true(one->values[0].last == other->values[0].last);
    assert_true(one->values[0].width == other->values[0].width);
    assert_true(one->window.value == other->window.value);
    world_fini(&watch.world);
}

/* One room: the one that has gone is forgotten, one that is there is not. */
static void no_further_identity(void **state)
{
    (void)state;
    struct limits limits = limits_default();
    struct watch watch;

    limits.sense_devices = 1;
    watch_init(&watch, &limits);
    struct world_peer *first = come(&watch, "dev0");
    assert_null(sensed_of(come(&watch, "dev1")));
    assert_non_null(sensed_of(first));
    world_break(first);
    assert_non_null(sensed_of(come(&watch, "dev2")));
    world_fini(&watch.world);
}

static void no_further_role(void **state)
{
    (void)state;
    struct limits limits = limits_default();
    struct watch watch;

    limits.sense_roles = 1;
    watch_init(&watch, &limits);
    assert_non_null(sensed_of(come(&watch, "dev0")));
    struct world_peer *other = world_open_device(&watch.world, MQTT_VERSION_5, "dev1", "all");
    world_connect(other, &(struct world_connect){ .client_id = "dev1" }, NULL);
    assert_null(sensed_of(other));
    world_fini(&watch.world);
}

/* A window of 50 ms is over a hundred times as soon. */
static void a_window_is_as_long_as_said(void **state)
{
    (void)state;
    struct limits limits = limits_default();
    struct watch watch;

    limits.sense_window_ms = 50;
    watch_init(&watch, &limits);
    struct world_peer *peer = come(&watch, "dev0");
    publish(peer, "t");
    world_sleep(&watch.world, 200);
    assert_true(sensed_of(peer)->device.number >= 3);
    world_fini(&watch.world);
}

static void policy_with(struct watch *watch, enum policy_sense sense)
{
    struct policy *policy = policy_new();
    const struct role_options options = { .unrestricted = true, .sense = sense };

    assert_non_null(policy_add_role(policy, "device", &options));
    policy_seal(policy);
    world_set_policy(&watch->world, policy);
    world_settle_policy(&watch->world, 16);
}

static void a_role_may_say_no(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *peer = come(&watch, "dev0");
    assert_non_null(sensed_of(peer));
    policy_with(&watch, POLICY_SENSE_OFF);
    assert_null(sensed_of(peer));
    policy_with(&watch, POLICY_SENSE_ALERT_ONLY);
    assert_non_null(sensed_of(peer));
    assert_true(sensed_of(peer)->device.present);
    world_fini(&watch.world);
}

static void turned_off_it_forgets(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    fleet_come(&watch);
    run(&watch, 2);
    watch.options.is_on = false;
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    assert_null(sensed_of(watch.fleet[0]));
    run(&watch, 2);
    watch.options.is_on = true;
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    policy_with(&watch, POLICY_SENSE_ON);
    assert_non_null(sensed_of(watch.fleet[0]));
    run(&watch, 2);
    world_fini(&watch.world);
}

/* Whoever is long gone costs nothing, and is known when he comes again. */
static void the_absent_are_not_looked_at_for_ever(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    struct world_peer *peer = come(&watch, "dev0");
    const struct sensed *known = sensed_of(peer);
    world_break(peer);
    world_sleep(&watch.world, 3700000);
    assert_false(list_is_linked(&known->in_looked));
    assert_int_equal(known->role->here, 0);
    assert_ptr_equal(sensed_of(come(&watch, "dev0")), known);
    assert_int_equal(known->role->here, 1);
    world_fini(&watch.world);
}

static struct world_peer *come_from(struct watch *watch, uint64_t place)
{
    watch->place = place;
    return come(watch, "dev0");
}

static unsigned takeovers(const struct world_peer *peer)
{
    return sensed_of(peer)->device.window.counts[SENSE_TAKEOVERS];
}

/* Two who take one session from each other are two holders of its key; in time. */
static void places_that_contend_are_told_apart(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    (void)come_from(&watch, 21);
    assert_int_equal(takeovers(come_from(&watch, 22)), 1);
    struct world_peer *back = come_from(&watch, 21);
    assert_true((float)takeovers(back) > SENSE_ALARM_BITS);
    world_sleep(&watch.world, 400000);
    assert_int_equal(takeovers(come_from(&watch, 22)), 1);
    world_fini(&watch.world);
}

/* Home, on the road, and home again: no evidence of anything, whether it says good-bye or not. */
static void who_moves_is_no_clone(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    for (unsigned i = 0; i < 4; i++) {
        struct world_peer *peer = come_from(&watch, 21 + i % 2);
        assert_int_equal(takeovers(peer), 0);
        world_sleep(&watch.world, 20000);
        world_break(peer);
    }
    world_fini(&watch.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_told_with_its_reason),
        cmocka_unit_test(many_together_are_one_event),
        cmocka_unit_test(silence_is_told),
        cmocka_unit_test(values_that_jump_are_told),
        cmocka_unit_test(payloads_that_are_no_numbers_have_no_value),
        cmocka_unit_test(what_strangers_do_is_not_booked_to_whom_they_name),
        cmocka_unit_test(guesses_that_are_not_looked_at_count_too),
        cmocka_unit_test(half_open_connections_speak_against_their_place),
        cmocka_unit_test(who_is_nobody_in_particular_is_not_watched),
        cmocka_unit_test(what_is_known_outlives_the_session),
        cmocka_unit_test(sessions_of_one_identity_are_watched_together),
        cmocka_unit_test(each_event_has_its_counter),
        cmocka_unit_test(nobody_answers_itself),
        cmocka_unit_test(nobody_answers_what_has_not_left),
        cmocka_unit_test(each_message_of_a_read_counts),
        cmocka_unit_test(no_further_identity),
        cmocka_unit_test(no_further_role),
        cmocka_unit_test(a_window_is_as_long_as_said),
        cmocka_unit_test(a_role_may_say_no),
        cmocka_unit_test(turned_off_it_forgets),
        cmocka_unit_test(the_absent_are_not_looked_at_for_ever),
        cmocka_unit_test(places_that_contend_are_told_apart),
        cmocka_unit_test(who_moves_is_no_clone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
