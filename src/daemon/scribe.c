/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/scribe.h"

#include "daemon/scribe_state.h"
#include "daemon/shard.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define BEGIN_US \
    500000 /* housekeeping waits so long for the others to start, unless a frame comes */

/* ---- the work ---- */

/* Takes from the front of what is written whatever is confirmed, and says so. */
static void confirm(struct scribe *scribe)
{
    struct scribe_queue done;
    struct scribe_waiting *waiting;
    uint64_t now = scribe_now_us();

    scribe_queue_init(&done);
    for (struct store_frame *frame = store_take_confirmed(scribe->options.store); frame != NULL;
         frame = frame->next)
        MQTT_CONTAINER_OF(frame, struct scribe_waiting, frame)->is_confirmed = true;
    bell_lock(&scribe->bell);
    while ((waiting = scribe->written.first) != NULL
           && (waiting->is_confirmed || waiting->frame.ops.len == 0)) {
        struct scribe_notice *notice = &scribe->notices[waiting->shard];

        scribe_queue_push(&done, scribe_queue_pop(&scribe->written));
        scribe_count_latency(&scribe->figures, now - waiting->since_us);
        scribe->figures.waiting_bytes -= waiting->frame.ops.len;
        if (waiting->number == 0)
            continue;
        notice->progress.written = waiting->number;
        notice->progress.confirmed = waiting->number;
        notice->progress.confirmed_bytes += waiting->frame.ops.len;
        scribe_post(notice);
    }
    scribe_renew_figures(scribe);
    bell_unlock(&scribe->bell, BELL_NOTHING);
    scribe_post_due(scribe);
    scribe_queue_clear(&done);
}

static void note_written(struct scribe *scribe)
{
    bell_lock(&scribe->bell);
    for (const struct scribe_waiting *w = scribe->written.first; scribe->wants_written && w != NULL;
         w = w->next) {
        struct scribe_notice *notice = &scribe->notices[w->shard];

        if (w->number <= notice->progress.written)
            continue;
        notice->progress.written = w->number;
        scribe_post(notice);
    }
    bell_unlock(&scribe->bell, BELL_NOTHING);
    scribe_post_due(scribe);
}

/* Chains those that have something in them, and puts all behind what is written. */
static struct store_frame *chain(struct scribe *scribe, struct scribe_queue *batch)
{
    struct store_frame *first = NULL;
    struct store_frame **last = &first;
    struct scribe_waiting *waiting;

    while ((waiting = scribe_queue_pop(batch)) != NULL) {
        scribe_queue_push(&scribe->written, waiting);
        if (waiting->frame.ops.len == 0)
            continue;
        waiting->frame.next = NULL;
        *last = &waiting->frame;
        last = &waiting->frame.next;
    }
    return first;
}

static void write_batch(struct scribe *scribe, struct scribe_queue *batch)
{
    struct store *store = scribe->options.store;
    struct store_frame *frames = chain(scribe, batch);

    int status = frames != NULL ? store_write(store, frames) : 0;

    if (frames != NULL && status == 0) {
        note_written(scribe);
        status = store_sync(store);
    }
    if (status != 0)
        scribe->retry_us = scribe_now_us();
    confirm(scribe);
    scribe_tell_state(scribe);
}

static void retry(struct scribe *scribe)
{
    scribe->retry_us = scribe_now_us();
    if (store_retry(scribe->options.store) == 0)
        confirm(scribe);
    scribe_tell_state(scribe);
}

/* ---- the thread ---- */

/* Under the lock, which is let go meanwhile. 0 us: until something arrives. */
static void wait_for_work(struct scribe *scribe, uint64_t us)
{
    (void)bell_wait(&scribe->bell, BELL_SLEEPS, us > 0 ? scribe_now_us() + us : 0);
}

static bool is_batch_full(const struct scribe *scribe)
{
    return scribe->incoming.bytes >= scribe->limits.store_batch_bytes
           || scribe->incoming.frames >= scribe->limits.store_batch_frames;
}

