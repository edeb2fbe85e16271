/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_contents.h"

#include "base/attrs.h"
#include "core/journal_op.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define BODY(n)     journal_key(JOURNAL_BODY, n)
#define DELIVERY(n) journal_key(JOURNAL_DELIVERY, n)
#define MANY        5000u

static void put(struct store_contents *contents, uint64_t key, uint64_t body, const char *text)
{
    const struct journal_op op = {
        .verb = JOURNAL_PUT, .key = key, .body = body, .bytes = span_of(text)
    };
    assert_int_equal(store_contents_apply_op(contents, &op), 0);
}

static void drop(struct store_contents *contents, uint64_t key)
{
    const struct journal_op op = { .verb = JOURNAL_DROP, .key = key };
    assert_int_equal(store_contents_apply_op(contents, &op), 0);
}

static void check(const struct store_contents *contents, uint64_t key, const char *text)
{
    const struct store_item *item = store_contents_find(contents, key);
    assert_non_null(item);
    assert_true(span_equal((struct mqtt_span){ item->bytes, item->len }, span_of(text)));
}

static void count_lost(void *context, const struct store_item *item)
{
    unsigned *count = context;
    assert_int_equal(journal_kind_of(item->key), JOURNAL_DELIVERY);
    ++*count;
}

static void the_last_put_counts_until_it_is_dropped(void **state)
{
    (void)state;
    struct store_contents contents = { .keeps_bytes = true };
    put(&contents, journal_key(JOURNAL_SESSION, 2), 0, "two");
    put(&contents, journal_key(JOURNAL_SESSION, 1), 0, "one");
    put(&contents, journal_key(JOURNAL_SESSION, 1), 0, "another");
    put(&contents, journal_key(JOURNAL_SESSION, 3), 0, "");
    drop(&contents, journal_key(JOURNAL_SESSION, 3));
    drop(&contents, journal_key(JOURNAL_SESSION, 4));
    check(&contents, journal_key(JOURNAL_SESSION, 1), "another");
    store_contents_settle(&contents, NULL, NULL);
    assert_int_equal(contents.count, 2);
    assert_int_equal(contents.bytes, 10);
    assert_true(contents.items[0].key < contents.items[1].key);
    check(&contents, journal_key(JOURNAL_SESSION, 2), "two");
    assert_null(store_contents_find(&contents, journal_key(JOURNAL_SESSION, 3)));
    store_contents_fini(&contents);
}

/* Housekeeping may have put a body behind those who need it, or before them. */
static void bodies_go_with_the_last_that_needs_them(void **state)
{
    (void)state;
    unsigned lost = 0;
    struct store_contents contents = { .keeps_bytes = true };
    put(&contents, DELIVERY(1), BODY(1), "a");
    put(&contents, BODY(1), 0, "needed later");
    put(&contents, BODY(2), 0, "needed for a while");
    put(&contents, DELIVERY(2), BODY(2), "b");
    put(&contents, DELIVERY(3), BODY(2), "c");
    drop(&contents, DELIVERY(2));
    put(&contents, DELIVERY(3), 0, "c, without");
    put(&contents, DELIVERY(4), BODY(3), "its body is lost");
    store_contents_settle(&contents, count_lost, &lost);
    assert_int_equal(lost, 1);
    assert_int_equal(contents.count, 3);
    check(&contents, BODY(1), "needed later");
    assert_null(store_contents_find(&contents, BODY(2)));
    assert_null(store_contents_find(&contents, DELIVERY(4)));
    store_contents_fini(&contents);
}

static void many_come_and_every_third_goes(void **state)
{
    (void)state;
    struct store_contents contents = { 0 };
    for (unsigned i = 1; i <= MANY; i++)
        put(&contents, DELIVERY(i * 7919u), 0, "x");
    for (unsigned i = 3; i <= MANY; i += 3)
        drop(&contents, DELIVERY(i * 7919u));
    for (unsigned i = 1; i <= MANY; i++)
        assert_int_equal(store_contents_find(&contents, DELIVERY(i * 7919u)) != NULL, i % 3 != 0);
    store_contents_settle(&contents, NULL, NULL);
    assert_int_equal(contents.count, MANY - MANY / 3);
    assert_null(contents.items[0].bytes);
    store_contents_fini(&contents);
}

static void bytes_that_are_no_operations_are_refused(void **state)
{
    (void)state;
    uint8_t ops[JOURNAL_DROP_BYTES + 1] = { 0 };
    struct store_contents contents = { 0 };
    (void)journal_drop(ops, DELIVERY(1));
    assert_int_equal(store_contents_apply(&contents, (struct mqtt_span){ ops, sizeof(ops) }),
                     -EBADMSG);
    assert_int_equal(store_contents_apply(&contents, (struct mqtt_span){ ops, sizeof(ops) - 1 }),
                     0);
    assert_null(store_contents_find(&contents, DELIVERY(1)));
    store_contents_settle(&contents, NULL, NULL);
    store_contents_fini(&contents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_put_counts_until_it_is_dropped),
        cmocka_unit_test(bodies_go_with_the_last_that_needs_them),
        cmocka_unit_test(many_come_and_every_third_goes),
        cmocka_unit_test(bytes_that_are_no_operations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
