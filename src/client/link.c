/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: opened, kept alive, lost, tried again. */
#include "client/drop.h"
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

static uint32_t sum(uint32_t a, uint32_t b)
{
    return b < UINT32_MAX - a ? a + b : UINT32_MAX;
}

static void advance_clock(struct tacit_clock *clock, uint64_t now_ms)
{
    uint64_t passed = clock->now_ms != 0 && now_ms > clock->now_ms ? now_ms - clock->now_ms : 0;
    uint32_t step_ms = passed < LONGEST_STEP_MS ? (uint32_t)passed : LONGEST_STEP_MS;
    uint32_t fraction_ms = clock->milliseconds + step_ms;
    clock->now_ms = now_ms;
    clock->left_ms -= step_ms < clock->left_ms ? step_ms : clock->left_ms;
    clock->up_ms = sum(clock->up_ms, step_ms);
    clock->sent_ago_ms = sum(clock->sent_ago_ms, step_ms);
    clock->received_ago_ms = sum(clock->received_ago_ms, step_ms);
    clock->seconds += fraction_ms / 1000;
    clock->milliseconds = (uint16_t)(fraction_ms % 1000);
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
    client->receive.head_bytes = 0;
    client->receive.offset = 0;
    client->send.at = 0;
    client->send.len = 0;
    client->send.payload_at = 0;
    client->queue.streaming = TACIT_QUEUE_NONE;
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

static enum tacit_refusal judge(enum tacit_status status, uint8_t reason)
{
    if (status == TACIT_REFUSED)
        return tacit_refusal_of(reason);
    if (status == TACIT_STOPPED || status == TACIT_TOO_BIG)
        return TACIT_REFUSAL_FINAL;
    /* A stranger's certificate or a server that talks nonsense seldom mend soon. */
    return status == TACIT_KEY || status == TACIT_MALFORMED ? TACIT_REFUSAL_BUSY
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
    uint32_t delay = sum(least, tacit_retry_delay_ms(range, maximum, attempt, random_bits(client)));
    return delay < UINT32_MAX ? delay : UINT32_MAX - 1;
}

bool tacit_go_down(struct tacit_client *client, enum tacit_status status, uint8_t reason,
                   struct tacit_event *out_event)
{
    if (status == TACIT_MALFORMED && tacit_is_5(client) && client->state == TACIT_CLIENT_ONLINE
        && client->queue.streaming == TACIT_QUEUE_NONE
        && tacit_send_short(client, MQTT_DISCONNECT, 0, reason))
        (void)tacit_flush(client);

    uint32_t delay = 0;
    if (falls_back(client, status, reason))
        client->version = MQTT_VERSION_3_1_1;
    else if (!TACIT_REDIRECTS || !tacit_is_redirected(client, status, reason, out_event))
        delay = plan_retry(client, status, reason);
    forget_connection(client);
    client->stop_wish = TACIT_STOP_NOT;
    client->state = delay == UINT32_MAX ? TACIT_CLIENT_STOPPED : TACIT_CLIENT_WAITING;
    client->clock.left_ms = delay;

    out_event->type = TACIT_EVENT_DOWN;
    out_event->status = status;
    out_event->reason = reason;
    out_event->retry_in_ms = delay;
    return true;
}

static bool give_up_in_time(struct tacit_client *client, struct tacit_event *out_event)
{
    return client->clock.left_ms == 0 && tacit_go_down(client, TACIT_TIMEOUT, 0, out_event);
}

static MQTT_NOINLINE bool open_transport(struct tacit_client *client, struct tacit_event *out_event)
{
    const struct tacit_config *config = client->config;
    uint16_t port;
    struct tacit_bytes host = tacit_server(client, &port);
    int status = config->transport.open(config->transport.context, host, port);
    if (status == TACIT_AGAIN)
        return give_up_in_time(client, out_event);
    if (status == TACIT_OK && config->greeting != NULL)
        status = config->greeting->begin(config->greeting, client);
    else if (status == TACIT_OK && !tacit_send_connect(client))
        status = TACIT_TOO_BIG;
    if (status != TACIT_OK)
        return tacit_go_down(client, (enum tacit_status)status, 0, out_event);
    client->state = TACIT_CLIENT_CONNECTING;
    tacit_set_deadline(client);
    client->clock.sent_ago_ms = 0;
    client->clock.received_ago_ms = 0;
    return false;
}

/* The application's wish to stop: what is encoded leaves, then the farewell. */
static bool stop(struct tacit_client *client, struct tacit_event *out_event)
{
    if (client->state == TACIT_CLIENT_ONLINE) {
        bool with_will = client->stop_wish == TACIT_STOP_WITH_WILL;
        if (tacit_flush(client) == TACIT_AGAIN && client->clock.left_ms > 0)
            return TACIT_PIECES && tacit_ask_for_piece(client, out_event);
        /* Before MQTT 5 a server publishes the will unless it sees a DISCONNECT. */
        if ((tacit_is_5(client) || !with_will)
            && tacit_send_short(client, MQTT_DISCONNECT, 0,
                                with_will ? MQTT_DISCONNECT_WITH_WILL : MQTT_SUCCESS))
            (void)tacit_flush(client);
    }
    return tacit_go_down(client, TACIT_STOPPED, 0, out_event);
}

/* Moves bytes both ways until there is an event or nothing more to do now. */
static bool exchange(struct tacit_client *client, struct tacit_event *out_event, bool *out_more)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (tacit_handle_received(client, out_event))
            return true;
        /* What is due and what answers the input leave together; again while a full
         * buffer got through. */
        enum tacit_status flushed;
        bool had_some;
        do {
            if (client->state == TACIT_CLIENT_ONLINE && tacit_send_due(client, out_event))
                return true;
            had_some = tacit_has_unsent(client);
            flushed = tacit_flush(client);
        } while (flushed == TACIT_OK && had_some);
        if (TACIT_PIECES && tacit_ask_for_piece(client, out_event))
            return true;
        int got = flushed == TACIT_IO ? -1 : tacit_receive_more(client);
        if (got < 0)
            return tacit_go_down(client, TACIT_IO, 0, out_event);
        if (got == 0)
            return false;
    }
    *out_more = true;
    return false;
}

