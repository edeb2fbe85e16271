/* SPDX-License-Identifier: Apache-2.0 */
/* What is given up, copied and used again, and that nothing comes back or is lost by it. */
#include "base/testing.h"
#include "store/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THINGS 300

static struct stand stand;

static int set_up(void **state)
{
    (void)state;
    stand_init(&stand);
    stand_hurry(&stand);
    return stand_open(&stand);
}

static int tear_down(void **state)
{
    (void)state;
    stand_fini(&stand);
    return 0;
}

static void tend(void)
{
    for (unsigned i = 0; store_tend(stand.store); i++)
        assert_true(i < 100000);
    (void)stand_free_all(store_take_confirmed(stand.store));
}

/* ---- a model: what should live ---- */

struct model_thing {
    bool lives;
    uint64_t value;
    uint64_t body; /* number; 0: none */
};

struct model {
    struct test_random random;
    struct model_thing things[THINGS];
    uint64_t last_value;
    uint64_t last_body;
    size_t lives;
    size_t seen;
    size_t record_most; /* bytes */
    uint64_t written;   /* of all openings */
    uint64_t copied;
};

/* Bytes that can be made again from the value. */
static struct mqtt_span bytes_for(uint64_t value, size_t most)
{
    static uint8_t bytes[65536];
    struct test_random random = { .state = value * 2 + 1 };
    size_t len = 8 + test_random_below(&random, most);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t next = test_random_next(&random);
        memcpy(bytes + i, &next, 8);
    }
    memcpy(bytes, &value, 8);
    return (struct mqtt_span){ bytes, len };
}

static uint64_t key_of(size_t i)
{
    return i % 2 == 0 ? stand_session(i + 1) : stand_delivery(i + 1);
}

static void set_thing(struct model *model, struct stand_frame *frame, size_t i, uint64_t body)
{
    struct model_thing *thing = &model->things[i];
    model->lives += !thing->lives;
    *thing = (struct model_thing){ .lives = true, .value = ++model->last_value, .body = body };
    stand_put(frame, key_of(i), body != 0 ? stand_body(body) : 0,
              bytes_for(thing->value, body != 0 ? 40 : model->record_most));
}

static void drop_thing(struct model *model, struct stand_frame *frame, size_t i)
{
    model->lives -= model->things[i].lives;
    model->things[i].lives = false;
    stand_drop(frame, key_of(i));
}

static void set_with_body(struct model *model, struct stand_frame *frame)
{
    uint64_t body = ++model->last_body;
    stand_put(frame, stand_body(body), 0, bytes_for(body, model->record_most));
    for (size_t k = 1 + test_random_below(&model->random, 4); k > 0; k--)
        set_thing(model, frame, test_random_below(&model->random, THINGS), body);
}

/* A body that has been there for a while, and may have been copied since, gets one more who needs
 * it: on reading again, those may come before it. */
static void set_with_old_body(struct model *model, struct stand_frame *frame)
{
    size_t i = test_random_below(&model->random, THINGS);
    for (size_t k = 0; k < THINGS; k++) {
        const struct model_thing *other = &model->things[(i + k) % THINGS];
        if (other->lives && other->body != 0) {
            set_thing(model, frame, test_random_below(&model->random, THINGS), other->body);
            return;
        }
    }
}

static struct stand_frame *random_frame(struct model *model)
{
    struct stand_frame *frame = stand_frame_new();
    for (size_t ops = 1 + test_random_below(&model->random, 6); ops > 0; ops--) {
        size_t i = test_random_below(&model->random, THINGS);
        switch (test_random_below(&model->random, 5)) {
        case 0:
            set_thing(model, frame, i, 0);
            break;
        case 1:
            set_with_body(model, frame);
            break;
        case 2:
            set_with_old_body(model, frame);
            break;
        default:
            drop_thing(model, frame, i);
        }
    }
    return frame;
}

static int compare(void *context, const struct store_thing *thing)
{
    struct model *model = context;
    size_t i = (size_t)journal_number_of(thing->key) - 1;
    assert_true(i < THINGS && key_of(i) == thing->key);
    const struct model_thing *expected = &model->things[i];
    assert_true(expected->lives);
    assert_int_equal(thing->body_key, expected->body != 0 ? stand_body(expected->body) : 0);
    assert_true(span_equal(
        thing->bytes, bytes_for(expected->value, expected->body != 0 ? 40 : model->record_most)));
    if (expected->body != 0)
        assert_true(span_equal(thing->body, bytes_for(expected->body, model->record_most)));
    model->seen++;
    return 0;
}

