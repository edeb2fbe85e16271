/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/slabs.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECES 2000u
#define MOST   4096u

static struct slabs *opened(uint32_t most)
{
    struct slabs *slabs = NULL;
    assert_int_equal(slabs_open(most, 0, &slabs), 0);
    return slabs;
}

/* Each piece is full of a pattern of its own, which nobody else may touch. */
struct piece {
    uint8_t *at;
    size_t bytes;
    uint8_t pattern;
};

static void check(const struct piece *piece)
{
    for (size_t i = 0; i < piece->bytes; i++)
        assert_int_equal(piece->at[i], piece->pattern);
}

static void fill(struct slabs *slabs, struct piece *piece, size_t bytes, uint8_t pattern)
{
    *piece = (struct piece){ slabs_alloc(slabs, bytes), bytes, pattern };
    assert_non_null(piece->at);
    assert_true((uintptr_t)piece->at % 16 == 0);
    assert_true(slabs_hold(slabs, piece->at));
    assert_true(slabs_room(slabs, piece->at) >= bytes);
    assert_true(slabs_room(slabs, piece->at) <= bytes + bytes / 4 + 16);
    memset(piece->at, pattern, slabs_room(slabs, piece->at));
}

static void drop(struct slabs *slabs, struct piece *piece)
{
    check(piece);
    slabs_free(slabs, piece->at);
    *piece = (struct piece){ 0 };
}

static void pieces_of_any_size_are_apart(void **state)
{
    (void)state;
    struct slabs *slabs = opened(MOST);
    struct piece *pieces = calloc(PIECES, sizeof(*pieces));
    struct test_random random = { 3 };
    assert_non_null(pieces);
    for (unsigned step = 0; step < 100000; step++) {
        struct piece *piece = &pieces[test_random_below(&random, PIECES)];
        if (piece->at != NULL)
            drop(slabs, piece);
        else
            fill(slabs, piece,
                 test_random_below(&random, step % 3 == 0 ? SLABS_PIECE_BYTES + 1 : 300),
                 (uint8_t)step);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        if (pieces[i].at != NULL)
            drop(slabs, &pieces[i]);
    }
    assert_true(slabs_in_use(slabs) <= 38); /* one of each size */
    free(pieces);
    slabs_close(slabs);
}

static void every_size_has_its_room(void **state)
{
    (void)state;
    struct slabs *slabs = opened(64);
    for (size_t bytes = 0; bytes <= SLABS_PIECE_BYTES; bytes++) {
        struct piece piece;
        fill(slabs, &piece, bytes, 7);
        drop(slabs, &piece);
    }
    assert_null(slabs_alloc(slabs, SLABS_PIECE_BYTES + 1));
    assert_null(slabs_alloc(slabs, SIZE_MAX));
    assert_false(slabs_hold(slabs, NULL));
    assert_false(slabs_hold(slabs, &slabs));
    slabs_close(slabs);
}

static const uint8_t *begin_of_slab(const uint8_t *piece)
{
    return (const uint8_t *)((uintptr_t)piece / SLABS_SLAB_BYTES * SLABS_SLAB_BYTES);
}

static unsigned resident_pages(const uint8_t *begin, size_t bytes)
{
    unsigned char pages[SLABS_SLAB_BYTES / 4096 * 128];
    unsigned count = 0;
    assert_true(bytes / 4096 <= sizeof(pages));
    assert_int_equal(mincore((void *)(uintptr_t)begin, bytes, pages), 0);
    for (size_t i = 0; i < bytes / 4096; i++)
        count += pages[i] & 1;
    return count;
}

/* What is empty is no memory of the process any more, and is used again. */
static void what_is_given_back_leaves_the_process(void **state)
{
    (void)state;
    enum { COUNT = 1024 };
    struct slabs *slabs = opened(128);
    struct piece pieces[COUNT];
    for (unsigned round = 0; round < 3; round++) {
        uint8_t *lowest = NULL;
        for (unsigned i = 0; i < COUNT; i++) {
            fill(slabs, &pieces[i], 2000, (uint8_t)i);
            if (lowest == NULL || pieces[i].at < lowest)
                lowest = pieces[i].at;
        }
        const uint8_t *first = begin_of_slab(lowest);
        size_t bytes = (size_t)slabs_in_use(slabs) * SLABS_SLAB_BYTES;
        assert_int_equal(slabs_in_use(slabs), COUNT / 16);
        assert_int_equal(resident_pages(first, bytes), bytes / 4096);
        for (unsigned i = 0; i < COUNT; i++)
            drop(slabs, &pieces[i]);
        assert_int_equal(slabs_in_use(slabs), 1);
        assert_true(resident_pages(first, bytes) <= SLABS_SLAB_BYTES / 4096);
    }
    slabs_close(slabs);
}

