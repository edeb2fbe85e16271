/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outbound.h"

#include "client/properties.h"
#include "codec/ack.h"
#include "codec/connect.h"
#include "codec/disconnect.h"

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
    return send->size - send->len;
}

struct mqtt_writer tacit_send_writer(struct tacit_client *client, size_t scratch)
{
    size_t room = tacit_send_room(client);
    return mqtt_writer_over(client->send.memory + client->send.len,
                            room > scratch ? room - scratch : 0);
}

struct mqtt_writer tacit_send_scratch(struct tacit_client *client, size_t scratch)
{
    return mqtt_writer_over(client->send.memory + client->send.size - scratch, scratch);
}

bool tacit_send_commit(struct tacit_client *client, const struct mqtt_writer *w)
{
    client->send.len += (uint32_t)mqtt_writer_written(w).len;
    return w->status == MQTT_OK;
}

static void take_will(const struct tacit_config *config, struct mqtt_connect *connect)
{
    const struct tacit_message *will = config->will;
    connect->has_will = true;
    connect->will.qos = (enum mqtt_qos)will->qos;
    connect->will.retain = will->retain;
    connect->will.topic = tacit_span(will->topic);
    connect->will.payload = tacit_span(will->payload);
}

static struct mqtt_connect connect_of(const struct tacit_client *client)
{
    const struct tacit_config *config = client->config;
    bool resumes =
        client->was_up && client->version == MQTT_VERSION_5 && config->session_expiry_s > 0;
    struct mqtt_connect connect = {
        .version = (enum mqtt_version)client->version,
        .clean_start = config->clean_start && !resumes,
        .keep_alive_s = config->keep_alive_s,
        .client_id = tacit_span(config->client_id),
        .has_user_name = config->user_name.data != NULL,
        .user_name = tacit_span(config->user_name),
        .has_password = config->password.data != NULL,
        .password = tacit_span(config->password),
    };
    /* Before MQTT 5 a session without a name cannot be kept [MQTT-3.1.3-7]. */
    if (client->version != MQTT_VERSION_5 && config->client_id.len == 0)
        connect.clean_start = true;
    if (config->will != NULL)
        take_will(config, &connect);
    return connect;
}

bool tacit_send_connect(struct tacit_client *client)
{
    const struct tacit_config *config = client->config;
    struct mqtt_connect connect = connect_of(client);
    uint16_t aliases = client->aliases_refused ? 0 : config->limits.aliases_in;
    size_t block = 0;
    size_t will_block = 0;
    if (client->version == MQTT_VERSION_5) {
        block = tacit_connect_properties(NULL, config, aliases);
        will_block = config->will != NULL ? tacit_will_properties(NULL, config) : 0;
    }
    if (block + will_block > tacit_send_room(client))
        return false;
    if (client->version == MQTT_VERSION_5) {
        struct mqtt_writer scratch = tacit_send_scratch(client, block + will_block);
        const uint8_t *start = scratch.at;
        (void)tacit_connect_properties(&scratch, config, aliases);
        if (config->will != NULL)
            (void)tacit_will_properties(&scratch, config);
        connect.properties = (struct mqtt_span){ start, block };
        connect.will.properties = (struct mqtt_span){ start + block, will_block };
    }
    struct mqtt_writer w = tacit_send_writer(client, block + will_block);
    mqtt_connect_encode(&w, &connect);
    return tacit_send_commit(client, &w);
}

void tacit_send_ack(struct tacit_client *client, enum mqtt_packet_type type, uint16_t packet_id,
                    uint8_t reason)
{
    struct mqtt_writer w = tacit_send_writer(client, 0);
    struct mqtt_ack ack = { .packet_id = packet_id, .reason = reason };
    mqtt_ack_encode(&w, (enum mqtt_version)client->version, type, &ack);
    (void)tacit_send_commit(client, &w);
}

bool tacit_send_ping(struct tacit_client *client)
{
    struct mqtt_writer w = tacit_send_writer(client, 0);
    mqtt_ping_encode(&w, MQTT_PINGREQ);
    return tacit_send_commit(client, &w);
}

bool tacit_send_disconnect(struct tacit_client *client, uint8_t reason)
{
    struct mqtt_writer w = tacit_send_writer(client, 0);
    struct mqtt_disconnect disconnect = { .reason = reason };
    mqtt_disconnect_encode(&w, (enum mqtt_version)client->version, &disconnect);
    return tacit_send_commit(client, &w);
}

static struct tacit_record *streaming_record(const struct tacit_client *client)
{
    if (client->queue.streaming == TACIT_QUEUE_NONE)
        return NULL;
    return (struct tacit_record *)(void *)(client->queue.memory + client->queue.streaming);
}

/* In the order of the wire: up to the head of the message whose payload passes
 * through, that payload, and what was encoded after it. */
static unsigned pieces_to_send(const struct tacit_client *client, struct tacit_bytes out[3])
{
    const struct tacit_send_buffer *send = &client->send;
    const struct tacit_record *record = streaming_record(client);
    uint32_t stop = record != NULL ? send->payload_at : send->len;
    unsigned count = 0;
    if (stop > send->at)
        out[count++] = (struct tacit_bytes){ send->memory + send->at, stop - send->at };
    if (record != NULL)
        out[count++] = (struct tacit_bytes){ tacit_record_payload(record).data + send->streamed,
                                             record->payload_len - send->streamed };
    if (send->len > stop)
        out[count++] = (struct tacit_bytes){ send->memory + stop, send->len - stop };
    return count;
}

/* Books up to `taken` bytes of the payload that passes through; returns how many. */
static uint32_t book_payload(struct tacit_client *client, struct tacit_record *record,
                             uint32_t taken)
{
    uint32_t left = record->payload_len - client->send.streamed;
    uint32_t booked = taken < left ? taken : left;
    client->send.streamed += booked;
    if (booked < left)
        return booked;
    client->queue.streaming = TACIT_QUEUE_NONE;
    if (record->qos == 0)
        tacit_queue_remove(&client->queue, record);
    return booked;
}

static void book_sent(struct tacit_client *client, uint32_t taken)
{
    struct tacit_send_buffer *send = &client->send;
    struct tacit_record *record = streaming_record(client);
    client->sent_ms = client->now_ms;
    client->statistics.flushes++;
    client->statistics.sent_bytes += taken;
    if (record != NULL) {
        uint32_t head = send->payload_at - send->at;
        uint32_t booked = taken < head ? taken : head;
        send->at += booked;
        taken -= booked;
        if (taken > 0)
            taken -= book_payload(client, record, taken);
    }
    send->at += taken;
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
    return TACIT_OK;
}