/* More may come in the time that the operator gives it. Under the lock. */
static void gather(struct scribe *scribe)
{
    uint64_t end_us = scribe_now_us() + scribe->limits.store_wait_us;
    uint64_t now;

    if (scribe->limits.store_wait_us == 0)
        return;
    while (!scribe->is_stopping && !is_batch_full(scribe) && (now = scribe_now_us()) < end_us)
        wait_for_work(scribe, end_us - now);
}

/* Under the lock. */
static void take_batch(struct scribe *scribe, struct scribe_queue *batch)
{
    scribe_queue_init(batch);
    while (scribe->incoming.first != NULL && batch->frames < scribe->limits.store_batch_frames
           && (batch->frames == 0 || batch->bytes < scribe->limits.store_batch_bytes))
        scribe_queue_push(batch, scribe_queue_pop(&scribe->incoming));
}

/* Has the disk to be tried again: to write what waits, or to see whether there is space? */
static bool is_in_trouble(const struct scribe *scribe)
{
    return scribe->told != STORE_OPEN || scribe->written.first != NULL;
}

/* How long to wait when nothing arrives: 0: as long as it takes. */
static uint64_t patience_us(const struct scribe *scribe)
{
    return is_in_trouble(scribe) ? scribe->limits.store_retry_ms * 1000 : 0;
}

static bool is_time_to_retry(const struct scribe *scribe)
{
    return is_in_trouble(scribe)
           && scribe_now_us() - scribe->retry_us >= scribe->limits.store_retry_ms * 1000;
}

/* Waits for something to do. False: the end. */
static bool next_batch(struct scribe *scribe, bool has_more, struct scribe_queue *batch)
{
    bell_lock(&scribe->bell);
    scribe->is_idle = scribe->incoming.first == NULL && scribe->written.first == NULL;
    if (scribe->is_idle || scribe->told != STORE_OPEN)
        pthread_cond_broadcast(&scribe->settled);
    if (scribe->incoming.first == NULL && !scribe->is_stopping && (!has_more || !scribe->has_begun))
        wait_for_work(scribe, has_more ? BEGIN_US : patience_us(scribe));
    scribe->has_begun = true;
    if (scribe->incoming.first != NULL)
        gather(scribe);
    take_batch(scribe, batch);
    bool goes_on = !scribe->is_stopping || batch->first != NULL;
    uint64_t bound_bytes = scribe->limits.store_bytes;
    bell_unlock(&scribe->bell, BELL_NOTHING);
    if (bound_bytes != scribe->bound_bytes)
        store_set_bound(scribe->options.store, bound_bytes);
    scribe->bound_bytes = bound_bytes;
    return goes_on;
}

static void *run(void *context)
{
    struct scribe *scribe = context;
    struct scribe_queue batch;
    bool has_more = true;

    pthread_setname_np(pthread_self(), "scribe");
    while (next_batch(scribe, has_more, &batch)) {
        if (batch.first != NULL)
            write_batch(scribe, &batch);
        if (is_time_to_retry(scribe))
            retry(scribe);
        /* Housekeeping waits for those who wait for the disk. */
        has_more =
            store_state(scribe->options.store) != STORE_FAILED && store_tend(scribe->options.store);
        if (scribe->written.first != NULL)
            confirm(scribe);
        scribe_tell_state(scribe);
    }
    if (is_in_trouble(scribe))
        retry(scribe);
    return NULL;
}

/* ---- from the shards ---- */

/* Behind a frame that is missing nothing may be written any more. Under the lock. */
static void break_down(struct scribe *scribe)
{
    scribe->is_broken = true;
    for (unsigned i = 0; i < scribe->options.count; i++) {
        scribe->notices[i].progress.state = JOURNAL_FAILED;
        scribe_post(&scribe->notices[i]);
    }
}