/* Milliseconds until the connection has been quiet, in one direction or the other, for
 * the keep-alive interval. While a payload passes, what leaves counts alone. */
static uint32_t until_ping(const struct tacit_client *client)
{
    const struct tacit_clock *clock = &client->clock;
    uint32_t interval_ms = client->grant.keep_alive_s * 1000u;
    bool is_streaming = client->queue.streaming != TACIT_QUEUE_NONE;
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

static bool keep_alive(struct tacit_client *client, struct tacit_event *out_event)
{
    if (client->state == TACIT_CLIENT_CONNECTING || client->ping_sent)
        return give_up_in_time(client, out_event);
    if (until_ping(client) > 0)
        return false;
    /* A PINGREQ would have to wait for the end of the payload, of which nothing leaves. */
    if (client->queue.streaming != TACIT_QUEUE_NONE)
        return tacit_go_down(client, TACIT_TIMEOUT, 0, out_event);
    if (!tacit_ping(client))
        return false;
    return tacit_flush(client) == TACIT_IO && tacit_go_down(client, TACIT_IO, 0, out_event);
}

static uint32_t sleep_ms(const struct tacit_client *client)
{
    if (client->state == TACIT_CLIENT_STOPPED)
        return UINT32_MAX;
    if (client->state != TACIT_CLIENT_ONLINE || client->ping_sent || client->stop_wish)
        return client->clock.left_ms;
    return until_ping(client);
}

/* One step of the state the client is in. True: there is an event. */
static bool advance(struct tacit_client *client, struct tacit_event *out_event, bool *out_more)
{
    if (client->owed != 0 && tacit_acknowledge(client, client->owed) == TACIT_STORE)
        return tacit_go_down(client, TACIT_STORE, 0, out_event);
    if (TACIT_DROPS) /* by itself: clang takes what stands behind && for forgotten */
        if (client->has_dropped && tacit_tell_dropped(client, out_event))
            return true;
    if (client->stop_wish != TACIT_STOP_NOT)
        return stop(client, out_event);
    if (client->state == TACIT_CLIENT_WAITING && client->clock.left_ms == 0) {
        client->state = TACIT_CLIENT_OPENING;
        tacit_set_deadline(client);
    }
    if (client->state == TACIT_CLIENT_OPENING && open_transport(client, out_event))
        return true;
    if (client->state < TACIT_CLIENT_CONNECTING)
        return false;
    return exchange(client, out_event, out_more) || keep_alive(client, out_event);
}

uint32_t tacit_poll(struct tacit_client *client, uint64_t now_ms, struct tacit_event *out_event)
{
    bool more = false;
    memset(out_event, 0, sizeof(*out_event));
    advance_clock(&client->clock, now_ms);
    if (advance(client, out_event, &more) || more)
        return 0;
    if (TACIT_PIECES)
        client->asked = false;
    return sleep_ms(client);
}
