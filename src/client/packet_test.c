/* SPDX-License-Identifier: Apache-2.0 */
/* The client's reader against the codec that the broker has: the same bytes are refused by both or by
 * none, and mean the same. Packets are changed at random, in each version, with a fixed seed. */
#include "client/packet.h"

#include "base/testing.h"
#include "client/stand.h"
#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/disconnect.h"
#include "codec/properties.h"
#include "codec/publish.h"
#include "codec/suback.h"

#define ROUNDS     3000
#define BODY_BYTES 120

struct seed {
    uint8_t first;
    uint8_t len;
    const char *body;
};

#define SEED(first, body)                 \
    {                                     \
        (first), sizeof(body) - 1, (body) \
    }

static const struct seed seeds[] = {
    SEED(0x20, "\0\0"),
    SEED(0x20, "\1\0\0"),
    SEED(0x20, "\0\0\3\x21\0\5"),
    SEED(0x20, "\0\0\x1b\x11\0\0\0\1\x12\0\1a\x13\0\5\x1a\0\1r\x24\1\x25\0\x27\0\0\1\0"),
    SEED(0x20, "\0\x9c\x11\x1c\0\1s\x1f\0\1n\x26\0\1k\0\1v\x22"),
    SEED(0x20, "\0\0\x13\x15\0\1m\x16\0\2dd\x22\0\2\x28\1\x29\0\x2a\1"),
    SEED(0x30, "\0\1apayload"),
    SEED(0x32, "\0\1a\0\7\0payload"),
    SEED(0x34, "\0\3a/b\0\7\5\x02\0\0\0\5x"),
    SEED(0x3a, "\0\1a\0\7\2\x01\1x"),
    SEED(0x30, "\0\0\3\x23\0\2x"),
    SEED(0x30, "\0\2\xc3\xa4\x14\x03\0\1t\x08\0\1r\x09\0\2cc\x0b\x85\x01\x0b\x02x"),
    SEED(0x30, "\0\1a\x0e\x26\0\1k\0\1v\x26\0\1k\0\1vx"),
    SEED(0x40, "\0\7"),
    SEED(0x50, "\0\7\x10"),
    SEED(0x62, "\0\7\x92\0"),
    SEED(0x70, "\0\7\x92\x0b\x1f\0\1n\x26\0\1k\0\1v"),
    SEED(0x90, "\0\7\0"),
    SEED(0x90, "\0\7\4\x1f\0\1n\x87"),
    SEED(0xb0, "\0\7\0\x11"),
    SEED(0xb0, "\0\7"),
    SEED(0xd0, ""),
    SEED(0xe0, ""),
    SEED(0xe0, "\x8d\0"),
    SEED(0xe0, "\x9d\x08\x1c\0\1s\x1f\0\1n"),
    SEED(0xe0, "\0\5\x11\0\0\0\1"),
};

struct packet {
    uint8_t first;
    uint8_t body[BODY_BYTES];
    size_t len;
};

static void change(struct test_random *random, struct packet *packet)
{
    /* What stands for something in many places: lengths, identifiers, corners. */
    static const uint8_t likely[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0b, 0x1f, 0x22,
                                      0x23, 0x26, 0x7f, 0x80, 0x81, 0x92, 0xa2, 0xa3, 0xff };
    size_t at = test_random_below(random, packet->len + 1);
    uint8_t byte = test_random_below(random, 2) == 0
                       ? likely[test_random_below(random, sizeof(likely))]
                       : (uint8_t)test_random_below(random, 256);
    switch (test_random_below(random, 4)) {
    case 0:
        packet->len = at;
        break;
    case 1:
        if (packet->len + 1 < BODY_BYTES) {
            memmove(packet->body + at + 1, packet->body + at, packet->len - at);
            packet->body[at] = byte;
            packet->len++;
        }
        break;
    case 2:
        if ((packet->first >> 4) == MQTT_PUBLISH)
            packet->first = 0x30 | (byte & 0xf);
        break;
    default:
        if (at < packet->len)
            packet->body[at] = byte;
        break;
    }
}

/* What differs by intent: each of a client's packets names one filter, so that one reason answers it;
 * a server's words of refusal before MQTT 5 are understood by whoever speaks 5; and what CONNACK may
 * not combine is judged by who handles it. */
static bool is_apart(enum mqtt_version version, const struct packet *packet, size_t reasons)
{
    unsigned type = packet->first >> 4;
    if (type == MQTT_SUBACK || type == MQTT_UNSUBACK)
        return reasons > 1;
    return type == MQTT_CONNACK && packet->len >= 2
           && ((packet->body[0] > (packet->body[1] == 0 ? 1 : 0))
               || (version == MQTT_VERSION_5 && packet->len == 2));
}

