/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy_walk.h"

#include "codec/topic.h"
#include "core/client.h"
#include "core/delivery.h"
#include "core/hold.h"
#include "core/standing.h"
#include "core/subscription.h"

/* What was on its way to a client when it lost a right has to be gone within the second that
 * promise W4 gives. */
#define RECALL_MS 700u

void policy_walk_leave(struct policy_walk *walk, const struct session *session)
{
    if (walk->session == NULL || walk->session != &session->in_broker)
        return;
    walk->session = session->in_broker.next;
    walk->delivery = NULL;
    walk->subscription = NULL;
}

/* ---- what is on its way ---- */

static void on_recall(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct broker *broker = MQTT_CONTAINER_OF(timer, struct broker, recall);

    (void)context;
    (void)now_ms;
    list_for_each_safe (link, following, &broker->clients) {
        struct client *client = MQTT_CONTAINER_OF(link, struct client, in_broker);

        if (client->must_drain)
            client_doom(client, 0, "did not read what it may no longer have");
    }
}

void policy_walk_recall(struct client *client, uint64_t now_ms)
{
    struct broker *broker = client->broker;

    if (client->outbox.bytes == 0)
        return;
    client->must_drain = true;
    if (!wheel_is_armed(&broker->recall))
        wheel_arm(&broker->wheel, &broker->recall, now_ms + RECALL_MS, on_recall);
}

static void recall(struct session *session)
{
    struct client *client = session->client;

    if (client != NULL && client->outbox.bytes > 0)
        client->must_drain = true;
}

/* ---- one thing each ---- */

static void report_ended(struct subscription *s)
{
    struct session *session = s->session;
    const struct event_port *port = &session->broker->options.ports.events;
    const struct event event = {
        .kind = EVENT_SUBSCRIPTION_ENDED,
        .facts = session->client != NULL ? session->client->facts : NULL,
        .client_id = session_client_id(session),
        .identity = session->identity,
        .text = "the policy no longer grants it",
        .topic = space_leave_filter(session, subscription_filter(s)),
    };

    if (port->report != NULL)
        port->report(port->context, &event);
}

/* Without this, who subscribed long ago and still listens would seem to need no grant. */
static void note(const struct subscription *s, bool is_allowed)
{
    struct session *session = s->session;
    struct mqtt_span whole = space_leave_whole_filter(session, subscription_filter(s));

    if (!session->is_cut_off && whole.len > 0)
        session_observe(session, POLICY_SUBSCRIBE, whole, is_allowed);
}

void policy_walk_judge(struct subscription *s)
{
    struct session *session = s->session;

    if (session->is_cut_off) {
        subscription_rest(s);
        return;
    }
    bool is_allowed = subscription_wake(s) == 0 && subscription_judge_again(s);
    note(s, is_allowed);
    if (is_allowed) {
        if (s->quota != NULL && session->role != NULL && role_options_of(session->role)->carves)
            recall(session);
        return;
    }
    report_ended(s);
    recall(session);
    subscription_remove(s);
}

static void check_delivery(struct session *session, struct delivery *delivery, uint64_t now_ms)
{
    if (session_may_send(session, delivery))
        return;
    recall(session);
    session_drop_queued(session, delivery, now_ms);
}

/* ---- the walk ---- */

static bool is_inside(const struct list *cursor, const struct list *head)
{
    return cursor != NULL && cursor != head;
}

static void enter(struct policy_walk *walk, struct session *session)
{
    session_role(session);
    session_observe_will(session);
    /* Who is frozen keeps what waits for it; it is judged when the session goes on. */
    bool stays = walk->only_notes || session->is_cut_off;
    walk->delivery = stays ? &session->outgoing.queue : session->outgoing.queue.next;
    walk->subscription = session->subscriptions.next;
}

static void walk_on(struct broker *broker, uint64_t now_ms)
{
    struct policy_walk *walk = &broker->walk;
    struct session *session = MQTT_CONTAINER_OF(walk->session, struct session, in_broker);

    if (walk->delivery == NULL) {
        enter(walk, session);
    } else if (is_inside(walk->delivery, &session->outgoing.queue)) {
        struct list *link = walk->delivery;
        walk->delivery = link->next;
        check_delivery(session, MQTT_CONTAINER_OF(link, struct delivery, link), now_ms);
    } else if (is_inside(walk->subscription, &session->subscriptions)) {
        struct list *link = walk->subscription;
        struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);
        walk->subscription = link->next;
        if (walk->only_notes)
            note(s, true);
        else
            policy_walk_judge(s);
    } else {
        policy_walk_leave(walk, session);
    }
}

void broker_policy_changed(struct broker *broker, uint64_t now_ms)
{
    broker->generation++;
    broker->policy_generation++;
    broker->walk = (struct policy_walk){ .session = broker->session_list.next };
    wheel_arm(&broker->wheel, &broker->recall, now_ms + RECALL_MS, on_recall);
}

bool broker_policy_step(struct broker *broker, unsigned most, uint64_t now_ms)
{
    struct policy_walk *walk = &broker->walk;

    while (walk->session != NULL && most-- > 0) {
        if (walk->session != &broker->session_list) {
            walk_on(broker, now_ms);
            continue;
        }
        *walk = (struct policy_walk){ 0 };
        hold_review(broker);
    }
    broker_reap(broker, now_ms);
    return walk->session != NULL;
}

void broker_observe_again(struct broker *broker)
{
    broker->route_epoch++;
    /* The walk after a change of policy notes, too. */
    if (broker->walk.session == NULL)
        broker->walk =
            (struct policy_walk){ .session = broker->session_list.next, .only_notes = true };
}
