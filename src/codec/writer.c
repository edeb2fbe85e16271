/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/writer.h"

#include "codec/reader.h"

struct mqtt_writer mqtt_writer_over(void *memory, size_t len)
{
    uint8_t *start = memory;
    /* NULL stands for no room; arithmetic on it is undefined. */
    return (struct mqtt_writer){ start, start, len > 0 ? start + len : start, MQTT_OK };
}

struct mqtt_span mqtt_writer_written(const struct mqtt_writer *w)
{
    return (struct mqtt_span){ w->start, (size_t)(w->at - w->start) };
}

void mqtt_writer_fail(struct mqtt_writer *w, enum mqtt_status why)
{
    if (w->status == MQTT_OK)
        w->status = why;
}

/* Room for `len` bytes, or NULL after a failure. */
static uint8_t *claim(struct mqtt_writer *w, size_t len)
{
    if (w->status != MQTT_OK)
        return NULL;
    if (len > (size_t)(w->end - w->at)) {
        w->status = MQTT_ERR_NO_SPACE;
        return NULL;
    }
    uint8_t *room = w->at;
    w->at += len;
    return room;
}

void mqtt_write_u8(struct mqtt_writer *w, uint8_t value)
{
    uint8_t *room = claim(w, 1);
    if (room != NULL)
        room[0] = value;
}

void mqtt_write_u16(struct mqtt_writer *w, uint16_t value)
{
    uint8_t *room = claim(w, 2);
    if (room == NULL)
        return;
    room[0] = (uint8_t)(value >> 8);
    room[1] = (uint8_t)value;
}

void mqtt_write_u32(struct mqtt_writer *w, uint32_t value)
{
    uint8_t *room = claim(w, 4);
    if (room == NULL)
        return;
    for (unsigned i = 0; i < 4; i++)
        room[i] = (uint8_t)(value >> (24 - 8 * i));
}

size_t mqtt_varint_size(uint32_t value)
{
    return 1u + (value >= 128u) + (value >= 16384u) + (value >= 2097152u);
}

static void put_varint(uint8_t *room, uint32_t value)
{
    while (value >= 0x80) {
        *room++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *room = (uint8_t)value;
}

void mqtt_write_varint(struct mqtt_writer *w, uint32_t value)
{
    if (value > MQTT_VARINT_MAX) {
        mqtt_writer_fail(w, MQTT_ERR_FIELD);
        return;
    }
    uint8_t *room = claim(w, mqtt_varint_size(value));
    if (room != NULL)
        put_varint(room, value);
}

void mqtt_write_bytes(struct mqtt_writer *w, struct mqtt_span bytes)
{
    uint8_t *room = claim(w, bytes.len);
    if (room != NULL && bytes.len > 0)
        memcpy(room, bytes.data, bytes.len);
}

void mqtt_write_binary(struct mqtt_writer *w, struct mqtt_span data)
{
    if (data.len > UINT16_MAX)
        mqtt_writer_fail(w, MQTT_ERR_FIELD);

    uint8_t *room = claim(w, 2 + data.len);
    if (room == NULL)
        return;
    room[0] = (uint8_t)(data.len >> 8);
    room[1] = (uint8_t)data.len;
    if (data.len > 0)
        memcpy(room + 2, data.data, data.len);
}

void mqtt_write_block(struct mqtt_writer *w, struct mqtt_span block)
{
    if (block.len > MQTT_VARINT_MAX)
        mqtt_writer_fail(w, MQTT_ERR_FIELD);
    else
        mqtt_write_varint(w, (uint32_t)block.len);
    mqtt_write_bytes(w, block);
}

uint8_t *mqtt_packet_begin(struct mqtt_writer *w, uint8_t first_byte)
{
    uint8_t *packet = w->at;

    mqtt_write_u8(w, first_byte);
    mqtt_write_u8(w, 0);
    return packet;
}

void mqtt_packet_end(struct mqtt_writer *w, uint8_t *packet)
{
    if (w->status == MQTT_OK) {
        size_t body_len = (size_t)(w->at - packet) - 2;

        if (body_len > MQTT_VARINT_MAX) {
            w->status = MQTT_ERR_FIELD;
        } else if (claim(w, mqtt_varint_size((uint32_t)body_len) - 1) != NULL) {
            memmove(packet + 1 + mqtt_varint_size((uint32_t)body_len), packet + 2, body_len);
            put_varint(packet + 1, (uint32_t)body_len);
        }
    }
    if (w->status != MQTT_OK)
        w->at = packet;
}
