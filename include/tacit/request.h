/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are answered, over MQTT 5: a request names the topic where the answer is awaited
 * and eight unpredictable bytes that come back with it, so that answers find their requests and
 * nobody who did not see the request can make one up.
 *
 *     static struct tacit_call calls[4];                       as many as may be outstanding
 *     static struct tacit_requester requester;
 *     tacit_requester_init(&requester, client, calls, 4, response_topic);
 *     tacit_request(&requester, &message, 5000, &token);
 *     sleep_ms = tacit_requester_poll(&requester, now_ms, &event);     in place of tacit_poll
 *
 * Each request ends with exactly one event that has its token: RESPONSE, UNANSWERED when the time is
 * over, or REJECTED when it does not reach the server. DELIVERED may come before. All other events
 * pass through, an answer that comes too late as MESSAGE. Requests outlive a connection, not a reboot.
 *
 * Before MQTT 5 a message has no place for either; there the topic and a number have to be part of
 * the payload, by agreement of both sides, and this header is of no use. A server may want to choose
 * the response topic: config.request_response asks for its event.response_information.
 *
 * All memory is the caller's, nothing is called back, the thread is that of the client. */
#pragma once

#include "tacit/client.h"

#define TACIT_CORRELATION_BYTES 8

/* An outstanding request; zero is none. Its fields are private. */
struct tacit_call {
    uint32_t token;
    uint32_t left_ms;
    uint8_t correlation[TACIT_CORRELATION_BYTES];
};

/* Its fields are private. */
struct tacit_requester {
    struct tacit_client *client;
    struct tacit_call *calls;
    unsigned count;
    uint64_t now_ms; /* of the last poll; 0: none yet */
    struct tacit_subscription responses;
};

/* Subscribes to `response_topic`, a topic name that this client has for itself. Borrows `client`,
 * `calls` (of `count`, at least one) and the topic for the life of the client, and `requester` must
 * not move. TACIT_ARGUMENT: that is no topic name, or no calls; else as tacit_subscribe. */
enum tacit_status tacit_requester_init(struct tacit_requester *requester,
                                       struct tacit_client *client, struct tacit_call *calls,
                                       unsigned count, struct tacit_bytes response_topic);

/* Publishes the message as a request; what it has as response topic and correlation is not used.
 * The time begins with the last poll and runs without a connection, too. TACIT_FULL: as many
 * requests as there are calls are outstanding, or the queue is full; TACIT_REFUSED: MQTT 5 is not
 * what is spoken; TACIT_AGAIN: config.random failed; else as tacit_publish. */
enum tacit_status tacit_request(struct tacit_requester *requester,
                                const struct tacit_message *message, uint32_t timeout_ms,
                                uint32_t *out_token);

/* tacit_poll, and what has become of requests. RESPONSE: token of the request, and the answer as in
 * MESSAGE (in pieces with the same token, if it is large). UNANSWERED: token, status TACIT_TIMEOUT. */
uint32_t tacit_requester_poll(struct tacit_requester *requester, uint64_t now_ms,
                              struct tacit_event *out_event);

/* The other side: answers a request that came as MESSAGE, before the next tacit_poll. TACIT_REFUSED:
 * it does not say where an answer is awaited; else as tacit_publish. */
enum tacit_status tacit_respond(struct tacit_client *client, const struct tacit_message *request,
                                struct tacit_bytes payload, uint8_t qos, uint32_t *out_token);
