/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/connect.h"

#include "codec/properties.h"
#include "codec/topic.h"
#include "codec/variant.h"

enum {
    FLAG_RESERVED = 0x01,
    FLAG_CLEAN_START = 0x02,
    FLAG_WILL = 0x04,
    FLAG_WILL_QOS = 0x18,
    FLAG_WILL_RETAIN = 0x20,
    FLAG_PASSWORD = 0x40,
    FLAG_USER_NAME = 0x80,
};

static struct mqtt_span name_of(enum mqtt_version version)
{
    static const uint8_t mqisdp[] = { 'M', 'Q', 'I', 's', 'd', 'p' };
    static const uint8_t mqtt[] = { 'M', 'Q', 'T', 'T' };

    if (mqtt_is_3_1(version))
        return (struct mqtt_span){ mqisdp, sizeof(mqisdp) };
    return (struct mqtt_span){ mqtt, sizeof(mqtt) };
}

static enum mqtt_version version_of(uint8_t level)
{
    switch (level) {
    case MQTT_VERSION_3_1:
        return MQTT_VERSION_3_1;
    case MQTT_VERSION_3_1_1:
        return MQTT_VERSION_3_1_1;
    case MQTT_VERSION_5:
        return MQTT_VERSION_5;
    default:
        return MQTT_VERSION_NONE;
    }
}

/* Reads protocol name and level. The name is compared as bytes: what is no name
 * of ours need not be UTF-8 to be refused as such. */
static enum mqtt_version read_version(struct mqtt_reader *r)
{
    struct mqtt_span name = mqtt_read_binary(r);
    enum mqtt_version version = version_of(mqtt_read_u8(r));

    bool is_new = span_equal(name, name_of(MQTT_VERSION_5));
    bool is_old = span_equal(name, name_of(MQTT_VERSION_3_1));
    if (!is_new && !is_old)
        mqtt_reader_fail(r, MQTT_ERR_PROTOCOL_NAME);
    if (version == MQTT_VERSION_NONE || is_old != (mqtt_is_3_1(version)))
        mqtt_reader_fail(r, MQTT_ERR_PROTOCOL_VERSION);
    return version;
}

static enum mqtt_status check_flags(enum mqtt_version version, unsigned flags)
{
    bool has_will = (flags & FLAG_WILL) != 0;

    if (has_will && (flags & FLAG_WILL_QOS) == FLAG_WILL_QOS)
        return MQTT_ERR_WILL_QOS;
    if (version < MQTT_VERSION_5 && (flags & (FLAG_USER_NAME | FLAG_PASSWORD)) == FLAG_PASSWORD)
        return MQTT_ERR_PASSWORD_ALONE;
    /* MQTT 3.1 leaves the bit unused and disregards will bits without a will. */
    if (mqtt_is_3_1(version))
        return MQTT_OK;
    if ((flags & FLAG_RESERVED) != 0)
        return MQTT_ERR_CONNECT_FLAGS;
    if (!has_will && (flags & (FLAG_WILL_QOS | FLAG_WILL_RETAIN)) != 0)
        return MQTT_ERR_WILL_FLAGS;
    return MQTT_OK;
}

static void take_property(struct mqtt_connect *c, const struct mqtt_property *p)
{
    switch (p->id) {
    case MQTT_PROP_SESSION_EXPIRY:
        c->session_expiry_s = p->number;
        break;
    case MQTT_PROP_RECEIVE_MAXIMUM:
        c->receive_maximum = (uint16_t)p->number;
        break;
    case MQTT_PROP_MAXIMUM_PACKET_SIZE:
        c->has_maximum_packet_size = true;
        c->maximum_packet_size = p->number;
        break;
    case MQTT_PROP_TOPIC_ALIAS_MAXIMUM:
        c->topic_alias_maximum = (uint16_t)p->number;
        break;
    case MQTT_PROP_REQUEST_RESPONSE:
        c->request_response = p->number != 0;
        break;
    case MQTT_PROP_REQUEST_PROBLEM:
        c->request_problem = p->number != 0;
        break;
    case MQTT_PROP_AUTHENTICATION_METHOD:
        c->has_authentication_method = true;
        c->authentication_method = p->value;
        break;
    case MQTT_PROP_AUTHENTICATION_DATA:
        c->authentication_data = p->value;
        break;
    default:
        break;
    }
}

static void read_properties(struct mqtt_reader *r, struct mqtt_connect *c)
{
    bool has_data = false;
    struct mqtt_property p;

    c->properties = mqtt_properties_read(r, MQTT_CONNECT);
    struct mqtt_reader block = mqtt_reader_over(c->properties);
    while (mqtt_properties_next(&block, &p)) {
        take_property(c, &p);
        has_data |= p.id == MQTT_PROP_AUTHENTICATION_DATA;
    }
    if (has_data && !c->has_authentication_method)
        mqtt_reader_fail(r, MQTT_ERR_AUTHENTICATION_METHOD);
}

