/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recorder_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1800000000000)
#define ROOM   65536

static struct log_line about(enum log_kind kind)
{
    return (struct log_line){
        .kind = kind,
        .text = "the text, which is not in the record",
        .fields = { { "event", span_of("other") },
                    { "client", span_of("lamp") },
                    { "nothing", span_of("") },
                    { "key_sha256", span_of("12ab") } },
        .field_count = 4,
    };
}

static void init(struct recorder_queue *queue, size_t room)
{
    assert_int_equal(recorder_queue_init(queue, room), 0);
    recorder_queue_set_rate(queue, 100);
}

static unsigned put(struct recorder_queue *queue, enum log_kind kind, unsigned count,
                    uint64_t now_s)
{
    const struct log_line line = about(kind);
    unsigned taken = 0;

    for (unsigned i = 0; i < count; i++)
        taken += recorder_queue_put(queue, &line, NOW_MS + i, now_s);
    return taken;
}

static void a_line_comes_out_with_its_fields(void **state)
{
    static const char fields[] = ",\"client\":\"lamp\",\"key_sha256\":\"12ab\"";
    struct recorder_queue queue;
    struct recorder_entry entry;
    size_t at = 0;

    (void)state;
    init(&queue, ROOM);
    assert_int_equal(put(&queue, LOG_CONNECTED, 2, 1), 2);
    assert_false(queue.is_urgent);
    assert_false(recorder_queue_is_empty(&queue));
    recorder_queue_take(&queue);
    assert_true(recorder_queue_is_empty(&queue));
    for (int i = 0; i < 2; i++) {
        assert_true(recorder_queue_next(&queue, &at, &entry));
        assert_int_equal(entry.kind, LOG_CONNECTED);
        assert_int_equal(entry.utc_ms, NOW_MS + i);
        assert_true(span_equal(entry.fields, span_of(fields)));
    }
    assert_false(recorder_queue_next(&queue, &at, &entry));
    recorder_queue_fini(&queue);
}

/* limits.audit_per_s: five times as many at once, a tenth of what costs nobody anything. */
static void a_flood_is_counted(void **state)
{
    struct recorder_queue queue;

    (void)state;
    init(&queue, (size_t)4 * 1024 * 1024);
    assert_int_equal(put(&queue, LOG_CONNECTED, 600, 1), 500);
    assert_int_equal(put(&queue, LOG_REFUSED, 600, 1), 50);
    assert_int_equal(put(&queue, LOG_STARTED, 600, 1), 600);
    assert_true(queue.is_urgent);
    assert_int_equal(queue.left_out[LOG_CONNECTED].count, 100);
    assert_int_equal(queue.left_out[LOG_CONNECTED].since_ms, NOW_MS + 500);
    assert_int_equal(queue.left_out[LOG_CONNECTED].until_ms, NOW_MS + 599);
    assert_int_equal(queue.left_out[LOG_REFUSED].count, 550);
    assert_int_equal(put(&queue, LOG_CONNECTED, 600, 2), 100);
    assert_int_equal(put(&queue, LOG_REFUSED, 600, 2), 10);
    recorder_queue_fini(&queue);
}

/* limits.audit_queue_bytes */
static void what_has_no_room_is_counted(void **state)
{
    struct recorder_queue queue;

    (void)state;
    init(&queue, 256);
    unsigned taken = put(&queue, LOG_STARTED, 100, 1);
    assert_in_range(taken, 2, 10);
    assert_int_equal(queue.left_out[LOG_STARTED].count, 100 - taken);
    recorder_queue_take(&queue);
    assert_int_equal(put(&queue, LOG_STARTED, 1, 1), 1);
    recorder_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_comes_out_with_its_fields),
        cmocka_unit_test(a_flood_is_counted),
        cmocka_unit_test(what_has_no_room_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
