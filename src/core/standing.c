/* SPDX-License-Identifier: Apache-2.0 */
#include "core/standing.h"

#include "codec/topic.h"
#include "core/client.h"
#include "core/hold.h"
#include "core/journal.h"
#include "core/pace.h"
#include "core/rate.h"
#include "core/sensed.h"
#include "core/subscription.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC_BYTES_MAX 65535u

/* ---- the role ---- */

static void take_role(struct session *session, const struct role *role)
{
    session->role = role;
    session->policy_generation = session->broker->policy_generation;
    rates_clear(&session->rates); /* they point at grants of the policy before */
    if (session->client == NULL)
        return;
    pace_follow(session->client, role);
    sensing_take_in(session);
}

static bool lies_in_space_of(const struct session *session, const struct role *role)
{
    char space[POLICY_SPACE_BYTES];
    size_t len = role_space(role, session->identity, space);

    return span_equal(session_space(session), (struct mqtt_span){ (const uint8_t *)space, len });
}

/* What may not be here is told so and leaves without its will. */
static void cut_off(struct session *session, const char *why)
{
    session->is_cut_off = true;
    will_clear(session);
    if (session->client != NULL)
        client_expel(session->client, why);
}

void session_renew(struct session *session)
{
    const struct admission_port *port = &session->broker->options.ports.admission;
    struct standing standing = { 0 };

    if (port->find_standing != NULL)
        port->find_standing(port->context, session->identity, &standing);
    session->is_cut_off = false;
    if (standing.barred != NULL) {
        take_role(session, NULL);
        cut_off(session, standing.barred);
    } else if (standing.role != NULL && !lies_in_space_of(session, standing.role)) {
        take_role(session, NULL);
        cut_off(session, "the topic space of this identity has changed; connect again");
    } else {
        take_role(session, standing.role);
        hold_follow(session, standing.held);
    }
}

void session_freeze(struct session *session)
{
    session->is_cut_off = true;
    will_clear(session);
    list_for_each (link, &session->subscriptions)
        subscription_rest(MQTT_CONTAINER_OF(link, struct subscription, in_session));
}

int session_thaw(struct session *session)
{
    int error = 0;

    list_for_each (link, &session->subscriptions) {
        if (subscription_wake(MQTT_CONTAINER_OF(link, struct subscription, in_session)) < 0)
            error = -ENOMEM;
    }
    return error;
}

bool session_admit(struct session *session, const struct role *role)
{
    if (role != NULL && !lies_in_space_of(session, role))
        return false;
    session->is_cut_off = false;
    take_role(session, role);
    return true;
}

bool session_is_barred(struct session *session)
{
    session_role(session);
    return session->is_cut_off;
}

/* ---- judging ---- */

void session_observe(const struct session *session, enum policy_action action,
                     struct mqtt_span topic, bool allowed)
{
    const struct observe_port *port = &session->broker->options.ports.observe;

    if (port->note != NULL)
        port->note(port->context, session->identity, action, topic, allowed);
}

static struct policy_decision judge_receive(struct session *session, struct mqtt_span topic)
{
    const struct role *role = session_role(session);

    if (!span_starts_with(topic, session_space(session)))
        return (struct policy_decision){ .verdict = POLICY_DENY };
    return policy_decide_receive(role, session->identity, space_leave(session, topic));
}

bool session_may_receive(struct session *session, struct mqtt_span topic)
{
    return judge_receive(session, topic).verdict == POLICY_ALLOW;
}

bool session_may_send(struct session *session, struct delivery *delivery)
{
    uint32_t generation = session->broker->policy_generation;

    if (MQTT_LIKELY(delivery->policy_generation == generation) || delivery->message == NULL)
        return true;
    struct policy_decision decision = judge_receive(session, message_topic(delivery->message));
    if (decision.verdict != POLICY_ALLOW)
        return false;
    /* What has been sent before is sent again as it was. */
    if (delivery->state == DELIVERY_QUEUED && delivery->qos > decision.maximum_qos) {
        delivery->qos = decision.maximum_qos;
        if (delivery->number != 0)
            journal_delivery(session, delivery);
    }
    delivery->policy_generation = generation;
    return true;
}

