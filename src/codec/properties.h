/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT 5 properties, MQTT 5.0 section 2.2.2. One table, properties.def, says for
 * each its identifier, wire type, the packets it may stand in and whether it may
 * repeat.
 *
 * A decoder first has its block validated as a whole, then takes the values it
 * wants by walking it. A block is the bytes after the property length. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/packet.h"
#include "codec/reader.h"
#include "codec/writer.h"

#include <stdbool.h>

enum mqtt_property_type {
    MQTT_PROPERTY_UNKNOWN = 0,
    MQTT_PROPERTY_BYTE,
    MQTT_PROPERTY_U16,
    MQTT_PROPERTY_U32,
    MQTT_PROPERTY_VARINT,
    MQTT_PROPERTY_UTF8,
    MQTT_PROPERTY_BINARY,
    MQTT_PROPERTY_PAIR, /* two UTF-8 strings */
};

enum mqtt_property_id {
#define PROPERTY(name, id, type, packets, repeats) name = id,
#include "codec/properties.def"
#undef PROPERTY
};

/* Will properties have no packet type of their own; in properties.def and in
 * mqtt_properties_read they stand under this one. */
#define MQTT_WILL MQTT_RESERVED

struct mqtt_property {
    uint8_t id; /* enum mqtt_property_id */
    enum mqtt_property_type type;
    uint32_t number;        /* byte, integers */
    struct mqtt_span name;  /* of a pair */
    struct mqtt_span value; /* UTF-8, binary, or the pair's second string */
};

/* Reads length and block, checks each property: known, allowed in `packet`
 * (MQTT_WILL for will properties), not repeated unless it may, value in range
 * ([MQTT-3.3.2-8] [MQTT-3.3.2-14] [MQTT-1.5.4-1] [MQTT-1.5.7-1]). Returns
 * the block; on failure the reader has failed and the block is empty. */
struct mqtt_span mqtt_properties_read(struct mqtt_reader *r, enum mqtt_packet_type packet);

/* Walks a block that mqtt_properties_read accepted: false at its end. `r` is a
 * reader over the block. Of anything else it may leave part of a property in *out. */
bool mqtt_properties_next(struct mqtt_reader *r, struct mqtt_property *out);

/* The first with that identifier in such a block; false if there is none. */
bool mqtt_properties_find(struct mqtt_span block, uint8_t id, struct mqtt_property *out);

/* Where the value of a property goes in a decoder's struct. */
struct mqtt_field {
    uint8_t id;
    uint8_t width; /* 1, 2, 4: an integer, a bool or an enum; else a struct mqtt_span */
    uint8_t offset;
};

#define MQTT_FIELD(id, type, member)                                 \
    {                                                                \
        (id), sizeof(((type *)NULL)->member), offsetof(type, member) \
    }

/* Walks a block that mqtt_properties_read accepted and puts the values that `fields`
 * names into *out; others stay as they are. */
void mqtt_properties_take(struct mqtt_span block, const struct mqtt_field *fields, size_t count,
                          void *out);

/* Writes identifier and value; the wire type is the table's, `type` is not looked
 * at. MQTT_ERR_PROPERTY_UNKNOWN for an identifier that does not exist. */
void mqtt_property_write(struct mqtt_writer *w, const struct mqtt_property *property);

/* Bytes that mqtt_property_write takes, 0 for an unknown identifier. */
size_t mqtt_property_size(const struct mqtt_property *property);
