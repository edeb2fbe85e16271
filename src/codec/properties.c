/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/properties.h"

#include "codec/topic.h"

/* Where a property may stand, bit n for packet type n; its wire type in the low bits
 * of the other, with the mark of those that may repeat. No type: no such property. */
#define TYPE_BITS 0x0fu
#define REPEATS   0x10u

static const uint16_t places[] = {
#define PROPERTY(name, id, type, packets, repeats) [id] = (uint16_t)(packets),
#include "codec/properties.def"
#undef PROPERTY
};

static const uint8_t kinds[] = {
#define PROPERTY(name, id, type, packets, repeats) [id] = (type) | ((repeats) ? REPEATS : 0),
#include "codec/properties.def"
#undef PROPERTY
};

_Static_assert(sizeof(kinds) <= 64, "seen identifiers fit two words");

static unsigned kind_of(uint32_t id)
{
    return id < sizeof(kinds) ? kinds[id] : MQTT_PROPERTY_UNKNOWN;
}

static enum mqtt_property_type type_of(uint32_t id)
{
    return (enum mqtt_property_type)(kind_of(id) & TYPE_BITS);
}

/* Reads what follows the identifier; strings are not looked into. */
static void read_value(struct mqtt_reader *r, struct mqtt_property *p)
{
    switch (p->type) {
    case MQTT_PROPERTY_BYTE:
        p->number = mqtt_read_u8(r);
        return;
    case MQTT_PROPERTY_U16:
        p->number = mqtt_read_u16(r);
        return;
    case MQTT_PROPERTY_U32:
        p->number = mqtt_read_u32(r);
        return;
    case MQTT_PROPERTY_VARINT:
        p->number = mqtt_read_varint(r);
        return;
    case MQTT_PROPERTY_PAIR:
        p->name = mqtt_read_binary(r);
        p->value = mqtt_read_binary(r);
        return;
    case MQTT_PROPERTY_UTF8:
    case MQTT_PROPERTY_BINARY:
        p->value = mqtt_read_binary(r);
        return;
    case MQTT_PROPERTY_UNKNOWN:
        mqtt_reader_fail(r, MQTT_ERR_PROPERTY_UNKNOWN);
        return;
    }
}

static void read_property(struct mqtt_reader *r, struct mqtt_property *out)
{
    uint32_t id = mqtt_read_varint(r);

    *out = (struct mqtt_property){ .id = (uint8_t)id, .type = type_of(id) };
    read_value(r, out);
}

/* Why a value that must not be zero is refused when it is. */
static enum mqtt_status zero_is(uint8_t id)
{
    switch (id) {
    case MQTT_PROP_RECEIVE_MAXIMUM:
        return MQTT_ERR_RECEIVE_MAXIMUM_ZERO;
    case MQTT_PROP_MAXIMUM_PACKET_SIZE:
        return MQTT_ERR_MAXIMUM_PACKET_SIZE_ZERO;
    case MQTT_PROP_SUBSCRIPTION_IDENTIFIER:
        return MQTT_ERR_SUBSCRIPTION_IDENTIFIER_ZERO;
    case MQTT_PROP_TOPIC_ALIAS:
        return MQTT_ERR_TOPIC_ALIAS; /* [MQTT-3.3.2-8] */
    default:
        return MQTT_OK;
    }
}

static enum mqtt_status check_value(const struct mqtt_property *p)
{
    bool is_text = p->type == MQTT_PROPERTY_UTF8 || p->type == MQTT_PROPERTY_PAIR;

    if (is_text && !(mqtt_utf8_is_valid(p->name) && mqtt_utf8_is_valid(p->value)))
        return MQTT_ERR_UTF8;
    /* [MQTT-3.3.2-14] */
    if (p->id == MQTT_PROP_RESPONSE_TOPIC && !mqtt_topic_name_is_valid(p->value))
        return MQTT_ERR_RESPONSE_TOPIC;
    /* Every byte in the table is a yes or no, or Maximum QoS: 0 or 1. */
    if (p->type == MQTT_PROPERTY_BYTE && p->number > 1)
        return MQTT_ERR_PROPERTY_VALUE;
    return p->number == 0 ? zero_is(p->id) : MQTT_OK;
}

static bool may_repeat(uint8_t id, enum mqtt_packet_type packet)
{
    /* A PUBLISH names each matching subscription, a SUBSCRIBE is one of them. */
    if (id == MQTT_PROP_SUBSCRIPTION_IDENTIFIER)
        return packet == MQTT_PUBLISH;
    return (kinds[id] & REPEATS) != 0;
}

/* Why a property that was read is refused in that packet; `seen` collects the
 * identifiers so far. */
static enum mqtt_status check(const struct mqtt_property *p, enum mqtt_packet_type packet,
                              uint32_t seen[2])
{
    uint32_t bit = UINT32_C(1) << p->id % 32;
    uint32_t *word = &seen[p->id / 32];

    if ((*word & bit) != 0 && !may_repeat(p->id, packet))
        return MQTT_ERR_PROPERTY_DUPLICATE;
    *word |= bit;
    return check_value(p);
}

/* The next property of a block, and what is wrong with it. */
static enum mqtt_status read_one(struct mqtt_reader *r, enum mqtt_packet_type packet,
                                 uint32_t seen[2])
{
    struct mqtt_property p;

    read_property(r, &p);
    if (p.type != MQTT_PROPERTY_UNKNOWN && (places[p.id] >> (unsigned)packet & 1u) == 0)
        return MQTT_ERR_PROPERTY_NOT_ALLOWED;
    return r->status != MQTT_OK ? r->status : check(&p, packet, seen);
}

