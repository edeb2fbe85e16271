/* SPDX-License-Identifier: Apache-2.0 */
#include "core/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world_batch {
    struct world_batch *next;
    unsigned shard;
    uint8_t *bytes;
    size_t len;
};

static const struct siphash_key world_key = { 1, 2 };

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

/* ---- ports ---- */

static void wake(void *transport)
{
    (void)transport; /* world_run looks at every outbox */
}

static void make_room(struct world_peer *peer, size_t len)
{
    must(peer->len + len <= INBOX_BYTES, "inbox is full");
    if (peer->len + len <= peer->room)
        return;
    while (peer->len + len > peer->room)
        peer->room = peer->room > 0 ? 2 * peer->room : INBOX_FIRST_BYTES;
    peer->inbox = realloc(peer->inbox, peer->room);
    must(peer->inbox != NULL, "out of memory");
}

static void drain(struct world_peer *peer, struct outbox *outbox, struct outbox_pools *pools)
{
    struct mqtt_span spans[16];
    size_t count = outbox_peek(outbox, spans, MQTT_ARRAY_LEN(spans));

    while (count > 0) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            make_room(peer, spans[i].len);
            memcpy(peer->inbox + peer->len, spans[i].data, spans[i].len);
            peer->len += spans[i].len;
            total += spans[i].len;
        }
        outbox_consume(outbox, pools, total);
        count = outbox_peek(outbox, spans, MQTT_ARRAY_LEN(spans));
    }
}

static void on_close(void *transport, struct client *client)
{
    struct world_peer *peer = transport;

    drain(peer, client_outbox(client), broker_outbox_pools(peer->world->brokers[peer->shard]));
    peer->client = NULL;
    peer->is_open = false;
}

static void send_on(struct world_peer *peer, struct mqtt_span bytes)
{
    bool gone = false;
    size_t used = client_receive(peer->client, bytes, peer->world->now_ms, &gone);

    must(gone == (peer->client == NULL), "close and client_receive disagree");
    if (gone || !client_is_waiting(peer->client))
        return;
    peer->left = realloc(peer->left, peer->left_len + bytes.len - used + 1);
    must(peer->left != NULL, "out of memory");
    memcpy(peer->left + peer->left_len, bytes.data + used, bytes.len - used);
    peer->left_len += bytes.len - used;
}

static void resume(void *transport)
{
    struct world_peer *peer = transport;
    struct mqtt_span left = { peer->left, peer->left_len };

    peer->left = NULL;
    peer->left_len = 0;
    send_on(peer, left);
    free((void *)(uintptr_t)left.data);
}

static enum admission exchange(const struct admission_request *request,
                               struct admission_answer *out)
{
    if (request->exchange == NULL) {
        out->exchange = (void *)(uintptr_t)&world_key;
        out->data = span_of("ping");
        return ADMISSION_CONTINUE;
    }
    out->reason = MQTT_NOT_AUTHORIZED;
    return span_equal(request->data, span_of("pong")) ? ADMISSION_ALLOW : ADMISSION_REFUSE;
}

static void allow(const struct world *world, const struct world_peer *peer,
                  struct admission_answer *out)
{
    out->data = (struct mqtt_span){ 0 };
    out->identity = (struct identity){
        .device = peer->device[0] != '\0' ? peer->device : NULL,
        .tenant = world->tenant,
        .role = peer->role,
        .proved = peer->device[0] != '\0',
    };
    out->role = policy_find(world->policy, &out->identity);
    if (peer->place[0] == '\0')
        return;
    out->credential = (struct credential){ .key = span_of(peer->device),
                                           .place = span_of(peer->place),
                                           .note = span_of(peer->place),
                                           .rule = world->clone };
    out->held = strcmp(world->held, peer->device) == 0 ? "held" : NULL;
}

static enum admission admit(void *context, const struct admission_request *request,
                            struct admission_answer *out)
{
    const struct world *world = context;
    const struct world_peer *peer = request->facts;
    enum admission admission = ADMISSION_ALLOW;

