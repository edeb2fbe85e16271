/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MEMBERS 5u
#define HERE    12u

struct crowd {
    struct sense_device devices[MEMBERS];
    struct sense_member members[MEMBERS];
    struct sense_group group;
};

/* All of them with so many bits, the first with more. */
static void crowd_init(struct crowd *crowd, float bits, float first)
{
    *crowd = (struct crowd){ .group = { .windows = 0 } };
    for (unsigned i = 0; i < MEMBERS; i++)
        crowd->members[i] = (struct sense_member){ .device = &crowd->devices[i],
                                                   .evidence = i == 0 ? first : bits };
}

static unsigned alarmed(const struct crowd *crowd)
{
    unsigned count = 0;

    for (unsigned i = 0; i < MEMBERS; i++)
        count += crowd->devices[i].alarmed ? 1 : 0;
    return count;
}

static void one_alone_is_told_alone(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 30);
    assert_int_equal(
        sense_crowd_judge(&crowd.group, crowd.members, 1, HERE, &crowd.devices[0], 1000),
        SENSE_NEWS_OF_DEVICE);
    assert_true(crowd.devices[0].alarmed);
    assert_int_equal(alarmed(&crowd), 1);
}

/* Whoever holds all of them up does not hide behind that. */
static void who_is_attacked_may_attack(void **state)
{
    (void)state;
    struct sense_device device = { .alarmed = false };
    struct sense_standing standing = { .evidence = 30, .attacked = 30 };

    assert_true(sense_crowd_is_due(&device, &standing));
    device.alarmed = true;
    assert_false(sense_crowd_is_due(&device, &standing));
    standing.attacking = 31;
    assert_true(sense_crowd_is_due(&device, &standing));
    device.alarmed = true;
    assert_false(sense_crowd_is_due(&device, &standing));
    sense_device_rest(&device);
    standing = (struct sense_standing){ .evidence = 20, .attacking = 20 };
    assert_false(sense_crowd_is_due(&device, &standing));
}

static void without_memory_it_is_told_alone(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 30);
    assert_int_equal(sense_crowd_judge(&crowd.group, NULL, 0, HERE, &crowd.devices[0], 1000),
                     SENSE_NEWS_OF_DEVICE);
    sense_crowd_count(&crowd.group, MEMBERS, HERE, false);
    assert_true(crowd.group.open);
    assert_false(sense_crowd_was_told(&crowd.group));
}

static void many_are_one_event(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 25);
    assert_int_equal(
        sense_crowd_judge(&crowd.group, crowd.members, MEMBERS, HERE, &crowd.devices[0], 1000),
        SENSE_NEWS_OF_GROUP);
    assert_int_equal(alarmed(&crowd), MEMBERS);
    assert_true(crowd.group.open);
    assert_int_equal(crowd.group.told_ms, 1000);
}

/* One that joins is not news for five seconds, unless it does more than the others. */
static void a_late_member_waits(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 22, 25);
    crowd.group.open = true;
    crowd.group.told_ms = 1000;
    assert_int_equal(
        sense_crowd_judge(&crowd.group, crowd.members, MEMBERS, HERE, &crowd.devices[0], 5000),
        SENSE_NO_NEWS);
    assert_false(crowd.devices[0].alarmed);
    crowd.members[0].evidence = 60;
    assert_int_equal(
        sense_crowd_judge(&crowd.group, crowd.members, MEMBERS, HERE, &crowd.devices[0], 5000),
        SENSE_NEWS_OF_DEVICE);
    crowd.devices[0].alarmed = false;
    assert_int_equal(
        sense_crowd_judge(&crowd.group, crowd.members, MEMBERS, HERE, &crowd.devices[0], 11000),
        SENSE_NEWS_OF_GROUP);
}

/* Those that are only stirred share the event, and may have one of their own later. */
static void who_is_stirred_is_not_marked(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, SENSE_STIRRED_BITS + 1, 25);
    (void)sense_crowd_judge(&crowd.group, crowd.members, MEMBERS, HERE, &crowd.devices[0], 1000);
    assert_int_equal(alarmed(&crowd), 1);
}

static void a_window_of_many_is_told_once(void **state)
{
    (void)state;
    struct crowd crowd;
    unsigned told = 0;

    crowd_init(&crowd, 10, 12);
    for (unsigned i = 0; i < 10; i++) {
        told += sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 1000) ? 1 : 0;
        sense_crowd_count(&crowd.group, MEMBERS, HERE, false);
    }
    assert_int_equal(told, 1);
    assert_int_equal(alarmed(&crowd), MEMBERS);
}

static void a_group_that_grows_is_told_again(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 12);
    assert_true(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS - 1, HERE, 1000));
    assert_true(sense_crowd_was_told(&crowd.group));
    assert_false(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 5999));
    assert_true(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 6000));
    assert_false(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 20000));
}

static void a_group_that_is_over_may_come_again(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 12);
    assert_true(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 1000));
    for (unsigned i = 0; i < 20; i++)
        sense_crowd_count(&crowd.group, 0, HERE, false);
    assert_false(sense_crowd_was_told(&crowd.group));
    for (unsigned i = 0; i < MEMBERS; i++)
        crowd.devices[i].alarmed = false;
    assert_true(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 200000));
}

static void who_was_told_of_is_no_news(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 12);
    for (unsigned i = 0; i < MEMBERS; i++)
        crowd.devices[i].alarmed = true;
    assert_false(sense_crowd_watch(&crowd.group, crowd.members, MEMBERS, HERE, 1000));
}

static void the_strongest_comes_first(void **state)
{
    (void)state;
    struct crowd crowd;

    crowd_init(&crowd, 10, 8);
    crowd.members[3].evidence = 40;
    sense_crowd_sort(crowd.members, MEMBERS);
    assert_ptr_equal(crowd.members[0].device, &crowd.devices[3]);
    assert_ptr_equal(crowd.members[MEMBERS - 1].device, &crowd.devices[0]);
    sense_crowd_sort(NULL, 0);
}

static void old_evidence_does_not_count(void **state)
{
    (void)state;
    struct sense_device device = { .quiet = SENSE_FRESH_WINDOWS };

    assert_true(sense_member_evidence(&device, 12, 3, SENSE_ATTACKING) == 12);
    assert_true(sense_member_evidence(&device, 12, 3, SENSE_ATTACKED) == 3);
    device.quiet++;
    assert_true(sense_member_evidence(&device, 12, 3, SENSE_ATTACKING) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone_is_told_alone),
        cmocka_unit_test(who_is_attacked_may_attack),
        cmocka_unit_test(without_memory_it_is_told_alone),
        cmocka_unit_test(many_are_one_event),
        cmocka_unit_test(a_late_member_waits),
        cmocka_unit_test(who_is_stirred_is_not_marked),
        cmocka_unit_test(a_window_of_many_is_told_once),
        cmocka_unit_test(a_group_that_grows_is_told_again),
        cmocka_unit_test(a_group_that_is_over_may_come_again),
        cmocka_unit_test(who_was_told_of_is_no_news),
        cmocka_unit_test(the_strongest_comes_first),
        cmocka_unit_test(old_evidence_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
