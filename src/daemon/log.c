/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct log {
    atomic_uint format;
    atomic_uint level;
    bool is_journal;
    const struct log_witness *witness; /* NULL: none */
    const struct log_witness *alarms;  /* likewise */
    pthread_mutex_t lock;              /* around limits */
    struct log_limit limits[LOG_KIND_COUNT];
};

/* sd-daemon(3): standard error is the journal's when $JOURNAL_STREAM names it. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat about;
    char name[64];

    if (stream == NULL || fstat(STDERR_FILENO, &about) != 0)
        return false;
    snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)about.st_dev,
             (unsigned long long)about.st_ino);
    return strcmp(name, stream) == 0;
}

struct log *log_new(enum config_log_format format, enum config_log_level level)
{
    struct log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    if (pthread_mutex_init(&log->lock, NULL) != 0) {
        free(log);
        return NULL;
    }
    log->limits[LOG_GRANT_USED].times = LOG_AUDIT_TIMES;
    log->limits[LOG_CLONE].times = LOG_AUDIT_TIMES;
    log->limits[LOG_CANARY].times = LOG_AUDIT_TIMES;
    log->is_journal = is_journal();
    log_configure(log, format, level);
    return log;
}

void log_free(struct log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void log_configure(struct log *log, enum config_log_format format, enum config_log_level level)
{
    atomic_store_explicit(&log->format, format, memory_order_relaxed);
    atomic_store_explicit(&log->level, level, memory_order_relaxed);
}

void log_set_witness(struct log *log, const struct log_witness *witness)
{
    log->witness = witness;
}

void log_set_alarm_witness(struct log *log, const struct log_witness *witness)
{
    log->alarms = witness;
}

static bool has_level(const struct log *log, enum config_log_level level)
{
    return level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

static bool is_witnessed(const struct log *log, enum log_kind kind)
{
    return log->witness != NULL && log_kind_audit(kind) != LOG_AUDIT_NO;
}

static bool is_alarm(const struct log *log, enum log_kind kind)
{
    return log->alarms != NULL && log_kind_is_alarm(kind);
}

bool log_wants(const struct log *log, enum config_log_level level, enum log_kind kind)
{
    return has_level(log, level) || is_alarm(log, kind) || is_witnessed(log, kind);
}

static bool is_within_limit(struct log *log, enum log_kind kind, time_t now_s,
                            uint64_t *out_left_out)
{
    *out_left_out = 0;
    if (kind == LOG_STATE)
        return true;
    pthread_mutex_lock(&log->lock);
    bool is_within = log_limit_take(&log->limits[kind], (uint64_t)now_s, out_left_out);
    pthread_mutex_unlock(&log->lock);
    return is_within;
}

static void format_stamp(char *out, size_t size)
{
    struct timespec now;
    struct tm calendar;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &calendar);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &calendar);
    snprintf(out, size, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

void log_time(int64_t time_s, const char *none, char *out, size_t size)
{
    struct tm calendar;
    time_t when = (time_t)time_s;

    if (time_s == 0 || gmtime_r(&when, &calendar) == NULL
        || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &calendar) == 0)
        (void)snprintf(out, size, "%s", none);
}

MQTT_NOINLINE static void put(const struct log *log, const struct log_line *line, uint64_t left_out)
{
    enum config_log_format format =
        (enum config_log_format)atomic_load_explicit(&log->format, memory_order_relaxed);
    bool has_stamp = !log->is_journal || format == CONFIG_LOG_JSON;
    char stamp[64];
    char text[LOG_LINE_BYTES];

    format_stamp(stamp, sizeof(stamp));
    size_t len = log_format(line, format, has_stamp ? stamp : NULL, left_out, text);
    /* Nobody is left to be told when this fails. */
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
}

static bool is_to_be_put(struct log *log, const struct log_line *line, uint64_t *out_left_out)
{
    struct timespec now;

    if (!has_level(log, line->level))
        return false;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return is_within_limit(log, line->kind, now.tv_sec, out_left_out);
}

/* To those who read the text. */
static void write_text(struct log *log, const struct log_line *line, bool is_told, bool is_put,
                       uint64_t left_out)
{
    if (is_told)
        log->alarms->saw(log->alarms->context, line);
    if (is_put)
        put(log, line, left_out);
}

/* Functions of their own, this one and put(): their texts are large, and most lines need none. */
MQTT_NOINLINE static void compose_and_write(struct log *log, const struct log_line *line,
                                            bool is_told, bool is_put, uint64_t left_out)
{
    struct log_line whole = *line;
    char words[LOG_LINE_BYTES];

    line->compose(line->from, words);
    whole.text = words;
    write_text(log, &whole, is_told, is_put, left_out);
}

void log_write(struct log *log, const struct log_line *line)
{
    uint64_t left_out = 0;

    if (is_witnessed(log, line->kind))
        log->witness->saw(log->witness->context, line);
    bool is_told = is_alarm(log, line->kind);
    bool is_put = is_to_be_put(log, line, &left_out);
    if (!is_told && !is_put)
        return;
    if (line->compose != NULL)
        compose_and_write(log, line, is_told, is_put, left_out);
    else
        write_text(log, line, is_told, is_put, left_out);
}

void log_say(struct log *log, enum config_log_level level, const char *format, ...)
{
    char text[LOG_LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_write(log, &(struct log_line){ .level = level, .kind = LOG_STATE, .text = text });
}
