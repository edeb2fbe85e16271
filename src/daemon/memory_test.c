/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/memory.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB UINT64_C(1048576)

static char root[64];

static void put(const char *path, const char *text)
{
    char full[256];

    snprintf(full, sizeof(full), "%s/%s", root, path);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void folder(const char *path)
{
    char full[256];

    snprintf(full, sizeof(full), "%s/%s", root, path);
    assert_int_equal(mkdir(full, 0700), 0);
}

static void remove_all(void)
{
    static const char *const paths[] = { "a/b/memory.max", "a/memory.max", "memory.max",
                                         "memory/c/memory.limit_in_bytes" };
    static const char *const folders[] = { "a/b", "a", "memory/c", "memory", "" };
    char full[256];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(paths); i++) {
        snprintf(full, sizeof(full), "%s/%s", root, paths[i]);
        unlink(full);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(folders); i++) {
        snprintf(full, sizeof(full), "%s/%s", root, folders[i]);
        assert_int_equal(rmdir(full), 0);
    }
}

static void the_smallest_group_around_counts(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tacit-memory-XXXXXX");
    assert_non_null(mkdtemp(root));
    folder("a");
    folder("a/b");
    folder("memory");
    folder("memory/c");
    put("a/b/memory.max", "max\n");
    put("a/memory.max", "1048576\n");
    put("memory.max", "2097152\n");
    put("memory/c/memory.limit_in_bytes", "524288\n");
    assert_int_equal(memory_group_bytes(root, "0::/a/b\n"), MIB);
    assert_int_equal(memory_group_bytes(root, "0::/\n"), 2 * MIB);
    assert_int_equal(memory_group_bytes(root, "0::/nothing\n"), 2 * MIB);
    assert_int_equal(memory_group_bytes(root, "5:memory:/c\n4:cpu:/a\n"), MIB / 2);
    assert_int_equal(memory_group_bytes(root, "4:cpu:/a\n0::/a/b"), MIB);
    assert_true(memory_group_bytes(root, "") == UINT64_MAX);
    assert_true(memory_group_bytes(root, "rubbish\n:\n::\n") <= 2 * MIB);
    remove_all();
}

static void what_is_used_is_known(void **state)
{
    (void)state;
    struct memory memory;

    assert_int_equal(memory_open(&memory), 0);
    uint64_t before = memory_used_bytes(&memory);
    assert_true(before > MIB / 4 && before < memory.given_bytes);
    char *bytes = malloc(32 * MIB);
    assert_non_null(bytes);
    memset(bytes, 1, 32 * MIB);
    assert_true(memory_used_bytes(&memory) >= before + 31 * MIB);
    free(bytes);
    memory_trim();
    memory_close(&memory);
    assert_int_equal(memory_used_bytes(&memory), 0);
}

static void what_a_start_needed_is_let_go_of(void **state)
{
    (void)state;
    struct memory memory;

    assert_int_equal(memory_open(&memory), 0);
    memory_trim();
    uint64_t before = memory_used_bytes(&memory);
    memory_settle();
    assert_true(memory_used_bytes(&memory) < before - 100 * 1024);
    memory_close(&memory);
}

static void the_bound_is_what_was_said_or_three_quarters(void **state)
{
    (void)state;
    const struct memory known = { .fd = -1, .given_bytes = 400 };
    const struct memory unknown = { .fd = -1, .given_bytes = UINT64_MAX };

    assert_int_equal(memory_bound_bytes(&known, 0), 300);
    assert_int_equal(memory_bound_bytes(&known, 1000), 1000);
    assert_int_equal(memory_bound_bytes(&unknown, 0), 0);
    assert_int_equal(memory_bound_bytes(&unknown, 5), 5);
}

static void what_nobody_sees_coming_is_kept_back(void **state)
{
    (void)state;
    const struct memory none = { .fd = -1 };
    const struct memory small = { .fd = -1, .segment_bytes = MIB };
    const struct memory usual = { .fd = -1, .segment_bytes = 16 * MIB };

    assert_int_equal(memory_reserve_bytes(&none, 128 * MIB), 16 * MIB);
    assert_int_equal(memory_reserve_bytes(&small, 128 * MIB), 18 * MIB);
    assert_int_equal(memory_reserve_bytes(&usual, 128 * MIB), 48 * MIB);
    assert_int_equal(memory_reserve_bytes(&usual, 96 * MIB), 48 * MIB);
    assert_true(memory_is_enough(&usual, 96 * MIB));
    assert_int_equal(memory_reserve_bytes(&usual, 95 * MIB), 95 * MIB / 2);
    assert_false(memory_is_enough(&usual, 95 * MIB));
    assert_int_equal(memory_reserve_bytes(&usual, 0), 0);
    assert_true(memory_is_enough(&usual, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_group_around_counts),
        cmocka_unit_test(what_is_used_is_known),
        cmocka_unit_test(what_a_start_needed_is_let_go_of),
        cmocka_unit_test(the_bound_is_what_was_said_or_three_quarters),
        cmocka_unit_test(what_nobody_sees_coming_is_kept_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
