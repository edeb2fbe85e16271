/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/suback.h"

#include "codec/wire_test.h"

#define SUB(version)   ((version) << 4 | MQTT_SUBACK)
#define UNSUB(version) ((version) << 4 | MQTT_UNSUBACK)

/* Variant: version in the high, packet type in the low four bits. */
static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_suback s = { .packet_id = 777 };
    enum mqtt_status status = mqtt_suback_decode((enum mqtt_version)(variant >> 4),
                                                 (enum mqtt_packet_type)(variant & 0xf), body, &s);

    if (status != MQTT_OK)
        assert_int_equal(s.packet_id, 777);
    return status;
}

static void judges_bodies(void **state)
{
    static const struct wire_case cases[] = {
        { "granted", SUB(3), WIRE("\0\1\0\1\2"), MQTT_OK },
        { "failed", SUB(4), WIRE("\0\1\x80"), MQTT_OK },
        { "reasons", SUB(5), WIRE("\0\1\0\0\1\2\x87\xa2"), MQTT_OK },
        { "unsubscribed", UNSUB(4), WIRE("\0\1"), MQTT_OK },
        { "unsubscribed", UNSUB(5), WIRE("\0\1\0\x11"), MQTT_OK },
        { "[MQTT-2.3.1-1]", SUB(4), WIRE("\0\0\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-2.3.1-1]", UNSUB(5), WIRE("\0\0\0\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-3.8.4-5] no code", SUB(4), WIRE("\0\1"), MQTT_ERR_REASON_MISSING },
        { "[MQTT-3.8.4-6] no code", SUB(5), WIRE("\0\1\0"), MQTT_ERR_REASON_MISSING },
        { "[MQTT-3.11.3-1] no code", UNSUB(5), WIRE("\0\1\0"), MQTT_ERR_REASON_MISSING },
        { "[MQTT-3.9.3-2] code 3", SUB(4), WIRE("\0\1\3"), MQTT_ERR_REASON },
        { "[MQTT-3.9.3-2] code of MQTT 5", SUB(4), WIRE("\0\1\x87"), MQTT_ERR_REASON },
        { "[MQTT-3.9.3-2] second", SUB(5), WIRE("\0\1\0\0\x11"), MQTT_ERR_REASON },
        { "[MQTT-3.11.3-2]", UNSUB(5), WIRE("\0\1\0\1"), MQTT_ERR_REASON },
        { "codes before MQTT 5", UNSUB(4), WIRE("\0\1\0"), MQTT_ERR_TRAILING },
        { "subscription identifier", SUB(5), WIRE("\0\1\2\x0b\1\0"),
          MQTT_ERR_PROPERTY_NOT_ALLOWED },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void every_truncation(void **state)
{
    struct mqtt_span body = wire_copy("\0\1\4\x1f\0\1w\0", 8);

    (void)state;
    expect_truncations(decode, SUB(5), body, 0);
    expect_truncations(decode, UNSUB(5), body, 0);
    expect_truncations(decode, UNSUB(4), (struct mqtt_span){ body.data, 2 }, 0);
    wire_free(body);
}

struct sent {
    enum mqtt_version version;
    enum mqtt_packet_type type;
    struct mqtt_suback suback;
};

static void encode(struct mqtt_writer *w, const void *what)
{
    const struct sent *sent = what;
    mqtt_suback_encode(w, sent->version, sent->type, &sent->suback);
}

static struct mqtt_suback back(const struct sent *sent, struct mqtt_span *packet)
{
    struct mqtt_suback in = { .packet_id = 0 };

    *packet = wire_encode(encode, sent);
    struct mqtt_frame frame = wire_frame(*packet, sent->type);
    expect_status("back", mqtt_suback_decode(sent->version, sent->type, frame.body, &in), MQTT_OK);
    assert_int_equal(in.packet_id, sent->suback.packet_id);
    return in;
}

static void comes_back_as_it_went(void **state)
{
    struct sent sent = {
        MQTT_VERSION_5,
        MQTT_SUBACK,
        { .packet_id = 9,
          .properties = { (const uint8_t *)"\x1f\0\1w", 4 },
          .reasons = { (const uint8_t *)"\0\2\x87", 3 } },
    };
    struct mqtt_span packet;

    (void)state;
    struct mqtt_suback in = back(&sent, &packet);
    assert_true(span_equal(in.reasons, sent.suback.reasons));
    assert_true(span_equal(in.properties, sent.suback.properties));
    expect_text(in.reason_string, "w");
    wire_free(packet);

    /* [MQTT-3.9.3-2] */
    sent.version = MQTT_VERSION_3_1_1;
    in = back(&sent, &packet);
    assert_int_equal(in.reasons.len, 3);
    assert_memory_equal(in.reasons.data, "\0\2\x80", 3);
    wire_free(packet);

    sent.type = MQTT_UNSUBACK;
    in = back(&sent, &packet);
    assert_int_equal(packet.len, 4);
    assert_int_equal(in.reasons.len, 0);
    wire_free(packet);

    sent.version = MQTT_VERSION_5;
    sent.suback.reasons = (struct mqtt_span){ (const uint8_t *)"\0\x11\x87", 3 };
    in = back(&sent, &packet);
    assert_true(span_equal(in.reasons, sent.suback.reasons));
    wire_free(packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_bodies),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(comes_back_as_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
