/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ack.h"

#include "codec/wire_test.h"

#define V3(type)   (MQTT_VERSION_3_1 << 4 | (type))
#define V311(type) (MQTT_VERSION_3_1_1 << 4 | (type))
#define V5(type)   (MQTT_VERSION_5 << 4 | (type))

static const enum mqtt_packet_type types[] = { MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL,
                                               MQTT_PUBCOMP };

/* Variant: version in the high, packet type in the low four bits. */
static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_ack ack = { .packet_id = 0, .reason = 77 };
    enum mqtt_status status = mqtt_ack_decode((enum mqtt_version)(variant >> 4),
                                              (enum mqtt_packet_type)(variant & 0xf), body, &ack);

    if (status != MQTT_OK)
        assert_int_equal(ack.reason, 77);
    else
        assert_int_not_equal(ack.packet_id, 0);
    return status;
}

static void judges_bodies(void **state)
{
    static const struct wire_case cases[] = {
        { "plain", V3(MQTT_PUBACK), WIRE("\0\1"), MQTT_OK },
        { "plain", V311(MQTT_PUBREL), WIRE("\xff\xff"), MQTT_OK },
        { "reason left out", V5(MQTT_PUBCOMP), WIRE("\0\1"), MQTT_OK },
        { "properties left out", V5(MQTT_PUBACK), WIRE("\0\1\x10"), MQTT_OK },
        { "empty properties", V5(MQTT_PUBREC), WIRE("\0\1\x87\0"), MQTT_OK },
        { "reason string", V5(MQTT_PUBREL), WIRE("\0\1\x92\4\x1f\0\1x"), MQTT_OK },
        { "nothing", V311(MQTT_PUBACK), WIRE(""), MQTT_ERR_TRUNCATED },
        { "half an identifier", V5(MQTT_PUBACK), WIRE("\1"), MQTT_ERR_TRUNCATED },
        { "[MQTT-2.3.1-1]", V311(MQTT_PUBACK), WIRE("\0\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-2.2.1-3]", V5(MQTT_PUBREL), WIRE("\0\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "reason before MQTT 5", V311(MQTT_PUBACK), WIRE("\0\1\0"), MQTT_ERR_TRAILING },
        { "[MQTT-3.4.2-1]", V5(MQTT_PUBACK), WIRE("\0\1\x92"), MQTT_ERR_REASON },
        { "[MQTT-3.5.2-1]", V5(MQTT_PUBREC), WIRE("\0\1\x01"), MQTT_ERR_REASON },
        { "[MQTT-3.6.2-1]", V5(MQTT_PUBREL), WIRE("\0\1\x80"), MQTT_ERR_REASON },
        { "[MQTT-3.7.2-1]", V5(MQTT_PUBCOMP), WIRE("\0\1\xff"), MQTT_ERR_REASON },
        { "property of another", V5(MQTT_PUBACK), WIRE("\0\1\0\2\x01\1"),
          MQTT_ERR_PROPERTY_NOT_ALLOWED },
        { "block past the end", V5(MQTT_PUBACK), WIRE("\0\1\0\1"), MQTT_ERR_TRUNCATED },
        { "bytes behind the block", V5(MQTT_PUBACK), WIRE("\0\1\0\0x"), MQTT_ERR_TRAILING },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void every_truncation(void **state)
{
    struct mqtt_span body = wire_copy("\0\1\0\4\x1f\0\1x", 8);

    (void)state;
    /* Two bytes and three are whole packets. */
    for (size_t i = 0; i < MQTT_ARRAY_LEN(types); i++) {
        expect_truncations(decode, V5(types[i]), body, 1u << 2 | 1u << 3);
        expect_truncations(decode, V311(types[i]), (struct mqtt_span){ body.data, 2 }, 0);
    }
    wire_free(body);
}

struct sent {
    enum mqtt_version version;
    enum mqtt_packet_type type;
    struct mqtt_ack ack;
};

static void encode(struct mqtt_writer *w, const void *what)
{
    const struct sent *sent = what;
    mqtt_ack_encode(w, sent->version, sent->type, &sent->ack);
}

static void comes_back(const struct sent *sent, size_t want_len)
{
    struct mqtt_span packet = wire_encode(encode, sent);
    struct mqtt_frame frame = wire_frame(packet, sent->type);
    struct mqtt_ack in;

    assert_int_equal(packet.len, want_len);
    expect_status("back", mqtt_ack_decode(sent->version, sent->type, frame.body, &in), MQTT_OK);
    assert_int_equal(in.packet_id, sent->ack.packet_id);
    if (sent->version == MQTT_VERSION_5) {
        assert_int_equal(in.reason, sent->ack.reason);
        assert_true(span_equal(in.properties, sent->ack.properties));
        expect_text(in.reason_string, sent->ack.properties.len > 0 ? "why" : "");
    } else {
        assert_int_equal(in.reason, 0);
    }
    wire_free(packet);
}

static void comes_back_as_it_went(void **state)
{
    const struct mqtt_span why = { (const uint8_t *)"\x1f\0\3why", 6 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(types); i++) {
        uint8_t reason =
            types[i] <= MQTT_PUBREC ? MQTT_QUOTA_EXCEEDED : MQTT_PACKET_IDENTIFIER_NOT_FOUND;
        struct sent sent = { MQTT_VERSION_3_1, types[i], { .packet_id = 0x1234 } };

        comes_back(&sent, 4);
        sent.version = MQTT_VERSION_5;
        comes_back(&sent, 4);
        sent.ack.reason = reason;
        comes_back(&sent, 5);
        sent.ack.properties = why;
        comes_back(&sent, 12);
        sent.ack.reason = 0;
        comes_back(&sent, 12);
        sent.version = MQTT_VERSION_3_1_1;
        comes_back(&sent, 4);
    }
}

static void refuses_identifier_zero(void **state)
{
    const struct mqtt_ack ack = { .packet_id = 0 };
    uint8_t memory[8];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    (void)state;
    mqtt_ack_encode(&w, MQTT_VERSION_5, MQTT_PUBACK, &ack);
    expect_status("[MQTT-2.2.1-3]", w.status, MQTT_ERR_PACKET_ID_ZERO);
    assert_true(w.at == memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_bodies),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(refuses_identifier_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
