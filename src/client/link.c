/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: opened, kept alive, lost, tried again. */
#include "client/drop.h"
#include "client/handlers.h"
#include "client/inbound.h"
#include "client/outbound.h"
#include "client/pieces.h"
#include "client/redirect.h"
#include "client/retry.h"

#include <string.h>

/* A server that keeps talking cannot keep the caller: so many times is the transport
 * asked in one tacit_poll. */
#define ROUNDS 16

/* A leap of the clock counts for no more: 24 days, which ends every waiting. */
#define LONGEST_STEP_MS INT32_MAX

void tacit_set_deadline(struct tacit_client *client)
{
    client->clock.left_ms = tacit_or(client->config->retry.timeout_ms, 10000);
}

static void advance_clock(struct tacit_client *client, uint64_t now_ms)
{
    struct tacit_clock *clock = &client->clock;
    uint64_t passed = client->now_ms != 0 && now_ms > client->now_ms ? now_ms - client->now_ms : 0;
    uint32_t step_ms = passed < LONGEST_STEP_MS ? (uint32_t)passed : LONGEST_STEP_MS;
    client->now_ms = now_ms;
    clock->left_ms -= step_ms < clock->left_ms ? step_ms : clock->left_ms;
    clock->up_ms = tacit_sum(clock->up_ms, step_ms);
    clock->sent_ago_ms = tacit_sum(clock->sent_ago_ms, step_ms);
    clock->received_ago_ms = tacit_sum(clock->received_ago_ms, step_ms);
    if (!MQTT_SPEAKS_5) /* nothing expires */
        return;
    step_ms += client->milliseconds;
    clock->seconds += step_ms / 1000;
    client->milliseconds = (uint16_t)(step_ms % 1000);
}

static uint32_t random_bits(const struct tacit_client *client)
{
    uint32_t bits;
    const struct tacit_config *config = client->config;
    if (config->random(config->random_context, &bits, sizeof(bits)) < 0)
        return UINT32_MAX; /* no jitter to be had: the longest wait */
    return bits;
}

static void forget_connection(struct tacit_client *client)
{
    client->config->transport.close(client->config->transport.context);
    client->receive.at = 0;
    client->receive.len = 0;
    client->send.len = 0;
    if (TACIT_LARGE_MESSAGES) {
        client->receive.head_bytes = 0;
        client->receive.offset = 0;
        client->queue.streaming = NULL;
    }
    client->ping_sent = false;
    client->owed = 0;
    client->unanswered = 0;
    client->connection++;
}

static bool falls_back(const struct tacit_client *client, enum tacit_status status, uint8_t reason)
{
    return status == TACIT_REFUSED && reason == MQTT_UNSUPPORTED_PROTOCOL_VERSION && MQTT_SPEAKS_3
           && tacit_is_5(client) && client->config->fallback_311;
}

/* A status as a bit: they are 0 and below. */
#define STATUS(status) (1u << -(int)(status))

static enum tacit_refusal judge(enum tacit_status status, uint8_t reason)
{
    unsigned bit = STATUS(status);
    if (status == TACIT_REFUSED)
        return tacit_refusal_of(reason);
    if ((bit & (STATUS(TACIT_STOPPED) | STATUS(TACIT_TOO_BIG))) != 0)
        return TACIT_REFUSAL_FINAL;
    /* A stranger's certificate or a server that talks nonsense seldom mend soon. */
    return (bit & (STATUS(TACIT_KEY) | STATUS(TACIT_MALFORMED))) != 0 ? TACIT_REFUSAL_BUSY
                                                                      : TACIT_REFUSAL_NONE;
}

/* UINT32_MAX: not by itself. */
static uint32_t plan_retry(struct tacit_client *client, enum tacit_status status, uint8_t reason)
{
    const struct tacit_retry *retry = &client->config->retry;
    uint32_t maximum = tacit_longest_retry_ms(client);
    uint32_t range = tacit_or(retry->minimum_ms, 1000);
    uint32_t least = 0;
    unsigned attempt = 0;

    switch (judge(status, reason)) {
    case TACIT_REFUSAL_FINAL:
        if (retry->refused_ms == 0 || status != TACIT_REFUSED)
            return UINT32_MAX;
        least = retry->refused_ms;
        range = maximum;
        break;
    case TACIT_REFUSAL_BUSY:
        least = maximum / 2;
        range = maximum / 2;
        break;
    case TACIT_REFUSAL_NONE:
        /* Only a connection that lasted counts as success: otherwise a server that
         * lets us in and throws us out would be hammered. */
        if (client->state == TACIT_CLIENT_ONLINE && client->clock.up_ms >= maximum)
            client->attempt = 0;
        attempt = client->attempt;
        if (attempt < 31)
            client->attempt++;
        break;
    }
    uint32_t delay =
        tacit_sum(least, tacit_retry_delay_ms(range, maximum, attempt, random_bits(client)));
    return delay < UINT32_MAX ? delay : UINT32_MAX - 1;
}

