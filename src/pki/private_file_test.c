/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/private_file.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void assert_content(const char *path, const char *expected)
{
    uint8_t *bytes;
    size_t len;
    assert_int_equal(private_file_read(path, 100, &bytes, &len), 0);
    assert_int_equal(len, strlen(expected));
    assert_string_equal((const char *)bytes, expected);
    free(bytes);
}

static void a_file_is_for_its_owner(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    mode_t old = umask(0);
    scratch_path(*state, "f", path);
    assert_int_equal(private_file_write(path, span_of("one"), PRIVATE_FILE_KEEP), 0);
    (void)umask(old);
    assert_int_equal(mode_of(path), 0600);
    assert_content(path, "one");
    assert_int_equal(private_file_is_closed(path), 0);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(private_file_is_closed(path), -EPERM);
}

static void keep_and_replace(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    scratch_path(*state, "f", path);
    assert_int_equal(private_file_write(path, span_of("one"), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(private_file_write(path, span_of("two"), PRIVATE_FILE_KEEP), -EEXIST);
    assert_content(path, "one");
    assert_int_equal(private_file_write(path, span_of("three"), PRIVATE_FILE_REPLACE), 0);
    assert_content(path, "three");
    assert_int_equal(scratch_count(*state), 1); /* no temporary file stays behind */
}

/* A bound is no reason to ask for so much memory, or to wipe it. */
static void a_high_limit_takes_what_the_file_does(void **state)
{
    const struct scratch *scratch = *state;
    char path[SCRATCH_PATH_SIZE];
    uint8_t *bytes;
    size_t len;
    scratch_path(*state, "f", path);
    assert_int_equal(private_file_write(path, span_of("one"), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(private_file_read(path, SIZE_MAX / 2, &bytes, &len), 0);
    assert_int_equal(len, 3);
    free(bytes);
    assert_int_equal(private_file_read(scratch->folder, SIZE_MAX / 2, &bytes, &len), -EISDIR);
}

static void a_link_is_not_followed(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    char target[SCRATCH_PATH_SIZE];
    scratch_path(*state, "link", path);
    scratch_path(*state, "target", target);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(private_file_write(path, span_of("x"), PRIVATE_FILE_KEEP), -EEXIST);
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(private_file_write(path, span_of("x"), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(access(target, F_OK), -1);
}

static void failures(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    uint8_t *bytes;
    size_t len;
    scratch_path(*state, "no/such/folder", path);
    assert_int_equal(private_file_write(path, span_of("x"), PRIVATE_FILE_REPLACE), -ENOENT);
    assert_int_equal(private_file_read(path, 10, &bytes, &len), -ENOENT);
    assert_int_equal(private_file_is_closed(path), -ENOENT);
    scratch_path(*state, "f", path);
    assert_int_equal(private_file_write(path, span_of("0123456789"), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(private_file_read(path, 9, &bytes, &len), -EFBIG);
    assert_int_equal(private_file_read(path, 10, &bytes, &len), 0);
    free(bytes);
    assert_int_equal(private_file_write("", span_of("x"), PRIVATE_FILE_REPLACE), -ENOENT);
}

static void folders(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    bool made = false;
    scratch_path(*state, "a//b/c/", path);
    assert_int_equal(private_file_make_dir(path, &made), 0);
    assert_true(made);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(private_file_make_dir(path, &made), 0);
    assert_false(made);

    scratch_path(*state, "f", path);
    assert_int_equal(private_file_write(path, span_of("x"), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(private_file_make_dir(path, &made), -ENOTDIR);
    scratch_path(*state, "f/g", path);
    assert_int_equal(private_file_make_dir(path, &made), -ENOTDIR);
    assert_int_equal(private_file_make_dir("", &made), -ENOENT);
}

static void sweeping_takes_only_what_was_interrupted(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    const struct scratch *scratch = *state;
    scratch_path(*state, "ca.key", path);
    assert_int_equal(private_file_write(path, span_of("x"), PRIVATE_FILE_KEEP), 0);
    scratch_path(*state, "ca.key.new-0123456789abcdef", path);
    assert_int_equal(private_file_write(path, span_of("x"), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(scratch_count(*state), 2);
    assert_int_equal(private_file_sweep(scratch->folder), 0);
    assert_int_equal(scratch_count(*state), 1);
    scratch_path(*state, "ca.key", path);
    assert_int_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_for_its_owner),
        TEST(keep_and_replace),
        TEST(a_high_limit_takes_what_the_file_does),
        TEST(a_link_is_not_followed),
        TEST(failures),
        TEST(folders),
        TEST(sweeping_takes_only_what_was_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
