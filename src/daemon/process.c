/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/process.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void process_prepare(void)
{
    struct rlimit files;
    const struct rlimit no_core = { 0, 0 };

    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &held, NULL);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_DUMPABLE, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

void process_name(const char *name)
{
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

unsigned long process_files(void)
{
    struct rlimit files;

    return getrlimit(RLIMIT_NOFILE, &files) == 0 ? (unsigned long)files.rlim_cur : 0;
}

unsigned process_processors(void)
{
    cpu_set_t mask;

    if (sched_getaffinity(0, sizeof(mask), &mask) != 0)
        return 1;
    int count = CPU_COUNT(&mask);
    return count > 0 ? (unsigned)count : 1;
}