static void say_farewell(struct tacit_client *client, uint8_t reason)
{
    if (client->state == TACIT_CLIENT_ONLINE && tacit_streaming(client) == NULL
        && tacit_send_short(client, MQTT_DISCONNECT, 0, reason))
        (void)tacit_flush(client);
}

void tacit_go_down(struct tacit_client *client, enum tacit_status status, uint8_t reason)
{
    uint32_t delay = 0;
    if (status == TACIT_MALFORMED && tacit_is_5(client))
        say_farewell(client, reason);
    if (TACIT_REDIRECTS)
        client->redirect.host_len = 0;
    if (falls_back(client, status, reason))
        client->version = MQTT_VERSION_3_1_1;
    else if (!TACIT_REDIRECTS || !tacit_is_redirected(client, status, reason))
        delay = plan_retry(client, status, reason);
    forget_connection(client);
    client->stop_wish = TACIT_STOP_NOT;
    client->state = delay == UINT32_MAX ? TACIT_CLIENT_STOPPED : TACIT_CLIENT_WAITING;
    client->clock.left_ms = delay;

    struct tacit_event *event = client->event;
    event->type = TACIT_EVENT_DOWN;
    event->status = status;
    event->reason = reason;
    event->retry_in_ms = delay;
}

static void give_up_in_time(struct tacit_client *client)
{
    if (client->clock.left_ms == 0)
        tacit_go_down(client, TACIT_TIMEOUT, 0);
}

/* What is absent in CONNACK, and all of it before MQTT 5, is as the standard says. */
static void expect_defaults(struct tacit_client *client)
{
    if (!MQTT_SPEAKS_5) {
        client->grant.receive_maximum = UINT16_MAX;
        return;
    }
    client->grant = (struct tacit_grant){ .maximum_packet_bytes = UINT32_MAX,
                                          .receive_maximum = UINT16_MAX,
                                          .keep_alive_s = client->config->keep_alive_s,
                                          .maximum_qos = 2,
                                          .retain_available = true };
}

static MQTT_NOINLINE void open_transport(struct tacit_client *client)
{
    const struct tacit_config *config = client->config;
    uint16_t port;
    struct tacit_bytes host = tacit_server(client, &port);
    int status = config->transport.open(config->transport.context, host, port);
    if (status == TACIT_AGAIN) {
        give_up_in_time(client);
        return;
    }
    if (status == TACIT_OK && tacit_greeting(config) != NULL)
        status = config->greeting->begin(config->greeting, client);
    else if (status == TACIT_OK && !tacit_send_connect(client))
        status = TACIT_TOO_BIG;
    if (status != TACIT_OK) {
        tacit_go_down(client, (enum tacit_status)status, 0);
        return;
    }
    client->state = TACIT_CLIENT_CONNECTING;
    expect_defaults(client);
    tacit_set_deadline(client);
    client->clock.sent_ago_ms = 0;
    client->clock.received_ago_ms = 0;
}

/* The application's wish to stop: what is encoded leaves, then the farewell. */
static void stop(struct tacit_client *client)
{
    bool with_will = TACIT_WILLS && client->stop_wish == TACIT_STOP_WITH_WILL;
    if (client->state == TACIT_CLIENT_ONLINE && tacit_flush(client) == TACIT_AGAIN
        && client->clock.left_ms > 0) {
        if (TACIT_PIECES)
            tacit_ask_for_piece(client);
        return;
    }
    /* Before MQTT 5 a server publishes the will unless it sees a DISCONNECT. */
    if (tacit_is_5(client) || !with_will)
        say_farewell(client, with_will ? MQTT_DISCONNECT_WITH_WILL : MQTT_SUCCESS);
    tacit_go_down(client, TACIT_STOPPED, 0);
}

/* Writes all that is due and what answers the input, together; again while a full buffer got
 * through. */
