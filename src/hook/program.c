/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOT_STARTED 127
#define FILES_USUAL 1024 /* more than that select() does not know */

static int refuse(char *out_why, int error, const char *why)
{
    (void)snprintf(out_why, HOOK_WHY_BYTES, "%s", why);
    return error;
}

int hook_program_check(const char *path, uid_t user, char *out_why)
{
    struct stat about;

    if (stat(path, &about) != 0) {
        int error = errno;
        return refuse(out_why, -error, strerror(error));
    }
    if (!S_ISREG(about.st_mode))
        return refuse(out_why, -EACCES, "it is no file; name a program");
    if (about.st_uid != 0 && about.st_uid != user)
        return refuse(out_why, -EACCES,
                      "it belongs neither to root nor to the user of tacitd; chown it to root");
    if ((about.st_mode & S_IWOTH) != 0)
        return refuse(out_why, -EACCES, "everybody may write it; chmod o-w it");
    if ((about.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return refuse(out_why, -EACCES, "it is no program; chmod 755 it");
    return 0;
}

/* The runner's own are others. */
static void reset_signals(void)
{
    sigset_t none;

    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void reset_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= FILES_USUAL)
        return;
    files.rlim_cur = FILES_USUAL;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

void hook_program_become(const char *path, int input)
{
    char name[4096];
    char *const arguments[] = { name, NULL };
    char search[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = { search, NULL };
    int nowhere = open("/dev/null", O_RDWR);

    (void)snprintf(name, sizeof(name), "%s", path);
    bool is_ready = setsid() >= 0 && chdir("/") == 0 && nowhere >= 0
                    && dup2(input, STDIN_FILENO) >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0
                    && dup2(nowhere, STDERR_FILENO) >= 0
                    && close_range(STDERR_FILENO + 1, ~0u, 0) == 0;
    reset_signals();
    reset_files();
    if (is_ready)
        (void)execve(name, arguments, environment);
    _exit(NOT_STARTED);
}
