/* SPDX-License-Identifier: Apache-2.0 */
/* What the scribe tells the shards, the operator and who asks for figures. */
#include "daemon/scribe_state.h"
#include "daemon/shard.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void on_notice(struct loop_message *message, struct loop *loop)
{
    struct scribe_notice *notice = MQTT_CONTAINER_OF(message, struct scribe_notice, message);
    struct scribe *scribe = notice->scribe;

    bell_lock(&scribe->bell);
    struct journal_progress progress = notice->progress;
    notice->is_posted = false;
    bell_unlock(&scribe->bell, BELL_NOTHING);
    broker_confirm(scribe->options.shards[notice->shard].broker, &progress, loop_now_ms(loop));
}

/* Under the lock; scribe_post_due() comes after it. */
void scribe_post(struct scribe_notice *notice)
{
    if (notice->is_posted)
        return;
    notice->is_posted = true;
    notice->is_due = true;
}

/* Not under the lock: a shard that wakes at once would only wait for it. */
void scribe_post_due(struct scribe *scribe)
{
    for (unsigned i = 0; i < scribe->options.count; i++) {
        struct scribe_notice *notice = &scribe->notices[i];

        if (!atomic_exchange(&notice->is_due, false))
            continue;
        loop_post(scribe->options.shards[i].loop, &notice->message, on_notice);
    }
}

static enum journal_state journal_state_of(const struct scribe *scribe, enum store_state state)
{
    static const enum journal_state states[] = {
        [STORE_FAILED] = JOURNAL_FAILED,
        [STORE_FULL] = JOURNAL_FULL,
        [STORE_OPEN] = JOURNAL_OPEN,
    };

    return scribe->is_broken ? JOURNAL_FAILED : states[state];
}

static void complain(const struct scribe *scribe, enum store_state state)
{
    const struct scribe_options *options = &scribe->options;
    int error = store_error(options->store);

    if (state == STORE_FAILED)
        log_say(options->log, CONFIG_LOG_ERROR,
                "%s cannot be written: %s; nothing that has to be kept is acknowledged until it "
                "can. Look after the disk: tacitd goes on by itself",
                options->folder, strerror(-error));
    else if (state == STORE_FULL && error == 0)
        log_say(options->log, CONFIG_LOG_ERROR,
                "%s is at its bound (limits: store-bytes): what has to be kept is refused until "
                "something has been fetched or has expired",
                options->folder);
    else if (state == STORE_FULL)
        log_say(options->log, CONFIG_LOG_ERROR,
                "%s: %s; what has to be kept is refused until there is space again",
                options->folder, strerror(-error));
    else
        log_say(options->log, CONFIG_LOG_NOTICE, "%s can be written again", options->folder);
}

/* Under the lock. */
/* A disk that refuses for lack of space is full, also when it says so only in the middle of a write:
 * there it can be told to clients, who can do something about it. */
static enum store_state find_state(const struct scribe *scribe)
{
    enum store_state state = store_state(scribe->options.store);
    int error = store_error(scribe->options.store);
    bool is_short = error == -ENOSPC || error == -EDQUOT || error == -EFBIG;

    return state == STORE_FAILED && is_short ? STORE_FULL : state;
}

void scribe_renew_figures(struct scribe *scribe)
{
    struct scribe_figures *figures = &scribe->figures;

    figures->store = store_figures(scribe->options.store);
    figures->state = find_state(scribe);
    figures->error = store_error(scribe->options.store);
}

/* Tells all shards and the operator when the state is another. */
void scribe_tell_state(struct scribe *scribe)
{
    enum store_state state = find_state(scribe);

    if (state == scribe->told)
        return;
    scribe->told = state;
    complain(scribe, state);
    bell_lock(&scribe->bell);
    for (unsigned i = 0; i < scribe->options.count; i++) {
        scribe->notices[i].progress.state = journal_state_of(scribe, state);
        scribe_post(&scribe->notices[i]);
    }
    scribe_renew_figures(scribe);
    bell_unlock(&scribe->bell, BELL_NOTHING);
    scribe_post_due(scribe);
}

/* ---- figures ---- */

void scribe_count_latency(struct scribe_figures *figures, uint64_t us)
{
    unsigned bucket = 0;

    while (bucket + 1 < SCRIBE_BUCKETS && us >= UINT64_C(1) << (bucket + 5))
        bucket++;
    figures->latency[bucket]++;
    figures->latency_sum_us += us;
    figures->confirmed_frames++;
}

struct scribe_figures scribe_figures(struct scribe *scribe)
{
    bell_lock(&scribe->bell);
    struct scribe_figures figures = scribe->figures;
    bell_unlock(&scribe->bell, BELL_NOTHING);
    return figures;
}