    if (request->method.len > 0 && !span_equal(request->method, span_of("echo"))) {
        out->reason = MQTT_BAD_AUTHENTICATION_METHOD;
        return ADMISSION_REFUSE;
    }
    if (request->method.len > 0)
        admission = exchange(request, out);
    if (admission == ADMISSION_ALLOW && world->slow != NULL
        && strcmp(world->slow, peer->device) == 0) {
        must(request->client == peer->client, "whose CONNECT is it?");
        out->exchange = (void *)(uintptr_t)&world_key;
        return ADMISSION_WAIT;
    }
    if (admission != ADMISSION_ALLOW)
        return admission;
    allow(world, peer, out);
    return ADMISSION_ALLOW;
}

void world_judge(struct world_peer *peer, enum admission admission)
{
    struct admission_answer answer = { .reason = MQTT_NOT_AUTHORIZED };

    if (admission == ADMISSION_ALLOW)
        allow(peer->world, peer, &answer);
    if (admission == ADMISSION_WAIT)
        answer.exchange = (void *)(uintptr_t)&world_key;
    client_judged(peer->client, admission, &answer, peer->world->now_ms);
    world_run(peer->world);
}

static void find_standing(void *context, const struct identity *identity, struct standing *out)
{
    const struct world *world = context;

    *out = (struct standing){
        .role = policy_find(world->policy, identity),
        .barred = world->barred != NULL && identity->device != NULL
                          && strcmp(world->barred, identity->device) == 0
                      ? "barred"
                      : NULL,
        .held =
            identity->device != NULL && strcmp(world->held, identity->device) == 0 ? "held" : NULL,
    };
}

static void abandon(void *context, void *unfinished)
{
    struct world *world = context;

    must(unfinished != NULL, "nothing to abandon");
    world->abandoned++;
}

static bool is_watched(void *context, struct mqtt_span topic)
{
    const struct world *world = context;
    return world->watched != NULL && span_equal(topic, span_of(world->watched));
}

static void on_event(void *context, const struct event *event)
{
    struct world *world = context;
    const struct event_clone *clone = event->clone;

    world->events[event->kind]++;
    if (event->kind == EVENT_WATCHED_PUBLISH || event->kind == EVENT_WATCHED_WILL
        || event->kind == EVENT_WATCHED_SUBSCRIBE)
        snprintf(world->watched_as, sizeof(world->watched_as), "%.*s %zu %u", (int)event->topic.len,
                 (const char *)event->topic.data, event->payload.len, event->reason);
    if (clone == NULL)
        return;
    snprintf(world->clone_of, sizeof(world->clone_of), "%.*s/%.*s", (int)clone->note.len,
             (const char *)clone->note.data, (int)clone->other_note.len,
             (const char *)clone->other_note.data);
    if (clone->done == POLICY_CLONE_BY_KIND || clone->done == POLICY_CLONE_HOLD)
        snprintf(world->held, sizeof(world->held), "%s", event->identity->device);
}

static void fill(void *context, void *bytes, size_t len)
{
    struct world *world = context;
    uint8_t *out = bytes;

    for (size_t i = 0; i < len; i++) {
        world->random = world->random * UINT64_C(6364136223846793005) + 1442695040888963407;
        out[i] = (uint8_t)(world->random >> 56);
    }
}

static void post(void *context, unsigned shard, uint8_t *bytes, size_t len)
{
    struct world *world = context;
    struct world_batch *batch = malloc(sizeof(*batch));
    struct world_batch **last = &world->batches;

    must(batch != NULL, "out of memory");
    *batch = (struct world_batch){ NULL, shard, bytes, len };
    while (*last != NULL)
        last = &(*last)->next;
    *last = batch;
}

static void submit(void *context, unsigned shard, uint64_t number, uint8_t *bytes, size_t len)
{
    struct world *world = context;

    world_disk_add(&world->disk, shard, number, bytes, len);
}

static void broken(void *context, unsigned shard)
{
    (void)context;
    (void)shard;
    must(false, "out of memory for a frame");
}

