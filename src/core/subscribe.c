/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT. MQTT 5.0 sections 3.8.4, 3.10.4,
 * 3.12.4, 3.14.4. */
#include "codec/subscribe.h"

#include "codec/disconnect.h"
#include "codec/topic.h"
#include "core/allowance.h"
#include "core/client.h"
#include "core/dispatch.h"
#include "core/encode.h"
#include "core/pace.h"
#include "core/pressure.h"
#include "core/sensed.h"
#include "core/shared.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/subscription.h"
#include "core/watch.h"

#include <stdlib.h>

#define REASON_BYTES 256u

/* The answer to one filter, and what is said about it. */
struct answer {
    uint8_t reason;
    const char *text; /* NULL: none */
    struct policy_decision decision;
    char memory[REASON_BYTES]; /* of texts that are made up */
};

static void refuse(struct answer *answer, uint8_t reason, const char *text)
{
    answer->reason = reason;
    answer->text = text;
}

static uint8_t reason_of(enum policy_verdict verdict)
{
    /* [MQTT-3.2.2-16] area: 0xA2 where wildcards are what is missing. */
    return verdict == POLICY_DENY_WILDCARD ? MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
                                           : MQTT_NOT_AUTHORIZED;
}

/* Says which grant would be needed: the operator reads it on the device's console. */
static void refuse_by_policy(struct answer *answer, const struct session *session,
                             struct mqtt_span seen)
{
    const struct policy_decision *decision = &answer->decision;

    answer->reason = reason_of(decision->verdict);
    answer->text = decision->reason;
    if (answer->text != NULL && decision->verdict != POLICY_DENY_WILDCARD
        && decision->verdict != POLICY_DENY)
        return;
    policy_tell_missing(session->role, POLICY_SUBSCRIBE, seen, decision->verdict, answer->memory,
                        sizeof(answer->memory));
    answer->text = answer->memory;
}

/* May this session have this filter, and with which QoS? */
static void judge(struct client *client, const struct mqtt_subscription *wanted,
                  struct answer *answer)
{
    struct session *session = client->session;
    struct mqtt_share share = { .filter = wanted->filter };
    int is_shared = mqtt_share_parse(wanted->filter, &share);
    const struct role *role = session_role(session);

    answer->reason = MQTT_SUCCESS;
    answer->text = NULL;
    answer->decision = (struct policy_decision){ .verdict = POLICY_DENY };
    if (is_shared < 0 || !mqtt_topic_filter_is_valid(share.filter)) /* [MQTT-4.8.2-1] */
        refuse(answer, MQTT_TOPIC_FILTER_INVALID, "topic filter is not valid");
    else if (mqtt_topic_levels(share.filter) > client->broker->limits.topic_levels)
        refuse(answer, MQTT_TOPIC_FILTER_INVALID, "topic filter has too many levels");
    else if (is_shared > 0 && role != NULL && !role_options_of(role)->shared)
        refuse(answer, MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
               "shared subscriptions are not granted to this role");
    if (answer->reason == MQTT_TOPIC_FILTER_INVALID)
        return;
    if (answer->reason == MQTT_SUCCESS)
        answer->decision = session_judge_filter(session, share.filter);
    bool is_allowed = answer->decision.verdict == POLICY_ALLOW;
    session_observe(session, POLICY_SUBSCRIBE, wanted->filter, is_allowed);
    if (answer->reason != MQTT_SUCCESS)
        return;
    if (!is_allowed) {
        refuse_by_policy(answer, session, share.filter);
        return;
    }
    uint8_t most = answer->decision.maximum_qos;
    answer->reason = wanted->qos < most ? (uint8_t)wanted->qos : most;
}

static void report_grant(const struct client *client, const struct policy_scope *scope,
                         struct mqtt_span filter)
{
    const struct event_port *port = &client->broker->options.ports.events;
    const struct event event = {
        .kind = EVENT_GRANT_USED,
        .facts = client->facts,
        .client_id = client_id(client),
        .identity = client->session->identity,
        .topic = filter,
        .scope = scope,
    };

    if (port->report != NULL)
        port->report(port->context, &event);
}

struct replay {
    struct session *session;
    struct subscription *subscription;
    uint64_t now_ms;
};

static void replay_one(void *context, struct publication *publication)
{
    const struct replay *replay = context;
    struct subscription *s = replay->subscription;
    struct session *session = replay->session;
    enum mqtt_qos qos = publication->qos < s->qos ? publication->qos : s->qos;
    const struct terms terms = {
        .identifiers = s->identifiers, .qos = qos, .retain = true, /* [MQTT-3.3.1-8] */
    };

    if (!subscription_may_receive(s, publication->topic))
        return;
    session_deliver(session, publication, &terms, replay->now_ms);
    publication_fini(publication, &session->broker->messages);
}

