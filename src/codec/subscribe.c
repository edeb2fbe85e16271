/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/subscribe.h"

#include "codec/properties.h"
#include "codec/variant.h"

enum {
    OPTION_QOS = 0x03,
    OPTION_NO_LOCAL = 0x04,
    OPTION_RETAIN_AS_PUBLISHED = 0x08,
    OPTION_RETAIN_HANDLING = 0x30,
    OPTION_RESERVED = 0xc0,
    OPTION_RESERVED_BEFORE_5 = 0xfc,
};

static bool is_shared(struct mqtt_span filter)
{
    static const uint8_t prefix[] = { '$', 's', 'h', 'a', 'r', 'e', '/' };
    return span_starts_with(filter, (struct mqtt_span){ prefix, sizeof(prefix) });
}

static enum mqtt_status check_options(enum mqtt_version version, struct mqtt_span filter,
                                      unsigned options)
{
    if ((options & OPTION_QOS) == OPTION_QOS)
        return MQTT_ERR_SUBSCRIBE_QOS;
    /* MQTT 3.1 does not use the upper bits, so what they hold means nothing. */
    if (mqtt_is_3_1(version))
        return MQTT_OK;
    if (version == MQTT_VERSION_3_1_1)
        return (options & OPTION_RESERVED_BEFORE_5) != 0 ? MQTT_ERR_SUBSCRIBE_OPTIONS : MQTT_OK;
    if ((options & OPTION_RESERVED) != 0)
        return MQTT_ERR_SUBSCRIBE_OPTIONS;
    if ((options & OPTION_RETAIN_HANDLING) == OPTION_RETAIN_HANDLING)
        return MQTT_ERR_RETAIN_HANDLING;
    if ((options & OPTION_NO_LOCAL) != 0 && is_shared(filter))
        return MQTT_ERR_SHARED_NO_LOCAL;
    return MQTT_OK;
}

static const struct mqtt_field fields[] = {
    MQTT_FIELD(MQTT_PROP_SUBSCRIPTION_IDENTIFIER, struct mqtt_subscribe, subscription_identifier),
};

/* Reads entries to the end and counts them. */
static unsigned read_entries(struct mqtt_reader *r, enum mqtt_version version)
{
    unsigned count = 0;

    while (r->status == MQTT_OK && mqtt_reader_left(r) > 0) {
        struct mqtt_span filter = mqtt_read_utf8(r);
        uint8_t options = mqtt_read_u8(r);
        enum mqtt_status status = check_options(version, filter, options);

        if (status != MQTT_OK)
            mqtt_reader_fail(r, status);
        count++;
    }
    if (count == 0)
        mqtt_reader_fail(r, MQTT_ERR_SUBSCRIBE_EMPTY);
    return count;
}

enum mqtt_status mqtt_subscribe_decode(enum mqtt_version version, struct mqtt_span body,
                                       struct mqtt_subscribe *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct mqtt_subscribe s = { .packet_id = mqtt_read_packet_id(&r) };

    if (mqtt_is_5(version)) {
        s.properties = mqtt_properties_read(&r, MQTT_SUBSCRIBE);
        mqtt_properties_take(s.properties, fields, MQTT_ARRAY_LEN(fields), &s);
    }
    struct mqtt_reader entries = r;
    s.entries = mqtt_read_rest(&entries);
    s.count = read_entries(&r, version);

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = s;
    return status;
}

bool mqtt_subscribe_next(enum mqtt_version version, struct mqtt_reader *r,
                         struct mqtt_subscription *out)
{
    struct mqtt_span filter = mqtt_read_binary(r);
    unsigned options = mqtt_read_u8(r);

    if (r->status != MQTT_OK)
        return false;
    if (version != MQTT_VERSION_5)
        options &= OPTION_QOS;
    *out = (struct mqtt_subscription){
        .filter = filter,
        .qos = (enum mqtt_qos)(options & OPTION_QOS),
        .no_local = (options & OPTION_NO_LOCAL) != 0,
        .retain_as_published = (options & OPTION_RETAIN_AS_PUBLISHED) != 0,
        .retain_handling = (uint8_t)((options & OPTION_RETAIN_HANDLING) >> 4),
    };
    return true;
}

