/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/helpers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#define JOBS 50

struct sum {
    struct helper_job job;
    pthread_t submitter;
    unsigned input;
    unsigned square;
    unsigned *total;
    unsigned *left;
};

static void square(struct helper_job *job)
{
    struct sum *sum = MQTT_CONTAINER_OF(job, struct sum, job);
    assert_false(pthread_equal(pthread_self(), sum->submitter));
    sum->square = sum->input * sum->input;
}

static void add(struct helper_job *job)
{
    struct sum *sum = MQTT_CONTAINER_OF(job, struct sum, job);
    assert_true(pthread_equal(pthread_self(), sum->submitter));
    *sum->total += sum->square;
    if (--*sum->left == 0)
        loop_stop(job->home);
}

static void results_come_back_to_the_home_loop(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct helpers *helpers = NULL;
    assert_int_equal(loop_open(&loop), 0);
    assert_int_equal(helpers_open(3, JOBS, &helpers), 0);
    struct sum sums[JOBS];
    unsigned total = 0;
    unsigned left = JOBS;
    unsigned expected = 0;
    for (unsigned i = 0; i < JOBS; i++) {
        sums[i] =
            (struct sum){ .submitter = pthread_self(), .input = i, .total = &total, .left = &left };
        expected += i * i;
        assert_int_equal(helpers_submit(helpers, &sums[i].job, loop, square, add), 0);
    }
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(total, expected);
    helpers_close(helpers);
    loop_close(loop);
}

struct blocker {
    struct helper_job job;
    sem_t *started;
    sem_t *go_on;
    unsigned done;
};

static void block(struct helper_job *job)
{
    struct blocker *blocker = MQTT_CONTAINER_OF(job, struct blocker, job);
    sem_post(blocker->started);
    sem_wait(blocker->go_on);
}

static void count(struct helper_job *job)
{
    MQTT_CONTAINER_OF(job, struct blocker, job)->done++;
}

static void a_full_queue_refuses_and_close_finishes_the_rest(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct helpers *helpers = NULL;
    sem_t started;
    sem_t go_on;
    sem_init(&started, 0, 0);
    sem_init(&go_on, 0, 0);
    assert_int_equal(loop_open(&loop), 0);
    assert_int_equal(helpers_open(1, 1, &helpers), 0);
    struct blocker jobs[3];
    for (size_t i = 0; i < 3; i++)
        jobs[i] = (struct blocker){ .started = &started, .go_on = &go_on };
    assert_int_equal(helpers_submit(helpers, &jobs[0].job, loop, block, count), 0);
    sem_wait(&started);
    assert_int_equal(helpers_submit(helpers, &jobs[1].job, loop, block, count), 0);
    assert_int_equal(helpers_submit(helpers, &jobs[2].job, loop, block, count), -EAGAIN);
    sem_post(&go_on);
    sem_post(&go_on);
    helpers_close(helpers);
    loop_deliver(loop);
    assert_int_equal(jobs[0].done, 1);
    assert_int_equal(jobs[1].done, 1);
    assert_int_equal(jobs[2].done, 0);
    loop_close(loop);
    sem_destroy(&started);
    sem_destroy(&go_on);
}

static void no_threads_is_refused(void **state)
{
    (void)state;
    struct helpers *helpers = NULL;
    assert_int_equal(helpers_open(0, 1, &helpers), -EINVAL);
    helpers_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_back_to_the_home_loop),
        cmocka_unit_test(a_full_queue_refuses_and_close_finishes_the_rest),
        cmocka_unit_test(no_threads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
