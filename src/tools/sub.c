/* SPDX-License-Identifier: Apache-2.0 */
/* tacit sub: subscribes and prints until told to end. */
#include "codec/topic.h"
#include "tools/assembly.h"
#include "tools/connection.h"
#include "tools/daily.h"
#include "tools/format.h"

#include <stdio.h>
#include <string.h>

#define QUEUE_BYTES 65536u /* sub publishes nothing but a will */

struct subscriber {
    const struct options *options;
    struct connection connection;
    struct assembly assembly;
    struct tacit_subscription subscriptions[OPTIONS_LIST_MAX];
    struct tacit_subscription ended[OPTIONS_LIST_MAX]; /* of -U */
    unsigned unanswered;                               /* subscriptions and unsubscriptions */
    unsigned granted;
    uint32_t printed;
    enum exit_code code;
};

static struct tacit_bytes bytes_of(const char *text)
{
    return (struct tacit_bytes){ text, strlen(text) };
}

static bool is_filtered_out(const struct options *options, const struct tacit_message *message)
{
    struct mqtt_span topic = { message->topic.data, message->topic.len };
    if (message->retain && options->no_retained)
        return true;
    for (unsigned i = 0; i < options->filters_out.count; i++)
        if (mqtt_topic_matches(span_of(options->filters_out.item[i]), topic))
            return true;
    return false;
}