struct mqtt_span mqtt_properties_read(struct mqtt_reader *r, enum mqtt_packet_type packet)
{
    /* Most packets have none. */
    if (MQTT_LIKELY(mqtt_reader_has(r, 1) && r->at[0] == 0))
        return (struct mqtt_span){ r->at++, 0 };
    struct mqtt_span block = mqtt_read_bytes(r, mqtt_read_varint(r));
    if (r->status != MQTT_OK)
        return block;

    /* The same reader once more, over the block alone. */
    const uint8_t *end = r->end;
    uint32_t seen[2] = { 0, 0 };
    r->end = r->at;
    r->at = block.data;
    while (r->status == MQTT_OK && r->at != r->end)
        r->status = read_one(r, packet, seen);
    r->end = end;
    if (r->status != MQTT_OK)
        block = (struct mqtt_span){ NULL, 0 };
    return block;
}

bool mqtt_properties_next(struct mqtt_reader *r, struct mqtt_property *out)
{
    if (r->status != MQTT_OK || mqtt_reader_left(r) == 0)
        return false;
    read_property(r, out);
    return r->status == MQTT_OK;
}

bool mqtt_properties_find(struct mqtt_span block, uint8_t id, struct mqtt_property *out)
{
    struct mqtt_reader r = mqtt_reader_over(block);

    while (mqtt_properties_next(&r, out))
        if (out->id == id)
            return true;
    return false;
}

/* Puts a value where its field says; what a field holds tells its width. */
static void put(const struct mqtt_property *p, const struct mqtt_field *field, void *out)
{
    uint8_t *at = (uint8_t *)out + field->offset;
    uint16_t number = (uint16_t)p->number;

    if (field->width == sizeof(uint8_t))
        *at = (uint8_t)p->number;
    else if (field->width == sizeof(number))
        memcpy(at, &number, sizeof(number));
    else if (field->width == sizeof(p->number))
        memcpy(at, &p->number, sizeof(p->number));
    else
        memcpy(at, &p->value, sizeof(p->value));
}

void mqtt_properties_take(struct mqtt_span block, const struct mqtt_field *fields, size_t count,
                          void *out)
{
    struct mqtt_reader r = mqtt_reader_over(block);
    struct mqtt_property p;

    while (mqtt_properties_next(&r, &p))
        for (size_t i = 0; i < count; i++)
            if (fields[i].id == p.id)
                put(&p, &fields[i], out);
}

static void write_byte(struct mqtt_writer *w, uint32_t number)
{
    if (number > UINT8_MAX)
        mqtt_writer_fail(w, MQTT_ERR_FIELD);
    mqtt_write_u8(w, (uint8_t)number);
}

static void write_u16(struct mqtt_writer *w, uint32_t number)
{
    if (number > UINT16_MAX)
        mqtt_writer_fail(w, MQTT_ERR_FIELD);
    mqtt_write_u16(w, (uint16_t)number);
}

static void write_number(struct mqtt_writer *w, uint8_t id, uint32_t number)
{
    enum mqtt_property_type type = type_of(id);

    mqtt_write_u8(w, id);
    if (type == MQTT_PROPERTY_BYTE)
        write_byte(w, number);
    else if (type == MQTT_PROPERTY_U16)
        write_u16(w, number);
    else if (type == MQTT_PROPERTY_U32)
        mqtt_write_u32(w, number);
    else
        mqtt_write_varint(w, number);
}

void mqtt_property_write(struct mqtt_writer *w, const struct mqtt_property *property)
{
    uint8_t *start = w->at;

    switch (type_of(property->id)) {
    case MQTT_PROPERTY_BYTE:
    case MQTT_PROPERTY_U16:
    case MQTT_PROPERTY_U32:
    case MQTT_PROPERTY_VARINT:
        write_number(w, property->id, property->number);
        break;
    case MQTT_PROPERTY_PAIR:
        mqtt_write_u8(w, property->id);
        mqtt_write_binary(w, property->name);
        mqtt_write_binary(w, property->value);
        break;
    case MQTT_PROPERTY_UTF8:
    case MQTT_PROPERTY_BINARY:
        mqtt_write_u8(w, property->id);
        mqtt_write_binary(w, property->value);
        break;
    case MQTT_PROPERTY_UNKNOWN:
        mqtt_writer_fail(w, MQTT_ERR_PROPERTY_UNKNOWN);
        break;
    }
    if (w->status != MQTT_OK)
        w->at = start;
}

size_t mqtt_property_size(const struct mqtt_property *property)
{
    switch (type_of(property->id)) {
    case MQTT_PROPERTY_BYTE:
        return 2;
    case MQTT_PROPERTY_U16:
        return 3;
    case MQTT_PROPERTY_U32:
        return 5;
    case MQTT_PROPERTY_VARINT:
        return 1 + mqtt_varint_size(property->number);
    case MQTT_PROPERTY_PAIR:
        return 5 + property->name.len + property->value.len;
    case MQTT_PROPERTY_UTF8:
    case MQTT_PROPERTY_BINARY:
        return 3 + property->value.len;
    case MQTT_PROPERTY_UNKNOWN:
        return 0;
    }
    return 0;
}
