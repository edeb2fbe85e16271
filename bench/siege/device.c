/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/device.h"

#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/connect.h"
#include "codec/publish.h"
#include "codec/subscribe.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES   512u
#define PACKET_BYTES 192u /* the longest that is sent */
#define KEEP_ALIVE_S 600u

static void name_of(uint32_t number, char *out, size_t len)
{
    (void)snprintf(out, len, "d%04u", number);
}

static void topic_of(uint32_t number, char *out, size_t len)
{
    (void)snprintf(out, len, "devices/d%04u/state", number);
}

/* ---- out ---- */

static void flush(struct device *device)
{
    size_t done = 0;

    while (done < device->out_len) {
        ssize_t count = line_send(&device->line, device->out + done, device->out_len - done);
        if (count < 0)
            return;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    memmove(device->out, device->out + done, device->out_len - done);
    device->out_len -= done;
    line_watch_output(&device->line, device->out_len > 0);
}

static bool has_room(const struct device *device)
{
    return device->out_len + PACKET_BYTES <= sizeof(device->out);
}

static struct mqtt_writer room(struct device *device)
{
    return mqtt_writer_over(device->out + device->out_len, PACKET_BYTES);
}

static void add(struct device *device, const struct mqtt_writer *w)
{
    must(w->status == MQTT_OK, "encoding");
    device->out_len += mqtt_writer_written(w).len;
}

static void greet(struct device *device)
{
    char name[16];
    struct mqtt_writer w = room(device);

    name_of(device->number, name, sizeof(name));
    mqtt_connect_encode(&w, &(struct mqtt_connect){ .version = MQTT_VERSION_5,
                                                    .clean_start = true,
                                                    .keep_alive_s = KEEP_ALIVE_S,
                                                    .client_id = span_of(name) });
    add(device, &w);
    device->state = DEVICE_GREETING;
    flush(device);
}

static void subscribe(struct device *device)
{
    char topic[32];
    struct mqtt_writer w = room(device);

    topic_of(device->subscribes_to, topic, sizeof(topic));
    mqtt_subscribe_encode(
        &w, MQTT_VERSION_5, 1, (struct mqtt_span){ 0 },
        &(struct mqtt_subscription){ .filter = span_of(topic), .qos = device->qos }, 1);
    add(device, &w);
    device->state = DEVICE_SUBSCRIBING;
}

bool device_queue(struct device *device, const uint8_t *payload)
{
    char topic[32];

    if (device->state != DEVICE_HERE || device->line.state != LINE_OPEN || !has_room(device))
        return false;
    device->packet_id = device->packet_id == UINT16_MAX ? 1 : (uint16_t)(device->packet_id + 1);
    topic_of(device->number, topic, sizeof(topic));
    const struct mqtt_publish_out publish = { .qos = device->qos,
                                              .packet_id = device->packet_id,
                                              .topic = span_of(topic),
                                              .payload = { payload, DEVICE_PAYLOAD_BYTES } };
    struct mqtt_writer w = room(device);
    w.at = mqtt_publish_write(w.at, MQTT_VERSION_5, &publish, NULL);
    add(device, &w);
    return true;
}

bool device_publish(struct device *device, const uint8_t *payload)
{
    if (!device_queue(device, payload))
        return false;
    flush(device);
    return true;
}

/* ---- in ---- */

static void become_here(struct device *device)
{
    device->state = DEVICE_HERE;
    device->events->on_here(device->events->context, device);
}

static bool is_welcome(const struct mqtt_frame *frame)
{
    struct mqtt_connack connack;

    return frame->type == MQTT_CONNACK
           && mqtt_connack_decode(MQTT_VERSION_5, frame->body, &connack) == MQTT_OK
           && connack.reason == 0;
}

static bool on_publish(struct device *device, const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;

    if (mqtt_publish_decode(MQTT_VERSION_5, frame->flags, frame->body, &publish) != MQTT_OK
        || publish.payload.len != DEVICE_PAYLOAD_BYTES || publish.qos != device->qos
        || !has_room(device))
        return false;
    if (publish.qos == MQTT_QOS_1) {
        struct mqtt_writer w = room(device);
        mqtt_ack_encode(&w, MQTT_VERSION_5, MQTT_PUBACK,
                        &(struct mqtt_ack){ .packet_id = publish.packet_id });
        add(device, &w);
    }
    device->events->on_message(device->events->context, device, publish.payload);
    return true;
}

static bool on_puback(struct device *device, const struct mqtt_frame *frame)
{
    struct mqtt_ack ack;

    if (mqtt_ack_decode(MQTT_VERSION_5, MQTT_PUBACK, frame->body, &ack) != MQTT_OK
        || ack.reason >= 0x80)
        return false;
    device->events->on_acked(device->events->context, device);
    return true;
}

/* False: that is not what an honest device is to be told, and the connection is worth nothing. */
static bool handle(struct device *device, const struct mqtt_frame *frame)
{
    if (device->state == DEVICE_GREETING) {
        if (!is_welcome(frame))
            return false;
        if (device->subscribes_to != DEVICE_NOBODY)
            subscribe(device);
        else
            become_here(device);
        return true;
    }
    if (device->state == DEVICE_SUBSCRIBING) {
        if (frame->type != MQTT_SUBACK || frame->body.data[frame->body.len - 1] >= 0x80)
            return false;
        become_here(device);
        return true;
    }
    if (frame->type == MQTT_PUBLISH)
        return on_publish(device, frame);
    return frame->type == MQTT_PUBACK && on_puback(device, frame);
}

/* All whole packets. False: the line is to be closed, or was. */
static bool handle_all(struct device *device)
{
    struct mqtt_frame frame;
    size_t done = 0;

    while (device->line.state == LINE_OPEN) {
        struct mqtt_span rest = { device->in + done, device->in_len - done };
        enum mqtt_status status = mqtt_frame_decode(rest, sizeof(device->in), &frame);

        if (status == MQTT_PENDING)
            break;
        if (status != MQTT_OK || !handle(device, &frame))
            return false;
        done += frame.len;
    }
    memmove(device->in, device->in + done, device->in_len - done);
    device->in_len -= done;
    return device->line.state == LINE_OPEN;
}

static void receive(struct device *device)
{
    for (;;) {
        ssize_t count = line_receive(&device->line, device->in + device->in_len,
                                     sizeof(device->in) - device->in_len);
        if (count <= 0)
            break;
        device->in_len += (size_t)count;
        if (!handle_all(device)) {
            line_close(&device->line);
            return;
        }
    }
    if (device->line.state == LINE_OPEN)
        flush(device);
}

/* ---- life ---- */

/* NULL: bare TCP. */
static SSL *credentials(const struct device *device, const struct device_way *way)
{
    char name[16];
    char path[PATH_BYTES];

    if (way->context == NULL)
        return NULL;
    SSL *ssl = SSL_new(way->context);

    must(ssl != NULL, "a TLS connection");
    name_of(device->number, name, sizeof(name));
    (void)snprintf(path, sizeof(path), "%s/%s.crt", way->folder, name);
    must(SSL_use_certificate_chain_file(ssl, path) == 1, path);
    (void)snprintf(path, sizeof(path), "%s/%s.key", way->folder, name);
    must(SSL_use_PrivateKey_file(ssl, path, SSL_FILETYPE_PEM) == 1, path);
    return ssl;
}

bool device_arrive(struct device *device, const struct device_way *way)
{
    device->in_len = 0;
    device->out_len = 0;
    if (!line_open(&device->line, way->epoll, &way->ends, credentials(device, way), device))
        return false;
    device->state = DEVICE_ARRIVING;
    return true;
}

void device_step(struct device *device)
{
    if (device->state == DEVICE_AWAY)
        return;
    if (device->line.state != LINE_OPEN && line_step(&device->line) == LINE_OPEN)
        greet(device);
    else if (device->line.state == LINE_OPEN)
        receive(device);
    if (device->line.state == LINE_CLOSED && device->state != DEVICE_AWAY) {
        device->state = DEVICE_AWAY;
        device->events->on_away(device->events->context, device);
    }
}

void device_leave(struct device *device)
{
    static const uint8_t disconnect[2] = { 0xe0, 0 };

    if (device->line.state == LINE_OPEN)
        (void)line_send(&device->line, disconnect, sizeof(disconnect));
    line_leave(&device->line);
    device->state = DEVICE_AWAY;
}

void device_drop(struct device *device)
{
    line_close(&device->line);
    device->state = DEVICE_AWAY;
}
