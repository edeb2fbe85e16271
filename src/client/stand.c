/* SPDX-License-Identifier: Apache-2.0 */
#include "client/stand.h"

#include <stdint.h>
#include <stdio.h>

#define WIRE_BYTES 8192

static int chosen_random(void *context, void *out, size_t len)
{
    const struct stand *stand = context;
    assert_int_equal(len, sizeof(stand->random));
    memcpy(out, &stand->random, sizeof(stand->random));
    return 0;
}

void stand_init(struct stand *stand)
{
    *stand = (struct stand){ .now_ms = 1000000 };
    tacit_memory_init(&stand->wire,
                      (struct tacit_memory_buffer){ malloc(WIRE_BYTES), WIRE_BYTES, 0 },
                      (struct tacit_memory_buffer){ malloc(WIRE_BYTES), WIRE_BYTES, 0 });
    stand->config = (struct tacit_config){
        .clean_start = true,
        .keep_alive_s = 60,
        .host = TACIT_LITERAL("broker"),
        .client_id = TACIT_LITERAL("c"),
        .limits = { .receive_bytes = 128,
                    .send_bytes = 128,
                    .queue_bytes = 1024,
                    .inbound_messages = 2,
                    .subscriptions = 2,
                    .aliases_in = 2,
                    .aliases_out = 2,
                    .alias_topic_bytes = 16 },
        .transport = tacit_memory_transport(&stand->wire),
        .random = chosen_random,
        .random_context = stand,
    };
}

void stand_fini(struct stand *stand)
{
    free(stand->wire.to_server.bytes);
    free(stand->wire.to_client.bytes);
    free(stand->arena);
}

void stand_start(struct stand *stand)
{
    size_t size = tacit_arena_bytes(&stand->config.limits);
    stand->arena = malloc(size);
    stand->arena_size = size;
    assert_null(tacit_init(stand->arena, size - 1, &stand->config));
    stand->client = tacit_init(stand->arena, size, &stand->config);
    assert_non_null(stand->client);
    tacit_start(stand->client);
}

void stand_connect(struct stand *stand, const char *connack)
{
    stand_start(stand);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, connack);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
}

enum tacit_event_type stand_poll(struct stand *stand)
{
    stand->sleep_ms = tacit_poll(stand->client, stand->now_ms, &stand->event);
    return stand->event.type;
}

void stand_settle(struct stand *stand)
{
    do
        assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    while (stand->sleep_ms == 0);
}

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    for (; *hex != '\0'; hex += *hex != '\0')
        if (*hex != ' ') {
            assert_int_equal(sscanf(hex, "%2hhx", &out[len++]), 1);
            hex++;
        }
    return len;
}

void stand_feed(struct stand *stand, const char *hex)
{
    uint8_t bytes[WIRE_BYTES];
    size_t len = from_hex(hex, bytes);
    assert_true(tacit_memory_feed(&stand->wire, bytes, len));
}

void stand_expect(struct stand *stand, const char *hex)
{
    uint8_t bytes[WIRE_BYTES];
    size_t len = from_hex(hex, bytes);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    if (stand->wire.to_server.len != len || memcmp(stand->wire.to_server.bytes, bytes, len) != 0) {
        for (size_t i = 0; i < stand->wire.to_server.len; i++)
            print_error("%02x ", stand->wire.to_server.bytes[i]);
        fail_msg("was sent, not %s", hex);
    }
    tacit_memory_drop(&stand->wire, len);
}

void stand_expect_nothing(struct stand *stand)
{
    stand_expect(stand, "");
}

uint32_t stand_publish(struct stand *stand, const char *topic, const char *payload, uint8_t qos)
{
    struct tacit_message message = { .topic = { topic, strlen(topic) },
                                     .payload = { payload, strlen(payload) },
                                     .qos = qos };
    uint32_t token = 0;
    assert_int_equal(tacit_publish(stand->client, &message, &token), TACIT_OK);
    assert_int_not_equal(token, 0);
    return token;
}

void stand_assert_bytes(struct tacit_bytes bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    if (bytes.len > 0)
        assert_memory_equal(bytes.data, text, bytes.len);
}
