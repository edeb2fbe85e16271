/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/logins.h"

#include "core/limits.h"
#include "pki/private_file.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define JOBS 6

struct world {
    char folder[64];
    char registry[96];
    char secret[96];
    struct limits limits;
    struct log *log;
    struct loop *loop;
    struct logins *logins;
};

static struct logins *open_logins(const struct world *world)
{
    const struct logins_options options = {
        .registry_path = world->registry,
        .secret_path = world->secret,
        .limits = &world->limits,
        .hash_key = { 1, 2 },
        .log = world->log,
    };
    struct logins *logins = NULL;
    struct pki_fault fault = { "" };

    if (logins_open(&options, &logins, &fault) != 0)
        fail_msg("%s", fault.text);
    return logins;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    snprintf(world->folder, sizeof(world->folder), "/tmp/logins-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->registry, sizeof(world->registry), "%s/registry.db", world->folder);
    snprintf(world->secret, sizeof(world->secret), "%s/secret", world->folder);
    world->limits = limits_default();
    world->limits.password_threads = 2;
    world->limits.password_queue = 2;
    world->log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR);
    assert_non_null(world->log);
    assert_int_equal(loop_open(&world->loop), 0);
    world->logins = open_logins(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char path[128];

    logins_free(world->logins);
    loop_close(world->loop);
    log_free(world->log);
    unlink(world->secret);
    unlink(world->registry);
    snprintf(path, sizeof(path), "%s-wal", world->registry);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", world->registry);
    unlink(path);
    rmdir(world->folder);
    free(world);
    return 0;
}

/* A look that lasts until the gate is opened. */
struct look {
    struct helper_job job;
    struct logins *logins;
    pthread_mutex_t *gate;
    unsigned *at_once; /* now, and the most so far: under the lock of the count */
    unsigned *most;
    pthread_mutex_t *count;
    bool is_done;
};

static void work(struct helper_job *job)
{
    struct look *look = MQTT_CONTAINER_OF(job, struct look, job);
    struct registry *registry = logins_take_registry(look->logins);

    pthread_mutex_lock(look->count);
    if (++*look->at_once > *look->most)
        *look->most = *look->at_once;
    pthread_mutex_unlock(look->count);
    pthread_mutex_lock(look->gate);
    pthread_mutex_unlock(look->gate);
    pthread_mutex_lock(look->count);
    --*look->at_once;
    pthread_mutex_unlock(look->count);
    logins_give_registry(look->logins, registry);
}

static void done(struct helper_job *job)
{
    struct look *look = MQTT_CONTAINER_OF(job, struct look, job);

    logins_done(look->logins);
    look->is_done = true;
}

/* limits.password-threads and limits.password-queue; strangers get half the queue. */
static void what_waits_is_bounded(void **state)
{
    struct world *world = *state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_t count = PTHREAD_MUTEX_INITIALIZER;
    unsigned at_once = 0;
    unsigned most = 0;
    struct look looks[JOBS];
    static const struct {
        bool is_known;
        int status;
    } rows[JOBS] = {
        { false, 0 },       { false, 0 }, { false, 0 },
        { false, -EAGAIN }, { true, 0 },  { true, -EAGAIN },
    };

    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < JOBS; i++) {
        looks[i] = (struct look){ .logins = world->logins,
                                  .gate = &gate,
                                  .at_once = &at_once,
                                  .most = &most,
                                  .count = &count };
        /* Those that are looked at do not wait any more. */
        for (unsigned busy = 0; i >= 2 && busy < 2;) {
            pthread_mutex_lock(&count);
            busy = at_once;
            pthread_mutex_unlock(&count);
        }
        assert_int_equal(
            logins_submit(world->logins, &looks[i].job, world->loop, rows[i].is_known, work, done),
            rows[i].status);
    }
    pthread_mutex_unlock(&gate);
    logins_stop(world->logins);
    loop_deliver(world->loop);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(looks[i].is_done, rows[i].status == 0);
    assert_int_equal(most, 2);
    assert_int_equal(logins_submit(world->logins, &looks[0].job, world->loop, true, work, done),
                     -EAGAIN);
}

static void the_secret_survives(void **state)
{
    struct world *world = *state;
    uint8_t before[SCRAM_KEY_BYTES];

    memcpy(before, logins_secret(world->logins), sizeof(before));
    assert_int_equal(private_file_is_closed(world->secret), 0);
    logins_free(world->logins);
    world->logins = open_logins(world);
    assert_memory_equal(logins_secret(world->logins), before, sizeof(before));
    /* One that is damaged is made anew. */
    logins_free(world->logins);
    assert_int_equal(private_file_write(world->secret, span_of("short"), PRIVATE_FILE_REPLACE), 0);
    world->logins = open_logins(world);
    assert_memory_not_equal(logins_secret(world->logins), before, sizeof(before));
}

/* The shards' clocks differ a little; a look back in time is none. */
static void clocks_may_differ(void **state)
{
    struct world *world = *state;
    struct lockout_try attempt;

    for (unsigned i = 0; i < 3; i++) {
        const struct lockout_facts facts = { .address = "192.0.2.1:1",
                                             .account = span_of("a"),
                                             .secret = span_of(i == 0   ? "x"
                                                               : i == 1 ? "y"
                                                                        : "z") };
        assert_int_equal(logins_ask(world->logins, &facts, 1000 - i, &attempt), LOCKOUT_GO);
        logins_settle(world->logins, &attempt, LOCKOUT_WRONG, "192.0.2.1", 999 - i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_waits_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_secret_survives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clocks_may_differ, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
