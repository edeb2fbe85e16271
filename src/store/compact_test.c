/* SPDX-License-Identifier: Apache-2.0 */
#include "store/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES   60u
#define SESSIONS 7u

static struct stand stand;
static char text[4096];

static int set_up(void **state)
{
    (void)state;
    stand_init(&stand);
    return stand_open(&stand);
}

static int tear_down(void **state)
{
    (void)state;
    stand_fini(&stand);
    return 0;
}

/* Several segments of frames; few of them live. */
static void fill(void)
{
    for (unsigned i = 1; i <= FRAMES; i++) {
        char value[32];
        struct stand_frame *frame = stand_frame_new();
        (void)snprintf(value, sizeof(value), "v%u", i);
        stand_put_text(frame, stand_session(1 + i % SESSIONS), 0, value);
        stand_put_text(frame, stand_body(i), 0, "body");
        stand_put_text(frame, stand_delivery(i), stand_body(i), "d");
        if (i > 3)
            stand_drop(frame, stand_delivery(i - 3));
        stand_commit(&stand, frame);
    }
}

static void keep_text(void)
{
    (void)snprintf(text, sizeof(text), "%s", stand_text(&stand));
}

static void what_lives_is_all_that_is_left(void **state)
{
    (void)state;
    fill();
    stand_reopen(&stand);
    keep_text();
    assert_true(stand_count(&stand, "log-") > 3);
    assert_int_equal(store_compact(stand.store), 0);
    assert_int_equal(stand_count(&stand, "log-"), 1);
    assert_string_equal(stand_text(&stand), text);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), text);
    assert_int_equal(stand.damages, 0);
}

static void an_empty_store_stays_one(void **state)
{
    (void)state;
    assert_int_equal(store_compact(stand.store), 0);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "");
}

static void a_damaged_segment_is_put_aside(void **state)
{
    (void)state;
    static const char name[] = "log-0000000000000002";
    size_t len;
    fill();
    stand_close(&stand);
    uint8_t *bytes = stand_slurp(&stand, name, &len);
    bytes[2 * STORE_BLOCK_BYTES + 60] ^= 1;
    stand_spill(&stand, name, bytes, len);
    free(bytes);
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 1);
    keep_text();
    assert_int_equal(store_compact(stand.store), 0);
    assert_true(stand_has(&stand, "log-0000000000000002.damaged-1"));
    assert_false(stand_has(&stand, name));
    stand.damages = 0;
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
    assert_string_equal(stand_text(&stand), text);
}

static int refuse_to_write(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                           size_t count)
{
    (void)file;
    (void)offset;
    (void)pieces;
    (void)count;
    return -EIO;
}

static void a_disk_that_refuses_loses_nothing(void **state)
{
    (void)state;
    int (*write)(struct file *, uint64_t, const struct mqtt_span *, size_t) =
        stand.options.files.write;
    fill();
    stand_reopen(&stand);
    keep_text();
    stand_close(&stand);
    stand.options.files.write = refuse_to_write;
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(store_compact(stand.store), -EIO);
    stand_close(&stand);
    stand.options.files.write = write;
    assert_int_equal(stand_open(&stand), 0);
    assert_string_equal(stand_text(&stand), text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_lives_is_all_that_is_left),
        TEST(an_empty_store_stays_one),
        TEST(a_damaged_segment_is_put_aside),
        TEST(a_disk_that_refuses_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