static void print(const struct options *options, const struct tacit_message *message)
{
    struct format_input input = { .message = message };
    const char *format = options->format;
    (void)clock_gettime(CLOCK_REALTIME, &input.received);
    if (options->json)
        format = "%j";
    if (format == NULL)
        format = options->verbose ? "%t %p" : "%p";
    format_print(stdout, format, &input);
    if (!options->no_newline)
        (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

/* False if the command ends here. */
static bool on_message(struct subscriber *subscriber, const struct tacit_event *event)
{
    const struct options *options = subscriber->options;
    struct tacit_message message;
    if (!assembly_take(&subscriber->assembly, event, &message))
        return true;
    if (options->retained_only && !message.retain)
        return false;
    if (is_filtered_out(options, &message))
        return true;
    print(options, &message);
    if (ferror(stdout)) /* the reader of a pipe has gone */
        return false;
    return options->count == 0 || ++subscriber->printed < options->count;
}

static bool on_subscribed(struct subscriber *subscriber, const struct tacit_event *event)
{
    if (subscriber->unanswered > 0)
        subscriber->unanswered--;
    if (event->reason < 0x80) {
        subscriber->granted++;
    } else {
        subscriber->code = EXIT_REFUSED;
        if (subscriber->options->json)
            connection_json_refused("filter", event->subscription->filter, event->reason,
                                    event->reason_string);
        else
            connection_say_refused(&subscriber->connection, event->subscription->filter,
                                   event->reason, event->reason_string);
    }
    if (subscriber->unanswered > 0)
        return true;
    bool nothing_left = subscriber->granted == 0 && subscriber->options->topics.count > 0;
    return !nothing_left && !subscriber->options->exit_subscribed;
}

static bool on_unsubscribed(struct subscriber *subscriber, const struct tacit_event *event)
{
    (void)event;
    if (subscriber->unanswered > 0)
        subscriber->unanswered--;
    return subscriber->unanswered > 0
           || (subscriber->options->topics.count > 0 && !subscriber->options->exit_subscribed);
}

/* A broker may also answer a subscription it does not allow by hanging up. */
static void say_refused_filters(const struct subscriber *subscriber,
                                const struct tacit_event *event)
{
    for (unsigned i = 0; i < subscriber->options->topics.count; i++)
        connection_say_refused(&subscriber->connection, subscriber->subscriptions[i].filter,
                               event->reason, event->reason_string);
}

static bool on_down(struct subscriber *subscriber, const struct tacit_event *event)
{
    bool is_about_filters = event->status == TACIT_REFUSED && subscriber->unanswered > 0
                            && (event->reason == 0x87 || event->reason == 0x8f
                                || (event->reason >= 0x9e && event->reason != 0x9f));
    enum exit_code code;
    if (is_about_filters && subscriber->connection.was_up) {
        say_refused_filters(subscriber, event);
        subscriber->code = EXIT_REFUSED;
        return false;
    }
    if (connection_survives(&subscriber->connection, event, &code))
        return true;
    subscriber->code = code;
    return false;
}

/* False if the command ends here. */
static bool on_event(struct subscriber *subscriber, const struct tacit_event *event)
{
    switch (event->type) {
    case TACIT_EVENT_MESSAGE:
        return on_message(subscriber, event);
    case TACIT_EVENT_SUBSCRIBED:
        return on_subscribed(subscriber, event);
    case TACIT_EVENT_UNSUBSCRIBED:
        return on_unsubscribed(subscriber, event);
    case TACIT_EVENT_DOWN:
        return on_down(subscriber, event);
    case TACIT_EVENT_NONE:
    case TACIT_EVENT_UP:
    case TACIT_EVENT_WANTED:
    case TACIT_EVENT_RESPONSE:
    case TACIT_EVENT_UNANSWERED:
    case TACIT_EVENT_DELIVERED:
    case TACIT_EVENT_REJECTED:
        break;
    }
    return true;
}

static struct tacit_subscription subscription_of(const struct options *options, const char *filter)
{
    return (struct tacit_subscription){
        .filter = bytes_of(filter),
        .qos = options->qos,
        .no_local = options->no_local,
        .retain_as_published = options->retain_as_published,
        .retain_handling = options->no_retained ? 2 : 0,
        .identifier = options->properties.subscription_identifier,
        .user_properties = options->properties.subscribe_pairs.pair,
        .user_property_count = options->properties.subscribe_pairs.count,
    };
}

static bool subscribe_one(struct subscriber *subscriber, struct tacit_subscription *what,
                          const char *filter)
{
    *what = subscription_of(subscriber->options, filter);
    if (tacit_subscribe(subscriber->connection.client, what) == TACIT_OK)
        return true;
    options_complain(subscriber->options, "'%s' is not a topic filter", filter);
    return false;
}

static bool subscribe_all(struct subscriber *subscriber)
{
    const struct options *options = subscriber->options;
    struct tacit_client *client = subscriber->connection.client;
    for (unsigned i = 0; i < options->unsubscribe.count; i++) {
        struct tacit_subscription *what = &subscriber->ended[i];
        if (!subscribe_one(subscriber, what, options->unsubscribe.item[i])
            || tacit_unsubscribe(client, what) != TACIT_OK)
            return false;
    }
    for (unsigned i = 0; i < options->topics.count; i++)
        if (!subscribe_one(subscriber, &subscriber->subscriptions[i], options->topics.item[i]))
            return false;
    subscriber->unanswered = options->unsubscribe.count + options->topics.count;
    return true;
}

static void run(struct subscriber *subscriber)
{
    struct tacit_event event;
    bool goes_on = true;
    while (goes_on) {
        switch (connection_wait(&subscriber->connection, -1, UINT64_MAX, &event)) {
        case CONNECTION_EVENT:
            goes_on = on_event(subscriber, &event);
            break;
        case CONNECTION_TIMED_OUT:
            if (subscriber->code == EXIT_DONE)
                subscriber->code = EXIT_TIMED_OUT;
            goes_on = false;
            break;
        case CONNECTION_INPUT:
        case CONNECTION_WOKEN:
        case CONNECTION_SIGNAL:
            goes_on = false;
            break;
        }
    }
}

static bool options_make_sense(const struct options *options)
{
    const char *place = NULL;
    if (options->topics.count + options->unsubscribe.count == 0) {
        options_complain(options, "subscribe to what? name a topic or a filter");
        return false;
    }
    if (options->topics.count + options->unsubscribe.count > OPTIONS_LIST_MAX) {
        options_complain(options, "more than %d filters", OPTIONS_LIST_MAX);
        return false;
    }
    if (options->format != NULL && !format_is_valid(options->format, &place)) {
        options_complain(options, "format '%s': '%.2s' means nothing", options->format, place);
        return false;
    }
    for (unsigned i = 0; i < options->filters_out.count; i++)
        if (!mqtt_topic_filter_is_valid(span_of(options->filters_out.item[i]))) {
            options_complain(options, "'%s' is not a topic filter", options->filters_out.item[i]);
            return false;
        }
    return true;
}

int command_sub(int argc, char **argv)
{
    struct options options;
    if (options_wants_help(argc, argv)) {
        (void)puts("usage: tacit sub [OPTION...] FILTER...\n");
        options_print(OPTION_SUB);
        return EXIT_DONE;
    }
    if (!options_parse(&options, OPTION_SUB, argc, argv) || !options_make_sense(&options))
        return EXIT_USAGE;
    struct subscriber subscriber = { .options = &options };
    enum exit_code code = connection_open(&subscriber.connection, &options, QUEUE_BYTES);
    if (code != EXIT_DONE)
        return (int)code;
    if (subscribe_all(&subscriber)) {
        run(&subscriber);
        connection_finish(&subscriber.connection);
    } else {
        subscriber.code = EXIT_USAGE;
    }
    assembly_fini(&subscriber.assembly);
    connection_close(&subscriber.connection);
    return (int)subscriber.code;
}