static void submit(void *context, unsigned shard, uint64_t number, uint8_t *bytes, size_t len)
{
    struct scribe *scribe = context;
    struct scribe_waiting *waiting = malloc(sizeof(*waiting));

    if (waiting == NULL)
        free(bytes);
    else
        *waiting = (struct scribe_waiting){ .frame = { .ops = { bytes, len } },
                                            .bytes = bytes,
                                            .number = number,
                                            .since_us = scribe_now_us(),
                                            .shard = shard };
    bell_lock(&scribe->bell);
    bool is_broken = waiting == NULL || scribe->is_broken;
    if (is_broken) {
        break_down(scribe);
        scribe_waiting_free(waiting);
    } else {
        scribe_queue_push(&scribe->incoming, waiting);
        scribe->figures.waiting_bytes += len;
        scribe->is_idle = false;
    }
    bell_unlock(&scribe->bell, is_broken ? BELL_NOTHING : BELL_SOMETHING);
    if (is_broken)
        scribe_post_due(scribe);
}

static void broken(void *context, unsigned shard)
{
    struct scribe *scribe = context;

    bell_lock(&scribe->bell);
    break_down(scribe);
    bell_unlock(&scribe->bell, BELL_NOTHING);
    scribe_post_due(scribe);
    log_say(scribe->options.log, CONFIG_LOG_ERROR,
            "out of memory in shard %u: nothing is written to %s any more and nothing that has to "
            "be kept is acknowledged; start tacitd again with more memory",
            shard, scribe->options.folder);
}

struct journal_port scribe_port(struct scribe *scribe)
{
    return (struct journal_port){ .context = scribe, .submit = submit, .broken = broken };
}

/* ---- life ---- */

int scribe_new(const struct scribe_options *options, struct scribe **out)
{
    struct scribe *scribe = calloc(1, sizeof(*scribe));
    struct scribe_notice *notices = calloc(options->count, sizeof(*notices));
    int error = scribe != NULL && notices != NULL ? bell_init(&scribe->bell) : -ENOMEM;

    if (error < 0) {
        free(scribe);
        free(notices);
        return error;
    }
    scribe->options = *options;
    scribe->limits = options->limits;
    scribe->bound_bytes = options->limits.store_bytes;
    scribe->notices = notices;
    scribe->told = STORE_OPEN;
    scribe->is_idle = true;
    scribe_queue_init(&scribe->incoming);
    scribe_queue_init(&scribe->written);
    pthread_cond_init(&scribe->settled, NULL);
    for (unsigned i = 0; i < options->count; i++)
        notices[i] = (struct scribe_notice){ .scribe = scribe,
                                             .shard = i,
                                             .progress = { .state = JOURNAL_OPEN } };
    scribe_renew_figures(scribe);
    *out = scribe;
    return 0;
}

int scribe_start(struct scribe *scribe)
{
    scribe_tell_state(scribe);
    int status = pthread_create(&scribe->thread, NULL, run, scribe);

    if (status != 0)
        return -status;
    scribe->has_thread = true;
    return 0;
}

int scribe_wait(struct scribe *scribe)
{
    bell_lock(&scribe->bell);
    while (!scribe->is_idle && scribe->figures.error == 0)
        pthread_cond_wait(&scribe->settled, &scribe->bell.lock);
    int status = scribe->is_idle ? 0 : scribe->figures.error;
    bell_unlock(&scribe->bell, BELL_NOTHING);
    return status;
}

int scribe_stop(struct scribe *scribe)
{
    if (scribe == NULL)
        return 0;
    if (!scribe->has_thread)
        return scribe->incoming.first == NULL ? 0 : -ECANCELED;
    bell_lock(&scribe->bell);
    scribe->is_stopping = true;
    bell_unlock(&scribe->bell, BELL_URGENT);
    pthread_join(scribe->thread, NULL);
    scribe->has_thread = false;
    if (scribe->is_broken)
        return -ENOMEM;
    return scribe->written.first == NULL ? 0 : store_error(scribe->options.store);
}

void scribe_free(struct scribe *scribe)
{
    if (scribe == NULL)
        return;
    scribe_queue_clear(&scribe->incoming);
    scribe_queue_clear(&scribe->written);
    pthread_cond_destroy(&scribe->settled);
    bell_fini(&scribe->bell);
    free(scribe->notices);
    free(scribe);
}

void scribe_follow(struct scribe *scribe, const struct limits *limits, bool wants_written)
{
    bell_lock(&scribe->bell);
    scribe->limits = *limits;
    scribe->wants_written = wants_written;
    bell_unlock(&scribe->bell, BELL_NOTHING);
}
