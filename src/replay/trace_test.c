/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define TEXT                                  \
    "t_epoch,client_ip,client_id,topic,run\n" \
    "3,192.0.2.1,a,t,one\n"                   \
    "1,192.0.2.1,b,t,one\n"                   \
    "this is no row\r\n"                      \
    "\n"                                      \
    "2,192.0.2.1,c,t,two"

static void object(const char *path, size_t line, const char *why)
{
    assert_non_null(path);
    assert_non_null(why);
    assert_int_equal(line, 4);
}

static void no_objection(const char *path, size_t line, const char *why)
{
    fail_msg("%s:%zu: %s", path, line, why);
}

static void any_objection(const char *path, size_t line, const char *why)
{
    (void)path;
    (void)why;
    assert_in_range(line, 1, 100);
}

static void make_path(char *path)
{
    (void)snprintf(path, 64, "%s", "/tmp/replay-trace-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
}

static void write_file(const char *path, const char *text, const char *mode)
{
    gzFile file = gzopen(path, mode);

    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static void a_file_is_read_in_order(void **state)
{
    (void)state;
    const char *const modes[] = { "wbT", "wb" }; /* plain, and compressed */

    for (unsigned i = 0; i < 2; i++) {
        char path[64];
        struct trace trace;
        make_path(path);
        write_file(path, TEXT, modes[i]);
        assert_int_equal(trace_open(path, object, &trace), 0);
        assert_int_equal(trace.count, 3);
        assert_int_equal(trace.bad, 1);
        assert_int_equal(trace.events[0].time_ms, 1000);
        assert_int_equal(trace.events[1].time_ms, 3000);
        assert_int_equal(trace.events[2].time_ms, 2000);
        assert_int_not_equal(trace.events[1].order, trace.events[2].order);
        trace_close(&trace);
        assert_int_equal(unlink(path), 0);
    }
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    char path[64];
    struct trace trace;

    assert_int_equal(trace_open("/nowhere/at/all", no_objection, &trace), -ENOENT);
    make_path(path);
    assert_int_equal(trace_open(path, no_objection, &trace), -EBADMSG);
    write_file(path, "no,such,columns\n1,2,3\n", "wbT");
    assert_int_equal(trace_open(path, any_objection, &trace), -EBADMSG);
    assert_int_equal(unlink(path), 0);
}

static void a_file_that_is_cut_off_is_said(void **state)
{
    (void)state;
    char path[64];
    struct trace trace;

    make_path(path);
    write_file(path, TEXT, "wb");
    assert_int_equal(truncate(path, 40), 0);
    assert_int_equal(trace_open(path, any_objection, &trace), -EBADMSG);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_in_order),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(a_file_that_is_cut_off_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
