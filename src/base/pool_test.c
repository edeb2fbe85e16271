/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

static void the_limit_holds(void **state)
{
    (void)state;
    struct pool *pool = pool_new(24, 3);
    assert_non_null(pool);
    void *objects[3];
    for (size_t i = 0; i < 3; i++) {
        objects[i] = pool_take(pool);
        assert_non_null(objects[i]);
    }
    assert_null(pool_take(pool));
    assert_int_equal(pool_live(pool), 3);

    pool_give(pool, objects[1]);
    objects[1] = pool_take(pool);
    assert_non_null(objects[1]);
    assert_null(pool_take(pool));
    pool_free(pool);
    pool_free(NULL);
}

static void giving_nothing_does_nothing(void **state)
{
    (void)state;
    struct pool *pool = pool_new(1, 1);
    assert_non_null(pool);
    pool_give(pool, NULL);
    assert_int_equal(pool_live(pool), 0);
    pool_free(pool);
}

#define OBJECTS 3000

/* Each live object is filled with its own byte, so two objects that overlap, and a
 * pool that writes into a live object, are seen. */
static void random_use_keeps_objects_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 16, 17, 120, 1000, 5000 };
    struct test_random random = { 42 };
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct pool *pool = pool_new(sizes[s], 0);
        assert_non_null(pool);
        uint8_t *objects[OBJECTS] = { NULL };
        size_t live = 0;
        for (size_t step = 0; step < 20000; step++) {
            size_t i = test_random_below(&random, OBJECTS);
            if (objects[i] == NULL) {
                objects[i] = pool_take(pool);
                assert_non_null(objects[i]);
                assert_int_equal((uintptr_t)objects[i] % alignof(max_align_t), 0);
                memset(objects[i], (int)(i & 0xff), sizes[s]);
                live++;
            } else {
                for (size_t at = 0; at < sizes[s]; at += 61)
                    assert_int_equal(objects[i][at], i & 0xff);
                pool_give(pool, objects[i]);
                objects[i] = NULL;
                live--;
            }
            assert_int_equal(pool_live(pool), live);
        }
        pool_free(pool);
    }
}

static void a_peak_goes_back_to_malloc(void **state)
{
    (void)state;
    struct pool *pool = pool_new(100, 0);
    assert_non_null(pool);
    void *first = pool_take(pool);
    pool_give(pool, first);
    size_t one_slab = pool_bytes(pool);

    static void *objects[10000];
    for (size_t i = 0; i < 10000; i++) {
        objects[i] = pool_take(pool);
        assert_non_null(objects[i]);
    }
    assert_true(pool_bytes(pool) > 10000 * 100);
    assert_true(pool_bytes(pool) < 10000 * 120);
    for (size_t i = 0; i < 10000; i++)
        pool_give(pool, objects[i]);
    assert_int_equal(pool_live(pool), 0);
    assert_int_equal(pool_bytes(pool), one_slab);
    pool_free(pool);
}

#define SWING 1000

static void swing(struct pool *pool, size_t count)
{
    static void *objects[SWING];

    for (size_t i = 0; i < count; i++) {
        objects[i] = pool_take(pool);
        assert_non_null(objects[i]);
    }
    for (size_t i = 0; i < count; i++)
        pool_give(pool, objects[i]);
}

static void a_load_that_swings_keeps_its_slabs(void **state)
{
    (void)state;
    struct pool *pool = pool_new(100, 0);
    assert_non_null(pool);
    pool_keep(pool, (size_t)1 << 20);
    swing(pool, SWING);
    size_t kept = pool_bytes(pool);
    assert_true(kept > SWING * 100);
    for (unsigned i = 0; i < 3; i++) {
        pool_trim(pool);
        swing(pool, SWING);
        assert_int_equal(pool_bytes(pool), kept);
    }
    pool_free(pool);
}

static void what_is_not_needed_any_more_goes_with_a_trim(void **state)
{
    (void)state;
    struct pool *pool = pool_new(100, 0);
    assert_non_null(pool);
    swing(pool, 1);
    size_t one_slab = pool_bytes(pool);
    pool_keep(pool, (size_t)1 << 20);
    swing(pool, SWING);
    pool_trim(pool);
    swing(pool, 1);
    pool_trim(pool);
    assert_int_equal(pool_bytes(pool), one_slab);
    swing(pool, SWING);
    pool_free(pool);
}

static void no_more_is_kept_than_was_said(void **state)
{
    (void)state;
    struct pool *pool = pool_new(100, 0);
    assert_non_null(pool);
    swing(pool, 1);
    size_t one_slab = pool_bytes(pool);
    pool_keep(pool, 40000);
    swing(pool, SWING);
    assert_true(pool_bytes(pool) > one_slab);
    assert_true(pool_bytes(pool) < one_slab + 40000);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(giving_nothing_does_nothing),
        cmocka_unit_test(random_use_keeps_objects_apart),
        cmocka_unit_test(a_peak_goes_back_to_malloc),
        cmocka_unit_test(a_load_that_swings_keeps_its_slabs),
        cmocka_unit_test(what_is_not_needed_any_more_goes_with_a_trim),
        cmocka_unit_test(no_more_is_kept_than_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
