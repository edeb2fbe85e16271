/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/behaviour_file.h"

#include "pki/private_file.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_room(const struct scratch *scratch)
{
    char folder[SCRATCH_PATH_SIZE];
    bool is_new;

    scratch_path(scratch, "learning", folder);
    assert_int_equal(private_file_make_dir(folder, &is_new), 0);
}

static void write_as(const struct scratch *scratch, unsigned shard, const char *text)
{
    assert_int_equal(behaviour_file_write(scratch->folder, shard, span_of(text)), 0);
}

static bool reads(const struct scratch *scratch, unsigned shard, const char *text)
{
    uint8_t *bytes = NULL;
    size_t len = 0;

    if (behaviour_file_read(scratch->folder, shard, &bytes, &len) != 0)
        return false;
    bool is_it = span_equal((struct mqtt_span){ bytes, len }, span_of(text));
    free(bytes);
    return is_it;
}

static void each_shard_has_its_file(void **state)
{
    const struct scratch *scratch = *state;
    uint8_t *bytes;
    size_t len;

    make_room(scratch);
    assert_int_equal(behaviour_file_read(scratch->folder, 0, &bytes, &len), -ENOENT);
    write_as(scratch, 0, "zero");
    write_as(scratch, 11, "eleven");
    write_as(scratch, 0, "nought");
    assert_true(reads(scratch, 0, "nought"));
    assert_true(reads(scratch, 11, "eleven"));
}

static void files_of_shards_that_are_no_more_go(void **state)
{
    const struct scratch *scratch = *state;

    make_room(scratch);
    for (unsigned i = 0; i < 4; i++)
        write_as(scratch, i, "x");
    behaviour_file_sweep(scratch->folder, 2, 256);
    assert_true(reads(scratch, 1, "x"));
    assert_false(reads(scratch, 2, "x"));
    assert_false(reads(scratch, 3, "x"));
}

static void those_that_are_there_are_found(void **state)
{
    const struct scratch *scratch = *state;
    bool has[16];

    make_room(scratch);
    write_as(scratch, 0, "x");
    write_as(scratch, 11, "x");
    write_as(scratch, 16, "x");
    behaviour_file_find(scratch->folder, has, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(has[i], i == 0 || i == 11);
    behaviour_file_find("/nowhere/at/all", has, 16);
    assert_true(has[0] && has[15]);
}

static void without_a_folder_it_says_so(void **state)
{
    const struct scratch *scratch = *state;
    static char deep[PATH_MAX + 8];
    char path[PATH_MAX];

    scratch_clear(scratch);
    assert_int_equal(behaviour_file_write("/nowhere/at/all", 0, span_of("x")), -ENOENT);
    memset(deep, 'd', sizeof(deep) - 1);
    assert_int_equal(behaviour_file_path(deep, 0, path), -ENAMETOOLONG);
    behaviour_file_sweep(deep, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_shard_has_its_file, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(files_of_shards_that_are_no_more_go, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(those_that_are_there_are_found, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(without_a_folder_it_says_so, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
