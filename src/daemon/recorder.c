/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recorder.h"

#include "audit/journal.h"
#include "audit/place.h"
#include "audit/stamp.h"
#include "daemon/bell.h"
#include "daemon/forward.h"
#include "daemon/forward_report.h"
#include "daemon/recorder_queue.h"
#include "daemon/wall.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LEFT_OUT       "left-out"
#define NOT_FORWARDED  "not-forwarded"
#define CHECK_PAUSE_MS 10

struct recorder {
    struct recorder_options options;
    struct log_witness witness;
    struct bell bell; /* its lock is around the queue, new_limits, new_target and ends */
    struct recorder_queue queue;
    struct limits new_limits; /* to be followed */
    struct config_audit_target new_target;
    bool ends;
    bool is_to_warm; /* recorder_warm() */
    pthread_t thread;
    /* The rest is the thread's once it runs. */
    struct limits limits;
    struct audit_place place;
    struct audit_journal *journal;                     /* NULL: not yet */
    struct recorder_left_out left_out[LOG_KIND_COUNT]; /* not written yet */
    uint64_t taken_ms;                                 /* when it last took what had come */
    uint64_t synced_ms;
    uint64_t sealed_ms;
    uint64_t checked_ms;
    uint64_t counted_ms; /* when what was left out was last recorded */
    bool is_failing;     /* and that was said */
    struct forward forward;
    struct forward_gap gap; /* not written yet; count 0: none */
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- on any thread ---- */

static void on_line(void *context, const struct log_line *line)
{
    struct recorder *recorder = context;
    int64_t utc_ms = wall_now_ms();
    uint64_t now_s = now_ms() / 1000;

    bell_lock(&recorder->bell);
    bool is_put = recorder_queue_put(&recorder->queue, line, utc_ms, now_s);
    enum bell_news news = recorder->queue.is_urgent ? BELL_URGENT : BELL_SOMETHING;
    bell_unlock(&recorder->bell, is_put ? news : BELL_NOTHING);
}

void recorder_follow(struct recorder *recorder, const struct limits *limits,
                     const struct config_audit_target *target)
{
    bell_lock(&recorder->bell);
    recorder->new_limits = *limits;
    recorder->new_target = *target;
    recorder_queue_set_rate(&recorder->queue, limits->audit_per_s);
    bell_unlock(&recorder->bell, BELL_NOTHING);
}

void recorder_warm(struct recorder *recorder)
{
    bell_lock(&recorder->bell);
    recorder->is_to_warm = true;
    bell_unlock(&recorder->bell, BELL_URGENT);
}

/* ---- the log ---- */

static void tell_found(const struct recorder *recorder, const struct audit_found *found)
{
    if (found->is_damaged)
        log_say(recorder->options.log, CONFIG_LOG_ERROR,
                "the audit log in %s is NOT WHOLE, or of another key; a new one begins behind it. "
                "Keep a copy of the folder and see `tacit log verify`",
                recorder->place.folder);
    else if (found->cut_bytes > 0)
        log_say(recorder->options.log, CONFIG_LOG_NOTICE,
                "%" PRIu64 " bytes at the end of the audit log were no whole record and are cut "
                "off, as after a crash",
                found->cut_bytes);
}

static int open_journal(struct recorder *recorder, struct pki_fault *fault)
{
    struct audit_journal_options options;
    struct audit_found found = { 0 };

    int status = recorder->place.key == NULL
                     ? audit_place_open(recorder->options.state_dir, &recorder->place, fault)
                     : 0;
    if (status != 0)
        return status;
    status = audit_place_options(&recorder->place, &options);
    options.file_bytes = recorder->limits.audit_file_bytes;
    options.files_max = recorder->limits.audit_files;
    options.checkpoint_records = recorder->limits.audit_checkpoint_records;
    options.checks_later = true;
    if (status == 0)
        status = audit_journal_open(&options, wall_now_ms(), &recorder->journal, &found);
    if (status != 0)
        return pki_fail(fault, status, "%s: %s", recorder->place.folder, strerror(-status));
    tell_found(recorder, &found);
    forward_follow(&recorder->forward, &recorder->place.files);
    return 0;
}

static void append_left_out(struct recorder *recorder, int64_t utc_ms)
{
    for (unsigned kind = 0; kind < LOG_KIND_COUNT; kind++) {
        const struct recorder_left_out *left_out = &recorder->left_out[kind];
        struct audit_fields fields = { .len = 0 };
        char stamp[AUDIT_STAMP_SIZE];
        if (left_out->count == 0)
            continue;
        audit_fields_add_text(&fields, "of", log_kind_name((enum log_kind)kind));
        audit_fields_add_number(&fields, "count", left_out->count);
        audit_fields_add_text(&fields, "since", audit_stamp_put(left_out->since_ms, stamp));
        audit_fields_add_text(&fields, "until", audit_stamp_put(left_out->until_ms, stamp));
        /* There is room: of each kind there is one in a batch, at its beginning. */
        (void)!audit_journal_append(recorder->journal, utc_ms, LEFT_OUT, audit_fields_end(&fields));
    }
}

static void append_gap(struct recorder *recorder, int64_t utc_ms)
{
    const struct forward_gap *gap = &recorder->gap;
    struct audit_fields fields = { .len = 0 };

    if (gap->count == 0)
        return;
    forward_report_fields(&recorder->forward, gap, &fields);
    (void)!audit_journal_append(recorder->journal, utc_ms, NOT_FORWARDED,
                                audit_fields_end(&fields));
}

/* From *at on, as much as a batch takes. */
static void append_taken(struct recorder *recorder, size_t *at)
{
    struct recorder_entry entry;
    size_t next = *at;

    while (recorder_queue_next(&recorder->queue, &next, &entry)) {
        if (audit_journal_append(recorder->journal, entry.utc_ms, log_kind_name(entry.kind),
                                 entry.fields)
            != 0)
            return;
        *at = next;
    }
}

static enum audit_commit choose_commit(const struct recorder *recorder, bool is_urgent,
                                       uint64_t time_ms)
{
    uint64_t seal_ms = recorder->limits.audit_checkpoint_s * 1000;

    if (audit_journal_wants_seal(recorder->journal) && time_ms - recorder->sealed_ms >= seal_ms)
        return AUDIT_COMMIT_SEAL;
    return is_urgent || time_ms - recorder->synced_ms >= RECORDER_SYNC_MS ? AUDIT_COMMIT_SYNC
                                                                          : AUDIT_COMMIT_WRITE;
}

static void note_times(struct recorder *recorder, enum audit_commit how, uint64_t time_ms)
{
    if (how != AUDIT_COMMIT_WRITE)
        recorder->synced_ms = time_ms;
    if (how == AUDIT_COMMIT_SEAL)
        recorder->sealed_ms = time_ms;
}

/* One record a second of each kind is enough of what was left out, but at the end. */
static bool is_due(struct recorder *recorder, enum audit_commit how)
{
    uint64_t time_ms = now_ms();

    if (how != AUDIT_COMMIT_SEAL && time_ms - recorder->counted_ms < RECORDER_SYNC_MS)
        return false;
    recorder->counted_ms = time_ms;
    return true;
}

/* One batch; *at moves behind what is in the log. */
static int write_batch(struct recorder *recorder, enum audit_commit how, size_t *at)
{
    size_t next = *at;
    bool is_written = false;
    int64_t utc_ms = wall_now_ms();
    int status = audit_journal_begin(recorder->journal, utc_ms);

    if (status != 0)
        return status;
    bool counts = is_due(recorder, how);
    if (counts)
        append_left_out(recorder, utc_ms);
    append_gap(recorder, utc_ms);
    append_taken(recorder, &next);
    status = audit_journal_commit(recorder->journal, utc_ms, how, &is_written);
    if (is_written) {
        if (counts)
            memset(recorder->left_out, 0, sizeof(recorder->left_out));
        recorder->gap.count = 0;
        *at = next;
        note_times(recorder, how, now_ms());
    }
    return status;
}

static void tell_state(struct recorder *recorder, int status, const struct pki_fault *fault)
{
    bool fails = status != 0;

    if (fails == recorder->is_failing)
        return;
    recorder->is_failing = fails;
    if (fails)
        log_say(recorder->options.log, CONFIG_LOG_ERROR,
                "the audit log cannot be written: %s; its records wait, and what has no room is "
                "counted",
                fault->text);
    else
        log_say(recorder->options.log, CONFIG_LOG_NOTICE, "the audit log is written again");
}

/* When the next piece of the old log is looked at; 0: all was. Little by little, as there may be
 * hundreds of thousands of records, and others to serve. */
static uint64_t check_due_ms(const struct recorder *recorder)
{
    if (recorder->journal == NULL || !audit_journal_wants_check(recorder->journal))
        return 0;
    return recorder->checked_ms + CHECK_PAUSE_MS;
}

static void check_more(struct recorder *recorder)
{
    if (check_due_ms(recorder) == 0 || now_ms() < check_due_ms(recorder))
        return;
    recorder->checked_ms = now_ms();
    if (audit_journal_check(recorder->journal) == -EBADMSG)
        tell_found(recorder, &(struct audit_found){ .is_damaged = true });
}

/* All that was taken. What the disk does not take stays there. */
static int write_taken(struct recorder *recorder, bool is_urgent, bool is_last)
{
    struct pki_fault fault = { "out of memory" };
    size_t at = 0;
    int status = recorder->journal == NULL ? open_journal(recorder, &fault) : 0;

    do {
        enum audit_commit how = is_last || status != 0
                                    ? AUDIT_COMMIT_SEAL
                                    : choose_commit(recorder, is_urgent, now_ms());
        if (status == 0)
            status = write_batch(recorder, how, &at);
        if (status != 0 && recorder->journal != NULL)
            (void)pki_fail(&fault, status, "%s: %s", recorder->place.folder, strerror(-status));
    } while (status == 0 && at < recorder->queue.taken_len);
    recorder->queue.taken_len -= at;
    memmove(recorder->queue.taken, recorder->queue.taken + at, recorder->queue.taken_len);
    tell_state(recorder, status, &fault);
    return status;
}

/* ---- forwarding ---- */

static uint64_t last_sequence(const struct recorder *recorder)
{
    return recorder->journal != NULL ? audit_journal_sequence(recorder->journal) : 0;
}

static void go_forward(struct recorder *recorder)
{
    struct forward *forward = &recorder->forward;

    forward_go(forward, now_ms());
    uint64_t last = last_sequence(recorder);
    forward_report_news(forward, forward_take_news(forward, last, now_ms()), last,
                        recorder->options.log);
    if (recorder->gap.count == 0 && forward_take_gap(forward, &recorder->gap))
        forward_report_gap(forward, &recorder->gap, recorder->options.log);
}

/* The receiver has a moment to take the rest. */
static void end_forwarding(struct recorder *recorder)
{
    const struct timespec pause = { .tv_nsec = FORWARD_RETRY_MS * 1000000L };
    struct forward *forward = &recorder->forward;
    uint64_t end_ms = now_ms() + FORWARD_LAST_MS;

    while (!forward_is_done(forward, last_sequence(recorder)) && now_ms() < end_ms) {
        go_forward(recorder);
        if (forward->fault != 0)
            (void)nanosleep(&pause, NULL);
    }
    forward_note(forward, now_ms());
    if (!forward_is_done(forward, last_sequence(recorder)))
        forward_report_news(forward, FORWARD_FAILS, last_sequence(recorder), recorder->options.log);
}

/* ---- its thread ---- */

/* Until when there is nothing to do for the log if nothing comes; 0: for ever. */
static uint64_t log_due_ms(const struct recorder *recorder)
{
    if (recorder->is_failing || recorder->journal == NULL)
        return now_ms() + RECORDER_SYNC_MS;
    if (recorder->gap.count > 0)
        return now_ms();
    if (recorder_left_out_has_any(recorder->left_out))
        return recorder->counted_ms + RECORDER_SYNC_MS;
    if (audit_journal_wants_sync(recorder->journal))
        return recorder->synced_ms + RECORDER_SYNC_MS;
    if (audit_journal_wants_seal(recorder->journal))
        return recorder->sealed_ms + recorder->limits.audit_checkpoint_s * 1000;
    return 0;
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* The lock is held. */
static void wait_for_more(struct recorder *recorder, uint64_t due_ms)
{
    enum bell_sleep how = recorder->is_failing ? BELL_DOZES : BELL_SLEEPS;
    bool goes_on = true;

    while (goes_on && !recorder->ends && !recorder->is_to_warm
           && (recorder->is_failing || recorder_queue_is_empty(&recorder->queue)))
        goes_on = bell_wait(&recorder->bell, how, due_ms * 1000);
}

/* The lock is held. What comes by itself is written at once; while much comes, each record would cost
 * the shards a thread that is woken, and a write. */
static void gather(struct recorder *recorder)
{
    uint64_t due_ms = recorder->taken_ms + RECORDER_GATHER_MS;
    bool goes_on = !recorder_queue_is_empty(&recorder->queue) && now_ms() < due_ms;

    while (goes_on && !recorder->ends && !recorder->queue.is_urgent)
        goes_on = bell_wait(&recorder->bell, BELL_DOZES, due_ms * 1000);
}

static void follow_configuration(struct recorder *recorder)
{
    recorder->limits = recorder->new_limits;
    forward_set(&recorder->forward, &recorder->new_target);
    if (recorder->journal != NULL)
        audit_journal_set_bounds(recorder->journal, recorder->limits.audit_file_bytes,
                                 recorder->limits.audit_files,
                                 recorder->limits.audit_checkpoint_records);
}

/* What is signed is no statement of the log, and nobody gets it. */
static void warm(const struct recorder *recorder)
{
    uint8_t signature[AUDIT_KEY_SIGNATURE_BYTES];

    if (recorder->place.key != NULL)
        (void)!audit_key_sign(recorder->place.key, span_of("tacit audit nothing 1\n"), signature);
}

/* Returns whether this was the last time. */
static bool go_round(struct recorder *recorder)
{
    uint64_t due_ms = log_due_ms(recorder);

    bell_lock(&recorder->bell);
    wait_for_more(recorder, sooner(sooner(due_ms, check_due_ms(recorder)),
                                   forward_due_ms(&recorder->forward)));
    gather(recorder);
    bool is_last = recorder->ends;
    bool is_urgent = recorder->queue.is_urgent;
    if (recorder->queue.taken_len == 0) {
        if (!recorder_queue_is_empty(&recorder->queue))
            recorder->taken_ms = now_ms();
        recorder_queue_take(&recorder->queue);
        recorder->queue.is_urgent = false;
    }
    recorder_queue_take_left_out(&recorder->queue, recorder->left_out);
    follow_configuration(recorder);
    bool is_to_warm = recorder->is_to_warm;
    recorder->is_to_warm = false;
    bell_unlock(&recorder->bell, BELL_NOTHING);
    bool has_work = recorder->queue.taken_len > 0 || (due_ms != 0 && now_ms() >= due_ms);
    int status = has_work || is_last ? write_taken(recorder, is_urgent, is_last) : 0;
    check_more(recorder);
    go_forward(recorder);
    if (is_to_warm)
        warm(recorder);
    /* What came while the disk did not take the rest. */
    return is_last && (status != 0 || recorder_queue_is_empty(&recorder->queue));
}

static void *run(void *context)
{
    while (!go_round(context))
        continue;
    end_forwarding(context);
    return NULL;
}

/* ---- beginning and end ---- */

static void dispose(struct recorder *recorder)
{
    forward_fini(&recorder->forward);
    audit_journal_close(recorder->journal);
    if (recorder->place.key != NULL)
        audit_place_close(&recorder->place);
    recorder_queue_fini(&recorder->queue);
    free(recorder);
}

static int start_thread(struct recorder *recorder)
{
    int status = bell_init(&recorder->bell);

    if (status != 0)
        return status;
    status = -pthread_create(&recorder->thread, NULL, run, recorder);
    if (status != 0)
        bell_fini(&recorder->bell);
    return status;
}

static void take_place(struct recorder *recorder, struct audit_place *place)
{
    recorder->options.place = NULL;
    if (place == NULL || place->key == NULL)
        return;
    recorder->place = *place;
    *place = (struct audit_place){ .lock = -1 };
}

int recorder_open(const struct recorder_options *options, bool must, struct recorder **out)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    struct pki_fault fault = { "out of memory" };

    if (recorder == NULL)
        return -ENOMEM;
    recorder->options = *options;
    recorder->limits = options->limits;
    recorder->new_limits = options->limits;
    recorder->witness = (struct log_witness){ recorder, on_line };
    recorder->new_target = options->target;
    forward_init(&recorder->forward, &options->target);
    take_place(recorder, options->place);
    int status = recorder_queue_init(&recorder->queue, options->limits.audit_queue_bytes);
    if (status == 0) {
        recorder_queue_set_rate(&recorder->queue, options->limits.audit_per_s);
        status = open_journal(recorder, &fault);
        tell_state(recorder, status, &fault);
        status = must ? status : 0;
    }
    if (status == 0)
        status = start_thread(recorder);
    if (status != 0) {
        dispose(recorder);
        return status;
    }
    log_set_witness(options->log, &recorder->witness);
    *out = recorder;
    return 0;
}

void recorder_close(struct recorder *recorder)
{
    if (recorder == NULL)
        return;
    log_set_witness(recorder->options.log, NULL);
    bell_lock(&recorder->bell);
    recorder->ends = true;
    bell_unlock(&recorder->bell, BELL_URGENT);
    (void)pthread_join(recorder->thread, NULL);
    bell_fini(&recorder->bell);
    dispose(recorder);
}
