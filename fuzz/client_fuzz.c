/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile broker: the input is what it sends, cut into chunks, while the application
 * publishes and subscribes. Promised whatever comes: pieces of a message lie one after
 * the other and within its total, a token is told about at most once, borrowed bytes
 * can be read, and the client never sends more than one CONNECT per connection. */
#include <tacit/client.h>
#include <tacit/memory.h>
#include <tacit/pieces.h>

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_BYTES 16384

#define STORE_ENTRIES 5

struct entry {
    uint8_t bytes[300];
    size_t len;
};

struct run {
    struct tacit_config config;
    struct tacit_store store;
    struct entry entries[STORE_ENTRIES];
    bool store_fails;
    struct tacit_memory wire;
    struct tacit_client *client;
    uint32_t next_offset; /* of the message that comes in pieces */
    uint32_t ended[64];   /* tokens told about */
    unsigned ended_count;
    unsigned checksum;
    uint32_t receipt; /* to be acknowledged by hand; 0: none */
};

static int no_random(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0, len);
    return 0;
}

static int store_put(void *context, uint32_t id, const struct tacit_bytes *pieces, unsigned count)
{
    struct run *run = context;
    struct entry *entry = &run->entries[id];
    MQTT_INVARIANT(id < STORE_ENTRIES);
    if (run->store_fails)
        return TACIT_IO;
    entry->len = 0;
    for (unsigned i = 0; i < count; i++) {
        MQTT_INVARIANT(pieces[i].len <= sizeof(entry->bytes) - entry->len);
        if (pieces[i].len > 0)
            memcpy(entry->bytes + entry->len, pieces[i].data, pieces[i].len);
        entry->len += pieces[i].len;
    }
    return TACIT_OK;
}

static int store_get(void *context, uint32_t id, void *out, size_t size)
{
    const struct run *run = context;
    const struct entry *entry = &run->entries[id];
    MQTT_INVARIANT(id < STORE_ENTRIES);
    memcpy(out, entry->bytes, entry->len < size ? entry->len : size);
    return (int)entry->len;
}

static int store_del(void *context, uint32_t id)
{
    struct run *run = context;
    MQTT_INVARIANT(id < STORE_ENTRIES);
    if (!run->store_fails)
        run->entries[id].len = 0;
    return run->store_fails ? TACIT_IO : TACIT_OK;
}

static void touch(struct run *run, struct tacit_bytes bytes)
{
    const uint8_t *at = bytes.data;
    for (size_t i = 0; i < bytes.len; i++)
        run->checksum += at[i];
}

static void note_message(struct run *run, const struct tacit_event *event)
{
    struct tacit_bytes block = event->message.properties;
    struct tacit_property property;
    MQTT_INVARIANT(event->offset == run->next_offset);
    MQTT_INVARIANT(event->message.payload.len <= event->total - event->offset);
    MQTT_INVARIANT(event->message.topic.len > 0);
    run->next_offset = event->offset + (uint32_t)event->message.payload.len;
    if (run->next_offset == event->total)
        run->next_offset = 0;
    else
        MQTT_INVARIANT(event->message.payload.len > 0);
    touch(run, event->message.topic);
    touch(run, event->message.payload);
    while (tacit_property_next(&block, &property)) {
        touch(run, property.name);
        touch(run, property.value);
    }
}

static void note_end(struct run *run, uint32_t token)
{
    for (unsigned i = 0; i < run->ended_count; i++)
        MQTT_INVARIANT(run->ended[i] != token);
    if (run->ended_count < sizeof(run->ended) / sizeof(run->ended[0]))
        run->ended[run->ended_count++] = token;
}

/* Some of what is wanted; every third time nothing. */
static void hand_over(struct run *run, const struct tacit_event *event)
{
    static const char bytes[64] = "piece";
    uint32_t left = event->total - event->offset;
    size_t len = left < sizeof(bytes) ? left : sizeof(bytes);
    size_t taken;
    MQTT_INVARIANT(event->offset < event->total);
    if (run->checksum % 3 == 0)
        return;
    enum tacit_status status = tacit_publish_part(run->client, event->token, event->offset,
                                                  (struct tacit_bytes){ bytes, len }, &taken);
    MQTT_INVARIANT(status != TACIT_ARGUMENT && taken <= len);
}

static void note(struct run *run, const struct tacit_event *event)
{
    if (event->type == TACIT_EVENT_WANTED)
        hand_over(run, event);
    if (event->type == TACIT_EVENT_MESSAGE)
        note_message(run, event);
    if (event->receipt != 0 && run->config.manual_acknowledgement)
        run->receipt = event->receipt;
    if (event->type == TACIT_EVENT_DELIVERED || event->type == TACIT_EVENT_REJECTED)
        note_end(run, event->token);
    if (event->type == TACIT_EVENT_DOWN)
        run->next_offset = 0;
    touch(run, event->reason_string);
    touch(run, event->server_reference);
    touch(run, event->response_information);
    touch(run, event->assigned_client_id);
}

