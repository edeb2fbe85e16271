/* SPDX-License-Identifier: Apache-2.0 */
#include "store/files.h"

#include "base/attrs.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct files files;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/tacit-files-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    return files_open(folder, &files);
}

static int remove_one(void *visitor, const char *name)
{
    (void)visitor;
    return files.remove(files.context, name);
}

static int tear_down(void **state)
{
    (void)state;
    int error = files.list(files.context, remove_one, NULL);
    files_close(&files);
    return error < 0 ? error : rmdir(folder);
}

static struct file *opened(const char *name, enum file_use use)
{
    struct file *file = NULL;
    assert_int_equal(files.open(files.context, name, use, &file), 0);
    return file;
}

static void a_folder_that_is_none(void **state)
{
    (void)state;
    struct files none;
    assert_int_equal(files_open("/nowhere/at/all", &none), -ENOENT);
    assert_int_equal(files_open("/dev/null", &none), -ENOTDIR);
    struct files zeroed = { 0 };
    files_close(&zeroed);
}

static void a_file_is_made_once_and_is_private(void **state)
{
    (void)state;
    char path[96];
    struct stat status;
    struct file *file = NULL;
    assert_int_equal(files.open(files.context, "a", FILE_NONE, &file), -EINVAL);
    assert_int_equal(files.open(files.context, "a", FILE_READ, &file), -ENOENT);
    assert_int_equal(files.open(files.context, "a", FILE_CHANGE, &file), -ENOENT);
    mode_t old = umask(0);
    files.close(opened("a", FILE_CREATE));
    (void)umask(old);
    assert_int_equal(files.open(files.context, "a", FILE_CREATE, &file), -EEXIST);
    (void)snprintf(path, sizeof(path), "%s/a", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    files.close(NULL);
}

static void what_is_no_file_is_not_opened(void **state)
{
    (void)state;
    char path[96];
    struct file *file = NULL;
    (void)snprintf(path, sizeof(path), "%s/link", folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(files.open(files.context, "link", FILE_READ, &file), -ELOOP);
    (void)snprintf(path, sizeof(path), "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(files.open(files.context, "fifo", FILE_READ, &file), -EISDIR);
}

static void what_was_never_written_is_known(void **state)
{
    (void)state;
    const uint8_t byte = 7;
    const struct mqtt_span piece = { &byte, 1 };
    struct file *file = opened("holes", FILE_CREATE);
    assert_int_equal(files.reserve(file, 4194304), 0);
    assert_true(files.find_data(file, 0) >= 4194304);
    /* Before and after it has reached the disk. */
    assert_int_equal(files.write(file, 2097152 + 10, &piece, 1), 0);
    assert_true(files.find_data(file, 0) > 0 && files.find_data(file, 0) <= 2097152 + 10);
    assert_int_equal(files.sync(file), 0);
    assert_true(files.find_data(file, 0) > 0 && files.find_data(file, 0) <= 2097152 + 10);
    assert_int_equal(files.find_data(file, 2097152 + 10), 2097152 + 10);
    files.close(file);
}

static void pieces_are_written_one_behind_the_other(void **state)
{
    (void)state;
    static uint8_t bytes[3 * 200];
    struct mqtt_span pieces[200];
    struct file *file = opened("a", FILE_CREATE);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < 200; i++)
        pieces[i] = (struct mqtt_span){ i % 5 == 0 ? NULL : bytes + 3 * i, i % 5 == 0 ? 0 : 3 };
    assert_int_equal(files.write(file, 10, pieces, 200), 0);
    assert_int_equal(files.sync(file), 0);
    assert_int_equal(files.size(file), 10 + 160 * 3);
    uint8_t read[1000];
    assert_int_equal(files.read(file, 0, read, sizeof(read)), 10 + 160 * 3);
    const uint8_t *at = read + 10;
    for (size_t i = 0; i < 200; i++) {
        if (pieces[i].len > 0)
            assert_memory_equal(at, pieces[i].data, 3);
        at += pieces[i].len;
    }
    assert_int_equal(files.read(file, 480, read, sizeof(read)), 10);
    assert_int_equal(files.read(file, 5000, read, sizeof(read)), 0);
    files.close(file);
    file = opened("a", FILE_READ);
    assert_int_equal(files.write(file, 0, pieces + 1, 1), -EBADF);
    files.close(file);
}

static void reserving_makes_zeros(void **state)
{
    (void)state;
    uint8_t read[5000];
    struct file *file = opened("a", FILE_CREATE);
    const struct mqtt_span piece = { (const uint8_t *)"abc", 3 };
    assert_int_equal(files.write(file, 0, &piece, 1), 0);
    assert_int_equal(files.reserve(file, 4096), 0);
    assert_int_equal(files.size(file), 4096);
    assert_int_equal(files.read(file, 0, read, sizeof(read)), 4096);
    assert_memory_equal(read, "abc\0\0", 5);
    assert_int_equal(files.truncate(file, 2), 0);
    assert_int_equal(files.size(file), 2);
    files.close(file);
}

static void a_failed_reservation_leaves_it_as_it_was(void **state)
{
    (void)state;
    struct rlimit old;
    struct file *file = opened("a", FILE_CREATE);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = { .rlim_cur = 10000, .rlim_max = old.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int error = files.reserve(file, 1 << 20);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(error, -EFBIG);
    assert_int_equal(files.size(file), 0);
    files.close(file);
}

static int count_names(void *visitor, const char *name)
{
    unsigned *count = visitor;
    (*count)++;
    return strcmp(name, "stop") == 0 ? 42 : 0;
}

static void names_change_and_are_listed(void **state)
{
    (void)state;
    unsigned count = 0;
    files.close(opened("a", FILE_CREATE));
    files.close(opened("b", FILE_CREATE));
    assert_int_equal(files.list(files.context, count_names, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(files.rename(files.context, "a", "b"), 0);
    assert_int_equal(files.rename(files.context, "a", "b"), -ENOENT);
    count = 0;
    assert_int_equal(files.list(files.context, count_names, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(files.rename(files.context, "b", "stop"), 0);
    assert_int_equal(files.list(files.context, count_names, &count), 42);
    assert_int_equal(files.remove(files.context, "b"), -ENOENT);
    assert_int_equal(files.sync_folder(files.context), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_that_is_none),         TEST(a_file_is_made_once_and_is_private),
        TEST(what_is_no_file_is_not_opened), TEST(pieces_are_written_one_behind_the_other),
        TEST(reserving_makes_zeros),         TEST(a_failed_reservation_leaves_it_as_it_was),
        TEST(names_change_and_are_listed),   TEST(what_was_never_written_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
