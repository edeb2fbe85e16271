/* SPDX-License-Identifier: Apache-2.0 */
/* A clone in the log: both ends of it, what was done, and what the operator does next. Part of
 * event_log.h. */
#pragma once

#include "core/ports.h"
#include "daemon/log.h"
#include "daemon/portrait.h"

#define EVENT_CLONE_HEX_BYTES  65
#define EVENT_CLONE_TIME_BYTES 32

/* Memory that the fields of the line point at. */
struct event_clone_text {
    struct portrait here;
    struct portrait there;
    char key[EVENT_CLONE_HEX_BYTES];
    char since[EVENT_CLONE_TIME_BYTES];
    char other_since[EVENT_CLONE_TIME_BYTES];
    char undo[160]; /* the command that ends a hold; empty: there is none */
    char words[LOG_LINE_BYTES / 2];
};

/* Fills `out`; its words follow those of event_log.c. */
void event_clone_describe(const struct event *event, struct event_clone_text *out);

/* Adds the fields to a line of JSON. */
void event_clone_add(struct log_line *line, const struct event *event,
                     const struct event_clone_text *text);