static uint8_t options_of(enum mqtt_version version, const struct mqtt_subscription *entry)
{
    unsigned options = (unsigned)entry->qos;

    if (mqtt_is_5(version)) {
        options |= entry->no_local ? OPTION_NO_LOCAL : 0;
        options |= entry->retain_as_published ? OPTION_RETAIN_AS_PUBLISHED : 0;
        options |= (unsigned)entry->retain_handling << 4;
    }
    return (uint8_t)options;
}

/* What both begin with; filters follow, with their options in SUBSCRIBE, then mqtt_packet_end. */
static uint8_t *begin(struct mqtt_writer *w, enum mqtt_version version, enum mqtt_packet_type type,
                      uint16_t packet_id, struct mqtt_span properties)
{
    uint8_t *packet = mqtt_packet_begin(w, (uint8_t)((unsigned)type << 4 | 0x2));

    if (packet_id == 0)
        mqtt_writer_fail(w, MQTT_ERR_PACKET_ID_ZERO);
    mqtt_write_u16(w, packet_id);
    if (mqtt_is_5(version))
        mqtt_write_block(w, properties);
    return packet;
}

void mqtt_subscribe_encode(struct mqtt_writer *w, enum mqtt_version version, uint16_t packet_id,
                           struct mqtt_span properties, const struct mqtt_subscription *entries,
                           size_t count)
{
    uint8_t *packet = begin(w, version, MQTT_SUBSCRIBE, packet_id, properties);

    if (count == 0)
        mqtt_writer_fail(w, MQTT_ERR_SUBSCRIBE_EMPTY);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].qos > MQTT_QOS_2)
            mqtt_writer_fail(w, MQTT_ERR_SUBSCRIBE_QOS);
        if (entries[i].retain_handling > 2)
            mqtt_writer_fail(w, MQTT_ERR_RETAIN_HANDLING);
        mqtt_write_binary(w, entries[i].filter);
        mqtt_write_u8(w, options_of(version, &entries[i]));
    }
    mqtt_packet_end(w, packet);
}

enum mqtt_status mqtt_unsubscribe_decode(enum mqtt_version version, struct mqtt_span body,
                                         struct mqtt_unsubscribe *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct mqtt_unsubscribe u = { .packet_id = mqtt_read_packet_id(&r) };

    if (mqtt_is_5(version))
        u.properties = mqtt_properties_read(&r, MQTT_UNSUBSCRIBE);
    struct mqtt_reader entries = r;
    u.entries = mqtt_read_rest(&entries);
    while (r.status == MQTT_OK && mqtt_reader_left(&r) > 0) {
        (void)mqtt_read_utf8(&r);
        u.count++;
    }
    if (u.count == 0)
        mqtt_reader_fail(&r, MQTT_ERR_SUBSCRIBE_EMPTY);

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = u;
    return status;
}

bool mqtt_unsubscribe_next(struct mqtt_reader *r, struct mqtt_span *out_filter)
{
    struct mqtt_span filter = mqtt_read_binary(r);

    if (r->status != MQTT_OK)
        return false;
    *out_filter = filter;
    return true;
}

void mqtt_unsubscribe_encode(struct mqtt_writer *w, enum mqtt_version version, uint16_t packet_id,
                             struct mqtt_span properties, const struct mqtt_span *filters,
                             size_t count)
{
    uint8_t *packet = begin(w, version, MQTT_UNSUBSCRIBE, packet_id, properties);

    if (count == 0)
        mqtt_writer_fail(w, MQTT_ERR_SUBSCRIBE_EMPTY);
    for (size_t i = 0; i < count; i++)
        mqtt_write_binary(w, filters[i]);
    mqtt_packet_end(w, packet);
}