/* Also of the empty one that a size keeps, and never of one in which somebody is. */
static void what_was_kept_goes_when_it_is_asked_for(void **state)
{
    (void)state;
    struct slabs *slabs = opened(MOST);
    struct piece lone = { 0 };
    void *pieces[64];
    fill(slabs, &lone, 100, 7);
    for (unsigned size = 16; size <= 1024; size *= 4) {
        for (unsigned i = 0; i < MQTT_ARRAY_LEN(pieces); i++)
            pieces[i] = slabs_alloc(slabs, size);
        for (unsigned i = 0; i < MQTT_ARRAY_LEN(pieces); i++)
            slabs_free(slabs, pieces[i]);
    }
    assert_true(slabs_in_use(slabs) > 1);
    slabs_trim(slabs);
    assert_int_equal(slabs_in_use(slabs), 1);
    slabs_trim(slabs);
    assert_int_equal(slabs_in_use(slabs), 1);
    struct piece fresh = { 0 };
    fill(slabs, &fresh, 1024, 9);
    drop(slabs, &fresh);
    drop(slabs, &lone);
    slabs_trim(slabs);
    assert_int_equal(slabs_in_use(slabs), 0);
    slabs_close(slabs);
}

/* What comes and goes finds its pages again, and no more of them stay than was said. */
static void some_stay_ready(void **state)
{
    (void)state;
    enum { READY = 3, COUNT = 8 };
    struct slabs *slabs = NULL;
    struct piece pieces[COUNT];
    assert_int_equal(slabs_open(MOST, READY, &slabs), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            fill(slabs, &pieces[i], SLABS_PIECE_BYTES, (uint8_t)i);
        assert_int_equal(slabs_in_use(slabs), COUNT);
        for (unsigned i = 0; i < COUNT; i++)
            drop(slabs, &pieces[i]);
        assert_int_equal(slabs_in_use(slabs), READY + 1); /* and the one of its size */
    }
    fill(slabs, &pieces[0], 16, 1); /* another size takes one of them, and touches a page of it */
    assert_int_equal(slabs_in_use(slabs), READY + 1);
    assert_true(resident_pages(begin_of_slab(pieces[0].at), SLABS_SLAB_BYTES)
                >= SLABS_PIECE_BYTES / 4096);
    slabs_trim(slabs);
    assert_int_equal(slabs_in_use(slabs), 1);
    drop(slabs, &pieces[0]);
    slabs_trim(slabs);
    assert_int_equal(slabs_in_use(slabs), 0);
    slabs_close(slabs);
}

static void an_end_of_slabs_is_said(void **state)
{
    (void)state;
    struct slabs *slabs = opened(2);
    void *pieces[2 * 4];
    for (size_t i = 0; i < MQTT_ARRAY_LEN(pieces); i++) {
        pieces[i] = slabs_alloc(slabs, 8192);
        assert_non_null(pieces[i]);
    }
    assert_null(slabs_alloc(slabs, 8192));
    assert_null(slabs_alloc(slabs, 16));
    slabs_free(slabs, pieces[3]);
    assert_ptr_equal(slabs_alloc(slabs, 8192), pieces[3]);
    slabs_close(slabs);
}

/* ---- several threads ---- */

enum { SHARED = 64, STEPS = 50000 };

struct sharing {
    struct slabs *slabs;
    uint8_t *_Atomic places[SHARED]; /* each is full of its first byte, whose size it says, too */
};

static size_t bytes_for(uint8_t pattern)
{
    return 16 + (size_t)pattern * 8;
}

static bool is_full_of(const uint8_t *piece)
{
    for (size_t i = 0; i < bytes_for(piece[0]); i++) {
        if (piece[i] != piece[0])
            return false;
    }
    return true;
}

/* Whoever takes a piece out of a place gives it back, whoever made it. NULL: all was as it has to be. */
static void *exchange(void *context)
{
    struct sharing *sharing = context;
    struct test_random random = { (uint64_t)(uintptr_t)&random };
    for (unsigned step = 0; step < STEPS; step++) {
        uint8_t pattern = (uint8_t)test_random_below(&random, 256);
        uint8_t *piece = slabs_alloc(sharing->slabs, bytes_for(pattern));
        if (piece == NULL)
            return sharing;
        memset(piece, pattern, bytes_for(pattern));
        piece = atomic_exchange(&sharing->places[test_random_below(&random, SHARED)], piece);
        if (piece != NULL && !is_full_of(piece))
            return sharing;
        if (piece != NULL)
            slabs_free(sharing->slabs, piece);
    }
    return NULL;
}

