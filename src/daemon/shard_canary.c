/* SPDX-License-Identifier: Apache-2.0 */
/* Canaries at the doors of a shard, and decoy topics behind them: contract in shard.h. */
#include "daemon/admission_canary.h"
#include "daemon/event_log.h"
#include "daemon/memory.h"
#include "daemon/shard.h"

#include "codec/topic.h"

/* ---- at the door ---- */

/* The alarm does not wait for a CONNECT, and nobody is turned away here. */
static const char *on_check_peer(void *context, const struct connection_facts *facts)
{
    struct shard *shard = context;
    const char *name =
        facts->peer != NULL ? admission_canary_of_peer(&shard->rules, facts->peer) : NULL;

    if (name != NULL)
        alarm_raise(shard->decoy.alarm,
                    &(struct alarm_use){ .what = ALARM_HANDSHAKE, .canary = name, .facts = facts });
    return NULL;
}

static bool on_is_decoy(void *context, const struct connection_facts *facts, struct mqtt_span bytes)
{
    struct shard *shard = context;

    if (facts->peer != NULL)
        return admission_canary_of_peer(&shard->rules, facts->peer) != NULL;
    const char *name = admission_canary_of_connect(&shard->rules, facts, bytes);
    if (name != NULL)
        alarm_raise(shard->decoy.alarm,
                    &(struct alarm_use){ .what = ALARM_TRIED, .canary = name, .facts = facts });
    return name != NULL;
}

static void on_refused(void *context, const struct connection_facts *facts, enum net_refusal why,
                       const char *text)
{
    struct shard *shard = context;

    event_log_refused(shard->log, facts, why, text);
    shard_sense_refused(shard, facts, why);
}

static void on_calm(void *context)
{
    (void)context;
    memory_calm();
}

struct net_hooks shard_net_hooks(struct shard *shard)
{
    return (struct net_hooks){ .context = shard,
                               .check_peer = on_check_peer,
                               .is_decoy = on_is_decoy,
                               .is_barred = shard_sense_is_barred,
                               .refused = on_refused,
                               .calm = on_calm };
}

/* ---- decoy topics ---- */

static bool on_has_topic(void *context, struct mqtt_span topic)
{
    const struct shard *shard = context;

    return canary_set_find_topic(shard->rules.canaries, topic) != NULL;
}

static bool on_has_filter(void *context, struct mqtt_span filter)
{
    const struct shard *shard = context;

    return canary_set_find_filter(shard->rules.canaries, filter) != NULL;
}

struct watch_port shard_watch_port(struct shard *shard)
{
    return (struct watch_port){ shard, on_has_topic, on_has_filter };
}

static const char *name_of(const struct shard *shard, const struct event *event)
{
    struct mqtt_share share = { .filter = event->topic };

    if (event->kind != EVENT_WATCHED_SUBSCRIBE)
        return canary_set_find_topic(shard->rules.canaries, event->topic);
    (void)mqtt_share_parse(event->topic, &share);
    return canary_set_find_filter(shard->rules.canaries, share.filter);
}

bool shard_note_watched(struct shard *shard, const struct event *event)
{
    static const enum alarm_what told[EVENT_KIND_COUNT] = {
        [EVENT_WATCHED_PUBLISH] = ALARM_DECOY_PUBLISH,
        [EVENT_WATCHED_WILL] = ALARM_DECOY_WILL,
        [EVENT_WATCHED_SUBSCRIBE] = ALARM_DECOY_SUBSCRIBE,
    };
    if (told[event->kind] == ALARM_NONE)
        return false;
    const char *name = name_of(shard, event);
    /* A route may be older than the ruling that took the decoy away, for a moment. */
    if (name == NULL)
        return true;
    alarm_raise(shard->decoy.alarm, &(struct alarm_use){ .what = told[event->kind],
                                                         .canary = name,
                                                         .facts = event->facts,
                                                         .client_id = event->client_id,
                                                         .identity = event->identity,
                                                         .topic = event->topic,
                                                         .payload = event->payload,
                                                         .reason = event->reason });
    return true;
}
