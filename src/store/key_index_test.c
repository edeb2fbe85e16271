/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key_index.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 5000

static void an_empty_one_holds_nothing(void **state)
{
    (void)state;
    struct key_index index = { 0 };
    assert_null(key_index_find(&index, 1));
    key_index_prefetch(&index, 1);
    key_index_fini(&index);
}

/* Against a plain array, through growth and long runs of neighbours. */
static void it_holds_what_an_array_would(void **state)
{
    (void)state;
    struct key_index index = { 0 };
    struct test_random random = { .state = 3 };
    static bool is_there[KEYS + 1];
    size_t count = 0;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t key = 1 + test_random_below(&random, KEYS);
        struct key_index_entry *entry = key_index_find(&index, key);
        assert_int_equal(entry != NULL, is_there[key]);
        if (entry != NULL && i % 3 != 0) {
            assert_int_equal(entry->need, key * 7);
            key_index_remove(&index, entry);
            is_there[key] = false;
            count--;
        } else if (entry == NULL) {
            assert_int_equal(key_index_reserve(&index, 1), 0);
            entry = key_index_place(&index, key);
            assert_int_equal(entry->need, 0);
            entry->need = key * 7;
            is_there[key] = true;
            count++;
        }
        assert_int_equal(index.count, count);
    }
    for (uint64_t key = 1; key <= KEYS; key++)
        assert_int_equal(key_index_find(&index, key) != NULL, is_there[key]);
    key_index_fini(&index);
}

static void placing_twice_gives_the_same(void **state)
{
    (void)state;
    struct key_index index = { 0 };
    assert_int_equal(key_index_reserve(&index, 2), 0);
    struct key_index_entry *entry = key_index_place(&index, 9);
    assert_ptr_equal(key_index_place(&index, 9), entry);
    assert_int_equal(index.count, 1);
    key_index_fini(&index);
}

static void more_than_there_is_memory_for_changes_nothing(void **state)
{
    (void)state;
    struct key_index index = { 0 };
    assert_int_equal(key_index_reserve(&index, 1), 0);
    key_index_place(&index, 5)->need = 1;
    assert_int_not_equal(key_index_reserve(&index, SIZE_MAX / 2), 0);
    assert_int_equal(key_index_find(&index, 5)->need, 1);
    key_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_holds_nothing),
        cmocka_unit_test(it_holds_what_an_array_would),
        cmocka_unit_test(placing_twice_gives_the_same),
        cmocka_unit_test(more_than_there_is_memory_for_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
