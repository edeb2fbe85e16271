/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void what_others_may_write_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        int status;
        const char *advice;
    } rows[] = {
        { 0755, 0, "" },
        { 0700, 0, "" },
        { 0775, 0, "" },
        { 0757, -EACCES, "chmod o-w" },
        { 0644, -EACCES, "chmod 755" },
    };
    char path[] = "/tmp/tacit-hook-XXXXXX";
    int fd = mkstemp(path);
    char why[HOOK_WHY_BYTES];

    (void)state;
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        why[0] = '\0';
        assert_int_equal(fchmod(fd, rows[i].mode), 0);
        assert_int_equal(hook_program_check(path, geteuid(), why), rows[i].status);
        assert_non_null(strstr(why, rows[i].advice));
    }
    assert_int_equal(fchmod(fd, 0755), 0);
    /* Root's is everybody's, as who it is that runs it. */
    assert_int_equal(hook_program_check(path, geteuid() + 1, why), geteuid() == 0 ? 0 : -EACCES);
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(hook_program_check(path, geteuid(), why), -ENOENT);
}

static void only_a_file_is_a_program(void **state)
{
    char why[HOOK_WHY_BYTES];

    (void)state;
    assert_int_equal(hook_program_check("/", geteuid(), why), -EACCES);
    assert_int_equal(hook_program_check("/dev/null", geteuid(), why), -EACCES);
    assert_int_equal(hook_program_check("/bin/sh", geteuid(), why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_may_write_is_refused),
        cmocka_unit_test(only_a_file_is_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
