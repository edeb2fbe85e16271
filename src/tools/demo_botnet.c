/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/demo_botnet.h"

#include "tools/demo_broker.h"
#include "tools/demo_fleet.h"
#include "tools/identity_print.h"

#include <tacit/posix.h>

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#define BOTS       3u
#define LEARN_MS   70000u
#define RESPOND_MS 20000u
#define CALM_MS    1000u
#define RETURN_MS  5000u
#define WATCHED    "is watched"

static const char configuration[] =
    "shards = 1\n"
    "sense { mode = respond learn = 10s shape = 5s prove = 15s quarantine-for = 1h }\n"
    "limits { sense-window-ms = 250 sense-quarantine-percent = 10 }\n"
    "role \"sensor\" {\n"
    "  publish   = { \"plant/%{device}/#\" }\n"
    "  subscribe = { \"plant/%{device}/#\" }\n"
    "}\n";

/* The show. */
struct show {
    const struct identity_options *options;
    struct demo_broker broker;
    struct demo_fleet fleet;
    uint64_t began_ms;
    sigset_t ends;   /* signals that end it; blocked */
    json_t *events;  /* records that were seen, for --json */
    unsigned held;   /* bots that are in quarantine */
    unsigned others; /* sensors about which something was done, and that are no bots */
    bool is_watched;
    bool is_over; /* somebody has had enough */
};

static void __attribute__((format(printf, 2, 3)))
say(const struct show *show, const char *format, ...)
{
    va_list arguments;
    double seconds = (double)(tacit_posix_now_ms() - show->began_ms) / 1000.0;

    if (show->options->json)
        return;
    (void)printf("%5.1f s  ", seconds);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)printf("\n");
    (void)fflush(stdout);
}

/* ---- what the operator sees ---- */

static const char *word(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text != NULL ? text : "";
}

static bool is_bot(const struct show *show, const char *name)
{
    for (unsigned i = 0; i < DEMO_SENSORS; i++)
        if (strcmp(show->fleet.sensors[i].name, name) == 0)
            return show->fleet.sensors[i].is_bot;
    return false;
}

static void count(struct show *show, const json_t *record)
{
    const char *action = word(record, "action");
    bool bot = is_bot(show, word(record, "device"));
    bool harms = strcmp(action, "throttle") == 0 || strcmp(action, "quarantine") == 0;

    show->held +=
        bot && strcmp(action, "quarantine") == 0 && strcmp(word(record, "done"), "yes") == 0 ? 1
                                                                                             : 0;
    show->others += !bot && harms ? 1 : 0;
}

static void see(struct show *show, json_t *record)
{
    const char *kind = word(record, "event");
    const char *text = word(record, "text");

    if (strstr(text, WATCHED) != NULL && strstr(text, "role sensor") != NULL)
        show->is_watched = true;
    if (strncmp(kind, "sense", strlen("sense")) != 0)
        return;
    say(show, "tacitd: %s", text);
    count(show, record);
    if (show->events != NULL)
        (void)json_array_append(show->events, record);
}

/* A moment of the show. */
static void turn(struct show *show)
{
    const struct timespec now = { 0 };
    json_t *record;

    demo_fleet_turn(&show->fleet);
    while ((record = demo_broker_next(&show->broker)) != NULL) {
        see(show, record);
        json_decref(record);
    }
    if (sigtimedwait(&show->ends, NULL, &now) > 0)
        show->is_over = true;
}

static bool is_watched(const struct show *show)
{
    return show->is_watched;
}

static bool never(const struct show *show)
{
    (void)show;
    return false;
}

static bool all_are_there(const struct show *show)
{
    return demo_fleet_count_ready(&show->fleet) == DEMO_SENSORS;
}

/* False: not in time, or somebody has had enough. */
static bool go_on_until(struct show *show, bool (*is_so)(const struct show *), uint64_t most_ms)
{
    uint64_t end_ms = tacit_posix_now_ms() + most_ms;

    while (!is_so(show) && tacit_posix_now_ms() < end_ms && !show->is_over)
        turn(show);
    return is_so(show);
}

/* ---- the acts ---- */

