/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outbound.h"

#include "client/properties.h"
#include "codec/connect.h"

#include <string.h>

size_t tacit_send_room(struct tacit_client *client)
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

struct mqtt_writer tacit_send_writer(struct tacit_client *client)
{
    size_t room = tacit_send_room(client);
    return mqtt_writer_over(client->send.memory + client->send.len, room);
}

void tacit_send_set_aside(struct mqtt_writer *w, struct mqtt_span *out_block)
{
    struct mqtt_span block = mqtt_writer_written(w);
    w->at = w->start;
    w->end -= block.len;
    *out_block = (struct mqtt_span){ w->end, block.len };
    memmove(w->end, block.data, block.len);
}

bool tacit_send_commit(struct tacit_client *client, const struct mqtt_writer *w)
{
    client->send.len += (uint32_t)mqtt_writer_written(w).len;
    return w->status == MQTT_OK;
}

static void describe_connect(const struct tacit_client *client, struct mqtt_connect *out)
{
    const struct tacit_config *config = client->config;
    const struct tacit_message *will = config->will;
    bool resumes = client->was_up && tacit_is_5(client) && config->session_expiry_s > 0;
    *out = (struct mqtt_connect){
        .version = tacit_version(client),
        .clean_start = config->clean_start && !resumes,
        .keep_alive_s = config->keep_alive_s,
        .client_id = tacit_span(config->client_id),
        .has_user_name = config->user_name.data != NULL,
        .user_name = tacit_span(config->user_name),
        .has_password = config->password.data != NULL,
        .password = tacit_span(config->password),
        .has_will = will != NULL,
    };
    /* Before MQTT 5 a session without a name cannot be kept [MQTT-3.1.3-7]. */
    if (!tacit_is_5(client) && config->client_id.len == 0)
        out->clean_start = true;
    if (will != NULL) {
        out->will.qos = (enum mqtt_qos)will->qos;
        out->will.retain = will->retain;
        out->will.topic = tacit_span(will->topic);
        out->will.payload = tacit_span(will->payload);
    }
}

bool tacit_send_connect(struct tacit_client *client)
{
    const struct tacit_config *config = client->config;
    struct mqtt_connect connect;
    describe_connect(client, &connect);
    struct mqtt_writer w = tacit_send_writer(client);
    if (tacit_is_5(client)) {
        tacit_connect_properties(&w, config, tacit_aliases_in(client));
        tacit_send_set_aside(&w, &connect.properties);
        tacit_will_properties(&w, config);
        tacit_send_set_aside(&w, &connect.will.properties);
    }
    mqtt_connect_encode(&w, &connect);
    return tacit_send_commit(client, &w);
}

bool tacit_send_short(struct tacit_client *client, enum mqtt_packet_type type, uint16_t packet_id,
                      uint8_t reason)
{
    struct mqtt_writer w = tacit_send_writer(client);
    unsigned flags = type == MQTT_PUBREL ? 0x2 : 0x0; /* [MQTT-3.6.1-1] */
    uint8_t *packet = mqtt_packet_begin(&w, (uint8_t)((unsigned)type << 4 | flags));
    if (packet_id != 0)
        mqtt_write_u16(&w, packet_id);
    if (tacit_is_5(client) && reason != MQTT_SUCCESS)
        mqtt_write_u8(&w, reason);
    mqtt_packet_end(&w, packet);
    return tacit_send_commit(client, &w);
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
