/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/slabs.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECES 2000u
#define MOST   4096u

static struct slabs *opened(uint32_t most)
{
    struct slabs *slabs = NULL;
    assert_int_equal(slabs_open(most, &slabs), 0);
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
        const uint8_t *first = (uint8_t *)((uintptr_t)lowest / SLABS_SLAB_BYTES * SLABS_SLAB_BYTES);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_are_apart),
        cmocka_unit_test(every_size_has_its_room),
        cmocka_unit_test(what_is_given_back_leaves_the_process),
        cmocka_unit_test(an_end_of_slabs_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
