/* SPDX-License-Identifier: Apache-2.0 */
#include "est/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 1000

struct key {
    uint8_t sha256[ATTEST_HASH_BYTES];
};

static struct key key(uint8_t seed)
{
    return (struct key){ { seed } };
}

static void put(struct est_waiting *waiting, uint8_t seed, uint8_t nonce, uint64_t now_ms)
{
    const struct attest_pending pending = { .nonce = { nonce } };

    est_waiting_put(waiting, key(seed).sha256, &pending, now_ms);
}

/* The nonce that is waited with; 0: nothing is. */
static uint8_t take(struct est_waiting *waiting, uint8_t seed, uint64_t now_ms)
{
    struct attest_pending pending;

    return est_waiting_take(waiting, key(seed).sha256, now_ms, &pending) ? pending.nonce[0] : 0;
}

static void each_is_good_once(void **state)
{
    struct est_waiting *waiting = est_waiting_new(4, PATIENCE_MS);

    (void)state;
    assert_non_null(waiting);
    assert_int_equal(take(waiting, 1, 0), 0);
    put(waiting, 1, 11, 5);
    put(waiting, 2, 12, 5);
    assert_int_equal(take(waiting, 1, 6), 11);
    assert_int_equal(take(waiting, 1, 6), 0);
    assert_int_equal(take(waiting, 2, 6), 12);
    est_waiting_free(waiting);
    est_waiting_free(NULL);
}

static void the_last_challenge_counts(void **state)
{
    struct est_waiting *waiting = est_waiting_new(4, PATIENCE_MS);

    (void)state;
    put(waiting, 1, 11, 5);
    put(waiting, 1, 21, 6);
    assert_int_equal(take(waiting, 1, 7), 21);
    assert_int_equal(take(waiting, 1, 7), 0);
    est_waiting_free(waiting);
}

static void patience_ends(void **state)
{
    struct est_waiting *waiting = est_waiting_new(1, PATIENCE_MS);

    (void)state;
    put(waiting, 1, 11, 5);
    assert_int_equal(take(waiting, 1, 5 + PATIENCE_MS), 0);
    put(waiting, 1, 11, 5);
    assert_int_equal(take(waiting, 1, 4 + PATIENCE_MS), 11);
    est_waiting_free(waiting);
}

static void the_oldest_is_forgotten(void **state)
{
    struct est_waiting *waiting = est_waiting_new(3, PATIENCE_MS);

    (void)state;
    for (uint8_t i = 1; i <= 4; i++)
        put(waiting, i, i, i);
    assert_int_equal(take(waiting, 1, 5), 0);
    for (uint8_t i = 2; i <= 4; i++)
        assert_int_equal(take(waiting, i, 5), i);
    est_waiting_free(waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_good_once),
        cmocka_unit_test(the_last_challenge_counts),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(the_oldest_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