static void reopen_and_compare(struct model *model)
{
    struct store_figures figures = store_figures(stand.store);
    model->written += figures.written_bytes;
    model->copied += figures.copied_bytes;
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
    assert_int_equal(stand.found.lost_bodies, 0);
    assert_int_equal(store_figures(stand.store).living_things, figures.living_things);
    assert_int_equal(store_figures(stand.store).living_bytes, figures.living_bytes);
    model->seen = 0;
    assert_int_equal(store_each(stand.store, compare, model), 0);
    assert_int_equal(model->seen, model->lives);
}

static void run_model(struct model *model, unsigned rounds)
{
    uint64_t largest = 0;
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t frames = test_random_below(&model->random, 200); frames > 0; frames--) {
            struct stand_frame *frame = random_frame(model);
            assert_int_equal(store_write(stand.store, &frame->frame), 0);
            if (test_random_below(&model->random, 4) == 0)
                assert_int_equal(store_sync(stand.store), 0);
            for (size_t n = test_random_below(&model->random, 3); n > 0; n--)
                (void)store_tend(stand.store);
            (void)stand_free_all(store_take_confirmed(stand.store));
            if (store_figures(stand.store).bytes > largest)
                largest = store_figures(stand.store).bytes;
        }
        assert_int_equal(store_sync(stand.store), 0);
        if (test_random_below(&model->random, 3) == 0)
            tend();
        reopen_and_compare(model);
    }
    assert_true(largest <= stand.options.most_bytes + 3 * stand.options.segment_bytes);
    assert_true(model->copied <= 2 * model->written);
}

static void nothing_comes_back_and_nothing_is_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct model model = { .random = { seed }, .record_most = 500 };
        stand_close(&stand);
        stand_fini(&stand);
        (void)set_up(NULL);
        stand.options.most_bytes = 700 * 1024;
        stand_reopen(&stand);
        run_model(&model, 12);
    }
}

/* Most of a segment each: they fill it badly, and must not be copied for ever. */
static void records_that_fill_segments_badly(void **state)
{
    (void)state;
    struct model model = { .random = { 99 }, .record_most = 40000 };
    stand.options.most_bytes = UINT64_C(16) << 20;
    stand_reopen(&stand);
    run_model(&model, 6);
    tend();
    reopen_and_compare(&model);
}

static void put_session(uint64_t number, size_t len)
{
    uint8_t *bytes = calloc(1, len);
    assert_non_null(bytes);
    struct stand_frame *frame = stand_frame_new();
    stand_put(frame, stand_session(number), 0, (struct mqtt_span){ bytes, len });
    assert_int_equal(store_write(stand.store, &frame->frame), 0);
    assert_int_equal(store_sync(stand.store), 0);
    (void)stand_free_all(store_take_confirmed(stand.store));
    free(bytes);
}

/* A steady state in which half of what is on the disk lives. */
static void copying_is_bounded(void **state)
{
    (void)state;
    struct test_random random = { .state = 5 };
    for (unsigned i = 0; i < 20000; i++) {
        put_session(1 + test_random_below(&random, 1000), 4000);
        (void)store_tend(stand.store);
        (void)store_tend(stand.store);
    }
    struct store_figures figures = store_figures(stand.store);
    assert_true(figures.copied_bytes <= 2 * figures.written_bytes);
    assert_true(figures.bytes <= 3 * figures.living_bytes + 8 * STORE_SEGMENT_LEAST);
    print_message("copied %.2f of what was written; %.2f of the files lives\n",
                  (double)figures.copied_bytes / (double)figures.written_bytes,
                  (double)figures.living_bytes / (double)figures.bytes);
}

/* Seven tenths of the bound live: each segment that is given up has to be copied for the most. */
static void copying_is_bounded_at_the_bound(void **state)
{
    (void)state;
    struct test_random random = { .state = 6 };
    const uint64_t things = 3000;
    const uint64_t bound = things * (4000 + JOURNAL_PUT_BYTES) * 10 / 7;
    store_set_bound(stand.store, bound);
    for (uint64_t i = 1; i <= things; i++)
        put_session(i, 4000);
    struct store_figures before = store_figures(stand.store);
    for (unsigned i = 0; i < 15000; i++) {
        put_session(1 + test_random_below(&random, things), 4000);
        (void)store_tend(stand.store);
    }
    struct store_figures figures = store_figures(stand.store);
    double copied = (double)(figures.copied_bytes - before.copied_bytes)
                    / (double)(figures.written_bytes - before.written_bytes);
    print_message("at the bound: copied %.2f of what was written; %.2f of the files lives\n",
                  copied, (double)figures.living_bytes / (double)figures.bytes);
    assert_true(copied <= 4);
    assert_true(figures.bytes <= bound + 3 * STORE_SEGMENT_LEAST);
}

