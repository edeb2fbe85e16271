/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator reads: one line for each thing worth telling, for people or as JSON.
 *
 * Thread-safe. A line is one write to standard error. Under systemd it begins with the
 * priority that journald reads and has no time of its own. Kinds that peers can cause
 * are limited: LOG_BURST lines at once, then LOG_PER_SECOND (LOG_AUDIT_TIMES as many of those
 * that are a record of what was used), and how many were left out is said with the next
 * one. Never contains a password, a key or a payload. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_BYTES  2048 /* longest line with its newline; the rest is cut off */
#define LOG_FIELDS_MAX  32
#define LOG_BURST       50
#define LOG_PER_SECOND  10
#define LOG_AUDIT_TIMES 20

struct log;

/* Zero is the daemon itself, which is never limited. */
enum log_kind {
#define LOG_KIND(kind, name, audit, alarm) LOG_##kind,
#include "daemon/log_kinds.def"
#undef LOG_KIND
    LOG_KIND_COUNT,
};

/* What the audit log does with a kind: log_kinds.def. */
enum log_audit {
    LOG_AUDIT_NO = 0,
    LOG_AUDIT_ALWAYS,
    LOG_AUDIT_USUAL,
    LOG_AUDIT_CHEAP,
};

const char *log_kind_name(enum log_kind kind); /* "grant-used" */
enum log_audit log_kind_audit(enum log_kind kind);
bool log_kind_is_alarm(enum log_kind kind);

/* Only in JSON: the text says the same in words. */
struct log_field {
    const char *key;
    struct mqtt_span value;
};

struct log_line {
    enum config_log_level level;
    enum log_kind kind;
    const char *text;
    struct log_field fields[LOG_FIELDS_MAX];
    size_t field_count;
    /* Makes the text when somebody reads it, in `out` of LOG_LINE_BYTES: most lines of a flood are over
     * the limit. NULL: it is made. */
    void (*compose)(const void *from, char *out);
    const void *from;
};

/* NULL out of memory. Finds out by itself whether journald listens. */
MQTT_NODISCARD struct log *log_new(enum config_log_format format, enum config_log_level level);
void log_free(struct log *log); /* NULL is fine */

/* Sees every line of a kind that the audit log has, before levels and limits; on any thread. */
struct log_witness {
    void *context;
    void (*saw)(void *context, const struct log_line *line);
};

/* Before the first thread of those that log. NULL: none any more. Borrowed. */
void log_set_witness(struct log *log, const struct log_witness *witness);

/* Likewise who sees every line that is an alarm. */
void log_set_alarm_witness(struct log *log, const struct log_witness *witness);

void log_configure(struct log *log, enum config_log_format format, enum config_log_level level);
/* Would a line of that level and kind go anywhere? */
bool log_wants(const struct log *log, enum config_log_level level, enum log_kind kind);

void log_write(struct log *log, const struct log_line *line);

/* A line of kind LOG_STATE. */
void log_say(struct log *log, enum config_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* UTC as in RFC 3339, for a field: 0, and what is no time, is `none`. */
void log_time(int64_t time_s, const char *none, char *out, size_t size);

/* ---- parts, for tests ---- */

/* Writes the line with its newline to `out` of LOG_LINE_BYTES and returns its length. `stamp`:
 * the time as text; NULL: a line for journald. Bytes that are no printable text are
 * escaped, so that a peer cannot forge lines. */
size_t log_format(const struct log_line *line, enum config_log_format format, const char *stamp,
                  uint64_t left_out, char *out);

/* One kind's limit. Zero is full. */
struct log_limit {
    uint64_t times;   /* LOG_BURST and LOG_PER_SECOND are multiplied by; 0 is 1 */
    uint64_t spent;   /* lines in the window */
    uint64_t since_s; /* when it was last refilled */
    uint64_t left_out;
};

/* May a line be written at now_s? How many were left out before it in *out_left_out. */
bool log_limit_take(struct log_limit *limit, uint64_t now_s, uint64_t *out_left_out);