static enum policy_durability durability_of(void *context, const void *facts)
{
    const struct world *world = context;

    (void)facts;
    return world->durability;
}

/* ---- life ---- */

static void make_policy(struct world *world)
{
    static const struct policy_terms anything = { .retain = true,
                                                  .maximum_qos = 2,
                                                  .payload_bytes = POLICY_NO_LIMIT };
    const struct role_options everything = {
        .shared = true, .unrestricted = true, .anonymous = true, .terms = anything
    };
    const struct role_options device = { .terms = anything };
    const char *why;

    world->policy = policy_new();
    must(world->policy != NULL && policy_add_role(world->policy, "all", &everything) != NULL,
         "policy");
    struct role *role = policy_add_role(world->policy, "device", &device);
    must(role_grant(role, POLICY_PUBLISH, "devices/%{device}/#", &why) == 0, "grant");
    must(role_grant(role, POLICY_SUBSCRIBE, "devices/%{device}/#", &why) == 0, "grant");
    policy_seal(world->policy);
}

void world_set_policy(struct world *world, struct policy *policy)
{
    policy_unref(world->policy);
    world->policy = policy;
    for (unsigned i = 0; i < world->shards; i++)
        broker_policy_changed(world->brokers[i], world->now_ms);
}

unsigned world_settle_policy(struct world *world, unsigned most)
{
    unsigned steps = 0;

    for (unsigned i = 0; i < world->shards; i++)
        while (broker_policy_step(world->brokers[i], most, world->now_ms))
            steps++;
    return steps;
}

static void note(void *context, const struct identity *identity, enum policy_action action,
                 struct mqtt_span topic, bool allowed)
{
    struct world *world = context;
    char *end = world->noted + strlen(world->noted);

    (void)identity, (void)action, world->notes[allowed]++;
    snprintf(end, WORLD_NOTED - strlen(world->noted), "%.*s ", (int)topic.len,
             (const char *)topic.data);
}

void world_open_brokers(struct world *world, unsigned shards)
{
    world->shards = shards;
    memset(world->confirmed_bytes, 0, sizeof(world->confirmed_bytes));
    world->shared = shared_new(&world_key, NULL, shards);
    must(world->shared != NULL, "shared");
    for (unsigned i = 0; i < shards; i++) {
        const struct broker_options options = {
            .limits = world->limits,
            .hash_key = world_key,
            .shard = i,
            .shard_count = shards,
            .shared = world->shared,
            .response_prefix = "answers",
            .wall_ms = (int64_t)world->now_ms + world->wall_offset_ms,
            .ports = {
                .transport = { wake, on_close, resume },
                .admission = { world, admit, find_standing, durability_of, abandon, NULL },
                .events = { world, on_event },
                .observe = { world, note },
                .watch = { world, is_watched, is_watched },
                .random = { world, fill },
                .peers = { world, post },
                .journal = { world, submit, broken },
            },
        };
        world->brokers[i] = broker_new(&options, world->now_ms);
        must(world->brokers[i] != NULL, "broker");
    }
}

void world_init(struct world *world, unsigned shards, const struct limits *limits)
{
    *world = (struct world){ .now_ms = 1000000, .random = 42, .disk_state = JOURNAL_OPEN };
    world->limits = limits != NULL ? *limits : limits_default();
    make_policy(world);
    world_open_brokers(world, shards);
}

void world_close_brokers(struct world *world)
{
    for (unsigned i = 0; i < WORLD_PEERS; i++) {
        struct world_peer *peer = &world->peers[i];

        if (peer->is_open && peer->client != NULL)
            client_lost(peer->client, world->now_ms);
        free(peer->inbox);
        free(peer->left);
        *peer = (struct world_peer){ 0 };
    }
    for (unsigned i = 0; i < world->shards; i++)
        broker_free(world->brokers[i]);
    while (world->batches != NULL) {
        struct world_batch *batch = world->batches;
        world->batches = batch->next;
        free(batch->bytes);
        free(batch);
    }
    shared_free(world->shared);
}

