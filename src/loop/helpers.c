/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/helpers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct helpers {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct helper_job *first;
    struct helper_job *last;
    unsigned waiting;
    unsigned queue_limit;
    bool closing;
    unsigned thread_count;
    pthread_t threads[];
};

static void deliver_result(struct loop_message *message, struct loop *loop)
{
    (void)loop;
    struct helper_job *job = MQTT_CONTAINER_OF(message, struct helper_job, message);
    job->done(job);
}

/* The next job, or NULL when the helpers close and nothing waits. */
static struct helper_job *next_job(struct helpers *helpers)
{
    pthread_mutex_lock(&helpers->lock);
    while (helpers->first == NULL && !helpers->closing)
        pthread_cond_wait(&helpers->changed, &helpers->lock);
    struct helper_job *job = helpers->first;
    if (job != NULL) {
        helpers->first = job->next;
        if (helpers->first == NULL)
            helpers->last = NULL;
        helpers->waiting--;
    }
    pthread_mutex_unlock(&helpers->lock);
    return job;
}

static void *run(void *context)
{
    struct helpers *helpers = context;
    pthread_setname_np(pthread_self(), "helper");
    for (struct helper_job *job = next_job(helpers); job != NULL; job = next_job(helpers)) {
        job->work(job);
        loop_post(job->home, &job->message, deliver_result);
    }
    return NULL;
}

int helpers_open(unsigned threads, unsigned queue_limit, struct helpers **out)
{
    if (threads == 0)
        return -EINVAL;
    struct helpers *helpers = calloc(1, sizeof(*helpers) + threads * sizeof(pthread_t));
    if (helpers == NULL)
        return -ENOMEM;
    helpers->queue_limit = queue_limit;
    pthread_mutex_init(&helpers->lock, NULL);
    pthread_cond_init(&helpers->changed, NULL);
    for (unsigned i = 0; i < threads; i++) {
        int error = pthread_create(&helpers->threads[i], NULL, run, helpers);
        if (error != 0) {
            helpers_close(helpers);
            return -error;
        }
        helpers->thread_count++;
    }
    *out = helpers;
    return 0;
}

void helpers_close(struct helpers *helpers)
{
    if (helpers == NULL)
        return;
    pthread_mutex_lock(&helpers->lock);
    helpers->closing = true;
    pthread_cond_broadcast(&helpers->changed);
    pthread_mutex_unlock(&helpers->lock);
    for (unsigned i = 0; i < helpers->thread_count; i++)
        pthread_join(helpers->threads[i], NULL);
    pthread_cond_destroy(&helpers->changed);
    pthread_mutex_destroy(&helpers->lock);
    free(helpers);
}

int helpers_submit(struct helpers *helpers, struct helper_job *job, struct loop *home,
                   helper_work work, helper_work done)
{
    int result = -EAGAIN;
    pthread_mutex_lock(&helpers->lock);
    if (helpers->waiting < helpers->queue_limit) {
        *job = (struct helper_job){ .home = home, .work = work, .done = done };
        if (helpers->last != NULL)
            helpers->last->next = job;
        else
            helpers->first = job;
        helpers->last = job;
        helpers->waiting++;
        pthread_cond_signal(&helpers->changed);
        result = 0;
    }
    pthread_mutex_unlock(&helpers->lock);
    return result;
}
