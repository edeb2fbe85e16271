/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard.h"

#include "base/invariant.h"
#include "daemon/admission_key.h"
#include "daemon/admission_ratchet.h"
#include "daemon/event_log.h"
#include "daemon/wall.h"
#include "vault/vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* ---- ports of the core ---- */

static enum admission on_decide(void *context, const struct admission_request *request,
                                struct admission_answer *out)
{
    enum admission verdict = admission_decide(context, request, out);

    return verdict == ADMISSION_ALLOW ? admission_key_check(context, request, out) : verdict;
}

static void on_abandon(void *context, void *exchange)
{
    (void)context;
    admission_abandon(exchange);
}

static void on_find_standing(void *context, const struct identity *identity, struct standing *out)
{
    admission_find_standing(context, identity, out);
    admission_key_check_standing(context, identity, out);
}

/* Who is connected, with which key, before the log hears of it. */
static void note_presence(struct shard *shard, const struct event *event)
{
    const struct connection_facts *facts = event->facts;
    const char *device = event->identity != NULL ? event->identity->device : NULL;

    if (device == NULL || facts == NULL)
        return;
    bool is_ours = facts->peer != NULL && admission_is_ours(&shard->rules, facts->peer);
    if (event->kind == EVENT_CONNECTED)
        presence_add(&shard->presence, device,
                     &(struct presence_proof){
                         .peer = facts->peer,
                         .is_ours = is_ours,
                         .has_token = facts->peer == NULL && expiry_has(&shard->expiry, facts),
                     });
    else if (event->kind == EVENT_DISCONNECTED)
        presence_remove(&shard->presence, device);
    else
        return;
    if (is_ours && shard->sightings != NULL)
        sightings_note(shard->sightings, device, facts->address, (int64_t)time(NULL));
}

static void tell(struct shard *shard, const struct event *event)
{
    const struct connection_facts *facts = event->facts;
    const struct tls_peer *peer = facts != NULL ? facts->peer : NULL;
    struct identity_extension key;

    /* What the certificate of another CA says of its key is nobody's word. */
    if (event->kind == EVENT_CONNECTED && peer != NULL && admission_is_ours(&shard->rules, peer)
        && identity_extension_decode(peer->extension, &key) == 0)
        event_log_connected(shard->log, event, &key);
    else
        event_log_report(shard->log, event);
}

static void on_event(void *context, const struct event *event)
{
    struct shard *shard = context;

    if (shard_note_watched(shard, event))
        return;
    note_presence(shard, event);
    if (event->kind == EVENT_DISCONNECTED || event->kind == EVENT_REFUSED)
        expiry_remove(&shard->expiry, event->facts);
    tell(shard, event);
    if (event->kind == EVENT_CLONE)
        shard_note_clone(shard, event);
}

static void on_observed(void *context, const struct identity *identity, enum policy_action action,
                        struct mqtt_span topic, bool allowed)
{
    struct shard *shard = context;
    struct timespec now;

    if (shard->sketch == NULL || !shard->ruling->config->observes)
        return;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    sketch_note(shard->sketch, identity, action, topic, allowed, now.tv_sec);
}

static void on_random(void *context, void *bytes, size_t len)
{
    uint8_t *at = bytes;

    (void)context;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        MQTT_INVARIANT(got > 0 || errno == EINTR);
        at += got > 0 ? got : 0;
        len -= got > 0 ? (size_t)got : 0;
    }
}

struct batch {
    struct loop_message message;
    struct shard *to;
    size_t len;
    uint8_t *bytes;
};

static void on_batch(struct loop_message *message, struct loop *loop)
{
    struct batch *batch = MQTT_CONTAINER_OF(message, struct batch, message);

    broker_receive_batch(batch->to->broker, (struct mqtt_span){ batch->bytes, batch->len },
                         loop_now_ms(loop));
    free(batch->bytes);
    free(batch);
}

static void on_post(void *context, unsigned number, uint8_t *bytes, size_t len)
{
    struct shard *from = context;
    struct batch *batch = malloc(sizeof(*batch));

    MQTT_INVARIANT(number < from->count);
    if (batch == NULL) {
        /* Out of memory: what QoS 0 promises, and no more. */
        free(bytes);
        return;
    }
    *batch = (struct batch){ .to = &from->all[number], .len = len, .bytes = bytes };
    loop_post(batch->to->loop, &batch->message, on_batch);
}

/* ---- time ---- */

static void on_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct shard *shard = MQTT_CONTAINER_OF(timer, struct shard, timer);

    (void)context;
    broker_advance(shard->broker, now_ms);
}

static void on_turn_end(struct loop_hook *hook)
{
    struct shard *shard = MQTT_CONTAINER_OF(hook, struct shard, hook);

    bool has_more = shard_rules_walk(shard);
    /* net's hook has run: whom the walk has expelled is told in the next turn, which is now. */
    if (has_more || net_has_output(shard->net))
        loop_turn_again(shard->loop);
    shard_follow_wall(shard);
    broker_flush_journal(shard->broker);
    if (shard->count > 1)
        broker_flush_peers(shard->broker);
    broker_relieve(shard->broker);
    uint64_t next_ms = broker_next_ms(shard->broker);
    if (!wheel_is_armed(&shard->timer) || shard->timer.due_ms != next_ms)
        loop_arm(shard->loop, &shard->timer, next_ms, on_timer);
    decoy_end_turn(&shard->decoy);
}

