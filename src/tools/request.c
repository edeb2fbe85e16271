/* SPDX-License-Identifier: Apache-2.0 */
/* tacit request: MQTT 5 request/response. Subscribes to the response topic, publishes
 * the request once that is granted, and prints the first answer that carries its
 * correlation data. */
#include "tools/assembly.h"
#include "tools/connection.h"
#include "tools/daily.h"
#include "tools/format.h"
#include "tools/input.h"

#include <stdio.h>
#include <string.h>

#define QUEUE_BYTES       (1024u * 1024u)
#define PATIENCE_MS       10000u
#define CORRELATION_BYTES 16

struct requester {
    const struct options *options;
    struct connection connection;
    struct assembly assembly;
    struct input input;
    struct tacit_subscription subscription;
    char response_topic[1024];
    char correlation[2 * CORRELATION_BYTES + 1];
    bool asked;
    bool answered;
    enum exit_code code;
};

static struct tacit_bytes bytes_of(const char *text)
{
    return (struct tacit_bytes){ text, strlen(text) };
}

static bool make_correlation(struct requester *requester)
{
    const struct property_message *properties = &requester->options->properties.publish;
    unsigned char random[CORRELATION_BYTES];
    if (properties->correlation != NULL)
        return true;
    if (tacit_posix_random(NULL, random, sizeof(random)) < 0)
        return false;
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(requester->correlation + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Where the answer comes: as told, else where the broker wants it, else a topic that
 * the client id makes ours. */
static void choose_response_topic(struct requester *requester, const struct tacit_event *up)
{
    const struct options *options = requester->options;
    struct tacit_bytes base = up->response_information;
    const char *told = options->response_topic != NULL ? options->response_topic
                                                       : options->properties.publish.response_topic;
    char *out = requester->response_topic;
    size_t size = sizeof(requester->response_topic);
    if (told != NULL)
        (void)snprintf(out, size, "%s", told);
    else if (base.len > 0)
        (void)snprintf(out, size, "%.*s/%s", (int)base.len, (const char *)base.data,
                       requester->connection.target.client_id);
    else
        (void)snprintf(out, size, "response/%s", requester->connection.target.client_id);
}

static bool on_up(struct requester *requester, const struct tacit_event *event)
{
    if (requester->response_topic[0] != '\0')
        return true; /* connected again: the client subscribes by itself */
    choose_response_topic(requester, event);
    requester->subscription = (struct tacit_subscription){
        .filter = bytes_of(requester->response_topic),
        .qos = 1,
        .retain_handling = 2, /* an old answer is none */
    };
    if (tacit_subscribe(requester->connection.client, &requester->subscription) == TACIT_OK)
        return true;
    options_complain(requester->options, "'%s' is not a topic", requester->response_topic);
    requester->code = EXIT_USAGE;
    return false;
}

static bool ask(struct requester *requester)
{
    const struct options *options = requester->options;
    struct tacit_message message = { 0 };
    property_option_apply(&options->properties.publish, &message);
    message.topic = bytes_of(options->topics.item[0]);
    message.payload = requester->input.body;
    message.qos = options->qos;
    message.retain = options->retain;
    message.response_topic = bytes_of(requester->response_topic);
    if (message.correlation.len == 0)
        message.correlation = bytes_of(requester->correlation);
    requester->asked = true;
    enum tacit_status status = tacit_publish(requester->connection.client, &message, NULL);
    if (status == TACIT_OK)
        return true;
    options_complain(options, "'%s': %s", options->topics.item[0], tacit_status_text(status));
    requester->code = EXIT_USAGE;
    return false;
}

static bool on_subscribed(struct requester *requester, const struct tacit_event *event)
{
    if (event->reason >= 0x80) {
        connection_say_refused(&requester->connection, event->subscription->filter, event->reason,
                               event->reason_string);
        requester->code = EXIT_REFUSED;
        return false;
    }
    return requester->asked || ask(requester);
}

/* An answer without correlation data is taken too: before MQTT 5 there is none. */
static bool is_our_answer(const struct requester *requester, const struct tacit_message *message)
{
    const char *told = requester->options->properties.publish.correlation;
    struct tacit_bytes ours = bytes_of(told != NULL ? told : requester->correlation);
    return message->correlation.len == 0
           || (message->correlation.len == ours.len
               && memcmp(message->correlation.data, ours.data, ours.len) == 0);
}

static bool on_message(struct requester *requester, const struct tacit_event *event)
{
    const struct options *options = requester->options;
    struct tacit_message message;
    if (!assembly_take(&requester->assembly, event, &message)
        || !is_our_answer(requester, &message))
        return true;
    struct format_input input = { .message = &message };
    const char *format = options->format;
    if (options->json)
        format = "%j";
    if (format == NULL)
        format = options->verbose ? "%t %p" : "%p";
    (void)clock_gettime(CLOCK_REALTIME, &input.received);
    format_print(stdout, format, &input);
    if (!options->no_newline)
        (void)fputc('\n', stdout);
    requester->answered = true;
    return false;
}

static bool on_rejected(struct requester *requester, const struct tacit_event *event)
{
    connection_say_refused(&requester->connection, bytes_of(requester->options->topics.item[0]),
                           event->reason, event->reason_string);
    requester->code = EXIT_REFUSED;
    return false;
}

static bool on_delivered(const struct requester *requester, const struct tacit_event *event)
{
    if (event->reason == 0x10)
        options_complain(requester->options, "nobody is subscribed to '%s'; waiting all the same",
                         requester->options->topics.item[0]);
    return true;
}

/* False if the command ends here. */
static bool on_event(struct requester *requester, const struct tacit_event *event)
{
    enum exit_code code;
    switch (event->type) {
    case TACIT_EVENT_UP:
        return on_up(requester, event);
    case TACIT_EVENT_SUBSCRIBED:
        return on_subscribed(requester, event);
    case TACIT_EVENT_MESSAGE:
        return on_message(requester, event);
    case TACIT_EVENT_REJECTED:
        return on_rejected(requester, event);
    case TACIT_EVENT_DELIVERED:
        return on_delivered(requester, event);
    case TACIT_EVENT_DOWN:
        if (connection_survives(&requester->connection, event, &code))
            return true;
        requester->code = code;
        return false;
    case TACIT_EVENT_NONE:
    case TACIT_EVENT_UNSUBSCRIBED:
    case TACIT_EVENT_WANTED:
    case TACIT_EVENT_RESPONSE:
    case TACIT_EVENT_UNANSWERED:
        break;
    }
    return true;
}

static void run(struct requester *requester)
{
    struct tacit_event event;
    enum connection_step step;
    do
        step = connection_wait(&requester->connection, -1, UINT64_MAX, &event);
    while (step == CONNECTION_EVENT && on_event(requester, &event));
    if (step == CONNECTION_TIMED_OUT) {
        options_complain(requester->options, "no answer on '%s' in time",
                         requester->response_topic);
        requester->code = EXIT_TIMED_OUT;
    }
    if (step == CONNECTION_SIGNAL)
        requester->code = EXIT_CONNECTION;
}

static enum exit_code request(struct requester *requester)
{
    const struct options *options = requester->options;
    enum exit_code code = connection_open(&requester->connection, options,
                                          (uint32_t)requester->input.body.len + QUEUE_BYTES);
    if (code != EXIT_DONE)
        return code;
    if (options->timeout_s == 0)
        requester->connection.deadline_ms = tacit_posix_now_ms() + PATIENCE_MS;
    run(requester);
    connection_finish(&requester->connection);
    assembly_fini(&requester->assembly);
    connection_close(&requester->connection);
    return requester->code;
}

int command_request(int argc, char **argv)
{
    struct options options;
    const char *place = NULL;
    if (options_wants_help(argc, argv)) {
        (void)puts("usage: tacit request [OPTION...] TOPIC MESSAGE\n");
        options_print(OPTION_REQUEST);
        return EXIT_DONE;
    }
    if (!options_parse(&options, OPTION_REQUEST, argc, argv))
        return EXIT_USAGE;
    if (options.topics.count != 1) {
        options_complain(&options, "ask where? name one topic");
        return EXIT_USAGE;
    }
    if (options.format != NULL && !format_is_valid(options.format, &place)) {
        options_complain(&options, "format '%s': '%.2s' means nothing", options.format, place);
        return EXIT_USAGE;
    }
    struct requester requester = { .options = &options };
    enum exit_code code = input_open(&requester.input, &options);
    if (code == EXIT_DONE && !make_correlation(&requester)) {
        options_complain(&options, "the system has no randomness yet");
        code = EXIT_CONNECTION;
    }
    if (code == EXIT_DONE)
        code = request(&requester);
    input_close(&requester.input);
    return (int)code;
}
