/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_order.h"

#include "core/sensing_answer.h"
#include "core/sensing_keep.h"
#include "core/sensing_models.h"
#include "core/sensing_testing.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

/* A fleet that is watched, and whose phases may come in any order from now on. */
static void watched(struct watch *watch)
{
    watch_init(watch, NULL);
    learn(watch);
    watch->options.port.entered = NULL;
    assert_true(sensing_set(broker_of(watch), &watch->options, watch->world.now_ms));
}

static struct sensing_outcome carry_out(struct watch *watch, const struct sensing_order *order)
{
    struct sensing_outcome outcome;

    sensing_order_carry_out(broker_of(watch), order, watch->world.now_ms, &outcome);
    return outcome;
}

static struct sensing_order of_role(enum sensing_order_kind kind, const char *name)
{
    return (struct sensing_order){ .kind = kind, .name = span_of(name) };
}

static const struct sensed_role *role_of(const struct watch *watch)
{
    return sensed_of(watch->fleet[0])->role;
}

static void anew_nothing_is_left(void **state)
{
    (void)state;
    struct watch watch;
    struct sensing_order order = of_role(SENSING_ORDER_AGAIN, "device");

    watched(&watch);
    assert_int_equal(carry_out(&watch, &order).result, SENSING_DONE);
    assert_int_equal(role_of(&watch)->model.phase, SENSE_LEARN);
    assert_int_equal(role_of(&watch)->model.windows, 0);
    assert_int_equal(sensed_of(watch.fleet[3])->device.windows, 0);
    /* And it goes on from there, through all phases, without an alarm. */
    for (int phase = SENSE_LEARN; phase < SENSE_WATCH; phase++) {
        assert_int_equal(role_of(&watch)->model.phase, phase);
        run(&watch, SENSING_WINDOWS_LEAST / DEVICES + 4);
    }
    assert_int_equal(role_of(&watch)->model.phase, SENSE_WATCH);
    run(&watch, 20);
    assert_int_equal(told(&watch), 0);
    world_fini(&watch.world);
}

static void longer_is_as_long_as_was_said(void **state)
{
    (void)state;
    struct watch watch;
    struct sensing_order order = of_role(SENSING_ORDER_LEARN, "device");
    const unsigned hour = SENSING_WINDOWS_LEAST / DEVICES + 4;

    order.for_ms = (uint64_t)3 * hour * SENSE_WINDOW_MS;
    watched(&watch);
    uint32_t windows = role_of(&watch)->model.windows;
    assert_int_equal(carry_out(&watch, &order).result, SENSING_DONE);
    run(&watch, 2 * hour);
    assert_int_equal(role_of(&watch)->model.phase, SENSE_LEARN);
    assert_true(role_of(&watch)->model.windows > windows + 2 * SENSING_WINDOWS_LEAST);
    run(&watch, hour + 2);
    assert_int_equal(role_of(&watch)->model.phase, SENSE_SHAPE);
    assert_int_equal(role_of(&watch)->learn_ms, 0);
    world_fini(&watch.world);
}

static void finished_is_what_has_proved_itself(void **state)
{
    (void)state;
    struct watch watch;
    struct sensing_order again = of_role(SENSING_ORDER_AGAIN, "device");
    struct sensing_order finish = of_role(SENSING_ORDER_FINISH, "device");

    watched(&watch);
    assert_int_equal(carry_out(&watch, &finish).result, SENSING_DONE); /* it is already */
    assert_int_equal(carry_out(&watch, &again).result, SENSING_DONE);
    finish.is_forced = true;
    assert_int_equal(carry_out(&watch, &finish).result, SENSING_REFUSED); /* with nothing */
    finish.is_forced = false;
    run(&watch, 10);
    struct sensing_outcome outcome = carry_out(&watch, &finish);
    assert_int_equal(outcome.result, SENSING_REFUSED);
    assert_non_null(strstr(outcome.text, "how odd"));
    assert_int_equal(role_of(&watch)->model.phase, SENSE_LEARN);
    finish.is_forced = true;
    assert_int_equal(carry_out(&watch, &finish).result, SENSING_DONE);
    assert_int_equal(role_of(&watch)->model.phase, SENSE_WATCH);
    world_fini(&watch.world);
}

static void a_forgotten_device_is_a_new_one(void **state)
{
    (void)state;
    struct watch watch;
    struct sensing_order order = of_role(SENSING_ORDER_FORGET, "dev3");

    watched(&watch);
    assert_int_equal(carry_out(&watch, &order).result, SENSING_DONE);
    assert_int_equal(sensed_of(watch.fleet[3])->device.windows, 0);
    assert_true(sensed_of(watch.fleet[2])->device.windows > 0);
    assert_int_equal(broker_of(&watch)->sensing->looked_count, DEVICES);
    run(&watch, 10);
    assert_true(sensed_of(watch.fleet[3])->device.windows > 5);
    assert_int_equal(told(&watch), 0);
    /* Nothing is kept of one that is not here, and part of a name is no name. */
    world_break(watch.fleet[4]);
    order.name = span_of("dev4");
    assert_int_equal(carry_out(&watch, &order).result, SENSING_DONE);
    assert_int_equal(carry_out(&watch, &order).result, SENSING_NOT_FOUND);
    order.name = span_of("dev");
    assert_int_equal(carry_out(&watch, &order).result, SENSING_NOT_FOUND);
    world_fini(&watch.world);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct watch watch;
    struct sensing_order order = of_role(SENSING_ORDER_FINISH, "nobody");

    watched(&watch);
    assert_int_equal(carry_out(&watch, &order).result, SENSING_NOT_FOUND);
    watch.options.is_on = false;
    assert_true(sensing_set(broker_of(&watch), &watch.options, watch.world.now_ms));
    assert_int_equal(carry_out(&watch, &order).result, SENSING_REFUSED);
    world_fini(&watch.world);
}

