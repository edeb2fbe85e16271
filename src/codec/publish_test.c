/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/publish.h"

#include "codec/reader.h"
#include "codec/wire_test.h"

#define V3   (MQTT_VERSION_3_1 << 4)
#define V311 (MQTT_VERSION_3_1_1 << 4)
#define V5   (MQTT_VERSION_5 << 4)

/* Variant: version in the high, flags in the low four bits. */
static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_publish p = { .packet_id = 7 };
    enum mqtt_status status =
        mqtt_publish_decode((enum mqtt_version)(variant >> 4), variant & 0x0f, body, &p);

    if (status != MQTT_OK) {
        assert_int_equal(p.packet_id, 7);
        assert_null(p.topic.data);
    }
    return status;
}

static void judges_bodies(void **state)
{
    static const struct wire_case cases[] = {
        { "QoS 0", V311, WIRE("\0\1ahi"), MQTT_OK },
        { "no payload", V311, WIRE("\0\1a"), MQTT_OK },
        { "retained", V311 | 1, WIRE("\0\1a"), MQTT_OK },
        { "QoS 2 again", V311 | 0xc, WIRE("\0\1a\0\1"), MQTT_OK },
        { "nothing", V311, WIRE(""), MQTT_ERR_TRUNCATED },
        { "half a topic length", V311, WIRE("\0"), MQTT_ERR_TRUNCATED },
        { "topic past the end", V311, WIRE("\xff\xffz"), MQTT_ERR_TRUNCATED },
        { "no packet identifier", V311 | 2, WIRE("\0\1a"), MQTT_ERR_TRUNCATED },
        { "half a packet identifier", V311 | 4, WIRE("\0\1a\x12"), MQTT_ERR_TRUNCATED },
        { "[MQTT-1.5.4-1] overlong", V311, WIRE("\0\2\xc0\xaf"), MQTT_ERR_UTF8 },
        { "[MQTT-1.5.4-1] surrogate", V5, WIRE("\0\3\xed\xa0\x80\0"), MQTT_ERR_UTF8 },
        { "[MQTT-1.5.4-2] U+0000", V311, WIRE("\0\1\0"), MQTT_ERR_UTF8 },
        { "[MQTT-2.3.1-1] identifier 0", V311 | 2, WIRE("\0\1a\0\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-2.2.1-3] identifier 0", V5 | 4, WIRE("\0\1a\0\0\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-3.3.1-4] QoS 3", V311 | 6, WIRE("\0\1a\0\1"), MQTT_ERR_QOS },
        { "[MQTT-3.3.1-4] QoS 3, rest bad too", V5 | 0xe, WIRE(""), MQTT_ERR_QOS },
        { "[MQTT-3.3.1-2] DUP with QoS 0", V311 | 8, WIRE("\0\1a"), MQTT_ERR_DUP_QOS0 },
        { "[MQTT-3.3.1-2] DUP with QoS 0", V5 | 8, WIRE("\0\1a\0"), MQTT_ERR_DUP_QOS0 },
        { "DUP with QoS 0 means nothing in MQTT 3.1", V3 | 8, WIRE("\0\1a"), MQTT_OK },
        { "[MQTT-3.3.2-2] hash", V311, WIRE("\0\3a/#"), MQTT_ERR_TOPIC_WILDCARD },
        { "[MQTT-3.3.2-2] plus", V5, WIRE("\0\3a/+\0"), MQTT_ERR_TOPIC_WILDCARD },
        { "[MQTT-4.7.3-1] no topic", V311, WIRE("\0\0"), MQTT_ERR_TOPIC_EMPTY },
        { "[MQTT-4.7.3-1] nor alias", V5, WIRE("\0\0\0"), MQTT_ERR_TOPIC_EMPTY },
        { "alias for the topic", V5, WIRE("\0\0\3\x23\0\1"), MQTT_OK },
        { "alias and topic", V5, WIRE("\0\1a\3\x23\0\1x"), MQTT_OK },
        { "wildcard despite alias", V5, WIRE("\0\1#\3\x23\0\1"), MQTT_ERR_TOPIC_WILDCARD },
        { "no property length", V5, WIRE("\0\1a"), MQTT_ERR_TRUNCATED },
        { "properties past the end", V5, WIRE("\0\1a\5\x01\1"), MQTT_ERR_TRUNCATED },
        { "[MQTT-3.3.2-8] alias 0", V5, WIRE("\0\1a\3\x23\0\0"), MQTT_ERR_TOPIC_ALIAS },
        { "two aliases", V5, WIRE("\0\1a\6\x23\0\1\x23\0\1"), MQTT_ERR_PROPERTY_DUPLICATE },
        { "[MQTT-3.3.2-14]", V5, WIRE("\0\1a\4\x08\0\1+"), MQTT_ERR_RESPONSE_TOPIC },
        { "property of CONNECT", V5, WIRE("\0\1a\3\x21\0\1"), MQTT_ERR_PROPERTY_NOT_ALLOWED },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void every_truncation(void **state)
{
    struct mqtt_span old = wire_copy("\0\3a/b\x12\x34", 7);
    struct mqtt_span new = wire_copy("\0\3a/b\x12\x34\7\x01\1\x02\0\0\0\1", 15);

    (void)state;
    expect_truncations(decode, V311 | 2, old, 0);
    expect_truncations(decode, V5 | 4, new, 0);
    wire_free(old);
    wire_free(new);
}

static void takes_the_values(void **state)
{
    static const char bytes[] = "\0\1t\0\7"
                                "\x18\x01\1\x02\0\1\0\0\x23\1\2\x0b\1\x0b\2"
                                "\x08\0\1r\x26\0\1k\0\0"
                                "pay";
    struct mqtt_span body = wire_copy(bytes, sizeof(bytes) - 1);
    struct mqtt_publish p;

    (void)state;
    expect_status("all", mqtt_publish_decode(MQTT_VERSION_5, 0xb, body, &p), MQTT_OK);
    assert_true(p.retain && p.duplicate && p.qos == MQTT_QOS_1);
    assert_int_equal(p.packet_id, 7);
    expect_text(p.topic, "t");
    expect_text(p.payload, "pay");
    assert_int_equal(p.properties.len, 0x18);
    assert_true(p.payload_is_utf8 && p.has_expiry && p.has_topic_alias);
    assert_true(p.has_subscription_identifier);
    assert_int_equal(p.expiry_s, 65536);
    assert_int_equal(p.topic_alias, 0x0102);
    expect_text(p.response_topic, "r");
    wire_free(body);
}

static void forwards_what_is_to_be_forwarded(void **state)
{
    static const char block[] = "\x26\0\1a\0\1b\x02\0\0\0\1\x01\1\x23\0\1\x26\0\1a\0\1c\x0b\5"
                                "\x18\0\0\0\1\x03\0\1t\x09\0\1\xff\x08\0\1r";
    static const char want[] = "\x26\0\1a\0\1b\x01\1\x26\0\1a\0\1c\x03\0\1t\x09\0\1\xff\x08\0\1r";
    struct mqtt_span span = wire_copy(block, sizeof(block) - 1);
    uint8_t *out = malloc(span.len);

    (void)state;
    assert_non_null(out);
    assert_int_equal(mqtt_publish_forwardable(span, out), sizeof(want) - 1);
    assert_memory_equal(out, want, sizeof(want) - 1);
    assert_int_equal(mqtt_publish_forwardable((struct mqtt_span){ NULL, 0 }, out), 0);
    free(out);
    wire_free(span);
}

/* Writes into a block of the announced size. */
static struct mqtt_span written(enum mqtt_version version, const struct mqtt_publish_out *publish,
                                uint8_t **packet_id)
{
    size_t size = mqtt_publish_size(version, publish);
    uint8_t *out = malloc(size);

    assert_non_null(out);
    assert_ptr_equal(mqtt_publish_write(out, version, publish, packet_id), out + size);
    return (struct mqtt_span){ out, size };
}

static void writes_exact_bytes(void **state)
{
    static const char want[] = "\x3d\x1c\0\1t\x12\x34\x11\x01\1\x02\0\0\0\x09\x23\0\5\x0b\1\x0b\xff"
                               "\xff\xff\x7fhello";
    static const uint32_t identifiers[] = { 1, MQTT_VARINT_MAX };
    const struct mqtt_publish_out publish = {
        .qos = MQTT_QOS_2,
        .retain = true,
        .duplicate = true,
        .packet_id = 0x1234,
        .topic = span_of("t"),
        .forward = span_of("\x01\1"),
        .payload = span_of("hello"),
        .has_expiry = true,
        .expiry_s = 9,
        .topic_alias = 5,
        .subscription_identifiers = identifiers,
        .subscription_identifier_count = 2,
    };
    uint8_t *packet_id;
    struct mqtt_span packet = written(MQTT_VERSION_5, &publish, &packet_id);

    (void)state;
    assert_int_equal(packet.len, sizeof(want) - 1);
    assert_memory_equal(packet.data, want, packet.len);
    assert_ptr_equal(packet_id, packet.data + 5);
    wire_free(packet);

    packet = written(MQTT_VERSION_3_1_1, &publish, NULL);
    assert_int_equal(packet.len, 12);
    assert_memory_equal(packet.data, "\x3d\x0a\0\1t\x12\x34hello", 12);
    wire_free(packet);
}

static void comes_back_as_it_went(void **state)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_3_1, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_5 };
    static const size_t payloads[] = { 0, 1, 100, 121, 122, 123, 128, 16380, 20000 };
    static uint8_t payload[20000];

    (void)state;
    for (unsigned i = 0; i < 3 * 3 * 2 * MQTT_ARRAY_LEN(payloads); i++) {
        enum mqtt_version version = versions[i % 3];
        enum mqtt_qos qos = (enum mqtt_qos)(i / 3 % 3);
        struct mqtt_publish_out out = {
            .qos = qos,
            .retain = i / 9 % 2 != 0,
            .packet_id = qos != MQTT_QOS_0 ? 0xfffe : 0,
            .topic = span_of("a/b"),
            .payload = { payload, payloads[i / 18] },
            .topic_alias = i / 9 % 2 != 0 ? 3 : 0,
        };
        uint8_t *packet_id;
        struct mqtt_span packet = written(version, &out, &packet_id);
        struct mqtt_frame frame = wire_frame(packet, MQTT_PUBLISH);
        struct mqtt_publish in;

        expect_status("back", mqtt_publish_decode(version, frame.flags, frame.body, &in), MQTT_OK);
        assert_true(span_equal(in.topic, out.topic) && span_equal(in.payload, out.payload));
        assert_int_equal(in.qos, qos);
        assert_int_equal(in.packet_id, out.packet_id);
        assert_int_equal(in.retain, out.retain);
        assert_int_equal(in.topic_alias, version == MQTT_VERSION_5 ? out.topic_alias : 0);
        assert_int_equal(packet_id == NULL, qos == MQTT_QOS_0);
        wire_free(packet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_bodies),      cmocka_unit_test(every_truncation),
        cmocka_unit_test(takes_the_values),   cmocka_unit_test(forwards_what_is_to_be_forwarded),
        cmocka_unit_test(writes_exact_bytes), cmocka_unit_test(comes_back_as_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
