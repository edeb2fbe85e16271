/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/activity.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void who_was_seen_is_found(void **state)
{
    static const struct activity_seen first[] = {
        { "lamp", "192.0.2.1:4711", 100, 120 },
        { "wall", "[2001:db8::1]:1", 105, 105 },
    };
    static const struct activity_seen later = { "lamp", "192.0.2.9:1", 300, 400 };
    static const struct activity_seen late = { "lamp", "192.0.2.2:2", 50, 60 };
    char path[SCRATCH_PATH_SIZE];
    struct activity *writer;
    struct activity *reader;
    struct activity_seen found;
    struct stat status;

    scratch_path(*state, "activity.db", path);
    assert_int_equal(activity_open(path, false, &reader, NULL), -ENOENT);
    assert_int_equal(activity_open(path, true, &writer, NULL), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(activity_note(writer, first, 2, NULL), 0);
    /* The tool looks while tacitd runs. */
    assert_int_equal(activity_open(path, false, &reader, NULL), 0);
    assert_int_equal(activity_find(reader, "lamp", &found, NULL), 0);
    assert_int_equal(found.first_s, 100);
    assert_int_equal(found.last_s, 120);
    assert_string_equal(found.address, "192.0.2.1:4711");
    assert_int_equal(activity_note(writer, &later, 1, NULL), 0);
    assert_int_equal(activity_note(writer, &late, 1, NULL), 0);
    assert_int_equal(activity_find(reader, "lamp", &found, NULL), 0);
    assert_int_equal(found.first_s, 50);
    assert_int_equal(found.last_s, 400);
    assert_string_equal(found.address, "192.0.2.9:1");
    assert_int_equal(activity_find(reader, "door", &found, NULL), -ENOENT);
    assert_int_equal(activity_note(writer, NULL, 0, NULL), 0);
    activity_close(reader);
    activity_close(writer);
    activity_close(NULL);
}

static void files_of_others(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct activity *activity = NULL;
    struct pki_fault fault;

    scratch_path(*state, "activity.db", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        (void)fputs("certainly not a database ", file);
    (void)fclose(file);
    assert_int_equal(activity_open(path, true, &activity, &fault), -EBADMSG);
    assert_non_null(strstr(fault.text, path));
    scratch_path(*state, "no/such", path);
    assert_int_equal(activity_open(path, true, &activity, &fault), -ENOENT);
    assert_null(activity);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(who_was_seen_is_found), TEST(files_of_others) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
