/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/canary_uses.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIST_MAX 16

struct list {
    struct canary_use uses[LIST_MAX];
    size_t count;
};

static int take(void *context, const struct canary_use *use)
{
    struct list *list = context;

    assert_true(list->count < LIST_MAX);
    list->uses[list->count++] = *use;
    return 0;
}

static struct activity *open_in(const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];
    struct activity *activity;

    scratch_path(scratch, "activity.db", path);
    assert_int_equal(activity_open(path, true, &activity, NULL), 0);
    return activity;
}

static struct list listed(struct activity *activity, const char *name)
{
    struct list list = { .count = 0 };

    assert_int_equal(canary_uses_list(activity, name, take, &list, NULL), 0);
    return list;
}

static void the_same_use_is_counted(void **state)
{
    static const struct canary_use first[] = {
        { "trap", "connect", "192.0.2.1", "x", "", 1, 0, 100, 100 },
        { "trap", "publish", "192.0.2.1", "x", "a/b", 2, 20, 101, 103 },
        { "clerk", "refused", "192.0.2.2", "", "", 1, 0, 90, 90 },
    };
    static const struct canary_use again = { "trap", "publish", "192.0.2.1", "x", "a/b",
                                             1,      5,         110,         110 };
    struct activity *activity = open_in(*state);

    assert_int_equal(canary_uses_note(activity, first, 3, 10, NULL), 0);
    assert_int_equal(canary_uses_note(activity, &again, 1, 10, NULL), 0);
    struct list trap = listed(activity, "trap");
    assert_int_equal(trap.count, 2);
    assert_string_equal(trap.uses[0].what, "connect");
    assert_string_equal(trap.uses[1].topic, "a/b");
    assert_int_equal(trap.uses[1].count, 3);
    assert_int_equal(trap.uses[1].bytes, 25);
    assert_int_equal(trap.uses[1].first_s, 101);
    assert_int_equal(trap.uses[1].last_s, 110);
    struct list all = listed(activity, NULL);
    assert_int_equal(all.count, 3);
    assert_string_equal(all.uses[0].name, "clerk");
    activity_close(activity);
}

/* limits.canary_records */
static void the_oldest_go(void **state)
{
    struct activity *activity = open_in(*state);
    struct canary_use use = { "trap", "publish", "192.0.2.1", "x", "", 1, 0, 0, 0 };
    static const struct canary_use other = { "clerk", "connect", "192.0.2.1", "x", "", 1, 0, 1, 1 };

    assert_int_equal(canary_uses_note(activity, &other, 1, 3, NULL), 0);
    for (int i = 0; i < 8; i++) {
        (void)snprintf(use.topic, sizeof(use.topic), "t/%d", i);
        use.first_s = use.last_s = 100 + i;
        assert_int_equal(canary_uses_note(activity, &use, 1, 3, NULL), 0);
    }
    struct list trap = listed(activity, "trap");
    assert_int_equal(trap.count, 3);
    assert_string_equal(trap.uses[0].topic, "t/5");
    assert_string_equal(trap.uses[2].topic, "t/7");
    assert_int_equal(listed(activity, "clerk").count, 1);
    assert_int_equal(listed(activity, "nobody").count, 0);
    activity_close(activity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_use_is_counted, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(the_oldest_go, scratch_make, scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
