/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: opened, kept alive, lost, tried again. */
#include "client/inbound.h"
#include "client/outbound.h"
#include "client/retry.h"

#include <string.h>

/* A server that keeps talking cannot keep the caller: so many times is the transport
 * asked in one tacit_poll. */
#define ROUNDS 16

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
    client->send.at = 0;
    client->send.len = 0;
    client->send.payload_at = 0;
    client->queue.streaming = TACIT_QUEUE_NONE;
    client->ping_sent = false;
}

static bool falls_back(const struct tacit_client *client, enum tacit_status status, uint8_t reason)
{
    return status == TACIT_REFUSED && reason == MQTT_UNSUPPORTED_PROTOCOL_VERSION
           && client->version == MQTT_VERSION_5 && client->config->fallback_311;
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
    uint32_t minimum = tacit_or(retry->minimum_ms, 1000);
    uint32_t maximum = tacit_or(retry->maximum_ms, 120000);
    uint32_t random = random_bits(client);
    enum tacit_refusal refusal = judge(status, reason);

    if (refusal == TACIT_REFUSAL_FINAL) {
        if (retry->refused_ms == 0 || status != TACIT_REFUSED)
            return UINT32_MAX;
        uint64_t delay =
            (uint64_t)retry->refused_ms + tacit_retry_delay_ms(maximum, maximum, 0, random);
        return delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX - 1;
    }
    if (refusal == TACIT_REFUSAL_BUSY)
        return maximum / 2 + tacit_retry_delay_ms(maximum / 2, maximum / 2, 0, random);
    /* Only a connection that lasted counts as success: otherwise a server that lets
     * us in and throws us out would be hammered. */
    if (client->state == TACIT_CLIENT_ONLINE && client->now_ms - client->up_since_ms >= maximum)
        client->attempt = 0;
    uint32_t delay = tacit_retry_delay_ms(minimum, maximum, client->attempt, random);
    if (client->attempt < 31)
        client->attempt++;
    return delay;
}

bool tacit_go_down(struct tacit_client *client, enum tacit_status status, uint8_t reason,
                   struct tacit_event *out_event)
{
    if (status == TACIT_MALFORMED && client->version == MQTT_VERSION_5
        && client->state == TACIT_CLIENT_ONLINE && client->queue.streaming == TACIT_QUEUE_NONE
        && tacit_send_disconnect(client, reason))
        (void)tacit_flush(client);

    uint32_t delay = 0;
    if (falls_back(client, status, reason))
        client->version = MQTT_VERSION_3_1_1;
    else
        delay = plan_retry(client, status, reason);
    forget_connection(client);
    client->stop_wish = TACIT_STOP_NOT;
    client->state = delay == UINT32_MAX ? TACIT_CLIENT_STOPPED : TACIT_CLIENT_WAITING;
    client->deadline_ms = client->now_ms + delay;

    out_event->type = TACIT_EVENT_DOWN;
    out_event->status = status;
    out_event->reason = reason;
    out_event->retry_in_ms = delay;
    return true;
}

static bool open_transport(struct tacit_client *client, struct tacit_event *out_event)
{
    const struct tacit_config *config = client->config;
    int status = config->transport.open(config->transport.context, config->host, config->port);
    if (status == TACIT_AGAIN)
        return client->now_ms >= client->deadline_ms
               && tacit_go_down(client, TACIT_TIMEOUT, 0, out_event);
    if (status != TACIT_OK)
        return tacit_go_down(client, (enum tacit_status)status, 0, out_event);
    if (!tacit_send_connect(client))
        return tacit_go_down(client, TACIT_TOO_BIG, 0, out_event);
    client->state = TACIT_CLIENT_CONNECTING;
    client->deadline_ms = client->now_ms + tacit_timeout_ms(client);
    client->sent_ms = client->now_ms;
    client->received_ms = client->now_ms;
    return false;
}

/* The application's wish to stop: what is encoded leaves, then the farewell. */
static bool stop(struct tacit_client *client, struct tacit_event *out_event)
{
    if (client->state == TACIT_CLIENT_ONLINE) {
        bool is_5 = client->version == MQTT_VERSION_5;
        bool with_will = client->stop_wish == TACIT_STOP_WITH_WILL;
        if (tacit_flush(client) == TACIT_AGAIN && client->now_ms < client->deadline_ms)
            return false;
        /* Before MQTT 5 a server publishes the will unless it sees a DISCONNECT. */
        if ((is_5 || !with_will)
            && tacit_send_disconnect(client, with_will ? MQTT_DISCONNECT_WITH_WILL : MQTT_SUCCESS))
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
        uint64_t before;
        do {
            if (client->state == TACIT_CLIENT_ONLINE && tacit_send_due(client, out_event))
                return true;
            before = client->statistics.sent_bytes;
            flushed = tacit_flush(client);
        } while (flushed == TACIT_OK && client->statistics.sent_bytes > before);
        if (flushed == TACIT_IO)
            return tacit_go_down(client, TACIT_IO, 0, out_event);
        int got = tacit_receive_more(client);
        if (got < 0)
            return tacit_go_down(client, TACIT_IO, 0, out_event);
        if (got == 0)
            return false;
    }
    *out_more = true;
    return false;
}

static bool keep_alive(struct tacit_client *client, struct tacit_event *out_event)
{
    if (client->state == TACIT_CLIENT_CONNECTING || client->ping_sent)
        return client->now_ms >= client->deadline_ms
               && tacit_go_down(client, TACIT_TIMEOUT, 0, out_event);
    uint64_t interval_ms = client->grant.keep_alive_s * 1000u;
    uint64_t quiet_since =
        client->sent_ms < client->received_ms ? client->sent_ms : client->received_ms;
    if (interval_ms == 0 || client->now_ms - quiet_since < interval_ms || !tacit_send_ping(client))
        return false;
    client->ping_sent = true;
    client->deadline_ms = client->now_ms + tacit_timeout_ms(client);
    return tacit_flush(client) == TACIT_IO && tacit_go_down(client, TACIT_IO, 0, out_event);
}

static uint32_t until(const struct tacit_client *client, uint64_t when_ms)
{
    if (when_ms <= client->now_ms)
        return 0;
    uint64_t left = when_ms - client->now_ms;
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX - 1;
}

static uint32_t sleep_ms(const struct tacit_client *client)
{
    if (client->state == TACIT_CLIENT_STOPPED)
        return UINT32_MAX;
    if (client->state != TACIT_CLIENT_ONLINE || client->ping_sent || client->stop_wish)
        return until(client, client->deadline_ms);
    if (client->grant.keep_alive_s == 0)
        return UINT32_MAX;
    uint64_t quiet_since =
        client->sent_ms < client->received_ms ? client->sent_ms : client->received_ms;
    return until(client, quiet_since + client->grant.keep_alive_s * 1000u);
}

/* One step of the state the client is in. True: there is an event. */
static bool advance(struct tacit_client *client, struct tacit_event *out_event, bool *out_more)
{
    if (client->stop_wish != TACIT_STOP_NOT)
        return stop(client, out_event);
    if (client->state == TACIT_CLIENT_WAITING && client->now_ms >= client->deadline_ms) {
        client->state = TACIT_CLIENT_OPENING;
        client->deadline_ms = client->now_ms + tacit_timeout_ms(client);
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
    *out_event = (struct tacit_event){ .type = TACIT_EVENT_NONE };
    client->now_ms = now_ms;
    if (advance(client, out_event, &more) || more)
        return 0;
    return sleep_ms(client);
}
