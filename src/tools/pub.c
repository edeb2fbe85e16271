/* SPDX-License-Identifier: Apache-2.0 */
/* tacit pub: everything is queued in the client as it comes, and the command ends when
 * the broker has all of it. */
#include "tools/connection.h"
#include "tools/daily.h"
#include "tools/input.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_BYTES (1024u * 1024u) /* beyond the largest single message */

struct publisher {
    const struct options *options;
    struct connection connection;
    struct input input;
    struct tacit_message message; /* topic, QoS and properties of all */
    uint32_t copies_left;         /* of the one message; 0 with -l */
    uint64_t next_ms;             /* --repeat-delay: not before */
    bool looked;                  /* the first look comes at once */
    uint32_t delivered, refused;
    enum exit_code code;
};

static bool all_is_queued(const struct publisher *publisher)
{
    struct tacit_bytes line;
    if (!publisher->options->from_lines)
        return publisher->copies_left == 0;
    return publisher->input.ended && !input_line(&publisher->input, &line);
}

/* Queues one message. False if the queue is full just now, or it can never be sent. */
static bool queue_body(struct publisher *publisher, struct tacit_bytes body)
{
    publisher->message.payload = body;
    enum tacit_status status =
        tacit_publish(publisher->connection.client, &publisher->message, NULL);
    if (status == TACIT_OK || status == TACIT_FULL)
        return status == TACIT_OK;
    options_complain(publisher->options, "'%s': %s", publisher->options->topics.item[0],
                     status == TACIT_ARGUMENT
                         ? "this topic or a property cannot be published (wildcard or not UTF-8)"
                         : tacit_status_text(status));
    publisher->code = EXIT_USAGE;
    return false;
}

static void queue_lines(struct publisher *publisher)
{
    struct tacit_bytes line;
    while (input_line(&publisher->input, &line) && queue_body(publisher, line))
        input_drop(&publisher->input, line);
}

static void queue_copies(struct publisher *publisher)
{
    uint64_t now_ms = tacit_posix_now_ms();
    while (publisher->copies_left > 0 && now_ms >= publisher->next_ms
           && queue_body(publisher, publisher->input.body)) {
        publisher->copies_left--;
        publisher->next_ms = now_ms + publisher->options->repeat_delay_ms;
    }
}

static void on_rejected(struct publisher *publisher, const struct tacit_event *event)
{
    const char *topic = publisher->options->topics.item[0];
    struct tacit_bytes what = { topic, strlen(topic) };
    publisher->refused++;
    publisher->code = EXIT_REFUSED;
    if (event->status == TACIT_EXPIRED)
        options_complain(publisher->options, "'%s': %s", topic, tacit_status_text(event->status));
    else if (publisher->options->json)
        connection_json_refused("topic", what, event->reason, event->reason_string);
    else
        connection_say_refused(&publisher->connection, what, event->reason, event->reason_string);
}

/* False if the command ends here. */
static bool on_event(struct publisher *publisher, const struct tacit_event *event)
{
    enum exit_code code;
    if (event->type == TACIT_EVENT_DELIVERED)
        publisher->delivered++;
    if (event->type == TACIT_EVENT_REJECTED)
        on_rejected(publisher, event);
    if (event->type == TACIT_EVENT_DOWN
        && !connection_survives(&publisher->connection, event, &code)) {
        publisher->code = code;
        return false;
    }
    return true;
}

/* Standard input is awaited only while its lines have somewhere to go. */
static int awaited_input(const struct publisher *publisher)
{
    struct tacit_bytes line;
    bool wants = publisher->options->from_lines && !publisher->input.ended
                 && !input_line(&publisher->input, &line);
    return wants ? STDIN_FILENO : -1;
}

/* When to look again although no event comes: no event tells that QoS 0 has left or
 * that a full queue has room. */
static uint64_t wake_ms(struct publisher *publisher)
{
    uint64_t now_ms = tacit_posix_now_ms();
    if (publisher->copies_left > 0 && publisher->next_ms > now_ms)
        return publisher->next_ms;
    bool leaves_silently = publisher->options->qos == 0 || !all_is_queued(publisher);
    if (!tacit_is_up(publisher->connection.client) || !leaves_silently
        || (awaited_input(publisher) >= 0 && tacit_is_idle(publisher->connection.client)))
        return UINT64_MAX;
    bool at_once = !publisher->looked;
    publisher->looked = true;
    return at_once ? now_ms : now_ms + 20;
}

static void run(struct publisher *publisher)
{
    struct tacit_event event;
    bool goes_on = true;
    while (goes_on) {
        if (publisher->options->from_lines)
            queue_lines(publisher);
        else
            queue_copies(publisher);
        if (publisher->code == EXIT_USAGE)
            return;
        if (all_is_queued(publisher) && publisher->connection.was_up
            && tacit_is_idle(publisher->connection.client))
            return;
        switch (connection_wait(&publisher->connection, awaited_input(publisher),
                                wake_ms(publisher), &event)) {
        case CONNECTION_EVENT:
            goes_on = on_event(publisher, &event);
            break;
        case CONNECTION_INPUT:
            input_read(&publisher->input);
            break;
        case CONNECTION_TIMED_OUT:
            options_complain(publisher->options, "time is up");
            publisher->code = EXIT_TIMED_OUT;
            return;
        case CONNECTION_WOKEN:
            break;
        case CONNECTION_SIGNAL:
            publisher->code = EXIT_CONNECTION;
            return;
        }
    }
}

static void report(const struct publisher *publisher)
{
    if (!publisher->options->json)
        return;
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:I}", "event", "published", "topic",
                  publisher->options->topics.item[0], "qos", (int)publisher->options->qos,
                  "acknowledged", (int)publisher->delivered, "refused", (int)publisher->refused,
                  "bytes", (json_int_t)tacit_posix_sent_bytes(publisher->connection.posix));
    if (object != NULL)
        (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(object);
}

static enum exit_code publish(struct publisher *publisher)
{
    const struct options *options = publisher->options;
    size_t body = publisher->input.body.len;
    enum exit_code code =
        connection_open(&publisher->connection, options, (uint32_t)body + QUEUE_BYTES);
    if (code != EXIT_DONE)
        return code;
    property_option_apply(&options->properties.publish, &publisher->message);
    publisher->message.topic =
        (struct tacit_bytes){ options->topics.item[0], strlen(options->topics.item[0]) };
    publisher->message.qos = options->qos;
    publisher->message.retain = options->retain;
    publisher->copies_left = options->from_lines ? 0 : options->repeat > 0 ? options->repeat : 1;
    run(publisher);
    if (publisher->code != EXIT_CONNECTION)
        connection_finish(&publisher->connection);
    report(publisher);
    connection_close(&publisher->connection);
    return publisher->code;
}

int command_pub(int argc, char **argv)
{
    struct options options;
    if (options_wants_help(argc, argv)) {
        (void)puts("usage: tacit pub [OPTION...] TOPIC MESSAGE\n");
        options_print(OPTION_PUB);
        return EXIT_DONE;
    }
    if (!options_parse(&options, OPTION_PUB, argc, argv))
        return EXIT_USAGE;
    if (options.topics.count != 1) {
        options_complain(&options, "publish where? name one topic");
        return EXIT_USAGE;
    }
    struct publisher publisher = { .options = &options };
    enum exit_code code = input_open(&publisher.input, &options);
    if (code == EXIT_DONE)
        code = publish(&publisher);
    input_close(&publisher.input);
    return (int)code;
}
