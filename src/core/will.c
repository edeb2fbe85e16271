/* SPDX-License-Identifier: Apache-2.0 */
/* Wills, MQTT 5.0 section 3.1.2.5 and 3.1.3.2.2: contract in session.h. */
#include "codec/connect.h"
#include "codec/publish.h"
#include "core/allowance.h"
#include "core/client.h"
#include "core/route.h"
#include "core/session.h"
#include "core/standing.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

int will_set(struct session *session, const struct mqtt_will *from)
{
    struct broker *broker = session->broker;
    struct will *will = calloc(1, sizeof(*will));
    uint8_t *forward = malloc(from->properties.len + 1);
    struct publication publication = {
        .topic = space_enter(session, from->topic),
        .payload = from->payload,
        .expires_ms = WHEEL_NEVER,
        .qos = from->qos,
        .retain = from->retain,
    };

    if (will == NULL || forward == NULL || publication.topic.len == 0)
        goto fail;
    publication.forward =
        (struct mqtt_span){ forward, mqtt_publish_forwardable(from->properties, forward) };
    will->message = publication_message(&publication, &broker->messages);
    if (will->message == NULL)
        goto fail;
    will->delay_s = from->delay_s < broker->limits.will_delay_s
                        ? from->delay_s
                        : (uint32_t)broker->limits.will_delay_s;
    will->session = session;
    will->has_expiry = from->has_expiry;
    will->expiry_s = from->expiry_s;
    free(forward);
    session->will = will; /* the publication's reference is now the will's */
    return 0;

fail:
    free(forward);
    free(will);
    return -ENOMEM;
}

void will_clear(struct session *session)
{
    struct will *will = session->will;

    if (will == NULL)
        return;
    journal_forget_will(session);
    wheel_cancel(&session->broker->wheel, &will->timer);
    message_unref(will->message, &session->broker->messages);
    free(will);
    session->will = NULL;
}

/* Rights may have changed since CONNECT. */
static bool is_still_allowed(struct session *session, const struct publication *p)
{
    struct policy_publish judgement = session_judge_publish(session, p->topic);

    return policy_publish_objection(&judgement, (uint8_t)p->qos, p->retain, p->payload.len) == NULL;
}

static void report_sent(const struct session *session, struct mqtt_span topic)
{
    const struct event_port *port = &session->broker->options.ports.events;
    const struct event event = {
        .kind = EVENT_WILL_SENT,
        .client_id = session_client_id(session),
        .identity = session->identity,
        .topic = space_leave(session, topic),
    };

    if (port->report != NULL)
        port->report(port->context, &event);
}

void will_publish(struct session *session, uint64_t now_ms)
{
    session_role(session); /* one that is barred has no will any more */
    struct will *will = session->will;
    if (will == NULL)
        return;
    struct publication publication = message_publication(will->message);
    publication.origin = session;
    allowance_answers_for(session, &publication);
    if (will->has_expiry) {
        publication.expires_ms = now_ms + (uint64_t)will->expiry_s * 1000;
        will->message->expires_ms = publication.expires_ms;
    }
    if (is_still_allowed(session, &publication)) {
        broker_publish(session->broker, &publication, now_ms);
        session->broker->stats.wills_sent++;
        report_sent(session, publication.topic);
    }
    will_clear(session);
}

static void on_will_due(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct will *will = MQTT_CONTAINER_OF(timer, struct will, timer);

    (void)context;
    will_publish(will->session, now_ms);
}

void will_delay(struct session *session, uint64_t delay_ms, uint64_t now_ms)
{
    if (session->will == NULL)
        return;
    wheel_arm(&session->broker->wheel, &session->will->timer, now_ms + delay_ms, on_will_due);
    journal_will(session);
}
