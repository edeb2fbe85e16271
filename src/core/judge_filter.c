/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions and the policy: contract in subscription.h. */
#include "core/client.h"
#include "core/journal.h"
#include "core/standing.h"
#include "core/subscription.h"
#include "core/topic_quota.h"

#include <errno.h>

struct policy_decision session_judge_filter(struct session *session, struct mqtt_span seen)
{
    return policy_decide_subscribe(session_role(session), session->identity, seen);
}

int subscription_scope(struct subscription *subscription, const struct policy_decision *decision)
{
    if (decision->scope == NULL) {
        topic_quota_free(subscription->quota);
        subscription->quota = NULL;
        return 0;
    }
    if (subscription->quota == NULL)
        subscription->quota = topic_quota_new(decision->scope->most_topics);
    else
        topic_quota_set(subscription->quota, decision->scope->most_topics);
    return subscription->quota != NULL ? 0 : -ENOMEM;
}

bool subscription_judge_again(struct subscription *subscription)
{
    struct session *session = subscription->session;
    struct mqtt_span seen = space_leave_filter(session, subscription_filter(subscription));
    const struct role *role = session_role(session);

    if (subscription->group != NULL && role != NULL && !role_options_of(role)->shared)
        return false;
    struct policy_decision decision = session_judge_filter(session, seen);
    if (decision.verdict != POLICY_ALLOW || subscription_scope(subscription, &decision) < 0)
        return false;
    if (subscription->qos > decision.maximum_qos) {
        subscription->qos = (enum mqtt_qos)decision.maximum_qos;
        journal_subscription(subscription);
        session->broker->generation++;
    }
    return true;
}

static void report_full(const struct subscription *s, struct mqtt_span topic)
{
    const struct session *session = s->session;
    const struct event_port *port = &session->broker->options.ports.events;
    const struct event event = {
        .kind = EVENT_SCOPE_FULL,
        .facts = session->client != NULL ? session->client->facts : NULL,
        .client_id = session_client_id(session),
        .identity = session->identity,
        .reason = MQTT_QUOTA_EXCEEDED,
        .text = "the scoped wildcard grant allows no further topic",
        .topic = space_leave(session, topic),
    };

    if (port->report != NULL)
        port->report(port->context, &event);
}

bool subscription_may_receive(struct subscription *subscription, struct mqtt_span topic)
{
    struct session *session = subscription->session;

    if (!session_may_receive(session, topic))
        return false;
    if (subscription->quota == NULL
        || topic_quota_admit(subscription->quota,
                             siphash(&session->broker->options.hash_key, topic)))
        return true;
    if (topic_quota_tell_full(subscription->quota))
        report_full(subscription, topic);
    return false;
}
