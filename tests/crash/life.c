/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/series.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define START_MS   20000 /* only a broker that does not start again waits it out */
#define END_MS     10000
#define LONGEST_US 40000 /* of a life whose moment does not come */
#define STILL_US   3000000

struct course {
    int64_t began_us;
    int64_t hello_us; /* 0: no CONNACK yet */
    uint64_t packets; /* of the report, when it began */
    bool has_probed;
};

static uint64_t packets(const struct series *s)
{
    const struct report *report = s->model.place.report;

    return report->delivered + report->acknowledged;
}

static size_t below(struct series *s, size_t bound)
{
    return test_random_below(&s->random, bound);
}

/* ---- what clients do ---- */

static struct actor_options options(struct series *s, unsigned who)
{
    struct actor_options chosen = { .expiry_s = ACTOR_FOREVER, .patience = 1 };

    /* Two of them have short-lived sessions now and then, two have few messages in flight. */
    if (who >= 8 && below(s, 3) == 0)
        chosen.expiry_s = 1;
    if (who % 3 == 0)
        chosen.receive_maximum = (uint16_t)(1 + below(s, 6));
    if (below(s, 3) == 0)
        chosen.patience = 2 + (unsigned)below(s, 30);
    chosen.has_will = below(s, 2) == 0;
    chosen.will_qos = (uint8_t)(1 + below(s, 2));
    chosen.will_delay_s = below(s, 3) == 0 ? 0 : below(s, 2) == 0 ? 1 : ACTOR_FOREVER;
    return chosen;
}

static uint32_t length(struct series *s)
{
    size_t kind = below(s, 200);

    if (kind == 0)
        return 70000 + (uint32_t)below(s, 60000);
    return kind < 8 ? 4000 + (uint32_t)below(s, 20000) : 8 + (uint32_t)below(s, 300);
}

static void publish(struct series *s, unsigned who)
{
    struct publication like = {
        .publisher = (uint8_t)who,
        .topic = (uint8_t)below(s, MODEL_PLAIN),
        .qos = (uint8_t)(below(s, 12) == 0 ? 0 : 1 + below(s, 2)),
        .len = length(s),
    };

    if (below(s, 5) == 0) {
        like.topic = (uint8_t)(MODEL_SHARED + below(s, 2));
    } else if (who < 3 && below(s, 3) == 0) {
        /* One QoS for each: a QoS 1 message that is sent again may rightly be kept in the place of a
         * later QoS 2 message, which is not taken again. */
        like.topic = (uint8_t)(MODEL_RETAINED + who);
        like.qos = (uint8_t)(1 + who % 2);
        like.retain = true;
        like.is_empty = below(s, 6) == 0;
    }
    if (like.is_empty)
        like.len = 0;
    if (s->actors[who]->version == MQTT_VERSION_5 && !like.retain && below(s, 6) == 0)
        like.expiry_s = below(s, 3) == 0 ? 1 : ACTOR_FOREVER;
    actor_publish(s->actors[who], &like);
}

/* A client is to have some filters: by its number, so that there is always somebody for each. */
static bool wants(unsigned who, unsigned filter)
{
    if (filter < MODEL_PLAIN)
        return who != 9 && (who + filter) % 3 == 0;
    if (filter == MODEL_FILTER_WILD)
        return who == 9 || who == 4;
    if (filter == MODEL_FILTERS - 1)
        return who >= 5;
    return filter < MODEL_FILTERS - 3 ? who == filter - 3 || who == filter - 2 : who < 3;
}

static void change_subscription(struct series *s, unsigned who, bool may_remove)
{
    unsigned filter = (unsigned)below(s, MODEL_FILTERS);
    unsigned is_possible = s->model.possible[who][filter];
    unsigned qos = filter >= MODEL_FILTERS - 3 ? 2 : below(s, 8) == 0 ? 0 : 1 + (who + filter) % 2;

    if (!wants(who, filter))
        return;
    if ((is_possible & MODEL_ABSENT) != 0)
        actor_subscribe(s->actors[who], filter, qos);
    else if (may_remove && below(s, 4) == 0)
        actor_unsubscribe(s->actors[who], filter);
    else if (may_remove && filter <= MODEL_FILTER_WILD)
        actor_subscribe(s->actors[who], filter, qos);
}

