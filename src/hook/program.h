/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's program that is run for each alarm: whether it may be, and how it is. Thread: any. */
#pragma once

#include "base/attrs.h"

#include <stdint.h>
#include <sys/types.h>

#define HOOK_WHY_BYTES 160

/* A file that is run with the rights of the broker is nobody else's to write: a regular one, of root or
 * of `user`, that others may not write and that may be executed. 0; -EACCES, or what the kernel says, with
 * what is to be done about it in `out_why` of HOOK_WHY_BYTES. */
MQTT_NODISCARD int hook_program_check(const char *path, uid_t user, char *out_why);

/* Becomes it, in a process that was just forked: a session of its own, `input` as standard input, nothing
 * else open, no environment but PATH, no arguments, every signal as usual. Does not return: where it
 * cannot be, exit code 127. */
_Noreturn void hook_program_become(const char *path, int input);