/* What the codec makes of it. */
struct verdict {
    enum mqtt_status status;
    uint16_t packet_id;
    uint8_t reason;
    size_t reasons;
    struct mqtt_span properties;
    struct mqtt_publish publish;
};

static void ask_codec(enum mqtt_version version, uint8_t first, struct mqtt_span body,
                      struct verdict *out)
{
    enum mqtt_packet_type type = (enum mqtt_packet_type)(first >> 4);
    struct mqtt_connack connack = { .reason = 0 };
    struct mqtt_suback suback = { .packet_id = 0 };
    struct mqtt_ack ack = { .packet_id = 0 };
    struct mqtt_disconnect disconnect = { .reason = 0 };
    *out = (struct verdict){ .status = MQTT_OK };
    if (type == MQTT_PUBLISH) {
        out->status = mqtt_publish_decode(version, first & 0xf, body, &out->publish);
        out->packet_id = out->publish.packet_id;
        out->properties = out->publish.properties;
    } else if (type == MQTT_CONNACK) {
        out->status = mqtt_connack_decode(version, body, &connack);
        out->properties = connack.properties;
        out->reason = connack.reason;
    } else if (type == MQTT_SUBACK || type == MQTT_UNSUBACK) {
        out->status = mqtt_suback_decode(version, type, body, &suback);
        out->packet_id = suback.packet_id;
        out->properties = suback.properties;
        out->reasons = suback.reasons.len;
        out->reason = suback.reasons.len > 0 ? suback.reasons.data[0] : 0;
    } else if (type == MQTT_PINGRESP) {
        out->status = mqtt_ping_decode(body);
    } else if (type == MQTT_DISCONNECT) {
        out->status = mqtt_disconnect_decode(version, true, body, &disconnect);
        out->properties = disconnect.properties;
        out->reason = disconnect.reason;
    } else {
        out->status = mqtt_ack_decode(version, type, body, &ack);
        out->packet_id = ack.packet_id;
        out->properties = ack.properties;
        out->reason = ack.reason;
    }
}

static void assert_span(struct tacit_bytes mine, struct mqtt_span theirs)
{
    assert_int_equal(mine.len, theirs.len);
    if (theirs.len > 0)
        assert_ptr_equal(mine.data, theirs.data);
}

static void compare_publish(const struct tacit_packet *packet, const struct tacit_message *message,
                            const struct mqtt_publish *publish)
{
    assert_span(message->topic, publish->topic);
    assert_span(message->payload, publish->payload);
    assert_span(message->response_topic, publish->response_topic);
    assert_int_equal(message->qos, publish->qos);
    assert_int_equal(message->retain, publish->retain);
    assert_int_equal(message->duplicate, publish->duplicate);
    assert_int_equal(packet->alias, publish->topic_alias);
    assert_int_equal(message->has_expiry, publish->has_expiry);
    assert_int_equal(message->expiry_s, publish->expiry_s);
    assert_int_equal(message->payload_is_utf8, publish->payload_is_utf8);
    assert_int_equal(message->subscription_identifier != 0, publish->has_subscription_identifier);
}

/* The reader of builds without MQTT 5 says so, too. `theirs` are what the other one made of it. */
static void compare_readers(struct stand *stand, const uint8_t *bytes, size_t len,
                            const struct tacit_packet *theirs, uint8_t fault)
{
    struct tacit_packet mine;
    struct tacit_event event;
    memset(&event, 0, sizeof(event));
    stand->client->event = &event;
    (void)tacit_packet_open(&mine, bytes, bytes + len);
    assert_int_equal(tacit_packet_read_3(stand->client, &mine) == 0, fault == 0);
    if (fault != 0)
        return;
    assert_int_equal(mine.packet_id, theirs->packet_id);
    assert_int_equal(mine.reason, theirs->reason);
    assert_int_equal(mine.flags, theirs->flags);
    assert_memory_equal(&event.message, &stand->event.message, sizeof(event.message));
}

