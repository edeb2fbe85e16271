/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: work that is cut short. Linking this defines the system calls that make something
 * lasting, so that a child can die right before any of them, SQLite's included. */
#pragma once

#include <stdbool.h>

/* Runs `work` in a child that dies before its step number `steps` (from 0). True when it got to
 * the end before; then `work` has returned 0. Aborts the test on anything else. */
bool crash_before(long steps, int (*work)(void *context), void *context);
