/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/connack.h"

#include "codec/wire_test.h"

static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_connack c = { .topic_alias_maximum = 777 };
    enum mqtt_status status = mqtt_connack_decode((enum mqtt_version)variant, body, &c);

    if (status != MQTT_OK)
        assert_int_equal(c.topic_alias_maximum, 777);
    return status;
}

static void judges_bodies(void **state)
{
    static const struct wire_case cases[] = {
        { "MQTT 3.1", 3, WIRE("\0\0"), MQTT_OK },
        { "MQTT 3.1.1", 4, WIRE("\1\0"), MQTT_OK },
        { "refused", 4, WIRE("\0\5"), MQTT_OK },
        { "MQTT 5", 5, WIRE("\1\0\0"), MQTT_OK },
        { "refused", 5, WIRE("\0\x87\0"), MQTT_OK },
        { "[MQTT-3.2.2-1] flags", 4, WIRE("\2\0"), MQTT_ERR_CONNACK_FLAGS },
        { "[MQTT-3.2.2-1] flags", 5, WIRE("\x81\0\0"), MQTT_ERR_CONNACK_FLAGS },
        { "unused in MQTT 3.1", 3, WIRE("\xff\0"), MQTT_OK },
        { "[MQTT-3.2.2-4] session in a refusal", 4, WIRE("\1\5"), MQTT_ERR_SESSION_PRESENT },
        { "[MQTT-3.2.2-6] session in a refusal", 5, WIRE("\1\x87\0"), MQTT_ERR_SESSION_PRESENT },
        { "return code 6", 4, WIRE("\0\6"), MQTT_ERR_REASON },
        { "[MQTT-3.2.2-8] another packet's", 5, WIRE("\0\x8d\0"), MQTT_ERR_REASON },
        { "return code in MQTT 5", 5, WIRE("\0\5\0"), MQTT_ERR_REASON },
        { "properties before MQTT 5", 4, WIRE("\0\0\0"), MQTT_ERR_TRAILING },
        { "maximum QoS 2", 5, WIRE("\0\0\2\x24\2"), MQTT_ERR_PROPERTY_VALUE },
        { "receive maximum 0", 5, WIRE("\0\0\3\x21\0\0"), MQTT_ERR_RECEIVE_MAXIMUM_ZERO },
        { "user name property", 5, WIRE("\0\0\2\x17\1"), MQTT_ERR_PROPERTY_NOT_ALLOWED },
        { "bytes behind", 5, WIRE("\0\0\0x"), MQTT_ERR_TRAILING },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

#define BLOCK                                                                                  \
    "\x11\0\0\0\1\x21\0\2\x24\1\x25\0\x27\0\0\4\0\x12\0\1i\x22\0\3\x1f\0\1s\x28\0\x29\0\x2a\0" \
    "\x13\0\4\x1a\0\1n\x1c\0\1r\x15\0\1m\x16\0\1d"

static const struct mqtt_connack full = {
    .reason = MQTT_SERVER_BUSY,
    .properties = { (const uint8_t *)BLOCK, sizeof(BLOCK) - 1 },
};

struct sent {
    enum mqtt_version version;
    struct mqtt_connack connack;
};

static void encode(struct mqtt_writer *w, const void *what)
{
    const struct sent *sent = what;
    mqtt_connack_encode(w, sent->version, &sent->connack);
}

static void every_truncation(void **state)
{
    const struct sent sent = { MQTT_VERSION_5, full };
    struct mqtt_span packet = wire_encode(encode, &sent);

    (void)state;
    expect_truncations(decode, 5, wire_frame(packet, MQTT_CONNACK).body, 0);
    expect_truncations(decode, 4, (struct mqtt_span){ (const uint8_t *)"\0\0", 2 }, 0);
    wire_free(packet);
}

static void takes_the_values(void **state)
{
    const struct sent sent = { MQTT_VERSION_5, full };
    struct mqtt_span packet = wire_encode(encode, &sent);
    struct mqtt_connack in;

    (void)state;
    expect_status("back",
                  mqtt_connack_decode(MQTT_VERSION_5, wire_frame(packet, MQTT_CONNACK).body, &in),
                  MQTT_OK);
    assert_int_equal(in.reason, MQTT_SERVER_BUSY);
    assert_true(span_equal(in.properties, full.properties));
    assert_int_equal(in.session_expiry_s, 1);
    assert_int_equal(in.receive_maximum, 2);
    assert_int_equal(in.maximum_qos, MQTT_QOS_1);
    assert_false(in.retain_available || in.wildcard_available || in.shared_available);
    assert_false(in.subscription_identifiers_available);
    assert_int_equal(in.maximum_packet_size, 1024);
    assert_int_equal(in.topic_alias_maximum, 3);
    assert_int_equal(in.server_keep_alive_s, 4);
    expect_text(in.assigned_client_id, "i");
    expect_text(in.reason_string, "s");
    expect_text(in.response_information, "n");
    expect_text(in.server_reference, "r");
    expect_text(in.authentication_method, "m");
    expect_text(in.authentication_data, "d");
    wire_free(packet);
}

static void comes_back_as_it_went(void **state)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_3_1, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_5 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(versions); i++) {
        const struct sent sent = { versions[i], { .session_present = true } };
        struct mqtt_span packet = wire_encode(encode, &sent);
        struct mqtt_frame frame = wire_frame(packet, MQTT_CONNACK);
        struct mqtt_connack in;

        expect_status("back", mqtt_connack_decode(versions[i], frame.body, &in), MQTT_OK);
        /* MQTT 3.1 does not know it. */
        assert_int_equal(in.session_present, versions[i] != MQTT_VERSION_3_1);
        assert_int_equal(in.reason, 0);
        assert_int_equal(in.receive_maximum, 65535);
        assert_int_equal(in.maximum_qos, MQTT_QOS_2);
        assert_int_equal(in.maximum_packet_size, UINT32_MAX);
        assert_true(in.retain_available && in.wildcard_available && in.shared_available);
        assert_true(in.subscription_identifiers_available);
        assert_int_equal(packet.len, versions[i] == MQTT_VERSION_5 ? 5 : 4);
        wire_free(packet);
    }
}

static void translates_reasons(void **state)
{
    static const uint8_t cases[][2] = {
        { MQTT_SUCCESS, 0 },
        { MQTT_UNSUPPORTED_PROTOCOL_VERSION, 1 },
        { MQTT_CLIENT_IDENTIFIER_NOT_VALID, 2 },
        { MQTT_SERVER_UNAVAILABLE, 3 },
        { MQTT_QUOTA_EXCEEDED, 3 },
        { MQTT_BAD_USER_NAME_OR_PASSWORD, 4 },
        { MQTT_NOT_AUTHORIZED, 5 },
        { MQTT_BANNED, 5 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++)
        assert_int_equal(mqtt_connack_return_code(cases[i][0]), cases[i][1]);
    for (unsigned reason = 0x80; reason < 256; reason++)
        assert_in_range(mqtt_connack_return_code((uint8_t)reason), 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_bodies),      cmocka_unit_test(every_truncation),
        cmocka_unit_test(takes_the_values),   cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(translates_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
