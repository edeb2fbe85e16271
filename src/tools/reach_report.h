/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of `tacit policy reach`, written while it is being found: one after the other, so
 * that a hundred thousand devices need no memory. Prints to standard output.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "policy/reach.h"
#include "tools/policy_book.h"
#include "tools/policy_strangers.h"
#include "tools/reach_names.h"

#include <stdbool.h>
#include <stddef.h>

struct reach_report {
    bool json;
    bool has_rows;
    bool failed;    /* memory is out or standard output is closed */
    size_t devices; /* identities of the registry that are let in */
    size_t readers; /* among them */
    size_t writers;
    size_t stranger_readers; /* ways in without the registry */
    size_t stranger_writers;
    size_t barred[REGISTRY_STATUS_COUNT]; /* by status; active ones that cannot come in all the
                                             same: no role, no usable name */
};

void reach_report_begin(struct reach_report *report, struct mqtt_span topic);

/* One who is let in; what he can do, if anything, is told and counted. */
void reach_report_device(struct reach_report *report, const struct policy_book_subject *subject,
                         const struct role *role, const struct reach *reach);
void reach_report_stranger(struct reach_report *report, const struct policy_stranger *stranger,
                           const struct role *role, const struct reach_names *read,
                           const struct reach_names *write);

/* Returns the exit code. */
int reach_report_end(struct reach_report *report);
