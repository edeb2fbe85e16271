/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_test_core.h"

#include "codec/frame.h"
#include "net/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* A CONNECT's first body byte names its home. */
int broker_home_shard(const struct broker *broker, struct mqtt_span bytes)
{
    struct mqtt_frame frame;
    enum mqtt_status status = mqtt_frame_decode(bytes, 65536, &frame);
    if (status == MQTT_PENDING)
        return -1;
    if (status != MQTT_OK || frame.body.len == 0)
        return (int)broker->shard;
    return frame.body.data[0];
}

struct client *client_open(struct broker *broker, void *transport, const void *facts,
                           uint64_t accepted_ms, uint64_t now_ms)
{
    const struct connection_facts *known = facts;
    assert_true(accepted_ms <= now_ms);
    struct client *client = calloc(1, sizeof(*client));
    assert_non_null(client);
    *client = (struct client){ .broker = broker, .transport = transport };
    broker->opened++;
    broker->last = client;
    snprintf(broker->peer, sizeof(broker->peer), "%s",
             known->peer != NULL ? known->peer->common_name : "");
    snprintf(broker->address, sizeof(broker->address), "%s", known->address);
    return client;
}

void core_say(struct client *client, struct mqtt_span bytes)
{
    bool was_empty = client->outbox.bytes == 0;
    uint8_t *at = outbox_reserve(&client->outbox, &client->broker->pools, bytes.len);
    assert_non_null(at);
    memcpy(at, bytes.data, bytes.len);
    outbox_commit(&client->outbox, bytes.len);
    if (was_empty)
        client->broker->transport.wake(client->transport);
}

static void flood(struct client *client)
{
    static uint8_t packet[FLOOD_BYTES] = { 0x30, 0x80, 0x7d };
    for (unsigned i = 0; i < FLOOD_PACKETS; i++) {
        memset(packet + 3, (int)(i & 0xff), FLOOD_BYTES - 3);
        core_say(client, (struct mqtt_span){ packet, FLOOD_BYTES });
    }
}

void core_end(struct client *client)
{
    struct broker *broker = client->broker;
    broker->transport.close(client->transport, client);
    assert_int_equal(client->outbox.bytes, 0);
    broker->ended++;
    free(client);
}

size_t client_receive(struct client *client, struct mqtt_span bytes, uint64_t now_ms,
                      bool *out_client_gone)
{
    (void)now_ms;
    size_t used = 0;
    client->wants = 0;
    while (used < bytes.len && !client->is_waiting) {
        struct mqtt_frame frame = { 0 };
        struct mqtt_span rest = { bytes.data + used, bytes.len - used };
        enum mqtt_status status = mqtt_frame_decode(rest, 1 << 20, &frame);
        if (status == MQTT_PENDING) {
            client->wants = frame.len;
            break;
        }
        assert_int_equal(status, MQTT_OK);
        used += frame.len;
        client->is_connected = client->is_connected || frame.type == MQTT_CONNECT;
        if (frame.type == MQTT_CONNECT)
            core_say(client, (struct mqtt_span){ (const uint8_t *)"\x20\x02\0\0", 4 });
        else if (frame.type == MQTT_PUBLISH)
            core_say(client, (struct mqtt_span){ rest.data, frame.len });
        else if (frame.type == MQTT_SUBSCRIBE)
            client->is_waiting = true;
        else if (frame.type == MQTT_PINGREQ)
            flood(client);
        else if (frame.type == MQTT_DISCONNECT) {
            core_say(client, (struct mqtt_span){ (const uint8_t *)"\xd0\0", 2 });
            core_end(client);
            *out_client_gone = true;
            break;
        }
    }
    return used;
}

bool client_is_waiting(const struct client *client)
{
    return client->is_waiting;
}

bool client_was_expelled(const struct client *client)
{
    return client->is_expelled;
}

bool client_is_connected(const struct client *client)
{
    return client->is_connected;
}

void core_judge(struct client *client)
{
    client->is_waiting = false;
    client->broker->transport.resume(client->transport);
}

size_t client_wants_bytes(const struct client *client)
{
    return client->wants;
}

struct outbox *client_outbox(struct client *client)
{
    return &client->outbox;
}

struct outbox_pools *broker_outbox_pools(struct broker *broker)
{
    return &broker->pools;
}

void client_sent(struct client *client, uint64_t now_ms)
{
    (void)now_ms;
    client->broker->sent_calls++;
}

bool client_rest(struct client *client, uint64_t now_ms)
{
    (void)now_ms;
    client->is_waiting = client->is_waiting || client->broker->is_short;
    return client->is_waiting;
}

bool broker_refuses_newcomers(const struct broker *broker)
{
    return broker->refuses_newcomers;
}

bool broker_is_short(const struct broker *broker)
{
    return broker->is_short;
}

void client_full(struct client *client, bool is_full, uint64_t now_ms)
{
    (void)now_ms;
    client->broker->full_calls++;
    client->is_full = is_full;
}

void client_lost(struct client *client, uint64_t now_ms)
{
    (void)now_ms;
    client->broker->lost++;
    outbox_clear(&client->outbox, &client->broker->pools);
    free(client);
}
