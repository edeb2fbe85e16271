/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/herald.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct stage {
    struct log *log;
    struct herald *herald;
    struct loop *loop;
    unsigned told;
    char last[1024];
};

static void on_tell(void *context, const struct announcement *announcement)
{
    struct stage *stage = context;
    struct mqtt_span object = announcement_object(announcement);

    stage->told++;
    (void)snprintf(stage->last, sizeof(stage->last), "%.*s", (int)object.len,
                   (const char *)object.data);
}

static void open_stage(struct stage *stage, uint64_t per_s, uint64_t queue)
{
    struct limits limits = limits_default();

    limits.events_per_s = per_s;
    limits.events_queue = queue;
    *stage = (struct stage){ .log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR) };
    assert_non_null(stage->log);
    stage->herald = herald_open(stage->log, &limits);
    assert_non_null(stage->herald);
    assert_int_equal(loop_open(&stage->loop), 0);
}

static void close_stage(struct stage *stage)
{
    herald_attach(stage->herald, NULL, NULL, NULL);
    loop_deliver(stage->loop);
    herald_close(stage->herald);
    loop_close(stage->loop);
    log_free(stage->log);
}

static void say(struct stage *stage, enum log_kind kind, unsigned times)
{
    const struct log_line line = { .level = CONFIG_LOG_DEBUG,
                                   .kind = kind,
                                   .text = "something happened" };

    for (unsigned i = 0; i < times; i++)
        log_write(stage->log, &line);
}

static void what_came_before_is_told_and_only_alarms_are(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, 10, 256);
    assert_true(log_wants(stage.log, CONFIG_LOG_DEBUG, LOG_CLONE));
    assert_false(log_wants(stage.log, CONFIG_LOG_DEBUG, LOG_CONNECTED));
    say(&stage, LOG_CLONE, 2);
    say(&stage, LOG_CONNECTED, 1);
    loop_deliver(stage.loop);
    assert_int_equal(stage.told, 0);
    herald_attach(stage.herald, stage.loop, on_tell, &stage);
    loop_deliver(stage.loop);
    assert_int_equal(stage.told, 2);
    say(&stage, LOG_SENSE_SOURCE, 1);
    loop_deliver(stage.loop);
    assert_int_equal(stage.told, 3);
    close_stage(&stage);
}

/* limits.events_per_s: a kind that floods takes nothing from another, and the next one says so. */
static void beyond_the_rate_is_counted_and_said(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, 1, 256);
    herald_attach(stage.herald, stage.loop, on_tell, &stage);
    say(&stage, LOG_CANARY, 15);
    say(&stage, LOG_CLONE, 1);
    loop_deliver(stage.loop);
    assert_int_equal(stage.told, 10 + 1);
    struct limits limits = limits_default();
    limits.events_per_s = 1000; /* there is room again in a thousandth of a second */
    herald_follow(stage.herald, &limits);
    unsigned left_out = 5 - 1;
    for (; stage.told == 11; left_out++) {
        say(&stage, LOG_CANARY, 1);
        loop_deliver(stage.loop);
    }
    char said[40];
    (void)snprintf(said, sizeof(said), "\"left_out\":\"%u\"", left_out);
    assert_non_null(strstr(stage.last, said));
    say(&stage, LOG_CLONE, 1);
    loop_deliver(stage.loop);
    assert_null(strstr(stage.last, "left_out"));
    close_stage(&stage);
}

/* limits.events_queue */
static void beyond_the_queue_is_counted_and_said(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, 100, 3);
    herald_attach(stage.herald, stage.loop, on_tell, &stage);
    say(&stage, LOG_HELD, 5);
    loop_deliver(stage.loop);
    assert_int_equal(stage.told, 3);
    say(&stage, LOG_HELD, 1);
    loop_deliver(stage.loop);
    assert_non_null(strstr(stage.last, "\"left_out\":\"2\""));
    close_stage(&stage);
}

/* At the end: nobody is called any more, and what waits is freed. */
static void detached_nobody_is_told(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, 10, 256);
    herald_attach(stage.herald, stage.loop, on_tell, &stage);
    say(&stage, LOG_CLONE, 2);
    herald_attach(stage.herald, NULL, NULL, NULL);
    say(&stage, LOG_CLONE, 1);
    loop_deliver(stage.loop);
    assert_int_equal(stage.told, 0);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_before_is_told_and_only_alarms_are),
        cmocka_unit_test(beyond_the_rate_is_counted_and_said),
        cmocka_unit_test(beyond_the_queue_is_counted_and_said),
        cmocka_unit_test(detached_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
