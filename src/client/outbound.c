/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outbound.h"

#include "client/properties.h"
#include "codec/properties.h"

#include <string.h>

uint32_t tacit_send_room(struct tacit_client *client)
{
    struct tacit_send_buffer *send = &client->send;
    if (send->at > 0) {
        memmove(send->memory, send->memory + send->at, send->len - send->at);
        send->len -= send->at;
        send->payload_at -= send->payload_at < send->at ? send->payload_at : send->at;
        send->at = 0;
    }
    return tacit_limits(client)->send_bytes - send->len;
}

void tacit_send_begin(struct tacit_client *client, struct tacit_sink *out)
{
    out->size = tacit_send_room(client) + client->send.len;
    out->len = client->send.len;
    out->memory = client->send.memory;
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
    const struct tacit_message *will = config->will;
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
    if (config->will == NULL)
        return;
    if (is_5) {
        size_t block = tacit_put_begin(sink);
        tacit_message_properties(sink, config->will, 0);
        tacit_put_property(sink, MQTT_PROP_WILL_DELAY, config->will_delay_s, 4);
        tacit_put_end(sink, block);
    }
    tacit_put_string(sink, &config->will->topic);
    tacit_put_string(sink, &config->will->payload);
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
    tacit_put_number(&sink, (uint32_t)client->version << 8 | connect_flags(client), 2);
    tacit_put_number(&sink, config->keep_alive_s, 2);
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
    tacit_put_number(&sink, (unsigned)type << 12 | flags << 8 | (id_bytes + reason_bytes), 2);
    tacit_put_number(&sink, packet_id, id_bytes);
    tacit_put_number(&sink, reason, reason_bytes);
    return tacit_send_commit(client, &sink);
}

/* In the order of the wire: up to the head of the message whose payload passes
 * through, that payload, and what was encoded after it; the latter two not while the
 * application has the payload. */
static unsigned pieces_to_send(const struct tacit_client *client, struct tacit_bytes out[3])
{
    const struct tacit_send_buffer *send = &client->send;
    const struct tacit_record *record = tacit_queue_streaming(&client->queue);
    uint32_t stop = record != NULL ? send->payload_at : send->len;
    unsigned count = 0;
    if (stop > send->at)
        out[count++] = (struct tacit_bytes){ send->memory + send->at, stop - send->at };
    if (record != NULL && tacit_record_is_in_pieces(record))
        return count;
    if (record != NULL)
        out[count++] = (struct tacit_bytes){ tacit_record_payload(record).data + send->streamed,
                                             record->payload_len - send->streamed };
    if (send->len > stop)
        out[count++] = (struct tacit_bytes){ send->memory + stop, send->len - stop };
    return count;
}

/* Moves *at on towards `end`, by no more than what is left of *taken. */
static void book(uint32_t *at, uint32_t end, uint32_t *taken)
{
    uint32_t booked = *taken < end - *at ? *taken : end - *at;
    *at += booked;
    *taken -= booked;
}

static void book_sent(struct tacit_client *client, uint32_t taken)
{
    struct tacit_send_buffer *send = &client->send;
    struct tacit_record *record = tacit_queue_streaming(&client->queue);
    client->clock.sent_ago_ms = 0;
    if (record != NULL) {
        book(&send->at, send->payload_at, &taken);
        book(&send->streamed, record->payload_len, &taken);
        if (send->streamed == record->payload_len) {
            client->queue.streaming = TACIT_QUEUE_NONE;
            if (record->qos == 0)
                tacit_queue_remove(&client->queue, record);
        }
    }
    book(&send->at, send->len, &taken);
    if (send->at == send->len) {
        send->at = 0;
        send->len = 0;
        send->payload_at = 0;
    }
}

enum tacit_status tacit_flush(struct tacit_client *client)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_bytes pieces[3];
    unsigned count = pieces_to_send(client, pieces);
    while (count > 0) {
        int taken = transport->sendv(transport->context, pieces, count);
        if (taken <= 0)
            return taken == 0 ? TACIT_AGAIN : TACIT_IO;
        book_sent(client, (uint32_t)taken);
        count = pieces_to_send(client, pieces);
    }
    return !TACIT_PIECES || client->queue.streaming == TACIT_QUEUE_NONE ? TACIT_OK : TACIT_AGAIN;
}

int tacit_send_piece(struct tacit_client *client, struct tacit_bytes piece)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_bytes pieces[3];
    uint32_t before = client->send.streamed;
    unsigned count = pieces_to_send(client, pieces);
    pieces[count++] = piece;
    int taken = transport->sendv(transport->context, pieces, count);
    if (taken < 0)
        return taken;
    book_sent(client, (uint32_t)taken);
    return (int)(client->send.streamed - before);
}
