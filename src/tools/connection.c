/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/connection.h"

#include "base/wipe.h"
#include "client/redirect.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tacit_bytes bytes_of(const char *text)
{
    return (struct tacit_bytes){ text, text != NULL ? strlen(text) : 0 };
}

static struct tacit_limits limits_of(uint32_t queue_bytes)
{
    return (struct tacit_limits){ .receive_bytes = 256 * 1024,
                                  .send_bytes = 160 * 1024,
                                  .queue_bytes = queue_bytes,
                                  .maximum_packet_bytes = 268435455,
                                  .inbound_messages = 1024,
                                  .subscriptions = OPTIONS_LIST_MAX + 1,
                                  .aliases_in = 16,
                                  .aliases_out = 16,
                                  .alias_topic_bytes = 4096 };
}

static void configure_will(struct connection *connection)
{
    const struct options *options = connection->options;
    struct tacit_message *will = &connection->will;
    if (options->will_topic == NULL)
        return;
    property_option_apply(&options->properties.will, will);
    will->topic = bytes_of(options->will_topic);
    will->payload = bytes_of(options->will_payload);
    will->qos = options->will_qos;
    will->retain = options->will_retain;
    connection->config.will = will;
    connection->config.will_delay_s = options->properties.will_delay_s;
}

static void configure(struct connection *connection, uint32_t queue_bytes)
{
    const struct options *options = connection->options;
    const struct target *target = &connection->target;
    const struct property_options *properties = &options->properties;
    connection->config = (struct tacit_config){
        .version = options->version,
        .clean_start = !options->keep_session,
        .request_response = properties->request_response || options->command == OPTION_REQUEST,
        /* Without TLS anybody could send us, and the password, anywhere. */
        .redirects = target->encrypted ? CONNECTION_REDIRECTS : 0,
        .port = target->port,
        .keep_alive_s = options->keep_alive_s != 0 ? options->keep_alive_s : 60,
        .host = bytes_of(target->host),
        .client_id = bytes_of(target->client_id),
        .user_name = bytes_of(options->user_name),
        .password = bytes_of(target->password[0] != '\0' ? target->password : NULL),
        .session_expiry_s = properties->has_session_expiry ? properties->session_expiry_s
                                                           : options->session_expiry_s,
        .user_properties = properties->connect_pairs.pair,
        .user_property_count = properties->connect_pairs.count,
        .limits = limits_of(queue_bytes),
        .retry = { .maximum_ms = 30000 },
        .transport = tacit_posix_transport(connection->posix),
        .random = tacit_posix_random,
    };
    configure_will(connection);
    if (target->encrypted
        && device_ratchet_init(&connection->ratchet, target->certificate_file, connection->posix)) {
        connection->config.greeting = &connection->ratchet.ratchet.greeting;
        connection->config.transport = device_ratchet_transport(&connection->ratchet);
    }
}

static bool make_client(struct connection *connection)
{
    size_t size = tacit_arena_bytes(&connection->config.limits);
    connection->arena = malloc(size);
    if (connection->arena == NULL) {
        options_complain(connection->options, "out of memory");
        return false;
    }
    connection->client = tacit_init(connection->arena, size, &connection->config);
    if (connection->client == NULL)
        options_complain(connection->options,
                         "an option cannot be said in MQTT: client id, user name, password "
                         "(needs a user name before version 5), will or a property");
    return connection->client != NULL;
}

static void note_signal(int number)
{
    (void)number; /* that ppoll was interrupted is all there is to know */
}