static void act(struct series *s, unsigned who)
{
    struct actor *actor = s->actors[who];
    size_t kind = below(s, 1000);

    if (kind < 700) {
        publish(s, who);
    } else if (kind < 960) {
        change_subscription(s, who, kind > 945);
    } else if (kind < 975) {
        const struct actor_options chosen = options(s, who);
        (void)actor_open(actor, &chosen);
    } else if (kind < 984) {
        actor_leave(actor, FAREWELL_NONE);
    } else if (kind < 994) {
        actor_leave(actor, FAREWELL_POLITE);
        s->back[who] = s->model.place.life + (unsigned)below(s, 5);
    } else if (kind < 996) {
        actor_leave(actor, FAREWELL_FOR_EVER);
    } else if (who > 2 || below(s, 4) == 0) {
        /* Those who are in the groups seldom: what was meant for them is judged no more. */
        actor_leave(actor, FAREWELL_NONE);
        actor->wants_clean = true;
    }
}

static void turn(struct series *s, unsigned who)
{
    struct actor *actor = s->actors[who];

    actor_turn(actor, &s->random);
    if (actor->phase == ACTOR_AWAY && !actor->is_cut && s->back[who] <= s->model.place.life) {
        const struct actor_options chosen = options(s, who);
        (void)actor_open(actor, &chosen);
    }
    if (actor->phase != ACTOR_HERE)
        return;
    for (unsigned i = 0; i < 2 && actor->phase == ACTOR_HERE; i++)
        change_subscription(s, who, false);
    if (below(s, 1000) < s->plan.pace)
        act(s, who);
}

/* ---- the sockets ---- */

static void wait_and_read(struct series *s)
{
    struct pollfd fds[MODEL_ACTORS + 1];

    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        fds[i] = (struct pollfd){ .fd = s->actors[i]->fd, .events = POLLIN };
    fds[MODEL_ACTORS] = (struct pollfd){ .fd = s->probe.fd, .events = POLLIN };
    if (poll(fds, MODEL_ACTORS + 1, 1) <= 0)
        return;
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        if (fds[i].revents != 0)
            actor_read(s->actors[i]);
    if (fds[MODEL_ACTORS].revents != 0)
        (void)probe_read(&s->probe, &s->model);
}

/* ---- the end of a life ---- */

static bool is_cut(const struct series *s)
{
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        if (s->actors[i]->is_cut)
            return true;
    return false;
}

static void tell_log(const struct series *s)
{
    char log[4000];

    broker_log(s->broker, log, sizeof(log));
    report_say("    its log: %s\n", log);
}

static void complain(const struct series *s, const char *what, int status)
{
    if (!report_begin(&s->model.place, FAULT_WRONG, 1))
        return;
    report_say("%s (status 0x%x, %u shards)\n", what, (unsigned)status, s->plan.shards);
    tell_log(s);
    report_end(&s->model.place);
}

static void look_at_log(const struct series *s)
{
    char log[4000];

    broker_complaints(s->broker, log, sizeof(log));
    if (log[0] != '\0')
        complain(s, "the broker says that something is wrong", 0);
}

static void finish_crash(struct series *s, const struct course *course)
{
    struct report *report = s->model.place.report;

    for (unsigned i = 0; i < MODEL_ACTORS; i++) {
        actor_crash(s->actors[i], below(s, 3) == 0);
        size_t pause = below(s, 20);
        if (pause < 3)
            s->back[i] = s->model.place.life + 1 + (unsigned)below(s, pause == 0 ? 15 : 4);
    }
    if (s->probe.fd >= 0)
        (void)probe_read(&s->probe, &s->model);
    probe_end(&s->probe);
    model_crash(&s->model);
    look_at_log(s);
    report_add(&report->crashes, 1);
    report_add(&report->early, course->hello_us == 0);
}