static enum tacit_status send_all(struct tacit_client *client)
{
    enum tacit_status flushed;
    bool had_some;
    do {
        if (client->state == TACIT_CLIENT_ONLINE)
            tacit_send_due(client);
        had_some = tacit_has_unsent(client) && !tacit_has_event(client);
        flushed = had_some ? tacit_flush(client) : TACIT_OK;
    } while (flushed == TACIT_OK && had_some);
    return flushed;
}

/* Moves bytes both ways until there is an event or nothing more to do now. True: there may be more
 * to do. */
static bool exchange(struct tacit_client *client)
{
    for (unsigned round = ROUNDS; round > 0; round--) {
        tacit_handle_received(client);
        if (tacit_has_event(client))
            return true;
        enum tacit_status sent = send_all(client);
        if (TACIT_PIECES && !tacit_has_event(client))
            tacit_ask_for_piece(client);
        if (tacit_has_event(client))
            return true;
        int got = sent == TACIT_IO ? -1 : tacit_receive_more(client);
        if (got < 0)
            tacit_go_down(client, TACIT_IO, 0);
        if (got <= 0)
            return got < 0;
    }
    return true;
}

/* Milliseconds until the connection has been quiet, in one direction or the other, for
 * the keep-alive interval. While a payload passes, what leaves counts alone. */
static uint32_t until_ping(const struct tacit_client *client)
{
    const struct tacit_clock *clock = &client->clock;
    uint32_t interval_ms =
        (MQTT_SPEAKS_5 ? client->grant.keep_alive_s : client->config->keep_alive_s) * 1000u;
    bool is_streaming = tacit_streaming(client) != NULL;
    uint32_t quiet_ms = clock->sent_ago_ms > clock->received_ago_ms || is_streaming
                            ? clock->sent_ago_ms
                            : clock->received_ago_ms;
    if (interval_ms == 0)
        return UINT32_MAX;
    return quiet_ms < interval_ms ? interval_ms - quiet_ms : 0;
}

bool tacit_ping(struct tacit_client *client)
{
    if (!tacit_send_short(client, MQTT_PINGREQ, 0, MQTT_SUCCESS))
        return false;
    client->ping_sent = true;
    tacit_set_deadline(client);
    return true;
}

static void keep_alive(struct tacit_client *client)
{
    if (client->state == TACIT_CLIENT_CONNECTING || client->ping_sent)
        give_up_in_time(client);
    else if (until_ping(client) > 0)
        return;
    /* A PINGREQ would have to wait for the end of the payload, of which nothing leaves. */
    else if (tacit_streaming(client) != NULL)
        tacit_go_down(client, TACIT_TIMEOUT, 0);
    else if (tacit_ping(client) && tacit_flush(client) == TACIT_IO)
        tacit_go_down(client, TACIT_IO, 0);
}

static uint32_t sleep_ms(const struct tacit_client *client)
{
    if (client->state == TACIT_CLIENT_STOPPED)
        return UINT32_MAX;
    if (client->state != TACIT_CLIENT_ONLINE || client->ping_sent || client->stop_wish)
        return client->clock.left_ms;
    return until_ping(client);
}

/* One step of the state the client is in. True: there may be more to do at once. */
static bool advance(struct tacit_client *client)
{
    if (client->stop_wish != TACIT_STOP_NOT) {
        stop(client);
        return false;
    }
    if (client->state == TACIT_CLIENT_WAITING && client->clock.left_ms == 0) {
        client->state = TACIT_CLIENT_OPENING;
        tacit_set_deadline(client);
    }
    if (client->state == TACIT_CLIENT_OPENING)
        open_transport(client);
    if (client->state < TACIT_CLIENT_CONNECTING)
        return false;
    if (exchange(client))
        return true;
    keep_alive(client);
    return false;
}

uint32_t tacit_poll(struct tacit_client *client, uint64_t now_ms, struct tacit_event *out_event)
{
    client->event = out_event;
    memset(out_event, 0, sizeof(*out_event));
    advance_clock(client, now_ms);
    if (TACIT_OWES && client->owed != 0 && tacit_acknowledge_owed(client) == TACIT_STORE)
        tacit_go_down(client, TACIT_STORE, 0);
    else if (TACIT_DROPS && client->has_dropped)
        tacit_tell_dropped(client);
    if (tacit_has_event(client) || advance(client) || tacit_has_event(client))
        return 0;
    if (TACIT_PIECES)
        client->asked = false;
    return sleep_ms(client);
}
