/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's program for alarms: contract in server.h. */
#include "daemon/server.h"

#include "daemon/process.h"
#include "hook/program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEFT_OUT_BYTES 48

static_assert(LOG_KIND_COUNT <= HOOK_LANES, "each kind of line has a lane");

/* ---- before it is confined ---- */

/* Who the broker is once it runs. */
static uid_t user_of(const struct config *config)
{
    struct privileges_user user;
    const char *name = config->sandbox.user;

    if (geteuid() == 0 && name != NULL && privileges_find_user(name, &user) == 0)
        return user.id;
    return geteuid();
}

int server_check_hook(const struct config *config, char *out_why)
{
    const struct config_hook *hook = &config->sense.hook;
    char why[HOOK_WHY_BYTES];

    if (hook->path == NULL)
        return 0;
    int status = hook_program_check(hook->path, user_of(config), why);
    if (status != 0)
        snprintf(out_why, ENDPOINT_WHY_BYTES, "%.140s:%u:%u: hook = \"%.140s\": %.159s", hook->file,
                 hook->line, hook->column, hook->path, why);
    return status;
}

static int run(void *context, int fd)
{
    const struct server *server = context;

    process_name("hook-runner");
    return privileges_drop() == 0 ? hook_runner_serve(fd, &server->hook.options) : 1;
}

int server_open_hook(struct server *server)
{
    const struct config_hook *wanted = &server->config->sense.hook;
    struct server_hook *hook = &server->hook;
    char why[ENDPOINT_WHY_BYTES] = "";
    int status = server_check_hook(server->config, why);

    if (wanted->path == NULL || status != 0) {
        if (status != 0)
            log_say(server->log, CONFIG_LOG_ERROR, "%s", why);
        return status;
    }
    hook->config = config_ref(server->config);
    hook->options =
        (struct hook_options){ wanted->path, user_of(server->config), wanted->timeout_s * 1000 };
    status = hook_link_start(run, server, &hook->link);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "the process that runs %s cannot be started: %s",
                wanted->path, strerror(-status));
    return status;
}

/* ---- what it answers ---- */

static void describe(const struct hook_report *report, char *out, size_t size)
{
    switch ((enum hook_outcome)report->outcome) {
    case HOOK_FAILED:
        snprintf(out, size, "it ends with exit code %d%s", (int)report->number,
                 report->number == 127 ? ": it cannot be started; look at its first line" : "");
        break;
    case HOOK_SIGNALLED:
        snprintf(out, size, "signal %d ended it", (int)report->number);
        break;
    case HOOK_LATE:
        snprintf(out, size, "it was killed, as it takes longer than hook-timeout");
        break;
    case HOOK_NOT_STARTED:
        snprintf(out, size, "it is not started: %s", strerror(report->number));
        break;
    case HOOK_DONE:
    case HOOK_OUTCOMES:
        snprintf(out, size, "it does its work again");
        break;
    }
}

/* Once, when it is another than the last time. */
static void tell(struct server *server, const struct hook_report *report)
{
    struct server_hook *hook = &server->hook;
    char what[128];

    if (report->outcome == (uint32_t)hook->last)
        return;
    hook->last = (enum hook_outcome)report->outcome;
    describe(report, what, sizeof(what));
    log_say(server->log, hook->last == HOOK_DONE ? CONFIG_LOG_NOTICE : CONFIG_LOG_WARNING,
            "hook %s, for an alarm of kind %s: %s", hook->options.path,
            log_kind_name((enum log_kind)report->lane), what);
}

static void give_up(struct server *server)
{
    struct server_hook *hook = &server->hook;

    loop_unwatch(server->shards[0].loop, &hook->watch);
    hook_link_close(hook->link);
    hook->link = NULL;
    log_say(server->log, CONFIG_LOG_ERROR,
            "the process that runs %s has ended: the hook is not run until tacitd is restarted",
            hook->options.path);
}

static void on_report(struct loop_watch *watch, unsigned ready)
{
    struct server *server = MQTT_CONTAINER_OF(watch, struct server, hook.watch);
    struct server_hook *hook = &server->hook;
    struct hook_report report;
    int status;

    (void)ready;
    while ((status = hook_link_receive(hook->link, &report)) == 0) {
        if (report.lane >= LOG_KIND_COUNT || hook->waits[report.lane] == 0)
            continue;
        hook->waits[report.lane]--;
        tell(server, &report);
    }
    if (status != -EAGAIN && status != -EINTR)
        give_up(server);
}

void server_start_hook(struct server *server)
{
    struct server_hook *hook = &server->hook;

    if (hook->link == NULL)
        return;
    int status = loop_watch(server->shards[0].loop, &hook->watch, hook_link_fd(hook->link),
                            LOOP_READABLE, on_report);
    if (status != 0)
        give_up(server);
}

/* ---- an alarm ---- */

/* The object, and in it how many the hook was not run for. NULL out of memory. */
static char *text_of(const struct announcement *announcement, uint64_t left_out, size_t *out_len)
{
    struct mqtt_span object = announcement_object(announcement);
    char *text = malloc(object.len + LEFT_OUT_BYTES);

    if (text == NULL)
        return NULL;
    memcpy(text, object.data, object.len);
    *out_len = object.len;
    if (left_out > 0)
        *out_len = object.len - 1
                   + (size_t)snprintf(text + object.len - 1, LEFT_OUT_BYTES,
                                      ",\"hook_left_out\":\"%" PRIu64 "\"}", left_out);
    return text;
}

static bool hand_over(struct server *server, const struct announcement *announcement)
{
    struct server_hook *hook = &server->hook;
    enum log_kind kind = announcement->kind;
    size_t len = 0;

    if (hook->waits[kind] > server->config->limits.hook_queue)
        return false;
    char *text = text_of(announcement, hook->left_out[kind], &len);
    bool is_sent = text != NULL
                   && hook_link_send(hook->link, (uint32_t)kind,
                                     (struct mqtt_span){ (const uint8_t *)text, len })
                          == 0;
    free(text);
    return is_sent;
}

void server_hook_run(struct server *server, const struct announcement *announcement)
{
    struct server_hook *hook = &server->hook;
    enum log_kind kind = announcement->kind;

    if (hook->link == NULL)
        return;
    if (hand_over(server, announcement)) {
        hook->waits[kind]++;
        hook->left_out[kind] = 0;
        return;
    }
    if (hook->left_out[kind]++ == 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "hook %s is not run for alarms of kind %s that come faster than it ends "
                "(limits.hook_queue); the next one says how many",
                hook->options.path, log_kind_name(kind));
}

/* ---- life ---- */

void server_follow_hook(const struct server *server)
{
    const struct config_hook *wanted = &server->config->sense.hook;
    const struct hook_options *has = &server->hook.options;

    if (!config_is_same_text(wanted->path, has->path)
        || (has->path != NULL && wanted->timeout_s * 1000 != has->timeout_ms))
        log_say(server->log, CONFIG_LOG_NOTICE, "sense { hook } takes effect at the next start");
}

void server_close_hook(struct server *server)
{
    struct server_hook *hook = &server->hook;

    if (hook->link != NULL && server->shards != NULL && server->shards[0].loop != NULL)
        loop_unwatch(server->shards[0].loop, &hook->watch);
    hook_link_close(hook->link);
    hook->link = NULL;
    config_unref(hook->config);
    hook->config = NULL;
}