static void given_up_segments_are_used_again(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        put_session(1, 20000);
        tend();
        assert_true(stand_count(&stand, "log-") <= 3);
        assert_in_range(stand_count(&stand, "spare-"), 1, 2);
    }
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
    assert_int_equal(stand.found.things, 1);
}

static void too_much_alive_is_full_and_opens_again(void **state)
{
    (void)state;
    store_set_bound(stand.store, UINT64_C(1) << 20);
    uint64_t n = 0;
    while (store_state(stand.store) == STORE_OPEN) {
        put_session(++n, 10000);
        tend();
    }
    assert_int_equal(store_state(stand.store), STORE_FULL);
    assert_int_equal(store_error(stand.store), 0);
    assert_true(n * 10000 > 700000 && n * 10000 < 800000);
    /* It writes all the same. */
    put_session(++n, 10000);
    struct stand_frame *frame = stand_frame_new();
    for (uint64_t i = 1; i <= 8; i++)
        stand_drop(frame, stand_session(i));
    stand_commit(&stand, frame);
    assert_int_equal(store_state(stand.store), STORE_OPEN);
    store_set_bound(stand.store, UINT64_C(1) << 19);
    assert_int_equal(store_state(stand.store), STORE_FULL);
    tend();
    stand.options.most_bytes = UINT64_C(1) << 20;
    stand_reopen(&stand);
    assert_int_equal(stand.found.things, n - 8);
}

/* ---- no space on the disk ---- */

static bool disk_is_full;

static int reserve_if_there_is_space(struct file *file, uint64_t bytes)
{
    return disk_is_full ? -ENOSPC : stand.files.truncate(file, bytes);
}

static void a_full_disk_is_a_state(void **state)
{
    (void)state;
    disk_is_full = false;
    stand.options.files.reserve = reserve_if_there_is_space;
    stand_reopen(&stand);
    tend();
    disk_is_full = true;
    uint64_t n = 0;
    while (store_state(stand.store) == STORE_OPEN) {
        put_session(++n, 10000);
        tend();
    }
    assert_int_equal(store_state(stand.store), STORE_FULL);
    assert_int_equal(store_error(stand.store), -ENOSPC);
    /* The spare segment has begun: there is room for dropping and copying. */
    struct stand_frame *frame = stand_frame_new();
    for (uint64_t i = 1; i < n; i++)
        stand_drop(frame, stand_session(i));
    stand_commit(&stand, frame);
    tend();
    assert_int_equal(store_state(stand.store), STORE_OPEN);
    assert_int_equal(store_figures(stand.store).living_things, 1);

    /* To the last byte. */
    int error = 0;
    struct stand_frame *frames[40];
    size_t given = 0;
    while (error == 0) {
        frames[given] = stand_frame_new();
        uint8_t bytes[8000] = { 0 };
        stand_put(frames[given], stand_session(100 + given), 0,
                  (struct mqtt_span){ bytes, sizeof(bytes) });
        error = store_write(stand.store, &frames[given++]->frame);
        assert_true(given < 40);
    }
    assert_int_equal(error, -ENOSPC);
    assert_int_equal(store_state(stand.store), STORE_FULL);
    assert_false(store_tend(stand.store));
    assert_int_equal(store_retry(stand.store), -ENOSPC);
    assert_int_equal(store_sync(stand.store), 0);
    size_t confirmed = stand_free_all(store_take_confirmed(stand.store));
    assert_int_equal(confirmed, given - 1);
    disk_is_full = false;
    assert_int_equal(store_retry(stand.store), 0);
    assert_int_equal(store_state(stand.store), STORE_OPEN);
    assert_int_equal(stand_free_all(store_take_confirmed(stand.store)), 1);
    stand_reopen(&stand);
    assert_int_equal(stand.found.things, 1 + given);
}

static void an_opening_on_a_full_disk(void **state)
{
    (void)state;
    put_session(1, 100);
    stand_close(&stand);
    if (stand_has(&stand, "spare-0000000000000001"))
        stand_remove(&stand, "spare-0000000000000001");
    stand.options.files.reserve = reserve_if_there_is_space;
    disk_is_full = true;
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.found.things, 1);
    assert_int_equal(store_state(stand.store), STORE_FULL);
    assert_int_equal(store_error(stand.store), -ENOSPC);
    assert_string_equal(store_segment_name(stand.store), "");
    assert_false(store_tend(stand.store));
    struct stand_frame *frame = stand_frame_new();
    stand_drop(frame, stand_session(1));
    assert_int_equal(store_write(stand.store, &frame->frame), -ENOSPC);
    disk_is_full = false;
    assert_int_equal(store_retry(stand.store), 0);
    assert_int_equal(stand_free_all(store_take_confirmed(stand.store)), 1);
    stand_reopen(&stand);
    assert_int_equal(stand.found.things, 0);
}

