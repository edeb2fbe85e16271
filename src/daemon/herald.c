/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/herald.h"

#include "core/bucket.h"
#include "daemon/wall.h"

#include <pthread.h>
#include <stdlib.h>

#define SPAN_S 10u /* of the limit of a kind */

struct herald {
    struct log *log;
    struct log_witness witness;
    pthread_mutex_t lock; /* around the rest */
    uint64_t per_s;
    uint64_t queue_most;
    struct bucket buckets[LOG_KIND_COUNT];
    uint64_t left_out[LOG_KIND_COUNT]; /* not told yet */
    struct list waiting;               /* struct announcement */
    uint64_t waiting_count;
    struct loop *loop; /* NULL: nobody to tell */
    herald_tell tell;
    void *context;
    struct loop_message message;
    bool is_posted;
};

/* ---- on the loop's thread ---- */

static struct announcement *first_of(struct list *list)
{
    struct list *first = list_take_first(list);

    return first != NULL ? MQTT_CONTAINER_OF(first, struct announcement, link) : NULL;
}

/* NULL: none waits, or there is nobody to tell. */
static struct announcement *take(struct herald *herald)
{
    struct announcement *first = NULL;

    pthread_mutex_lock(&herald->lock);
    if (herald->loop != NULL)
        first = first_of(&herald->waiting);
    if (first != NULL)
        herald->waiting_count--;
    else
        herald->is_posted = false;
    pthread_mutex_unlock(&herald->lock);
    return first;
}

static void on_message(struct loop_message *message, struct loop *loop)
{
    struct herald *herald = MQTT_CONTAINER_OF(message, struct herald, message);

    (void)loop;
    for (struct announcement *next = take(herald); next != NULL; next = take(herald)) {
        herald->tell(herald->context, next);
        announcement_free(next);
    }
}

/* The lock is held. */
static void post(struct herald *herald)
{
    if (herald->loop == NULL || herald->is_posted || list_is_empty(&herald->waiting))
        return;
    herald->is_posted = true;
    loop_post(herald->loop, &herald->message, on_message);
}

/* ---- on any thread ---- */

static struct announcement *make(struct herald *herald, const struct log_line *line)
{
    const struct policy_rate rate = { (uint32_t)(herald->per_s * SPAN_S), SPAN_S };
    uint64_t now_ms = loop_clock_ns() / 1000000;

    if (herald->waiting_count >= herald->queue_most
        || !bucket_take(&herald->buckets[line->kind], &rate, 1, now_ms))
        return NULL;
    return announcement_new(line, wall_now_ms(), herald->left_out[line->kind]);
}

static void on_line(void *context, const struct log_line *line)
{
    struct herald *herald = context;

    pthread_mutex_lock(&herald->lock);
    struct announcement *made = make(herald, line);
    if (made == NULL) {
        herald->left_out[line->kind]++;
    } else {
        herald->left_out[line->kind] = 0;
        list_push_back(&herald->waiting, &made->link);
        herald->waiting_count++;
        post(herald);
    }
    pthread_mutex_unlock(&herald->lock);
}

/* ---- life ---- */

struct herald *herald_open(struct log *log, const struct limits *limits)
{
    struct herald *herald = calloc(1, sizeof(*herald));

    if (herald == NULL || pthread_mutex_init(&herald->lock, NULL) != 0) {
        free(herald);
        return NULL;
    }
    list_init(&herald->waiting);
    herald->log = log;
    herald->witness = (struct log_witness){ herald, on_line };
    herald_follow(herald, limits);
    log_set_alarm_witness(log, &herald->witness);
    return herald;
}

void herald_close(struct herald *herald)
{
    if (herald == NULL)
        return;
    log_set_alarm_witness(herald->log, NULL);
    for (struct announcement *next = first_of(&herald->waiting); next != NULL;
         next = first_of(&herald->waiting))
        announcement_free(next);
    (void)pthread_mutex_destroy(&herald->lock);
    free(herald);
}

void herald_follow(struct herald *herald, const struct limits *limits)
{
    pthread_mutex_lock(&herald->lock);
    herald->per_s = limits->events_per_s;
    herald->queue_most = limits->events_queue;
    pthread_mutex_unlock(&herald->lock);
}

void herald_attach(struct herald *herald, struct loop *loop, herald_tell tell, void *context)
{
    pthread_mutex_lock(&herald->lock);
    herald->loop = loop;
    herald->tell = tell;
    herald->context = context;
    post(herald);
    pthread_mutex_unlock(&herald->lock);
}