static bool learn(struct show *show)
{
    say(show, "tacitd on 127.0.0.1:%u, in %s, of which nothing stays", show->broker.port,
        show->broker.folder);
    if (demo_fleet_open(&show->fleet, &show->broker) < 0) {
        (void)identity_options_fail(show->options, IDENTITY_EXIT_FAILED, "%s", show->fleet.why);
        return false;
    }
    say(show, "%u sensors were added and report, each some eight times a second", DEMO_SENSORS);
    say(show, "tacitd learns what is usual for them: days for a real fleet, seconds here, where a "
              "window is a quarter of one");
    if (!go_on_until(show, is_watched, LEARN_MS)) {
        (void)identity_options_fail(show->options, IDENTITY_EXIT_FAILED, "%s",
                                    show->is_over ? "ended before its time"
                                                  : "the sensors were not learned in time");
        return false;
    }
    (void)go_on_until(show, never, CALM_MS);
    return !show->is_over;
}

static void recruit(struct show *show, unsigned index)
{
    struct demo_sensor *sensor = &show->fleet.sensors[index];
    uint64_t end_ms = tacit_posix_now_ms() + RESPOND_MS;
    unsigned wanted = show->held + 1;

    say(show, "%s is recruited: it floods, and asks for the commands of others", sensor->name);
    sensor->is_bot = true;
    while (show->held < wanted && tacit_posix_now_ms() < end_ms && !show->is_over)
        turn(show);
    (void)go_on_until(show, never, CALM_MS);
}

/* The first one was none, somebody says. True: it is back. */
static bool undo(struct show *show, unsigned index)
{
    struct demo_sensor *sensor = &show->fleet.sensors[index];
    const char *const words[] = { "sense", "undo", sensor->name, NULL };

    sensor->is_bot = false;
    say(show, "operator: tacit sense undo %s", sensor->name);
    if (!demo_broker_tool(&show->broker, words))
        return false;
    (void)go_on_until(show, never, CALM_MS);
    return go_on_until(show, all_are_there, RETURN_MS);
}

static int print_end(struct show *show, bool is_undone)
{
    bool is_good = show->held == BOTS && show->others == 0 && is_undone;
    double seconds = (double)(tacit_posix_now_ms() - show->began_ms) / 1000.0;

    say(show,
        "%u of %u bots were put into quarantine, %u of the %u others were touched; the one that "
        "was forgiven %s",
        show->held, BOTS, show->others, DEMO_SENSORS - BOTS,
        is_undone ? "reports as before" : "is not back");
    if (show->options->json) {
        int code = identity_print_document(json_pack(
            "{s:i, s:i, s:i, s:i, s:b, s:f, s:o}", "devices", (int)DEMO_SENSORS, "recruited",
            (int)BOTS, "quarantined", (int)show->held, "others_touched", (int)show->others,
            "undone", is_undone ? 1 : 0, "seconds", seconds, "events", show->events));
        show->events = NULL;
        if (code != IDENTITY_EXIT_DONE)
            return code;
    }
    return is_good ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int play(struct show *show)
{
    static const unsigned bots[BOTS] = { 16, 4, 32 };

    if (!learn(show))
        return IDENTITY_EXIT_FAILED;
    for (unsigned i = 0; i < BOTS && !show->is_over; i++)
        recruit(show, bots[i]);
    bool is_undone = !show->is_over && undo(show, bots[0]);
    return print_end(show, is_undone);
}

int demo_botnet(const struct identity_options *options)
{
    struct show show = { .options = options, .began_ms = tacit_posix_now_ms() };
    int code = IDENTITY_EXIT_FAILED;

    (void)sigemptyset(&show.ends);
    (void)sigaddset(&show.ends, SIGINT);
    (void)sigaddset(&show.ends, SIGTERM);
    (void)sigaddset(&show.ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &show.ends, NULL);
    show.events = options->json ? json_array() : NULL;
    if (demo_broker_open(&show.broker, configuration) == 0)
        code = play(&show);
    else
        (void)identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", show.broker.why);
    demo_fleet_close(&show.fleet);
    demo_broker_close(&show.broker);
    json_decref(show.events);
    return code;
}
