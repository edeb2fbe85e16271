/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_shell.h"

#include "tools/attack_pace.h"

#include <tacit/posix.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY_MS 10

static int start(const char *command, pid_t *out)
{
    char shell[] = "sh";
    char option[] = "-c";
    /* posix_spawn only reads its arguments, and is not const-correct. */
    char *const argv[] = { shell, option, (char *)(uintptr_t)command, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&files);

    if (error != 0)
        return -error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0)
        goto no_attributes;
    /* A group of its own, so that it can be stopped with all that it has started. */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn(out, "/bin/sh", &files, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
no_attributes:
    (void)posix_spawn_file_actions_destroy(&files);
    return -error;
}

int attack_shell_run(const char *command)
{
    pid_t child = 0;
    int status = 0;
    uint64_t end_ms = tacit_posix_now_ms() + ATTACK_SHELL_TIMEOUT_S * 1000u;
    int error = start(command, &child);

    if (error < 0)
        return error;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (tacit_posix_now_ms() >= end_ms) {
            (void)kill(-child, SIGKILL);
            (void)waitpid(child, &status, 0);
            return -ETIMEDOUT;
        }
        attack_pace_sleep(LOOK_EVERY_MS);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
