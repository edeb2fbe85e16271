/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_keep.h"

#include "core/sensing_testing.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

struct saved {
    uint8_t *bytes;
    size_t len;
};

static struct mqtt_span span_of_saved(const struct saved *saved)
{
    return (struct mqtt_span){ saved->bytes, saved->len };
}

static struct saved save(const struct watch *watch)
{
    struct saved saved;

    assert_int_equal(
        sensing_keep_save(broker_of(watch), watch->world.now_ms, &saved.bytes, &saved.len), 0);
    return saved;
}

/* What a fleet that is watched has taught. */
static struct saved learned(void)
{
    struct watch watch;

    watch_init(&watch, NULL);
    learn(&watch);
    struct saved saved = save(&watch);
    world_fini(&watch.world);
    return saved;
}

static int load(const struct watch *watch, unsigned shard, struct mqtt_span bytes)
{
    return sensing_keep_load(watch->world.brokers[shard], bytes, watch->world.now_ms);
}

static void a_restart_goes_on_where_it_was(void **state)
{
    (void)state;
    struct saved saved = learned();
    struct watch watch;

    watch_init(&watch, NULL);
    assert_int_equal(load(&watch, 0, span_of_saved(&saved)), 0);
    fleet_come(&watch);
    const struct sensed *known = sensed_of(watch.fleet[3]);
    assert_int_equal(known->role->model.phase, SENSE_WATCH);
    assert_true(known->device.windows > SENSING_WINDOWS_LEAST / DEVICES);
    assert_int_equal(watch.told[SENSING_OF_SOURCE], 0);
    run(&watch, 20);
    assert_int_equal(told(&watch), 0);
    for (unsigned i = 0; i < 300; i++)
        publish(watch.fleet[3], "t");
    assert_int_equal(watch.told[SENSING_OF_DEVICE], 1);
    assert_string_equal(watch.device, "dev3");
    world_fini(&watch.world);
    free(saved.bytes);
}

/* A topic that was known before is known after: the key of names is kept, too. */
static void names_stay_known(void **state)
{
    (void)state;
    struct saved saved = learned();
    struct watch watch;

    watch_init(&watch, NULL);
    watch.options.key = (struct siphash_key){ 8, 9 };
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    assert_int_equal(load(&watch, 0, span_of_saved(&saved)), 0);
    assert_int_equal(sensing_keep_key(broker_of(&watch))->low, 3);
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    assert_int_equal(sensing_keep_key(broker_of(&watch))->low, 3);
    fleet_come(&watch);
    publish(watch.fleet[0], "t");
    assert_int_equal(sensed_of(watch.fleet[0])->device.window.counts[SENSE_NEW_TOPICS], 0);
    publish(watch.fleet[0], "u");
    assert_int_equal(sensed_of(watch.fleet[0])->device.window.counts[SENSE_NEW_TOPICS], 1);
    world_fini(&watch.world);
    free(saved.bytes);
}

/* A phase that was half over is half over. */
static void phases_go_on(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    fleet_come(&watch);
    run(&watch, 40);
    struct saved saved = save(&watch);
    uint32_t windows = sensed_of(watch.fleet[0])->role->windows;
    world_fini(&watch.world);
    watch_init(&watch, NULL);
    assert_int_equal(load(&watch, 0, span_of_saved(&saved)), 0);
    fleet_come(&watch);
    assert_int_equal(sensed_of(watch.fleet[0])->role->windows, windows);
    assert_true(watch.world.now_ms - sensed_of(watch.fleet[0])->role->phase_ms
                >= (uint64_t)40 * SENSE_WINDOW_MS);
    world_fini(&watch.world);
    free(saved.bytes);
}

