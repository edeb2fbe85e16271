/* SPDX-License-Identifier: Apache-2.0 */
/* Uses the client as an application does, so that it costs nothing where there are no requests. */
#include <tacit/request.h>

#include "client/properties.h"
#include "client/state.h"

#include <string.h>

enum tacit_status tacit_requester_init(struct tacit_requester *requester,
                                       struct tacit_client *client, struct tacit_call *calls,
                                       unsigned count, struct tacit_bytes response_topic)
{
    const struct tacit_message probe = { .topic = response_topic };
    if (count == 0 || !tacit_message_is_valid(&probe))
        return TACIT_ARGUMENT;
    *requester = (struct tacit_requester){ .client = client,
                                           .calls = calls,
                                           .count = count,
                                           .responses = { .filter = response_topic, .qos = 1 } };
    memset(calls, 0, count * sizeof(*calls));
    return tacit_subscribe(client, &requester->responses);
}

/* The call of that token; of 0, a free one; NULL if there is none. */
static struct tacit_call *call_of(const struct tacit_requester *requester, uint32_t token)
{
    for (unsigned i = 0; i < requester->count; i++)
        if (requester->calls[i].token == token)
            return &requester->calls[i];
    return NULL;
}

enum tacit_status tacit_request(struct tacit_requester *requester,
                                const struct tacit_message *message, uint32_t timeout_ms,
                                uint32_t *out_token)
{
    struct tacit_client *client = requester->client;
    const struct tacit_config *config = client->config;
    struct tacit_call *call = call_of(requester, 0);
    if (!tacit_is_5(client))
        return TACIT_REFUSED;
    if (call == NULL)
        return TACIT_FULL;
    if (config->random(config->random_context, call->correlation, TACIT_CORRELATION_BYTES) < 0)
        return TACIT_AGAIN;
    struct tacit_message request = *message;
    request.response_topic = requester->responses.filter;
    request.correlation = (struct tacit_bytes){ call->correlation, TACIT_CORRELATION_BYTES };
    enum tacit_status status = tacit_publish(client, &request, &call->token);
    call->left_ms = timeout_ms;
    if (status == TACIT_OK && out_token != NULL)
        *out_token = call->token;
    return status;
}

/* The request that the message answers, or NULL. */
static struct tacit_call *answered(const struct tacit_requester *requester,
                                   const struct tacit_message *message)
{
    if (message->correlation.len != TACIT_CORRELATION_BYTES
        || !span_equal(tacit_span(message->topic), tacit_span(requester->responses.filter)))
        return NULL;
    for (unsigned i = 0; i < requester->count; i++) {
        struct tacit_call *call = &requester->calls[i];
        if (call->token != 0
            && memcmp(call->correlation, message->correlation.data, sizeof(call->correlation)) == 0)
            return call;
    }
    return NULL;
}

static void take_response(const struct tacit_requester *requester, struct tacit_event *event)
{
    struct tacit_call *call = answered(requester, &event->message);
    if (call == NULL)
        return;
    event->type = TACIT_EVENT_RESPONSE;
    event->token = call->token;
    if (event->offset + event->message.payload.len == event->total)
        call->token = 0;
}

static void let_time_pass(struct tacit_requester *requester, uint64_t now_ms)
{
    uint64_t passed_ms =
        requester->now_ms != 0 && now_ms > requester->now_ms ? now_ms - requester->now_ms : 0;
    requester->now_ms = now_ms;
    for (unsigned i = 0; i < requester->count; i++) {
        struct tacit_call *call = &requester->calls[i];
        call->left_ms -= passed_ms < call->left_ms ? (uint32_t)passed_ms : call->left_ms;
    }
}

/* The outstanding request whose time is over first, or NULL. */
static struct tacit_call *most_urgent(const struct tacit_requester *requester)
{
    struct tacit_call *urgent = NULL;
    for (unsigned i = 0; i < requester->count; i++) {
        struct tacit_call *call = &requester->calls[i];
        if (call->token != 0 && (urgent == NULL || call->left_ms < urgent->left_ms))
            urgent = call;
    }
    return urgent;
}

/* True: the event is that its time is over. */
static bool give_up(struct tacit_call *call, struct tacit_event *out_event)
{
    if (call == NULL || call->left_ms > 0)
        return false;
    *out_event = (struct tacit_event){ .type = TACIT_EVENT_UNANSWERED,
                                       .status = TACIT_TIMEOUT,
                                       .token = call->token };
    call->token = 0;
    return true;
}

uint32_t tacit_requester_poll(struct tacit_requester *requester, uint64_t now_ms,
                              struct tacit_event *out_event)
{
    /* Its time was over at the last poll, which had something else to tell. */
    if (give_up(most_urgent(requester), out_event))
        return 0;
    uint32_t sleep_ms = tacit_poll(requester->client, now_ms, out_event);
    let_time_pass(requester, now_ms);
    if (out_event->type == TACIT_EVENT_MESSAGE)
        take_response(requester, out_event);
    if (out_event->type == TACIT_EVENT_REJECTED) {
        struct tacit_call *call = call_of(requester, out_event->token);
        if (call != NULL)
            call->token = 0;
    }
    if (out_event->type != TACIT_EVENT_NONE)
        return 0;
    struct tacit_call *urgent = most_urgent(requester);
    if (give_up(urgent, out_event))
        return 0;
    return urgent != NULL && urgent->left_ms < sleep_ms ? urgent->left_ms : sleep_ms;
}

enum tacit_status tacit_respond(struct tacit_client *client, const struct tacit_message *request,
                                struct tacit_bytes payload, uint8_t qos, uint32_t *out_token)
{
    const struct tacit_message response = { .topic = request->response_topic,
                                            .correlation = request->correlation,
                                            .payload = payload,
                                            .qos = qos };
    if (request->response_topic.len == 0)
        return TACIT_REFUSED;
    return tacit_publish(client, &response, out_token);
}
