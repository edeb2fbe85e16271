/* SPDX-License-Identifier: Apache-2.0 */
/* In place of core/standing.c: a broker that never asks what anybody may do. For measuring only;
 * nothing that is installed links it. */
#include "core/standing.h"

#include "core/client.h"

static struct policy_publish everything(void)
{
    struct policy_publish judgement = { .verdict = POLICY_ALLOW };

    for (unsigned retain = 0; retain < 2; retain++) {
        for (unsigned qos = 0; qos < POLICY_QOS_COUNT; qos++)
            judgement.payload_bytes[retain][qos] = INT32_MAX;
    }
    return judgement;
}

void session_renew(struct session *session)
{
    session->policy_generation = session->broker->policy_generation;
}

bool session_admit(struct session *session, const struct role *role)
{
    session->role = role;
    return true;
}

bool session_is_barred(struct session *session)
{
    (void)session;
    return false;
}

void session_observe(const struct session *session, enum policy_action action,
                     struct mqtt_span topic, bool allowed)
{
    (void)session;
    (void)action;
    (void)topic;
    (void)allowed;
}

bool session_may_receive(struct session *session, struct mqtt_span topic)
{
    (void)session;
    (void)topic;
    return true;
}

struct policy_publish session_judge_publish(struct session *session, struct mqtt_span topic)
{
    (void)session;
    (void)topic;
    return everything();
}

struct mqtt_span space_enter(struct session *session, struct mqtt_span topic)
{
    (void)session;
    return topic;
}

struct mqtt_span space_enter_filter(struct session *session, struct mqtt_span filter)
{
    (void)session;
    return filter;
}

struct mqtt_span space_leave_filter(const struct session *session, struct mqtt_span filter)
{
    (void)session;
    return filter;
}

struct mqtt_span space_leave_whole_filter(struct session *session, struct mqtt_span filter)
{
    (void)session;
    return filter;
}

bool session_may_send(struct session *session, struct delivery *delivery)
{
    (void)session;
    (void)delivery;
    return true;
}

void session_observe_will(struct session *session)
{
    (void)session;
}

/* Nobody is revoked here. */
void session_freeze(struct session *session)
{
    (void)session;
}

int session_thaw(struct session *session)
{
    (void)session;
    return 0;
}
