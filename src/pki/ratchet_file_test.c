/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ratchet_file.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct ratchet_file *open_file(void **state)
{
    struct ratchet_file *file = NULL;
    char path[SCRATCH_PATH_SIZE];

    scratch_path(*state, "ratchet.db", path);
    assert_int_equal(ratchet_file_open(path, true, &file, NULL), 0);
    return file;
}

static struct ratchet_file_entry sample(const char *name)
{
    struct ratchet_file_entry entry = {
        .key_sha256 = { 9 },
        .record = { .has_base = true,
                    .base = { 4, { 1 } },
                    .has_next = true,
                    .next = { 5, { 2 } },
                    .arrival = { UINT64_MAX, 17 } },
        .since_s = 1234,
        .address = "[::1]:5",
        .serial = "ab",
        .client_id = "lamp",
    };

    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    return entry;
}

static void it_is_there_after_a_restart(void **state)
{
    static const char *const parts[] = { "", "-wal", "-shm" }; /* nobody else reads any of them */
    const struct ratchet_file_entry entry = sample("lamp");
    struct ratchet_file_entry found = { .since_s = 0 };
    struct ratchet_file *file = open_file(state);
    struct stat status;
    char path[SCRATCH_PATH_SIZE];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(parts); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "ratchet.db%s", parts[i]);
        scratch_path(*state, name, path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    assert_int_equal(ratchet_file_find(file, "lamp", &found, NULL), -ENOENT);
    assert_int_equal(ratchet_file_begin(file, NULL), 0);
    assert_int_equal(ratchet_file_save(file, &entry, NULL), 0);
    assert_int_equal(ratchet_file_end(file, true, NULL), 0);
    ratchet_file_close(file);

    file = open_file(state);
    assert_int_equal(ratchet_file_find(file, "lamp", &found, NULL), 0);
    assert_memory_equal(&found, &entry, sizeof(entry));
    ratchet_file_close(file);
}

static void what_is_taken_back_is_not(void **state)
{
    const struct ratchet_file_entry entry = sample("lamp");
    struct ratchet_file_entry found;
    struct ratchet_file *file = open_file(state);

    assert_int_equal(ratchet_file_begin(file, NULL), 0);
    assert_int_equal(ratchet_file_save(file, &entry, NULL), 0);
    assert_int_equal(ratchet_file_end(file, false, NULL), 0);
    assert_int_equal(ratchet_file_find(file, "lamp", &found, NULL), -ENOENT);
    ratchet_file_close(file);
}

static int count(void *context, const char *name)
{
    unsigned *total = context;

    assert_string_equal(name, "lamp");
    ++*total;
    return 0;
}

static void one_that_is_forgotten_is_gone(void **state)
{
    struct ratchet_file_entry entry = sample("lamp");
    struct ratchet_file_entry found;
    struct ratchet_file *file = open_file(state);
    unsigned total = 0;

    entry.record.has_next = false;
    assert_int_equal(ratchet_file_save(file, &entry, NULL), 0);
    assert_int_equal(ratchet_file_find(file, "lamp", &found, NULL), 0);
    assert_false(found.record.has_next);
    assert_int_equal(ratchet_file_each(file, count, &total, NULL), 0);
    assert_int_equal(total, 1);
    assert_int_equal(ratchet_file_forget(file, "lamp", NULL), 1);
    assert_int_equal(ratchet_file_forget(file, "lamp", NULL), 0);
    assert_int_equal(ratchet_file_find(file, "lamp", &found, NULL), -ENOENT);
    ratchet_file_close(file);
}

static void what_is_no_such_file_is_said_so(void **state)
{
    struct ratchet_file *file = NULL;
    struct pki_fault fault = { "" };
    char path[SCRATCH_PATH_SIZE];

    scratch_path(*state, "ratchet.db", path);
    assert_int_equal(ratchet_file_open(path, false, &file, &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "there is no list of ratchets"));
    FILE *other = fopen(path, "we");
    assert_non_null(other);
    for (unsigned i = 0; i < 1000; i++)
        (void)fputs("not a database, but long enough to look like one", other);
    assert_int_equal(fclose(other), 0);
    assert_int_equal(ratchet_file_open(path, true, &file, &fault), -EBADMSG);
    assert_non_null(strstr(fault.text, "is damaged or no list of ratchets"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_there_after_a_restart, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_is_taken_back_is_not, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(one_that_is_forgotten_is_gone, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(what_is_no_such_file_is_said_so, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