static void read_will_properties(struct mqtt_reader *r, struct mqtt_will *will)
{
    struct mqtt_property p;

    will->properties = mqtt_properties_read(r, MQTT_WILL);
    struct mqtt_reader block = mqtt_reader_over(will->properties);
    while (mqtt_properties_next(&block, &p)) {
        if (p.id == MQTT_PROP_WILL_DELAY) {
            will->delay_s = p.number;
        } else if (p.id == MQTT_PROP_MESSAGE_EXPIRY) {
            will->has_expiry = true;
            will->expiry_s = p.number;
        } else if (p.id == MQTT_PROP_PAYLOAD_FORMAT) {
            will->payload_is_utf8 = p.number != 0;
        }
    }
}

static void read_will(struct mqtt_reader *r, enum mqtt_version version, unsigned flags,
                      struct mqtt_will *will)
{
    will->qos = (enum mqtt_qos)((flags & FLAG_WILL_QOS) >> 3);
    will->retain = (flags & FLAG_WILL_RETAIN) != 0;
    if (mqtt_is_5(version))
        read_will_properties(r, will);
    will->topic = mqtt_read_utf8(r);
    /* A will topic is a topic name. [MQTT-4.7.3-1] [MQTT-4.7.0-1] */
    if (will->topic.len == 0)
        mqtt_reader_fail(r, MQTT_ERR_TOPIC_EMPTY);
    else if (!mqtt_topic_name_is_valid(will->topic))
        mqtt_reader_fail(r, MQTT_ERR_TOPIC_WILDCARD);
    will->payload = mqtt_read_binary(r);
}

/* Is the field present that a flag announces? In MQTT 3.1 the packet's length
 * takes precedence over the flags of user name and password. */
static bool is_present(const struct mqtt_reader *r, enum mqtt_version version, bool announced)
{
    return announced && (!mqtt_is_3_1(version) || mqtt_reader_left(r) > 0);
}

static void read_payload(struct mqtt_reader *r, unsigned flags, struct mqtt_connect *c)
{
    c->client_id = mqtt_read_utf8(r);
    c->has_will = (flags & FLAG_WILL) != 0;
    if (c->has_will)
        read_will(r, c->version, flags, &c->will);
    c->has_user_name = is_present(r, c->version, (flags & FLAG_USER_NAME) != 0);
    if (c->has_user_name)
        c->user_name = mqtt_read_utf8(r);
    c->has_password = is_present(r, c->version, (flags & FLAG_PASSWORD) != 0);
    if (c->has_password)
        c->password = mqtt_read_binary(r);
}

enum mqtt_status mqtt_connect_decode(struct mqtt_span body, struct mqtt_connect *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    enum mqtt_version version = read_version(&r);

    if (r.status != MQTT_OK) {
        out->version = version;
        return r.status;
    }

    unsigned flags = mqtt_read_u8(&r);
    if (r.status == MQTT_OK)
        r.status = check_flags(version, flags);
    struct mqtt_connect c = {
        .version = version,
        .clean_start = (flags & FLAG_CLEAN_START) != 0,
        .keep_alive_s = mqtt_read_u16(&r),
        .receive_maximum = UINT16_MAX,
        .maximum_packet_size = UINT32_MAX,
        .request_problem = true,
    };
    if (mqtt_is_5(version))
        read_properties(&r, &c);
    read_payload(&r, flags, &c);

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = c;
    else
        out->version = version;
    return status;
}

static uint8_t flags_for(const struct mqtt_connect *c)
{
    unsigned flags = c->clean_start ? FLAG_CLEAN_START : 0;

    if (c->has_will) {
        flags |= FLAG_WILL | (unsigned)c->will.qos << 3;
        flags |= c->will.retain ? FLAG_WILL_RETAIN : 0;
    }
    flags |= c->has_user_name ? FLAG_USER_NAME : 0;
    flags |= c->has_password ? FLAG_PASSWORD : 0;
    return (uint8_t)flags;
}

void mqtt_connect_encode(struct mqtt_writer *w, const struct mqtt_connect *connect)
{
    uint8_t *packet = mqtt_packet_begin(w, MQTT_CONNECT << 4);
    bool has_properties = mqtt_is_5(connect->version);

    if (version_of((uint8_t)connect->version) == MQTT_VERSION_NONE)
        mqtt_writer_fail(w, MQTT_ERR_PROTOCOL_VERSION);
    if (connect->has_will && connect->will.qos > MQTT_QOS_2)
        mqtt_writer_fail(w, MQTT_ERR_WILL_QOS);

    mqtt_write_binary(w, name_of(connect->version));
    mqtt_write_u8(w, (uint8_t)connect->version);
    mqtt_write_u8(w, flags_for(connect));
    mqtt_write_u16(w, connect->keep_alive_s);
    if (has_properties)
        mqtt_write_block(w, connect->properties);
    mqtt_write_binary(w, connect->client_id);
    if (connect->has_will) {
        if (has_properties)
            mqtt_write_block(w, connect->will.properties);
        mqtt_write_binary(w, connect->will.topic);
        mqtt_write_binary(w, connect->will.payload);
    }
    if (connect->has_user_name)
        mqtt_write_binary(w, connect->user_name);
    if (connect->has_password)
        mqtt_write_binary(w, connect->password);
    mqtt_packet_end(w, packet);
}