/* ---- life ---- */

static int open_broker(struct shard *shard, const struct shard_options *options)
{
    struct broker_options broker = {
        .limits = shard->ruling->config->limits,
        .hash_key = options->hash_key,
        .shard = options->number,
        .shard_count = options->count,
        .shared = options->shared,
        .ports = {
            .transport = net_transport(),
            .admission = { .context = &shard->rules,
                           .decide = on_decide,
                           .find_standing = on_find_standing,
                           .find_durability = admission_find_durability,
                           .abandon = on_abandon,
                           .confirm = admission_ratchet_confirm },
            .events = { .context = shard, .report = on_event },
            .observe = { .context = shard, .note = on_observed },
            .random = { .fill = on_random },
            .watch = shard_watch_port(shard),
            .peers = { .context = shard, .post = options->count > 1 ? on_post : NULL },
            .journal = options->journal,
        },
        .response_prefix = "response",
        .wall_ms = wall_now_ms(),
        .announce_receive_maximum = shard->ruling->config->announces_receive_maximum,
    };
    shard->broker = broker_new(&broker, loop_now_ms(shard->loop));
    if (shard->broker == NULL)
        return -ENOMEM;
    shard->sense.options.key = options->hash_key;
    shard->sense.state_dir = options->state_dir;
    shard->sense.bar = options->bar;
    shard->sense.porch = options->porch;
    shard_sense_follow(shard, loop_now_ms(shard->loop));
    return shard->number == 0 ? decoy_open(&shard->decoy, &broker, &shard->rules) : 0;
}

static int open_parts(struct shard *shard, const struct shard_options *options)
{
    int status = loop_open(&shard->loop);
    if (status == 0 && options->registry_path != NULL)
        status = registry_open(options->registry_path, &shard->newcomers, NULL);
    if (status != 0)
        return status;
    if (options->registry_path != NULL)
        shard->sightings = sightings_new(&options->hash_key, SHARD_SIGHTINGS);
    shard->sketch = sketch_new(&options->hash_key, SHARD_SKETCH_ENTRIES);
    shard->rules.newcomers = shard->newcomers;
    shard->rules.loop = shard->loop;
    shard->expiry.loop = shard->loop;
    status = open_broker(shard, options);
    if (status != 0)
        return status;
    struct net_options net = {
        .loop = shard->loop,
        .broker = shard->broker,
        .porch = options->porch,
        .decoy = shard->decoy.broker,
        .shard = options->number,
        .limits = shard->ruling->config->limits,
        .hooks = shard_net_hooks(shard),
    };
    return net_open(&net, &shard->net);
}

int shard_open(struct shard *shard, const struct shard_options *options)
{
    *shard = (struct shard){
        .number = options->number,
        .count = options->count,
        .all = options->all,
        .log = options->log,
        .reports = options->reports,
        .keeper = options->keeper,
        .ruling = ruling_ref(options->ruling),
        .rules = { .trust_domain = options->trust_domain,
                   .presence = &shard->presence,
                   .logins = options->logins,
                   .ratchets = options->ratchets,
                   .holding = options->holding },
        .decoy = { .alarm = options->alarm, .log = options->log },
    };
    presence_init(&shard->presence, &options->hash_key);
    expiry_init(&shard->expiry, &options->hash_key);
    shard->rules.expiry = &shard->expiry;
    shard_rules_apply(shard);
    int status = open_parts(shard, options);
    if (status != 0) {
        shard_close(shard);
        return status;
    }
    loop_hook_add(shard->loop, &shard->hook, on_turn_end);
    shard_sense_start(shard);
    return 0;
}

static void close_listeners(struct shard *shard)
{
    for (size_t i = 0; i < SHARD_LISTENERS_MAX; i++) {
        listener_close(shard->listeners[i]);
        shard->listeners[i] = NULL;
    }
}

void shard_hang_up(struct shard *shard)
{
    close_listeners(shard);
    net_close(shard->net);
    shard->net = NULL;
}

void shard_close(struct shard *shard)
{
    shard_hang_up(shard);
    if (shard->loop != NULL) {
        loop_cancel(shard->loop, &shard->timer);
        shard_sense_close(shard);
        loop_hook_remove(&shard->hook);
    }
    expiry_fini(&shard->expiry);
    decoy_close(&shard->decoy);
    broker_free(shard->broker);
    loop_close(shard->loop);
    presence_fini(&shard->presence);
    sightings_free(shard->sightings);
    sketch_free(shard->sketch);
    ruling_release(shard->ruling, NULL, NULL);
    registry_close(shard->newcomers);
    *shard = (struct shard){ 0 };
}

