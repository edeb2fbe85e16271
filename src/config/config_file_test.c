/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_file.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void what_is_named_counts(void **state)
{
    char out[64];
    (void)state;
    assert_int_equal(config_file_find("some/where.conf", "/nowhere", out, sizeof(out)), 0);
    assert_string_equal(out, "some/where.conf");
    assert_int_equal(config_file_find("0123456", NULL, out, 7), -ENAMETOOLONG);
    assert_int_equal(config_file_find("012345", NULL, out, 7), 0);
}

static void then_that_of_the_state_folder(void **state)
{
    char dir[] = "/tmp/config-file-XXXXXX";
    char path[64];
    char out[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/tacit.conf", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(config_file_find(NULL, dir, out, sizeof(out)), 0);
    assert_string_equal(out, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(config_file_find(NULL, dir, out, sizeof(out)), 0);
    assert_string_equal(out, access(CONFIG_FILE_SYSTEM, F_OK) == 0 ? CONFIG_FILE_SYSTEM : "");
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_counts),
        cmocka_unit_test(then_that_of_the_state_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