/* The input's first bytes choose the set-up, the rest is the broker. */
static void set_up(struct run *run, uint8_t choice)
{
    static const uint8_t versions[] = { 5, 5, 4, 3 };
    run->config = (struct tacit_config){
        .version = versions[choice & 3],
        .fallback_311 = (choice & 4) != 0,
        .session_expiry_s = (choice & 8) != 0 ? 60 : 0,
        .client_id = TACIT_LITERAL("f"),
        .keep_alive_s = 1,
        .limits = { .receive_bytes = 64,
                    .send_bytes = 96,
                    .queue_bytes = 900,
                    .maximum_packet_bytes = (choice & 16) != 0 ? 400 : 0,
                    .inbound_messages = 2,
                    .subscriptions = 2,
                    .aliases_in = 2,
                    .aliases_out = 1,
                    .alias_topic_bytes = 8 },
        .when_full = (choice & 128) != 0 ? tacit_drop_lowest : tacit_drop_qos_0,
        .redirects = 2,
        .retry = { .refused_ms = 1 },
        .transport = tacit_memory_transport(&run->wire),
        .random = no_random,
    };
    /* Every second version of the set-up keeps things, and says itself when it is done. */
    run->store = (struct tacit_store){ .put = store_put,
                                       .get = store_get,
                                       .del = store_del,
                                       .context = run,
                                       .messages = STORE_ENTRIES - 1 };
    if ((choice & 64) != 0) {
        run->config.store = &run->store;
        run->config.manual_acknowledgement = true;
    }
    run->wire.chunk_bytes = choice >> 5;
    run->wire.send_limit = (choice & 32) != 0 ? 40 : SIZE_MAX;
}

static void act(struct run *run, unsigned turn)
{
    static const struct tacit_subscription subscriptions[] = {
        { .filter = TACIT_LITERAL("a/+"), .qos = 2 }, { .filter = TACIT_LITERAL("b"), .qos = 1 }
    };
    static const char payload[200] = "payload";
    struct tacit_message message = { .topic = TACIT_LITERAL("t"),
                                     .payload = { payload, turn % 5 == 4 ? 200 : turn % 9 },
                                     .qos = (uint8_t)(turn % 3),
                                     .priority = (uint8_t)(turn % 4) };
    uint32_t token = 0;
    if (turn % 8 == 6)
        (void)tacit_publish_begin(run->client, &message, &token);
    else
        (void)tacit_publish(run->client, &message, &token);
    if (turn % 10 == 9)
        (void)tacit_cancel(run->client, token);
    if (turn % 7 == 0)
        (void)tacit_subscribe(run->client, &subscriptions[turn / 7 % 2]);
    if (turn % 11 == 10)
        (void)tacit_unsubscribe(run->client, &subscriptions[turn / 11 % 2]);
}

/* Everything anew over what the store has; tokens may come again then. */
static void reboot(struct run *run, void *arena)
{
    tacit_memory_drop(&run->wire, run->wire.to_server.len);
    run->wire.to_client.len = 0;
    run->wire.is_open = false;
    run->next_offset = 0;
    run->ended_count = 0;
    run->receipt = 0;
    run->client = tacit_init(arena, tacit_arena_bytes(&run->config.limits), &run->config);
    MQTT_INVARIANT(run->client != NULL);
    MQTT_INVARIANT(tacit_restore(run->client) == TACIT_OK);
    tacit_start(run->client);
}

static void acknowledge(struct run *run, unsigned turn)
{
    if (run->receipt != 0 && turn % 2 == 0)
        (void)tacit_acknowledge(run->client, run->receipt);
    run->store_fails = turn % 13 == 12;
}

static void play(struct run *run, void *arena, const uint8_t *data, size_t size)
{
    struct tacit_event event;
    uint64_t now_ms = 1;
    for (unsigned turn = 0; size > 0; turn++) {
        size_t len = data[0] % 64 + 1u;
        data++;
        size--;
        len = len < size ? len : size;
        MQTT_INVARIANT(tacit_memory_feed(&run->wire, data, len) || run->wire.to_client.len > 0);
        data += len;
        size -= len;
        act(run, turn);
        acknowledge(run, turn);
        for (unsigned i = 0; i < 64; i++) {
            uint32_t sleep_ms = tacit_poll(run->client, now_ms, &event);
            note(run, &event);
            if (sleep_ms != 0)
                break;
        }
        now_ms += 100;
        if (run->config.store != NULL && turn % 17 == 16)
            reboot(run, arena);
        tacit_memory_drop(&run->wire, run->wire.to_server.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 4096)
        return 0;
    struct run run = { 0 };
    tacit_memory_init(&run.wire, (struct tacit_memory_buffer){ malloc(WIRE_BYTES), WIRE_BYTES, 0 },
                      (struct tacit_memory_buffer){ malloc(WIRE_BYTES), WIRE_BYTES, 0 });
    set_up(&run, data[0]);
    size_t arena_bytes = tacit_arena_bytes(&run.config.limits);
    void *arena = malloc(arena_bytes);
    run.client = tacit_init(arena, arena_bytes, &run.config);
    MQTT_INVARIANT(run.client != NULL);
    tacit_start(run.client);
    play(&run, arena, data + 1, size - 1);
    free(arena);
    free(run.wire.to_server.bytes);
    free(run.wire.to_client.bytes);
    return 0;
}