/* ---- as bytes ---- */

static void an_order_is_read_as_it_was_written(void **state)
{
    (void)state;
    const struct sensing_order orders[] = {
        { .nonce = 7, .kind = SENSING_ORDER_SAVE },
        { .nonce = 8, .kind = SENSING_ORDER_TAKE, .models = span_of("models") },
        { .nonce = 9, .kind = SENSING_ORDER_LEARN, .for_ms = 5, .name = span_of("role") },
        { .nonce = 9, .kind = SENSING_ORDER_FINISH, .is_forced = true, .name = span_of("role") },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(orders); i++) {
        struct sensing_order read;
        uint8_t *bytes;
        size_t len;
        assert_int_equal(sensing_order_encode(&orders[i], &bytes, &len), 0);
        assert_int_equal(sensing_order_decode((struct mqtt_span){ bytes, len }, &read), 0);
        assert_int_equal(read.nonce, orders[i].nonce);
        assert_int_equal(read.kind, orders[i].kind);
        assert_int_equal(read.for_ms, orders[i].for_ms);
        assert_int_equal(read.is_forced, orders[i].is_forced);
        assert_true(span_equal(read.name, orders[i].name));
        assert_true(span_equal(read.models, orders[i].models));
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *part = malloc(cut + 1);
            assert_non_null(part);
            memcpy(part, bytes, cut);
            assert_int_equal(sensing_order_decode((struct mqtt_span){ part, cut }, &read),
                             -EBADMSG);
            free(part);
            bytes[cut] ^= 1;
            assert_int_equal(sensing_order_decode((struct mqtt_span){ bytes, len }, &read),
                             -EBADMSG);
            bytes[cut] ^= 1;
        }
        free(bytes);
    }
}

static void what_makes_no_sense_is_no_order(void **state)
{
    (void)state;
    const struct sensing_order orders[] = {
        { .kind = SENSING_ORDER_KINDS, .name = span_of("role") },
        { .kind = SENSING_ORDER_AGAIN },
        { .kind = SENSING_ORDER_TAKE },
        { .kind = SENSING_ORDER_LEARN, .name = span_of("role") },
        { .kind = SENSING_ORDER_SAVE, .name = span_of("role") },
        { .kind = SENSING_ORDER_AGAIN, .name = { (const uint8_t *)"a\0b", 3 } },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(orders); i++) {
        struct sensing_order read;
        uint8_t *bytes;
        size_t len;
        assert_int_equal(sensing_order_encode(&orders[i], &bytes, &len), 0);
        assert_int_equal(sensing_order_decode((struct mqtt_span){ bytes, len }, &read), -EBADMSG);
        free(bytes);
    }
}

/* ---- of all shards together ---- */

static void one_answer_is_made_of_many(void **state)
{
    (void)state;
    const struct sensing_outcome missing = { SENSING_NOT_FOUND, "none" };
    const struct sensing_outcome done = { SENSING_DONE, "done" };
    const struct sensing_outcome refused = { SENSING_REFUSED, "no" };
    struct sensing_answer *answer = calloc(1, sizeof(*answer));
    struct sensing_answer *read = calloc(1, sizeof(*read));
    char *file = malloc(SENSING_ANSWER_FILE_BYTES);

    assert_true(answer != NULL && read != NULL && file != NULL);
    answer->nonce = UINT64_C(0xfedcba9876543210);
    sensing_answer_add(answer, 0, 3, &missing);
    sensing_answer_add(answer, 1, 3, &missing);
    assert_string_equal(answer->text, "none\n");
    sensing_answer_add(answer, 2, 3, &done);
    assert_int_equal(answer->result, SENSING_DONE);
    assert_string_equal(answer->text, "shard 2: done\n");
    sensing_answer_add(answer, 3, 3, &refused);
    sensing_answer_add(answer, 4, 3, &done);
    sensing_answer_add(answer, 5, 3, &missing);
    assert_int_equal(answer->result, SENSING_REFUSED);
    assert_true(sensing_answer_encode(answer, file) > 0);
    assert_int_equal(sensing_answer_decode(file, read), 0);
    assert_int_equal(read->nonce, answer->nonce);
    assert_int_equal(read->result, SENSING_REFUSED);
    assert_string_equal(read->text, answer->text);
    assert_int_equal(sensing_answer_decode("tacit sense answer 12 7\n", read), -EBADMSG);
    assert_int_equal(sensing_answer_decode("tacit sense answer 12", read), -EBADMSG);
    assert_int_equal(sensing_answer_decode("", read), -EBADMSG);
    free(answer);
    free(read);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anew_nothing_is_left),
        cmocka_unit_test(longer_is_as_long_as_was_said),
        cmocka_unit_test(finished_is_what_has_proved_itself),
        cmocka_unit_test(a_forgotten_device_is_a_new_one),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(an_order_is_read_as_it_was_written),
        cmocka_unit_test(what_makes_no_sense_is_no_order),
        cmocka_unit_test(one_answer_is_made_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
