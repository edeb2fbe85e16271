/* SPDX-License-Identifier: Apache-2.0 */
/* The process that may start a program, so that the one that reads what strangers send need not: takes
 * alarms from its end of a socket pair and runs the operator's program for each. Private to the layer,
 * but for what runs it.
 *
 * An alarm has a lane. At most one program runs in a lane, further ones wait in order. Whoever is late is
 * killed with its session. It reads nothing but whole messages of a bounded size, and what is in them
 * goes to the program's standard input unread: nothing of it becomes an argument, a path or a variable. */
#pragma once

#include "base/attrs.h"

#include <stdint.h>
#include <sys/types.h>

#define HOOK_LANES         64u
#define HOOK_MESSAGE_BYTES 32768u /* of a whole message */
#define HOOK_WAITING       1024u  /* in a lane; the other end sees to less */
#define HOOK_LAST_MS       3000u  /* for what runs when the other end is closed */

struct hook_options {
    const char *path; /* borrowed; hook_program_check() is asked again before each run */
    uid_t user;       /* as there */
    uint32_t timeout_ms;
};

/* What stands before an alarm. */
struct hook_header {
    uint32_t lane; /* less than HOOK_LANES */
};

enum hook_outcome {
    HOOK_DONE = 0,
    HOOK_FAILED,      /* `number`: its exit code */
    HOOK_SIGNALLED,   /* that signal ended it */
    HOOK_LATE,        /* it was killed after timeout_ms */
    HOOK_NOT_STARTED, /* errno */
    HOOK_OUTCOMES,
};

/* The answer: one for each alarm. */
struct hook_report {
    uint32_t lane;
    uint32_t outcome;
    int32_t number;
};

/* Until the other end is closed: what runs then has HOOK_LAST_MS more, what waits is dropped. Returns the exit
 * code. Thread: the only one of its process. */
int hook_runner_serve(int fd, const struct hook_options *options);