static void threads_give_back_what_others_have_taken(void **state)
{
    (void)state;
    struct sharing sharing = { .slabs = opened(MOST) };
    pthread_t threads[4];
    for (size_t i = 0; i < MQTT_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, exchange, &sharing), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(threads); i++) {
        void *fault = NULL;
        assert_int_equal(pthread_join(threads[i], &fault), 0);
        assert_null(fault);
    }
    for (size_t i = 0; i < SHARED; i++) {
        if (sharing.places[i] != NULL)
            slabs_free(sharing.slabs, sharing.places[i]);
    }
    assert_true(slabs_in_use(sharing.slabs) <= 38);
    slabs_close(sharing.slabs);
}

/* ---- what one thread keeps ---- */

static void what_is_kept_is_taken_again(void **state)
{
    (void)state;
    struct slabs *slabs = opened(MOST);
    struct slabs_near near = { 0 };
    struct piece pieces[SLABS_NEAR_MOST + 1];
    assert_null(slabs_near_take(&near, 100));
    for (unsigned i = 0; i <= SLABS_NEAR_MOST; i++)
        fill(slabs, &pieces[i], 100, (uint8_t)i);
    for (unsigned i = 0; i < SLABS_NEAR_MOST; i++)
        assert_true(slabs_near_keep(&near, slabs, pieces[i].at));
    assert_false(slabs_near_keep(&near, slabs, pieces[SLABS_NEAR_MOST].at));
    assert_null(slabs_near_take(&near, 200)); /* of another size */
    /* The last one first: it lies in the caches. It has the room of its size. */
    for (unsigned i = SLABS_NEAR_MOST; i-- > 0;) {
        assert_ptr_equal(slabs_near_take(&near, 97 + i % 16), pieces[i].at);
        memset(pieces[i].at, (int)i, slabs_room(slabs, pieces[i].at));
    }
    assert_null(slabs_near_take(&near, 100));
    for (unsigned i = 0; i <= SLABS_NEAR_MOST; i++)
        drop(slabs, &pieces[i]);
    slabs_close(slabs);
}

static void every_size_up_to_the_largest_is_kept(void **state)
{
    (void)state;
    struct slabs *slabs = opened(MOST);
    struct slabs_near near = { 0 };
    for (size_t bytes = 1; bytes <= SLABS_NEAR_BYTES + 1; bytes++) {
        uint8_t *piece = slabs_alloc(slabs, bytes);
        bool is_small = bytes <= SLABS_NEAR_BYTES;
        assert_int_equal(slabs_near_keep(&near, slabs, piece), is_small);
        uint8_t *again = slabs_near_take(&near, bytes);
        assert_ptr_equal(again, is_small ? piece : NULL);
        slabs_free(slabs, piece);
    }
    assert_null(slabs_near_take(&near, SIZE_MAX));
    slabs_close(slabs);
}

static void what_is_kept_is_given_back(void **state)
{
    (void)state;
    struct slabs *slabs = opened(MOST);
    struct slabs_near near = { 0 };
    for (size_t bytes = 16; bytes <= SLABS_NEAR_BYTES; bytes += 16) {
        uint8_t *piece = slabs_alloc(slabs, bytes);
        if (!slabs_near_keep(&near, slabs, piece))
            slabs_free(slabs, piece);
    }
    slabs_near_drop(&near, slabs);
    slabs_near_drop(&near, slabs);
    slabs_trim(slabs);
    assert_int_equal(slabs_in_use(slabs), 0);
    slabs_close(slabs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_are_apart),
        cmocka_unit_test(every_size_has_its_room),
        cmocka_unit_test(what_is_given_back_leaves_the_process),
        cmocka_unit_test(what_was_kept_goes_when_it_is_asked_for),
        cmocka_unit_test(some_stay_ready),
        cmocka_unit_test(an_end_of_slabs_is_said),
        cmocka_unit_test(threads_give_back_what_others_have_taken),
        cmocka_unit_test(what_is_kept_is_taken_again),
        cmocka_unit_test(every_size_up_to_the_largest_is_kept),
        cmocka_unit_test(what_is_kept_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