/* Returns whether it was accepted. */
static bool compare(struct stand *stand, enum mqtt_version version, const struct packet *packet)
{
    /* A block of exactly that size, so that a sanitizer sees what reads on. */
    uint8_t *bytes = malloc(2 + packet->len);
    assert_non_null(bytes);
    bytes[0] = packet->first;
    bytes[1] = (uint8_t)packet->len;
    memcpy(bytes + 2, packet->body, packet->len);
    struct tacit_packet mine;
    struct verdict theirs;
    memset(&stand->event, 0, sizeof(stand->event));
    stand->client->event = &stand->event;
    stand->client->version = (uint8_t)version;
    assert_int_equal(tacit_packet_open(&mine, bytes, bytes + 2 + packet->len), packet->len);
    uint8_t fault = tacit_packet_read(stand->client, &mine);
    if (version != MQTT_VERSION_5 && packet->first >> 4 != MQTT_DISCONNECT)
        compare_readers(stand, bytes, 2 + packet->len, &mine, fault);
    ask_codec(version, packet->first, (struct mqtt_span){ bytes + 2, packet->len }, &theirs);
    if (!is_apart(version, packet, theirs.reasons)) {
        assert_int_equal(fault == 0, theirs.status == MQTT_OK);
        if (fault == 0) {
            assert_int_equal(mine.packet_id, theirs.packet_id);
            assert_span(stand->event.message.properties, theirs.properties);
            if (mine.type != MQTT_CONNACK || version == MQTT_VERSION_5)
                assert_int_equal(mine.reason, theirs.reason);
            if (mine.type == MQTT_PUBLISH)
                compare_publish(&mine, &stand->event.message, &theirs.publish);
        }
    }
    free(bytes);
    return fault == 0;
}

static void the_codec_says_the_same(void **state)
{
    (void)state;
    static const enum mqtt_version versions[] = { MQTT_VERSION_3_1, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_5 };
    struct test_random random = { 2026 };
    unsigned accepted = 0;
    struct stand stand;
    stand_init(&stand);
    stand_start(&stand);
    for (size_t i = 0; i < 3 * MQTT_ARRAY_LEN(seeds); i++) {
        const struct seed *seed = &seeds[i / 3];
        for (unsigned round = 0; round < ROUNDS; round++) {
            struct packet packet = { .first = seed->first, .len = seed->len };
            memcpy(packet.body, seed->body, seed->len);
            for (size_t changes = test_random_below(&random, 4); changes > 0; changes--)
                change(&random, &packet);
            accepted += compare(&stand, versions[i % 3], &packet);
        }
    }
    assert_in_range(accepted, ROUNDS * MQTT_ARRAY_LEN(seeds) / 2, UINT32_MAX);
    stand_fini(&stand);
}

static void what_connack_grants_is_kept(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0x20, 23, 0, 0,    20, 0x21, 0,    9, 0x27, 0, 1,    2, 3,
                                     0x13, 0,  8, 0x22, 0,  7,    0x24, 1, 0x25, 0, 0x28, 0 };
    struct tacit_packet packet;
    struct stand stand;
    stand_init(&stand);
    stand_start(&stand);
    stand.client->event = &stand.event;
    assert_int_equal(tacit_packet_open(&packet, bytes, bytes + sizeof(bytes)), 23);
    assert_int_equal(tacit_packet_read(stand.client, &packet), 0);
    const struct tacit_grant *grant = &stand.client->grant;
    assert_int_equal(grant->receive_maximum, 9);
    assert_int_equal(grant->maximum_packet_bytes, 0x00010203);
    assert_int_equal(grant->keep_alive_s, 8);
    assert_int_equal(grant->topic_aliases, 7);
    assert_int_equal(grant->maximum_qos, 1);
    assert_false(grant->retain_available);
    stand_fini(&stand);
}

static void fixed_headers(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[5];
        uint8_t len;
        uint8_t fault;
        uint32_t body;
    } rows[] = {
        { { 0x30 }, 1, TACIT_CUT_SHORT, 0 },
        { { 0x30, 0x80 }, 2, TACIT_CUT_SHORT, 0 },
        { { 0x30, 0x80, 0x80, 0x80 }, 4, TACIT_CUT_SHORT, 0 },
        { { 0x3b, 0x7f }, 2, 0, 127 },
        { { 0x30, 0xff, 0xff, 0xff, 0x7f }, 5, 0, MQTT_VARINT_MAX },
        { { 0x30, 0xff, 0xff, 0xff, 0xff }, 5, MQTT_MALFORMED_PACKET, 0 },
        { { 0x30, 0x80, 0x00 }, 3, MQTT_MALFORMED_PACKET, 0 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct tacit_packet packet;
        uint32_t body = tacit_packet_open(&packet, rows[i].bytes, rows[i].bytes + rows[i].len);
        assert_int_equal(packet.fault, rows[i].fault);
        if (packet.fault == 0)
            assert_int_equal(body, rows[i].body);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_codec_says_the_same),
        cmocka_unit_test(what_connack_grants_is_kept),
        cmocka_unit_test(fixed_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