/* The clock of a machine begins anew when it starts, and what was learned before is not learned again. */
static void a_machine_that_has_just_started_goes_on_too(void **state)
{
    (void)state;
    struct watch watch;

    watch_init(&watch, NULL);
    watch.options.phases = (struct sensing_phases){ 86400, 86400, 86400 };
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    fleet_come(&watch);
    run(&watch, 20);
    struct saved saved = save(&watch);
    assert_int_equal(sensing_keep_load(broker_of(&watch), span_of_saved(&saved), 5), 0);
    assert_true(5 - broker_of(&watch)->sensing->since_ms >= (uint64_t)20 * SENSE_WINDOW_MS);
    world_fini(&watch.world);
    free(saved.bytes);
}

static void knows_nobody(struct watch *watch)
{
    assert_int_equal(broker_of(watch)->sensing->devices.count, 0);
}

static void damage_is_refused(void **state)
{
    (void)state;
    struct saved saved = learned();
    struct watch watch;

    watch_init(&watch, NULL);
    for (size_t i = 0; i < saved.len; i += i < 512 ? 1 : 211) {
        saved.bytes[i] ^= 0x10;
        assert_int_equal(load(&watch, 0, span_of_saved(&saved)), -EBADMSG);
        saved.bytes[i] ^= 0x10;
    }
    for (size_t len = 0; len < saved.len; len += len < 512 ? 1 : 499) {
        uint8_t *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, saved.bytes, len);
        assert_int_equal(load(&watch, 0, (struct mqtt_span){ cut, len }), -EBADMSG);
        free(cut);
    }
    knows_nobody(&watch);
    assert_int_equal(load(&watch, 0, span_of_saved(&saved)), 0);
    assert_int_equal(broker_of(&watch)->sensing->devices.count, DEVICES);
    world_fini(&watch.world);
    free(saved.bytes);
}

/* The part of another shard is not taken, unless there were other shards. */
static void parts_find_their_shards(void **state)
{
    (void)state;
    struct saved one = learned();
    struct saved part;
    struct watch two = { .place = 7 };

    world_init(&two.world, 2, NULL);
    two.options = (struct sensing_options){
        .is_on = true,
        .port = { .context = &two, .place = place_of, .tell = on_notice, .entered = on_entered }
    };
    for (unsigned i = 0; i < 2; i++) {
        assert_true(sensing_set(two.world.brokers[i], &two.options, two.world.now_ms));
        assert_int_equal(load(&two, i, span_of_saved(&one)), 0);
        assert_int_equal(two.world.brokers[i]->sensing->devices.count, DEVICES);
    }
    assert_int_equal(
        sensing_keep_save(two.world.brokers[1], two.world.now_ms, &part.bytes, &part.len), 0);
    world_fini(&two.world);
    world_init(&two.world, 2, NULL);
    assert_true(sensing_set(two.world.brokers[0], &two.options, two.world.now_ms));
    assert_int_equal(load(&two, 0, span_of_saved(&part)), 0);
    knows_nobody(&two);
    world_fini(&two.world);
    free(one.bytes);
    free(part.bytes);
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    struct saved saved = learned();
    struct limits limits = limits_default();
    struct watch watch;

    limits.sense_devices = 3;
    watch_init(&watch, &limits);
    assert_int_equal(load(&watch, 0, span_of_saved(&saved)), 0);
    assert_int_equal(broker_of(&watch)->sensing->devices.count, 3);
    world_fini(&watch.world);
    free(saved.bytes);
}

static void off_there_is_nothing(void **state)
{
    (void)state;
    struct saved saved = learned();
    struct watch watch;

    watch_init(&watch, NULL);
    watch.options.is_on = false;
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    assert_int_equal(load(&watch, 0, span_of_saved(&saved)), 0);
    assert_null(sensing_keep_key(broker_of(&watch)));
    struct saved none = save(&watch);
    assert_null(none.bytes);
    assert_int_equal(none.len, 0);
    world_fini(&watch.world);
    free(saved.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_goes_on_where_it_was),
        cmocka_unit_test(names_stay_known),
        cmocka_unit_test(phases_go_on),
        cmocka_unit_test(a_machine_that_has_just_started_goes_on_too),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(parts_find_their_shards),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(off_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