void world_fini(struct world *world)
{
    world_close_brokers(world);
    world_disk_fini(&world->disk);
    policy_unref(world->policy);
}

struct world_peer *world_open_device(struct world *world, enum mqtt_version version,
                                     const char *device, const char *role)
{
    for (unsigned i = 0; i < WORLD_PEERS; i++) {
        struct world_peer *peer = &world->peers[i];

        if (peer->is_open)
            continue;
        free(peer->inbox);
        free(peer->left);
        *peer =
            (struct world_peer){ .world = world, .number = i, .is_open = true, .version = version };
        snprintf(peer->device, sizeof(peer->device), "%s", device);
        snprintf(peer->role, sizeof(peer->role), "%s", role);
        return peer;
    }
    must(false, "too many peers");
    return NULL;
}

struct world_peer *world_open_at(struct world *world, enum mqtt_version version, const char *device,
                                 const char *place)
{
    struct world_peer *peer = world_open_device(world, version, device, "device");

    snprintf(peer->place, sizeof(peer->place), "%s", place);
    return peer;
}

struct world_peer *world_open(struct world *world, enum mqtt_version version)
{
    return world_open_device(world, version, "", "all");
}

void world_send(struct world_peer *peer, struct mqtt_span bytes)
{
    struct world *world = peer->world;

    if (!peer->is_open)
        return;
    if (peer->client == NULL) {
        int home = broker_home_shard(world->brokers[0], bytes);
        peer->shard = home > 0 ? (unsigned)home : 0;
        peer->client =
            client_open(world->brokers[peer->shard], peer, peer, world->now_ms, world->now_ms);
        if (peer->client == NULL) { /* no room: an edge closes the socket */
            peer->is_open = false;
            return;
        }
    }
    send_on(peer, bytes);
}

void world_break(struct world_peer *peer)
{
    if (peer->client != NULL)
        client_lost(peer->client, peer->world->now_ms);
    peer->client = NULL;
    peer->is_open = false;
    world_run(peer->world);
}

/* ---- time ---- */

static bool carry_batches(struct world *world)
{
    struct world_batch *batch = world->batches;

    if (batch == NULL || world->peers_are_slow)
        return false;
    world->batches = batch->next;
    broker_receive_batch(world->brokers[batch->shard],
                         (struct mqtt_span){ batch->bytes, batch->len }, world->now_ms);
    free(batch->bytes);
    free(batch);
    return true;
}

static bool empty_outboxes(struct world *world)
{
    bool any = false;

    for (unsigned i = 0; i < WORLD_PEERS; i++) {
        struct world_peer *peer = &world->peers[i];
        if (peer->client == NULL || peer->takes_nothing
            || outbox_ready(client_outbox(peer->client)) == 0)
            continue;
        drain(peer, client_outbox(peer->client), broker_outbox_pools(world->brokers[peer->shard]));
        client_sent(peer->client, world->now_ms);
        any = true;
    }
    return any;
}

void world_run(struct world *world)
{
    bool again = true;

    while (again) {
        for (unsigned i = 0; i < world->shards; i++) {
            broker_advance(world->brokers[i], world->now_ms);
            broker_flush_journal(world->brokers[i]);
            broker_flush_peers(world->brokers[i]);
        }
        again = carry_batches(world);
        if (!world->disk_is_slow && world->confirmed < world->disk.count)
            world_confirm(world, SIZE_MAX);
        again |= empty_outboxes(world);
    }
}

void world_sleep(struct world *world, uint64_t ms)
{
    uint64_t until_ms = world->now_ms + ms;

    while (world->now_ms < until_ms) {
        uint64_t next_ms = until_ms;
        for (unsigned i = 0; i < world->shards; i++)
            if (broker_next_ms(world->brokers[i]) < next_ms)
                next_ms = broker_next_ms(world->brokers[i]);
        world->now_ms = next_ms > world->now_ms ? next_ms : world->now_ms + 1;
        world_run(world);
    }
}