static void replay_retained(struct client *client, struct subscription *subscription, bool is_new,
                            uint64_t now_ms)
{
    struct replay replay = { client->session, subscription, now_ms };

    /* [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; never for shared ones [MQTT-4.8.2-6] area. */
    if (subscription->group != NULL || subscription->retain_handling == 2
        || (subscription->retain_handling == 1 && !is_new))
        return;
    shared_retained_match(client->broker->options.shared, subscription_filter(subscription), now_ms,
                          replay_one, &replay);
}

/* Sets what was allowed, in the session's topic space. */
static void set(struct client *client, const struct mqtt_subscribe *packet,
                const struct mqtt_subscription *wanted, struct answer *answer, bool *out_is_new)
{
    struct session *session = client->session;
    struct mqtt_subscription granted = *wanted;

    granted.qos = (enum mqtt_qos)answer->reason;
    granted.filter = space_enter_filter(session, wanted->filter);
    if (granted.filter.len == 0) {
        refuse(answer, MQTT_TOPIC_FILTER_INVALID, "topic filter is too long for its topic space");
        return;
    }
    if (session->subscription_count >= client->broker->limits.subscriptions
        && subscription_find(session, granted.filter) == NULL) {
        refuse(answer, MQTT_QUOTA_EXCEEDED, "too many subscriptions");
        return;
    }
    if (pressure_is(client->broker, PRESSURE_SHED)
        && subscription_find(session, granted.filter) == NULL) {
        refuse(answer, MQTT_QUOTA_EXCEEDED, "the broker is short of memory");
        return;
    }
    if (session->number != 0 && !journal_has_room(&client->broker->journal)) {
        client->broker->stats.store_refused++;
        refuse(answer, MQTT_QUOTA_EXCEEDED, "the store of the broker is full");
        return;
    }
    struct subscription *s =
        subscription_set(session, &granted, packet->subscription_identifier, out_is_new);
    if (s == NULL || subscription_scope(s, &answer->decision) < 0) {
        refuse(answer, MQTT_QUOTA_EXCEEDED, "out of memory");
        if (s != NULL)
            subscription_remove(s);
        return;
    }
    journal_subscription(s);
}

static bool may_ask(struct client *client, uint64_t now_ms)
{
    struct session *session = client->session;
    const struct policy_bounds bounds =
        allowance_bounds(session_role(session), &client->broker->limits);

    return bucket_take(&session->allowance->subscribes, &bounds.subscribes, 1, now_ms)
           && pace_subscribe(client, now_ms);
}

/* Judges and sets; the retained messages follow after the SUBACK. */
static void subscribe_one(struct client *client, const struct mqtt_subscribe *packet,
                          const struct mqtt_subscription *wanted, struct answer *answer,
                          bool *out_is_new, uint64_t now_ms)
{
    *out_is_new = false;
    if (may_ask(client, now_ms))
        judge(client, wanted, answer);
    else
        *answer = (struct answer){ .reason = MQTT_QUOTA_EXCEEDED,
                                   .text = "more subscriptions at a time than this identity may" };
    if (answer->reason < MQTT_UNSPECIFIED_ERROR)
        set(client, packet, wanted, answer, out_is_new);
    if (answer->reason < MQTT_UNSPECIFIED_ERROR)
        sensed_subscribe(client->session, wanted->filter, now_ms);
    else if (answer->reason == MQTT_NOT_AUTHORIZED
             || answer->reason == MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED)
        sensed_denied(client->session, true, now_ms);
    if (answer->reason >= MQTT_UNSPECIFIED_ERROR)
        client_report(client, EVENT_SUBSCRIBE_REFUSED, answer->reason, answer->text,
                      wanted->filter);
    else if (answer->decision.scope != NULL)
        report_grant(client, answer->decision.scope, wanted->filter);
    watch_subscribe(client, wanted->filter, answer->reason);
}

/* By the filter as the client writes it. */
static struct subscription *subscription_of(struct session *session, struct mqtt_span filter)
{
    struct mqtt_span entered = space_enter_filter(session, filter);

    return entered.len > 0 ? subscription_find(session, entered) : NULL;
}

static void replay_all(struct client *client, const struct mqtt_subscribe *packet,
                       const uint8_t *reasons, const bool *is_new, uint64_t now_ms)
{
    struct mqtt_reader r = mqtt_reader_over(packet->entries);
    struct mqtt_subscription wanted;

    for (unsigned i = 0; mqtt_subscribe_next(client->version, &r, &wanted); i++) {
        struct subscription *subscription = reasons[i] < MQTT_UNSPECIFIED_ERROR
                                                ? subscription_of(client->session, wanted.filter)
                                                : NULL;
        if (subscription != NULL && client->state == CLIENT_ACTIVE)
            replay_retained(client, subscription, is_new[i], now_ms);
    }
}