static struct policy_publish refusal(const char *reason)
{
    return (struct policy_publish){
        .verdict = POLICY_DENY,
        .reason = reason,
        .payload_bytes = { { -1, -1, -1 }, { -1, -1, -1 } },
    };
}

static struct policy_publish judge(struct session *session, struct mqtt_span topic)
{
    const struct role *role = session_role(session);

    if (mqtt_topic_levels(topic) > session->broker->limits.topic_levels)
        return refusal("topic has too many levels");
    return policy_decide_publish(role, session->identity, topic);
}

struct policy_publish session_judge_publish(struct session *session, struct mqtt_span topic)
{
    struct mqtt_span seen = space_leave(session, topic);
    struct policy_publish judgement = judge(session, seen);

    session_observe(session, POLICY_PUBLISH, seen, judgement.verdict == POLICY_ALLOW);
    return judgement;
}

void session_observe_will(struct session *session)
{
    if (session->will != NULL && !session->is_cut_off)
        (void)session_judge_publish(session, message_publication(session->will->message).topic);
}

/* ---- topic spaces ---- */

/* Room for any topic and a space, made when it is first needed and kept. */
static uint8_t *scratch(struct broker *broker)
{
    if (broker->scratch == NULL)
        broker->scratch = malloc(TOPIC_BYTES_MAX);
    return broker->scratch;
}

static struct mqtt_span compose(struct session *session, struct mqtt_span head,
                                struct mqtt_span tail)
{
    struct mqtt_span space = session_space(session);
    size_t len = head.len + space.len + tail.len;
    uint8_t *memory = scratch(session->broker);

    if (len > TOPIC_BYTES_MAX || memory == NULL)
        return (struct mqtt_span){ 0 };
    if (head.len > 0)
        memcpy(memory, head.data, head.len);
    memcpy(memory + head.len, space.data, space.len);
    if (tail.len > 0)
        memcpy(memory + head.len + space.len, tail.data, tail.len);
    return (struct mqtt_span){ memory, len };
}

struct mqtt_span space_enter(struct session *session, struct mqtt_span topic)
{
    if (MQTT_LIKELY(session->space_len == 0))
        return topic;
    return compose(session, (struct mqtt_span){ 0 }, topic);
}

/* "$share/NAME/", or nothing. */
static size_t share_head(struct mqtt_span filter)
{
    struct mqtt_share share;

    return mqtt_share_parse(filter, &share) > 0 ? (size_t)(share.filter.data - filter.data) : 0;
}

struct mqtt_span space_enter_filter(struct session *session, struct mqtt_span filter)
{
    if (session->space_len == 0)
        return filter;
    size_t head = share_head(filter);
    return compose(session, (struct mqtt_span){ filter.data, head },
                   (struct mqtt_span){ filter.data + head, filter.len - head });
}

struct mqtt_span space_leave_filter(const struct session *session, struct mqtt_span filter)
{
    size_t head = share_head(filter) + session->space_len;

    return (struct mqtt_span){ filter.data + head, filter.len - head };
}

struct mqtt_span space_leave_whole_filter(struct session *session, struct mqtt_span filter)
{
    size_t head = share_head(filter);
    struct mqtt_span rest = space_leave_filter(session, filter);
    uint8_t *memory;

    if (session->space_len == 0 || head == 0)
        return session->space_len == 0 ? filter : rest;
    memory = scratch(session->broker);
    if (memory == NULL)
        return (struct mqtt_span){ 0 };
    memcpy(memory, filter.data, head);
    memcpy(memory + head, rest.data, rest.len);
    return (struct mqtt_span){ memory, head + rest.len };
}
