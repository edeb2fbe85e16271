/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decoy.h"

#include "daemon/admission_canary.h"
#include "daemon/event_log.h"

#include <errno.h>

#define SUBSCRIPTIONS_MAX  100u /* of a session */
#define QUEUE_MESSAGES_MAX 100u
#define RETAINED_MAX       1000u
#define ROUTES_MAX         256u
#define OUTBOX_BYTES_MIN   4096u

static uint64_t less_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What a client is told of limits stays as it is; what only shows when a lot is done is less. */
static struct limits narrowed(const struct limits *real)
{
    struct limits limits = *real;
    uint64_t half_bytes = real->canary_bytes / 2;
    uint64_t share_bytes = half_bytes / real->canary_sessions / 2;

    if (share_bytes < OUTBOX_BYTES_MIN)
        share_bytes = OUTBOX_BYTES_MIN;
    limits.connections = real->canary_sessions;
    limits.sessions = real->canary_sessions;
    limits.subscriptions = less_of(real->subscriptions, SUBSCRIPTIONS_MAX);
    limits.session_queue_messages = less_of(real->session_queue_messages, QUEUE_MESSAGES_MAX);
    limits.session_queue_bytes = less_of(real->session_queue_bytes, share_bytes);
    limits.outbox_bytes = less_of(real->outbox_bytes, share_bytes);
    limits.retained_messages = less_of(real->retained_messages, RETAINED_MAX);
    limits.retained_bytes = less_of(real->retained_bytes, half_bytes);
    limits.route_cache_entries = less_of(real->route_cache_entries, ROUTES_MAX);
    return limits;
}

/* ---- what is done in it ---- */

static const enum alarm_what told[EVENT_KIND_COUNT] = {
    [EVENT_CONNECTED] = ALARM_CONNECT,           [EVENT_DISCONNECTED] = ALARM_LEFT,
    [EVENT_WATCHED_SUBSCRIBE] = ALARM_SUBSCRIBE, [EVENT_WATCHED_PUBLISH] = ALARM_PUBLISH,
    [EVENT_WATCHED_WILL] = ALARM_WILL,           [EVENT_REFUSED] = ALARM_REFUSED,
};

/* Who was refused has proved nothing but, perhaps, a certificate; a user name was told of before. */
static const char *name_of(struct decoy *decoy, const struct event *event)
{
    const struct connection_facts *facts = event->facts;

    if (event->identity != NULL)
        return event->identity->device;
    return facts != NULL && facts->peer != NULL
               ? admission_canary_of_peer(&decoy->rules, facts->peer)
               : NULL;
}

static void on_event(void *context, const struct event *event)
{
    struct decoy *decoy = context;
    const char *name = told[event->kind] != ALARM_NONE ? name_of(decoy, event) : NULL;

    if (event->kind == EVENT_REFUSED)
        event_log_report(decoy->log, event);
    if (name == NULL)
        return;
    alarm_raise(decoy->alarm, &(struct alarm_use){ .what = told[event->kind],
                                                   .canary = name,
                                                   .facts = event->facts,
                                                   .client_id = event->client_id,
                                                   .topic = event->topic,
                                                   .payload = event->payload,
                                                   .reason = event->reason,
                                                   .text = event->text });
}

static bool is_told_of(void *context, struct mqtt_span topic)
{
    (void)context;
    (void)topic;
    return true;
}

/* ---- life ---- */

static void take_rules(struct decoy *decoy, const struct admission_rules *rules)
{
    decoy->rules = *rules;
    decoy->rules.is_decoy = true;
    decoy->rules.presence = NULL;
    decoy->rules.holding = NULL;
}

int decoy_open(struct decoy *decoy, const struct broker_options *like,
               const struct admission_rules *rules)
{
    struct broker_options options = *like;

    decoy->loop = rules->loop;
    take_rules(decoy, rules);
    decoy->shared = shared_new(&like->hash_key, &(struct shared_lock){ NULL, NULL, NULL }, 1);
    if (decoy->shared == NULL)
        return -ENOMEM;
    options.limits = narrowed(&like->limits);
    options.shard = 0;
    options.shard_count = 1;
    options.shared = decoy->shared;
    options.ports.admission.context = &decoy->rules;
    options.ports.events = (struct event_port){ decoy, on_event };
    options.ports.observe = (struct observe_port){ NULL, NULL };
    options.ports.watch = (struct watch_port){ NULL, is_told_of, is_told_of };
    options.ports.peers = (struct peers_port){ NULL, NULL };
    options.ports.journal = (struct journal_port){ NULL, NULL, NULL };
    decoy->broker = broker_new(&options, loop_now_ms(decoy->loop));
    return decoy->broker != NULL ? 0 : -ENOMEM;
}

void decoy_close(struct decoy *decoy)
{
    if (decoy->loop != NULL)
        loop_cancel(decoy->loop, &decoy->timer);
    broker_free(decoy->broker);
    shared_free(decoy->shared);
    decoy->broker = NULL;
    decoy->shared = NULL;
}

void decoy_follow(struct decoy *decoy, const struct admission_rules *rules,
                  const struct limits *limits)
{
    const struct limits narrow = narrowed(limits);

    if (decoy->broker == NULL)
        return;
    uint64_t now_ms = loop_now_ms(decoy->loop);
    take_rules(decoy, rules);
    broker_set_limits(decoy->broker, &narrow);
    broker_policy_changed(decoy->broker, now_ms);
    while (broker_policy_step(decoy->broker, UINT32_MAX, now_ms)) {
    }
}

static void on_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    (void)context;
    broker_advance(MQTT_CONTAINER_OF(timer, struct decoy, timer)->broker, now_ms);
}

void decoy_end_turn(struct decoy *decoy)
{
    if (decoy->broker == NULL)
        return;
    uint64_t next_ms = broker_next_ms(decoy->broker);
    if (!wheel_is_armed(&decoy->timer) || decoy->timer.due_ms != next_ms)
        loop_arm(decoy->loop, &decoy->timer, next_ms, on_timer);
}

void decoy_drain(struct decoy *decoy)
{
    if (decoy->broker != NULL)
        broker_drain(decoy->broker, loop_now_ms(decoy->loop));
}