static void *run(void *context)
{
    struct shard *shard = context;
    char name[16];

    snprintf(name, sizeof(name), "shard-%u", shard->number);
    pthread_setname_np(pthread_self(), name);
    vault_keep_near();
    int status = loop_run(shard->loop);

    if (status != 0)
        log_say(shard->log, CONFIG_LOG_ERROR, "shard %u: its loop ended: %s", shard->number,
                strerror(-status));
    return NULL;
}

int shard_start(struct shard *shard)
{
    int status = pthread_create(&shard->thread, NULL, run, shard);

    if (status != 0)
        return -status;
    shard->has_thread = true;
    return 0;
}

void shard_join(struct shard *shard)
{
    if (shard->has_thread)
        pthread_join(shard->thread, NULL);
    shard->has_thread = false;
}

void shard_settle(struct shard *all, unsigned count)
{
    /* What one has for another may make the other have something in turn, once. */
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < count; i++)
            loop_deliver(all[i].loop);
        for (unsigned i = 0; i < count; i++)
            broker_flush_journal(all[i].broker);
        for (unsigned i = 0; i < count && count > 1; i++)
            broker_flush_peers(all[i].broker);
    }
}

/* ---- messages ---- */

struct order {
    struct loop_message message;
    struct shard *shard;
    struct listener_options listener;
    unsigned slot;
    int fd;
    uint64_t most_ms;
    struct broker_stats stats;
    struct net_stats net;
};

static struct order *order_new(struct shard *shard)
{
    struct order *order = calloc(1, sizeof(*order));
    if (order != NULL)
        order->shard = shard;
    return order;
}

static int post(struct order *order, loop_deliver_function deliver)
{
    if (order == NULL)
        return -ENOMEM;
    loop_post(order->shard->loop, &order->message, deliver);
    return 0;
}

static void on_listener(struct loop_message *message, struct loop *loop)
{
    struct order *order = MQTT_CONTAINER_OF(message, struct order, message);
    struct shard *shard = order->shard;

    (void)loop;
    listener_close(shard->listeners[order->slot]);
    shard->listeners[order->slot] = NULL;
    if (order->fd >= 0 && shard->is_draining)
        close(order->fd);
    else if (order->fd >= 0) {
        int status =
            listener_open(shard->net, &order->listener, order->fd, &shard->listeners[order->slot]);
        if (status != 0)
            log_say(shard->log, CONFIG_LOG_ERROR, "listener %s does not listen on shard %u: %s",
                    order->listener.name, shard->number, strerror(-status));
    }
    free(order);
}

int shard_post_listener(struct shard *shard, unsigned slot, const struct listener_options *options,
                        int fd)
{
    struct order *order = order_new(shard);

    MQTT_INVARIANT(slot < SHARD_LISTENERS_MAX);
    if (order == NULL)
        return -ENOMEM;
    order->listener = *options;
    order->slot = slot;
    order->fd = fd;
    return post(order, on_listener);
}

static void on_drained_delivered(struct loop_message *message, struct loop *loop)
{
    struct order *order = MQTT_CONTAINER_OF(message, struct order, message);
    const struct shard_reports *reports = &order->shard->reports;

    (void)loop;
    reports->drained(reports->context);
    free(order);
}

/* The order that asked for it carries the answer back: there is nothing to allocate. */
static void on_drained(void *context)
{
    struct order *order = context;

    loop_post(order->shard->all[0].loop, &order->message, on_drained_delivered);
}

static void on_drain(struct loop_message *message, struct loop *loop)
{
    struct order *order = MQTT_CONTAINER_OF(message, struct order, message);
    struct shard *shard = order->shard;

    shard->is_draining = true;
    close_listeners(shard);
    broker_drain(shard->broker, loop_now_ms(loop));
    decoy_drain(&shard->decoy);
    net_drain(shard->net, loop_now_ms(loop) + order->most_ms, on_drained, order);
}

int shard_post_drain(struct shard *shard, uint64_t most_ms)
{
    struct order *order = order_new(shard);

    if (order == NULL)
        return -ENOMEM;
    order->most_ms = most_ms;
    return post(order, on_drain);
}

static void on_stats_delivered(struct loop_message *message, struct loop *loop)
{
    struct order *order = MQTT_CONTAINER_OF(message, struct order, message);
    const struct shard_reports *reports = &order->shard->reports;

    (void)loop;
    reports->stats(reports->context, &order->stats, &order->net);
    free(order);
}

static void on_stats(struct loop_message *message, struct loop *loop)
{
    struct order *order = MQTT_CONTAINER_OF(message, struct order, message);

    (void)loop;
    stats_add(&order->stats, broker_statistics(order->shard->broker));
    /* At the end of the process its sockets are closed before it has answered. */
    if (order->shard->net != NULL)
        order->net = *net_statistics(order->shard->net);
    loop_post(order->shard->all[0].loop, &order->message, on_stats_delivered);
}

int shard_post_stats(struct shard *shard)
{
    return post(order_new(shard), on_stats);
}
