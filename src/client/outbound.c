/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outbound.h"

#include "client/properties.h"
#include "codec/properties.h"

#include <string.h>

void tacit_send_begin(const struct tacit_client *client, struct tacit_sink *out)
{
    out->memory = tacit_send_memory(client);
    out->len = client->send.len;
    out->size = tacit_limits(client)->send_bytes;
}

bool tacit_send_commit(struct tacit_client *client, const struct tacit_sink *sink)
{
    if (sink->len > sink->size)
        return false;
    client->send.len = (uint32_t)sink->len;
    return true;
}

enum {
    CONNECT_CLEAN_START = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_QOS_SHIFT = 3,
    CONNECT_WILL_RETAIN = 0x20,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USER_NAME = 0x80,
};

static unsigned connect_flags(const struct tacit_client *client)
{
    const struct tacit_config *config = client->config;
    const struct tacit_message *will = tacit_will(config);
    bool is_5 = tacit_is_5(client);
    bool resumes = client->was_up && is_5 && config->session_expiry_s > 0;
    unsigned flags = 0;
    /* Before MQTT 5 a session without a name cannot be kept [MQTT-3.1.3-7]. */
    if ((config->clean_start && !resumes) || (!is_5 && config->client_id.len == 0))
        flags = CONNECT_CLEAN_START;
    if (will != NULL)
        flags |= CONNECT_WILL | (unsigned)will->qos << CONNECT_WILL_QOS_SHIFT
                 | (will->retain ? CONNECT_WILL_RETAIN : 0);
    if (config->user_name.data != NULL)
        flags |= CONNECT_USER_NAME;
    if (config->password.data != NULL)
        flags |= CONNECT_PASSWORD;
    return flags;
}

static void put_will(struct tacit_sink *sink, const struct tacit_config *config, bool is_5)
{
    const struct tacit_message *will = tacit_will(config);
    if (will == NULL)
        return;
    if (is_5) {
        size_t block = tacit_put_begin(sink);
        tacit_message_properties(sink, will, 0);
        tacit_put_property(sink, MQTT_PROP_WILL_DELAY, config->will_delay_s, 4);
        tacit_put_end(sink, block);
    }
    tacit_put_string(sink, &will->topic);
    tacit_put_string(sink, &will->payload);
}

bool tacit_send_connect(struct tacit_client *client)
{
    const struct tacit_config *config = client->config;
    bool is_5 = tacit_is_5(client);
    struct tacit_sink sink;
    tacit_send_begin(client, &sink);
    tacit_put_number(&sink, MQTT_CONNECT << 4, 1);
    size_t body = tacit_put_begin(&sink);
    if (mqtt_is_3_1(tacit_version(client)))
        tacit_put(&sink, "\0\6MQIsdp", 8);
    else
        tacit_put(&sink, "\0\4MQTT", 6);
    tacit_put_number(
        &sink, (uint32_t)client->version << 24 | connect_flags(client) << 16 | config->keep_alive_s,
        4);
    if (is_5) {
        size_t block = tacit_put_begin(&sink);
        tacit_connect_properties(&sink, config, tacit_aliases_in(client));
        tacit_put_end(&sink, block);
    }
    tacit_put_string(&sink, &config->client_id);
    put_will(&sink, config, is_5);
    if (config->user_name.data != NULL)
        tacit_put_string(&sink, &config->user_name);
    if (config->password.data != NULL)
        tacit_put_string(&sink, &config->password);
    tacit_put_end(&sink, body);
    return tacit_send_commit(client, &sink);
}

bool tacit_send_short(struct tacit_client *client, enum mqtt_packet_type type, uint16_t packet_id,
                      uint8_t reason)
{
    struct tacit_sink sink;
    unsigned id_bytes = packet_id != 0 ? 2 : 0;
    unsigned reason_bytes = tacit_is_5(client) && reason != MQTT_SUCCESS ? 1 : 0;
    unsigned flags = type == MQTT_PUBREL ? 0x2 : 0x0; /* [MQTT-3.6.1-1] */
    tacit_send_begin(client, &sink);
    uint32_t front = (uint32_t)type << 12 | flags << 8 | (id_bytes + reason_bytes);
    if (id_bytes > 0)
        front = front << 16 | packet_id;
    tacit_put_number(&sink, front, 2 + id_bytes);
    if (MQTT_SPEAKS_5)
        tacit_put_number(&sink, reason, reason_bytes);
    return tacit_send_commit(client, &sink);
}

/* Bytes up to the payload that passes through, or all. */
static uint32_t front_len(const struct tacit_client *client)
{
    if (tacit_streaming(client) == NULL)
        return client->send.len;
    return client->send.passed < 0 ? (uint32_t)-client->send.passed : 0;
}

/* In the order of the wire: up to the head of the message whose payload passes
 * through, that payload, and what was encoded after it; the latter two not while the
 * application has the payload. */
static unsigned pieces_to_send(const struct tacit_client *client, struct tacit_bytes out[3])
{
    const struct tacit_record *record = tacit_streaming(client);
    const uint8_t *memory = tacit_send_memory(client);
    uint32_t stop = front_len(client);
    uint32_t streamed = tacit_streamed(client);
    unsigned count = 0;
    if (stop > 0)
        out[count++] = (struct tacit_bytes){ memory, stop };
    if (record != NULL && tacit_record_is_in_pieces(record))
        return count;
    if (record != NULL)
        out[count++] = (struct tacit_bytes){ tacit_record_payload(record).data + streamed,
                                             record->payload_len - streamed };
    if (client->send.len > stop)
        out[count++] = (struct tacit_bytes){ memory + stop, client->send.len - stop };
    return count;
}

/* What is left moves to the front, so that the room for more is in one place. */
static void book_sent(struct tacit_client *client, uint32_t taken)
{
    struct tacit_send_buffer *send = &client->send;
    struct tacit_record *record = tacit_streaming(client);
    client->clock.sent_ago_ms = 0;
    if (record != NULL) {
        uint32_t streamed = tacit_streamed(client);
        uint32_t left = record->payload_len - (uint32_t)send->passed;
        send->passed += (int32_t)tacit_lesser(taken, left);
        taken -= tacit_streamed(client) - streamed;
        if (send->passed == (int32_t)record->payload_len) {
            client->queue.streaming = NULL;
            if (record->qos == 0)
                tacit_queue_remove(&client->queue, record);
        }
    }
    send->len -= taken;
    memmove(tacit_send_memory(client), tacit_send_memory(client) + taken, send->len);
}

enum tacit_status tacit_flush(struct tacit_client *client)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_bytes pieces[3];
    for (;;) {
        unsigned count = pieces_to_send(client, pieces);
        if (count == 0)
            break;
        int taken = transport->sendv(transport->context, pieces, count);
        if (taken <= 0)
            return taken == 0 ? TACIT_AGAIN : TACIT_IO;
        book_sent(client, (uint32_t)taken);
    }
    return !TACIT_PIECES || tacit_streaming(client) == NULL ? TACIT_OK : TACIT_AGAIN;
}

int tacit_send_piece(struct tacit_client *client, struct tacit_bytes piece)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_bytes pieces[3];
    uint32_t before = tacit_streamed(client);
    unsigned count = pieces_to_send(client, pieces);
    pieces[count++] = piece;
    int taken = transport->sendv(transport->context, pieces, count);
    if (taken < 0)
        return taken;
    book_sent(client, (uint32_t)taken);
    return (int)(tacit_streamed(client) - before);
}