/* ---- damage ---- */

static void damaged_segments_are_kept_aside(void **state)
{
    (void)state;
    put_session(1, 100);
    put_session(2, 100);
    stand_reopen(&stand);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, "log-0000000000000001", &len);
    bytes[4096 + 60] ^= 1;
    stand_spill(&stand, "log-0000000000000001", bytes, len);
    /* Somebody did the same before. */
    stand_spill(&stand, "log-0000000000000001.damaged-1", bytes, 1);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 1);
    assert_int_equal(store_figures(stand.store).damaged_segments, 1);
    assert_int_equal(stand.found.things, 1);
    struct stand_frame *frame = stand_frame_new();
    stand_drop(frame, stand_session(2));
    stand_commit(&stand, frame);
    tend();
    assert_false(stand_has(&stand, "log-0000000000000001"));
    size_t kept_len;
    uint8_t *kept = stand_slurp(&stand, "log-0000000000000001.damaged-2", &kept_len);
    assert_int_equal(kept_len, len);
    assert_memory_equal(kept, bytes, len);
    free(kept);
    free(bytes);
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
}

/* The disk forgets while the store runs: what is not whole any more is not copied as if it were. */
static void what_rots_before_it_is_copied_is_not_copied(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 2; i++)
        put_session(i, 100);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, "log-0000000000000001", &len);
    bytes[4096 + 100] ^= 1;
    stand_spill(&stand, "log-0000000000000001", bytes, len);
    free(bytes);
    store_set_bound(stand.store, UINT64_C(512) << 10);
    for (uint64_t i = 0; i < 40; i++) {
        put_session(3, 30000);
        tend();
    }
    assert_true(stand_has(&stand, "log-0000000000000001.damaged-1"));
    assert_int_equal(store_figures(stand.store).damaged_segments, 1);
    assert_int_equal(store_figures(stand.store).living_things, 2);
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
    assert_int_equal(stand.found.things, 2);
}

static void things_whose_body_is_lost_are_left_out(void **state)
{
    (void)state;
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, stand_body(1), 0, "body");
    stand_put_text(frame, stand_delivery(1), stand_body(1), "a");
    stand_commit(&stand, frame);
    frame = stand_frame_new();
    stand_put_text(frame, stand_delivery(2), stand_body(1), "b");
    stand_put_text(frame, stand_delivery(3), 0, "c");
    stand_commit(&stand, frame);
    stand_reopen(&stand);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, "log-0000000000000001", &len);
    bytes[4096] ^= 1;
    stand_spill(&stand, "log-0000000000000001", bytes, len);
    free(bytes);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 1);
    assert_int_equal(stand.found.lost_bodies, 1);
    assert_string_equal(stand_text(&stand), "6000000000000003=c");
}

/* ---- the segment that a start begins with ---- */

static int (*real_write)(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                         size_t count);
static uint64_t written_up_to;

static int write_and_note(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                          size_t count)
{
    uint64_t end = offset;
    for (size_t i = 0; i < count; i++)
        end += pieces[i].len;
    if (offset <= written_up_to && end > written_up_to)
        written_up_to = end;
    return real_write(file, offset, pieces, count);
}

/* Blocks that are only reserved are slow to sync. What is written meanwhile is not filled over. */
static void the_first_segment_is_written_once(void **state)
{
    (void)state;
    stand_fini(&stand);
    stand_init(&stand);
    stand.options.segment_bytes = 1024 * 1024;
    real_write = stand.files.write;
    stand.options.files.write = write_and_note;
    written_up_to = 0;
    assert_int_equal(stand_open(&stand), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct stand_frame *frame = stand_frame_new();
        stand_put_text(frame, stand_session(1 + i), 0, "x");
        stand_commit(&stand, frame);
        assert_true(store_tend(stand.store));
    }
    assert_in_range(written_up_to, 3 * STORE_BLOCK_BYTES, 1024 * 1024 - 1);
    while (store_tend(stand.store))
        continue;
    assert_int_equal(written_up_to, 1024 * 1024);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "1000000000000001=x 1000000000000002=x "
                                            "1000000000000003=x");
    assert_int_equal(stand.damages, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_comes_back_and_nothing_is_lost),
        TEST(records_that_fill_segments_badly),
        TEST(the_first_segment_is_written_once),
        TEST(copying_is_bounded),
        TEST(copying_is_bounded_at_the_bound),
        TEST(given_up_segments_are_used_again),
        TEST(too_much_alive_is_full_and_opens_again),
        TEST(a_full_disk_is_a_state),
        TEST(an_opening_on_a_full_disk),
        TEST(damaged_segments_are_kept_aside),
        TEST(what_rots_before_it_is_copied_is_not_copied),
        TEST(things_whose_body_is_lost_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