/* Answers every filter, in order, then sends what is retained. */
static void answer_all(struct client *client, const struct mqtt_subscribe *packet, uint8_t *reasons,
                       bool *is_new, uint64_t now_ms)
{
    struct mqtt_reader r = mqtt_reader_over(packet->entries);
    struct mqtt_subscription wanted;
    struct answer first = { 0 }; /* of those with a text: there is one Reason String */
    struct answer other = { 0 };
    const struct journal_mark before = journal_mark(client->broker);

    for (unsigned i = 0; mqtt_subscribe_next(client->version, &r, &wanted); i++) {
        struct answer *answer = first.text == NULL ? &first : &other;

        subscribe_one(client, packet, &wanted, answer, &is_new[i], now_ms);
        reasons[i] = answer->reason;
    }
    if (journal_has_moved(client->broker, &before))
        journal_hold(client);
    encode_suback(client, MQTT_SUBACK, packet->packet_id,
                  (struct mqtt_span){ reasons, packet->count }, first.text); /* [MQTT-3.8.4-1] */
    replay_all(client, packet, reasons, is_new, now_ms);
}

enum mqtt_status on_subscribe(struct client *client, const struct mqtt_frame *frame,
                              uint64_t now_ms)
{
    struct mqtt_subscribe packet;
    enum mqtt_status status = mqtt_subscribe_decode(client->version, frame->body, &packet);

    if (status != MQTT_OK)
        return status;
    uint8_t *reasons = calloc(packet.count, sizeof(*reasons));
    bool *is_new = calloc(packet.count, sizeof(*is_new));
    if (reasons != NULL && is_new != NULL)
        answer_all(client, &packet, reasons, is_new, now_ms);
    else
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
    free(is_new);
    free(reasons);
    return MQTT_OK;
}

enum mqtt_status on_unsubscribe(struct client *client, const struct mqtt_frame *frame,
                                uint64_t now_ms)
{
    struct mqtt_unsubscribe packet;
    struct mqtt_span filter;
    enum mqtt_status status = mqtt_unsubscribe_decode(client->version, frame->body, &packet);

    (void)now_ms;
    if (status != MQTT_OK)
        return status;
    uint8_t *reasons = calloc(packet.count, sizeof(*reasons));
    if (reasons == NULL) {
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
        return MQTT_OK;
    }
    struct mqtt_reader r = mqtt_reader_over(packet.entries);
    const struct journal_mark before = journal_mark(client->broker);
    for (unsigned i = 0; mqtt_unsubscribe_next(&r, &filter); i++) {
        struct subscription *subscription = subscription_of(client->session, filter);

        reasons[i] = MQTT_SUCCESS;
        if (subscription != NULL)
            subscription_remove(subscription); /* [MQTT-3.10.4-2] */
        else
            reasons[i] = MQTT_NO_SUBSCRIPTION_EXISTED;
    }
    if (journal_has_moved(client->broker, &before))
        journal_hold(client);
    encode_suback(client, MQTT_UNSUBACK, packet.packet_id,
                  (struct mqtt_span){ reasons, packet.count }, NULL); /* [MQTT-3.10.4-4] */
    free(reasons);
    return MQTT_OK;
}

enum mqtt_status on_pingreq(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    enum mqtt_status status = mqtt_ping_decode(frame->body);

    (void)now_ms;
    if (status == MQTT_OK)
        encode_pingresp(client); /* [MQTT-3.12.4-1] */
    return status;
}

enum mqtt_status on_disconnect(struct client *client, const struct mqtt_frame *frame,
                               uint64_t now_ms)
{
    struct mqtt_disconnect packet;
    uint64_t limit_s = client->broker->limits.session_expiry_s;
    enum mqtt_status status = mqtt_disconnect_decode(client->version, false, frame->body, &packet);

    (void)now_ms;
    if (status != MQTT_OK)
        return status;
    if (packet.has_session_expiry) {
        /* MQTT 5.0 section 3.14.2.2.2: zero in CONNECT stays zero. */
        if (client->connect_expiry_s == 0 && packet.session_expiry_s != 0)
            return MQTT_ERR_SESSION_EXPIRY;
        client->session->expiry_s =
            packet.session_expiry_s < limit_s ? packet.session_expiry_s : (uint32_t)limit_s;
    }
    client->discard_will =
        packet.reason != MQTT_DISCONNECT_WITH_WILL && packet.reason < MQTT_UNSPECIFIED_ERROR;
    client_doom(client, 0, "client disconnected");
    return MQTT_OK;
}
