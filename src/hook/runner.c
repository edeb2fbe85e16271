/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/runner.h"

#include "hook/program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t text[];
};

struct lane {
    struct waiting *first; /* NULL: none waits */
    struct waiting *last;  /* where there is a first */
    unsigned count;
    pid_t child; /* 0: none runs */
    uint64_t due_ms;
    bool is_late;
};

struct runner {
    int fd;
    const struct hook_options *options;
    bool ends;
    unsigned running;
    sigset_t during_poll;
    struct lane lanes[HOOK_LANES];
    uint8_t message[HOOK_MESSAGE_BYTES];
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void report(struct runner *runner, uint32_t lane, enum hook_outcome outcome, int number)
{
    const struct hook_report told = { lane, (uint32_t)outcome, number };

    /* Nobody is left to be told when this fails. */
    ssize_t sent = send(runner->fd, &told, sizeof(told), MSG_NOSIGNAL);
    (void)sent;
}

/* ---- starting one ---- */

/* The text as a file that nobody else has. -1: errno. */
static int input_of(const struct waiting *waiting)
{
    static const char end[] = "\n";
    int fd = memfd_create("alarm", MFD_CLOEXEC);

    if (fd < 0)
        return -1;
    if (write(fd, waiting->text, waiting->len) == (ssize_t)waiting->len && write(fd, end, 1) == 1
        && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    (void)close(fd);
    errno = ENOSPC;
    return -1;
}

/* Its process, or a negative errno. */
static pid_t start(const struct runner *runner, const struct waiting *waiting)
{
    char why[HOOK_WHY_BYTES];
    int error = hook_program_check(runner->options->path, runner->options->user, why);
    int input = error == 0 ? input_of(waiting) : -1;

    if (error != 0)
        return error;
    if (input < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0)
        hook_program_become(runner->options->path, input);
    error = -errno;
    (void)close(input);
    return child > 0 ? child : error;
}

static void start_next(struct runner *runner, uint32_t number)
{
    struct lane *lane = &runner->lanes[number];
    struct waiting *next = lane->first;
    pid_t child = start(runner, next);

    lane->first = next->next;
    lane->count--;
    free(next);
    if (child < 0) {
        report(runner, number, HOOK_NOT_STARTED, -child);
        return;
    }
    runner->running++;
    lane->child = child;
    lane->is_late = false;
    lane->due_ms = now_ms() + runner->options->timeout_ms;
}

static void start_all(struct runner *runner)
{
    for (uint32_t i = 0; i < HOOK_LANES; i++)
        while (runner->lanes[i].child == 0 && runner->lanes[i].first != NULL)
            start_next(runner, i);
}

/* ---- what comes ---- */

/* What runs has a moment, what waits none. */
static void begin_end(struct runner *runner)
{
    uint64_t last_ms = now_ms() + HOOK_LAST_MS;

    runner->ends = true;
    for (uint32_t i = 0; i < HOOK_LANES; i++) {
        struct lane *lane = &runner->lanes[i];
        if (lane->due_ms > last_ms)
            lane->due_ms = last_ms;
        while (lane->first != NULL) {
            struct waiting *next = lane->first->next;
            free(lane->first);
            lane->first = next;
        }
        lane->count = 0;
    }
}

static void take(struct runner *runner, size_t len)
{
    struct hook_header header;

    if (len < sizeof(header))
        return;
    memcpy(&header, runner->message, sizeof(header));
    if (header.lane >= HOOK_LANES)
        return;
    struct lane *lane = &runner->lanes[header.lane];
    size_t text_len = len - sizeof(header);
    struct waiting *waiting =
        lane->count < HOOK_WAITING ? malloc(sizeof(*waiting) + text_len) : NULL;
    if (waiting == NULL) {
        report(runner, header.lane, HOOK_NOT_STARTED, ENOMEM);
        return;
    }
    *waiting = (struct waiting){ .len = text_len };
    memcpy(waiting->text, runner->message + sizeof(header), text_len);
    if (lane->first == NULL)
        lane->first = waiting;
    else
        lane->last->next = waiting;
    lane->last = waiting;
    lane->count++;
}

static void receive(struct runner *runner)
{
    ssize_t got = recv(runner->fd, runner->message, sizeof(runner->message), MSG_DONTWAIT);

    if (got > 0) {
        take(runner, (size_t)got);
        return;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    begin_end(runner);
}

/* ---- what ends ---- */

static void tell_end(struct runner *runner, uint32_t number, int status)
{
    if (runner->lanes[number].is_late)
        report(runner, number, HOOK_LATE, 0);
    else if (WIFSIGNALED(status))
        report(runner, number, HOOK_SIGNALLED, WTERMSIG(status));
    else
        report(runner, number, WEXITSTATUS(status) == 0 ? HOOK_DONE : HOOK_FAILED,
               WEXITSTATUS(status));
}

/* What the program has left running in its session goes with it. */
static void reap(struct runner *runner)
{
    for (uint32_t i = 0; i < HOOK_LANES; i++) {
        struct lane *lane = &runner->lanes[i];
        int status = 0;

        if (lane->child == 0 || waitpid(lane->child, &status, WNOHANG) != lane->child)
            continue;
        (void)kill(-lane->child, SIGKILL);
        lane->child = 0;
        runner->running--;
        tell_end(runner, i, status);
    }
}

/* How long until the next one is late; -1: none runs. */
static int64_t end_late(struct runner *runner)
{
    uint64_t now = now_ms();
    int64_t next_ms = -1;

    for (uint32_t i = 0; i < HOOK_LANES; i++) {
        struct lane *lane = &runner->lanes[i];

        if (lane->child == 0 || lane->is_late)
            continue;
        if (now >= lane->due_ms) {
            lane->is_late = true;
            (void)kill(-lane->child, SIGKILL);
            (void)kill(lane->child, SIGKILL); /* it may not have its session yet */
        } else if (next_ms < 0 || (int64_t)(lane->due_ms - now) < next_ms) {
            next_ms = (int64_t)(lane->due_ms - now);
        }
    }
    return next_ms;
}

/* ---- the loop ---- */

static void on_child(int number)
{
    (void)number; /* it interrupts the wait, and that is all */
}

/* Held back but while it waits, so that none is missed. */
static int watch_children(struct runner *runner)
{
    const struct sigaction action = { .sa_handler = on_child };
    sigset_t child;

    if (sigemptyset(&child) != 0 || sigaddset(&child, SIGCHLD) != 0
        || sigprocmask(SIG_BLOCK, &child, &runner->during_poll) != 0
        || sigdelset(&runner->during_poll, SIGCHLD) != 0)
        return -errno;
    return sigaction(SIGCHLD, &action, NULL) == 0 ? 0 : -errno;
}

static void go_round(struct runner *runner)
{
    struct pollfd poller = { .fd = runner->ends ? -1 : runner->fd, .events = POLLIN };
    int64_t wait_ms = end_late(runner);
    const struct timespec wait = { .tv_sec = (time_t)(wait_ms / 1000),
                                   .tv_nsec = (long)(wait_ms % 1000) * 1000000 };

    if (ppoll(&poller, 1, wait_ms < 0 ? NULL : &wait, &runner->during_poll) > 0)
        receive(runner);
    reap(runner);
    start_all(runner);
}

int hook_runner_serve(int fd, const struct hook_options *options)
{
    struct runner *runner = calloc(1, sizeof(*runner));

    if (runner == NULL)
        return 1;
    runner->fd = fd;
    runner->options = options;
    bool is_ready = watch_children(runner) == 0;
    while (is_ready && (!runner->ends || runner->running > 0))
        go_round(runner);
    free(runner);
    return is_ready ? 0 : 1;
}