/* Has the moment come at which it is killed from outside? */
static bool is_time(const struct series *s, const struct course *course)
{
    int64_t now_us = broker_now_us();
    int64_t bound = s->plan.bound;

    switch (s->plan.moment) {
    case MOMENT_FROM_START:
        return now_us - course->began_us >= bound;
    case MOMENT_FROM_HELLO:
        return course->hello_us != 0 && now_us - course->hello_us >= bound;
    case MOMENT_AT_PACKET:
        if (packets(s) - course->packets >= (uint64_t)bound)
            return true;
        break;
    case MOMENT_AT_CALL:
        break;
    }
    return course->hello_us != 0 && now_us - course->hello_us >= LONGEST_US;
}

static void see_hello(const struct series *s, struct course *course)
{
    for (unsigned i = 0; i < MODEL_ACTORS && course->hello_us == 0; i++)
        if (s->actors[i]->phase == ACTOR_HERE)
            course->hello_us = broker_now_us();
}

static bool is_kill(const struct series *s, int status)
{
    /* Before it listens to it, SIGTERM kills as well. */
    if (s->model.place.report->is_gentle && (status == 0 || status == SIGTERM))
        return true;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* True: it was killed; false: it ended, or does not start. */
static bool live(struct series *s, struct course *course, int *out_status)
{
    int64_t limit_us = course->began_us + START_MS * INT64_C(1000);

    while (!is_time(s, course)) {
        if (broker_has_ended(s->broker, out_status))
            return is_kill(s, *out_status);
        if (is_cut(s)) {
            if (broker_wait(s->broker, END_MS, out_status))
                continue;
            complain(s, "the broker closes connections and lives", *out_status);
            return true;
        }
        if (course->hello_us == 0 && broker_now_us() > limit_us) {
            complain(s, "the broker does not start again", 0);
            break;
        }
        if (s->plan.has_probe && !course->has_probed)
            course->has_probed = probe_begin(&s->probe, s->broker, &s->model);
        for (unsigned i = 0; i < MODEL_ACTORS; i++)
            turn(s, i);
        wait_and_read(s);
        see_hello(s, course);
    }
    broker_signal(s->broker, s->model.place.report->is_gentle ? SIGTERM : SIGKILL);
    while (s->model.place.report->is_gentle && !broker_has_ended(s->broker, out_status))
        wait_and_read(s);
    return (s->broker->pid == 0 || broker_wait(s->broker, END_MS, out_status))
           && is_kill(s, *out_status);
}

static bool start(struct series *s, struct course *course)
{
    *course = (struct course){ .packets = packets(s) };
    broker_reset(s->broker);
    s->broker->control->rules[SHIM_SYNC].delay_us = s->plan.sync_us;
    if (s->plan.moment == MOMENT_AT_CALL) {
        s->broker->control->kill_at = s->plan.bound;
        s->broker->control->kill_when = s->plan.when;
        s->broker->control->loss =
            s->plan.is_lossy ? (uint32_t)test_random_next(&s->random) | 1 : 0;
    }
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        s->actors[i]->is_cut = false;
    course->began_us = broker_now_us();
    int error = broker_start(s->broker, s->plan.shards);
    if (error != 0)
        complain(s, strerror(-error), 0);
    return error == 0;
}

/* A life in which nobody comes proves nothing. */
static void let_somebody_come(struct series *s)
{
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        if (s->back[i] <= s->model.place.life)
            return;
    s->back[0] = s->model.place.life;
}

bool life_run(struct series *s)
{
    struct course course;
    int status = 0;

    let_somebody_come(s);
    if (!start(s, &course))
        return false;
    bool was_killed = live(s, &course, &status);
    if (!was_killed)
        complain(s, "the broker ended by itself", status);
    finish_crash(s, &course);
    return was_killed;
}

/* ---- the last life ---- */

/* Those who wait for their own will to be published are not back. */
static bool is_back(const struct series *s, unsigned who)
{
    return s->back[who] <= s->model.place.life;
}

static bool is_settled(const struct series *s)
{
    for (unsigned i = 0; i < MODEL_ACTORS; i++) {
        const struct actor *actor = s->actors[i];
        if (!is_back(s, i))
            continue;
        if (actor->phase != ACTOR_HERE || !actor_is_idle(actor) || actor->awaits_pong
            || model_missing(&s->model, i) > 0)
            return false;
    }
    return model_missing_of_groups(&s->model) == 0;
}

static void serve(struct series *s)
{
    const struct actor_options last = { .expiry_s = ACTOR_FOREVER, .patience = 1 };

    for (unsigned i = 0; i < MODEL_ACTORS; i++) {
        struct actor *actor = s->actors[i];
        if (actor->phase == ACTOR_AWAY && is_back(s, i) && !actor->is_cut)
            (void)actor_open(actor, &last);
        actor_turn(actor, &s->random);
    }
    wait_and_read(s);
}

/* Until all that is owed has come, or nothing has come for long. */
static void collect(struct series *s)
{
    uint64_t before = 0;
    int64_t changed_us = broker_now_us();
    int64_t looked_us = 0;

    while (broker_now_us() - changed_us < STILL_US && !is_cut(s)) {
        serve(s);
        if (packets(s) != before)
            changed_us = broker_now_us();
        before = packets(s);
        if (broker_now_us() - looked_us < 5000)
            continue;
        looked_us = broker_now_us();
        if (is_settled(s))
            return;
    }
}

/* What should not come at all would come now. */
static void listen_on(struct series *s)
{
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        if (s->actors[i]->phase == ACTOR_HERE)
            actor_ping(s->actors[i]);
    int64_t until_us = broker_now_us() + 20000;
    while (broker_now_us() < until_us)
        serve(s);
    collect(s);
}

static void look_at_retained(struct series *s)
{
    int64_t until_us = broker_now_us() + STILL_US;

    if (!probe_begin(&s->probe, s->broker, &s->model))
        return;
    while (s->probe.fd >= 0 && broker_now_us() < until_us)
        serve(s);
    probe_end(&s->probe);
}

/* Who was cut off by the last crash and had a will: it has to be published, as nobody returns in
 * time. Half of them, so that the others are seen to resume. */
static void await_wills(struct series *s)
{
    for (unsigned i = 0; i < MODEL_ACTORS; i++) {
        const struct actor *actor = s->actors[i];
        s->back[i] = 0;
        if (actor->will == NULL || !actor->has_new_will || !actor->was_kept
            || actor->will_delay_s == ACTOR_FOREVER || actor->shortest_expiry_s < ACTOR_FOREVER
            || below(s, 2) == 0)
            continue;
        s->back[i] = s->model.place.life + 1;
        model_will_is_due(&s->model, actor->will);
    }
}

bool life_last(struct series *s)
{
    struct course course;
    int status = 0;

    s->plan = (struct plan){ .shards = 1 + (unsigned)below(s, 3), .moment = MOMENT_FROM_HELLO };
    if (s->model.place.report->shards > 0)
        s->plan.shards = s->model.place.report->shards;
    await_wills(s);
    if (!start(s, &course))
        return false;
    collect(s);
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        s->back[i] = 0;
    collect(s);
    if (!is_cut(s))
        listen_on(s);
    look_at_retained(s);
    model_judge(&s->model);
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        actor_judge(s->actors[i]);
    if (is_cut(s)) {
        complain(s, "the broker ended or closed connections, though nobody killed it", 0);
        (void)broker_wait(s->broker, 100, &status);
        return false;
    }
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        if (s->actors[i]->fd >= 0)
            actor_leave(s->actors[i], FAREWELL_POLITE);
    broker_signal(s->broker, SIGTERM);
    if (!broker_wait(s->broker, END_MS, &status) || status != 0)
        complain(s, "the broker does not end as it should", status);
    look_at_log(s);
    return true;
}
