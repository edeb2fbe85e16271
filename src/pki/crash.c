/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crash.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DIED 99

static long steps_left = -1; /* negative: live for ever */

static void step(void)
{
    if (steps_left == 0)
        _exit(DIED);
    if (steps_left > 0)
        steps_left--;
}

#define STEP_BEFORE(result, name, parameters, ...)                \
    __attribute__((visibility("default"))) result name parameters \
    {                                                             \
        step();                                                   \
        return (result)syscall(__VA_ARGS__);                      \
    }

STEP_BEFORE(int, fsync, (int fd), SYS_fsync, fd)
STEP_BEFORE(int, fdatasync, (int fd), SYS_fdatasync, fd)
STEP_BEFORE(int, rename, (const char *from, const char *to), SYS_rename, from, to)
STEP_BEFORE(int, link, (const char *from, const char *to), SYS_link, from, to)
STEP_BEFORE(int, unlink, (const char *path), SYS_unlink, path)
STEP_BEFORE(int, mkdir, (const char *path, mode_t mode), SYS_mkdir, path, mode)
STEP_BEFORE(ssize_t, write, (int fd, const void *data, size_t len), SYS_write, fd, data, len)
STEP_BEFORE(ssize_t, pwrite64, (int fd, const void *data, size_t len, off_t at), SYS_pwrite64, fd,
            data, len, at)

bool crash_before(long steps, int (*work)(void *context), void *context)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        steps_left = steps;
        _exit(work(context) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
    return WEXITSTATUS(status) == 0;
}
