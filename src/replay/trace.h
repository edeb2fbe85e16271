/* SPDX-License-Identifier: Apache-2.0 */
/* One event file in memory, in order of runs and of time. */
#pragma once

#include "base/attrs.h"
#include "replay/event.h"

#include <stddef.h>
#include <stdint.h>

#define TRACE_BYTES_MOST (UINT64_C(4) << 30)

struct trace {
    uint8_t *text;               /* owned; the spans of the events point into it */
    struct replay_event *events; /* owned */
    size_t count;
    size_t bad; /* lines that were passed over */
};

/* Called for each line that is passed over, up to a few; then no more. */
typedef void trace_objection(const char *path, size_t line, const char *why);

/* Reads a file, compressed by gzip or not. 0; -errno of the file; -EBADMSG when its first row does
 * not name the columns, or it is cut off; -EFBIG; -ENOMEM. Lines that cannot be read are told to
 * `object` and passed over. */
MQTT_NODISCARD int trace_open(const char *path, trace_objection *object, struct trace *out);

void trace_close(struct trace *trace);