/* SIGINT and SIGTERM are let in while connection_wait sleeps, and only then. */
static void expect_signals(void)
{
    struct sigaction action = { .sa_handler = note_signal };
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

enum exit_code connection_open(struct connection *out, const struct options *options,
                               uint32_t queue_bytes)
{
    *out = (struct connection){ .options = options, .deadline_ms = UINT64_MAX };
    enum exit_code code = target_decide(&out->target, options);
    if (code != EXIT_DONE)
        return code;
    (void)snprintf(out->host, sizeof(out->host), "%s", out->target.host);
    out->port = out->target.port;
    if (out->target.encrypted)
        out->tls = target_tls_new(&out->target, options);
    if (out->tls != NULL)
        out->posix = tacit_posix_tls_new(out->tls);
    else if (!out->target.encrypted)
        out->posix = tacit_posix_insecure_new();
    if (out->posix != NULL)
        configure(out, queue_bytes);
    if (out->posix == NULL || !make_client(out)) {
        connection_close(out);
        return EXIT_USAGE;
    }
    if (options->timeout_s > 0)
        out->deadline_ms = tacit_posix_now_ms() + options->timeout_s * 1000ull;
    expect_signals();
    tacit_start(out->client);
    return EXIT_DONE;
}

void connection_close(struct connection *connection)
{
    if (connection->config.greeting != NULL)
        device_ratchet_fini(&connection->ratchet);
    connection->config.greeting = NULL;
    tacit_posix_free(connection->posix);
    tacit_tls_free(connection->tls);
    free(connection->arena);
    wipe_bytes(connection->target.password, sizeof(connection->target.password));
    connection->posix = NULL;
    connection->tls = NULL;
    connection->arena = NULL;
    connection->client = NULL;
}

static void debug(const struct connection *connection, const struct tacit_event *event)
{
    static const char *const names[] = {
        [TACIT_EVENT_NONE] = "",
        [TACIT_EVENT_UP] = "connected",
        [TACIT_EVENT_DOWN] = "connection down",
        [TACIT_EVENT_MESSAGE] = "message",
        [TACIT_EVENT_DELIVERED] = "delivered",
        [TACIT_EVENT_REJECTED] = "rejected",
        [TACIT_EVENT_SUBSCRIBED] = "subscribed",
        [TACIT_EVENT_UNSUBSCRIBED] = "unsubscribed",
        [TACIT_EVENT_RESPONSE] = "response",
        [TACIT_EVENT_UNANSWERED] = "unanswered",
        [TACIT_EVENT_WANTED] = "wanted",
    };
    char transport[96];
    if (!connection->options->debug || event->type == TACIT_EVENT_NONE)
        return;
    tacit_posix_describe(connection->posix, transport, sizeof(transport));
    (void)fprintf(stderr, "%s", names[event->type]);
    if (event->type == TACIT_EVENT_UP)
        (void)fprintf(stderr, " to %s port %u (%s), MQTT version %u%s", connection->host,
                      connection->port, transport, event->version,
                      event->session_present ? ", session continued" : "");
    if (event->type == TACIT_EVENT_DOWN)
        (void)fprintf(stderr, ": %s", tacit_status_text(event->status));
    if (event->type == TACIT_EVENT_MESSAGE)
        (void)fprintf(stderr, " on '%.*s', qos %u, retain %u, bytes %u to %u of %u",
                      (int)event->message.topic.len, (const char *)event->message.topic.data,
                      event->message.qos, event->message.retain, event->offset,
                      event->offset + (unsigned)event->message.payload.len, event->total);
    if (event->subscription != NULL)
        (void)fprintf(stderr, " '%.*s'", (int)event->subscription->filter.len,
                      (const char *)event->subscription->filter.data);
    (void)fprintf(stderr, ", reason 0x%02x\n", event->reason);
}

static uint32_t span_ms(uint64_t now_ms, uint64_t until_ms)
{
    if (until_ms <= now_ms)
        return 0;
    return until_ms - now_ms < INT32_MAX ? (uint32_t)(until_ms - now_ms) : INT32_MAX;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Sleeps until something can be read, written or is due. True if `input` can be read. */
static bool sleep_until_ready(const struct connection *connection, int input, uint32_t sleep_ms,
                              bool *out_signal)
{
    struct pollfd pollers[2] = {
        { .fd = tacit_posix_descriptor(connection->posix), .events = POLLIN },
        { .fd = input, .events = POLLIN },
    };
    struct timespec span = { sleep_ms / 1000, (long)(sleep_ms % 1000) * 1000000 };
    sigset_t none;
    (void)sigemptyset(&none);
    if (tacit_posix_wants_write(connection->posix))
        pollers[0].events |= POLLOUT;
    int ready = ppoll(pollers, 2, sleep_ms > INT32_MAX ? NULL : &span, &none);
    *out_signal = ready < 0 && errno == EINTR;
    return ready > 0 && pollers[1].revents != 0;
}

enum connection_step connection_wait(struct connection *connection, int input, uint64_t until_ms,
                                     struct tacit_event *out_event)
{
    for (;;) {
        bool has_signal = false;
        uint64_t now_ms = tacit_posix_now_ms();
        uint32_t sleep_ms = tacit_poll(connection->client, now_ms, out_event);
        debug(connection, out_event);
        connection->was_up |= out_event->type == TACIT_EVENT_UP;
        if (out_event->type != TACIT_EVENT_NONE)
            return CONNECTION_EVENT;
        if (now_ms >= connection->deadline_ms)
            return CONNECTION_TIMED_OUT;
        if (now_ms >= until_ms)
            return CONNECTION_WOKEN;
        sleep_ms = smaller(sleep_ms, span_ms(now_ms, connection->deadline_ms));
        sleep_ms = smaller(sleep_ms, span_ms(now_ms, until_ms));
        bool has_input = sleep_until_ready(connection, input, sleep_ms, &has_signal);
        if (has_signal)
            return CONNECTION_SIGNAL;
        if (has_input)
            return CONNECTION_INPUT;
    }
}

void connection_finish(struct connection *connection)
{
    struct tacit_event event = { 0 };
    connection->deadline_ms = tacit_posix_now_ms() + 1000;
    tacit_stop(connection->client, false);
    enum connection_step step;
    do
        step = connection_wait(connection, -1, UINT64_MAX, &event);
    while (step == CONNECTION_EVENT && event.type != TACIT_EVENT_DOWN);
}

void connection_say_refused(const struct connection *connection, struct tacit_bytes what,
                            uint8_t reason, struct tacit_bytes reason_string)
{
    if (connection->options->quiet)
        return;
    (void)fprintf(stderr, "refused: '%.*s': %s (0x%02X)", (int)what.len, (const char *)what.data,
                  tacit_reason_text(reason), reason);
    if (reason_string.len > 0)
        (void)fprintf(stderr, ": %.*s", (int)reason_string.len, (const char *)reason_string.data);
    (void)fputc('\n', stderr);
}

void connection_json_refused(const char *kind, struct tacit_bytes what, uint8_t reason,
                             struct tacit_bytes reason_string)
{
    json_t *object = json_pack("{s:s, s:s%, s:i, s:s}", "event", "refused", kind, what.data,
                               what.len, "reason", (int)reason, "text", tacit_reason_text(reason));
    if (object != NULL && reason_string.len > 0)
        (void)json_object_set_new(object, "reason_string",
                                  json_stringn(reason_string.data, reason_string.len));
    if (object != NULL)
        (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
    json_decref(object);
}

/* What to try when the first attempt fails; "" if nothing comes to mind. */
static const char *advice(const struct connection *connection, const struct tacit_event *event)
{
    if (event->status == TACIT_KEY && connection->target.ca_file == NULL)
        return "; name the broker's CA with --cafile, or a profile with --as";
    if (event->status == TACIT_IO && !connection->target.encrypted
        && connection->options->as == NULL)
        return "; is this a TLS port? then --cafile or --as is needed";
    return "";
}

static void say_down(const struct connection *connection, const struct tacit_event *event)
{
    const struct options *options = connection->options;
    if (event->status == TACIT_REFUSED) {
        options_complain(options, "%s %s: %s (0x%02X)%s%.*s", connection->host,
                         connection->was_up ? "ended the connection" : "refused the connection",
                         tacit_reason_text(event->reason), event->reason,
                         event->reason_string.len > 0 ? ": " : "", (int)event->reason_string.len,
                         event->reason_string.len > 0 ? (const char *)event->reason_string.data
                                                      : "");
        return;
    }
    const char *detail = tacit_posix_error(connection->posix);
    if (event->status == TACIT_TIMEOUT || detail[0] == '\0')
        options_complain(options, "%s port %u: %s", connection->host, connection->port,
                         tacit_status_text(event->status));
    else
        options_complain(options, "%s%s (port %u)", detail,
                         connection->was_up ? "" : advice(connection, event), connection->port);
}

/* The client tries elsewhere at once, which it never does with a server that it comes back to. */
static bool is_followed(const struct tacit_event *event)
{
    return event->status == TACIT_REFUSED && event->server_reference.len > 0
           && event->retry_in_ms == 0;
}

/* Notes where the client goes, for what is said afterwards. */
static void follow(struct connection *connection)
{
    struct tacit_bytes host = tacit_server(connection->client, &connection->port);

    (void)snprintf(connection->host, sizeof(connection->host), "%.*s", (int)host.len,
                   (const char *)host.data);
    options_complain(connection->options, "going on at %s port %u", connection->host,
                     connection->port);
}

bool connection_survives(struct connection *connection, const struct tacit_event *event,
                         enum exit_code *out_code)
{
    *out_code = event->status == TACIT_REFUSED ? EXIT_REFUSED : EXIT_CONNECTION;
    say_down(connection, event);
    if (is_followed(event)) {
        follow(connection);
        return true;
    }
    return connection->was_up && event->retry_in_ms != UINT32_MAX;
}
