/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/connect.h"

#include "codec/reader.h"
#include "codec/wire_test.h"

#define OLD  "\0\6MQIsdp\3" /* protocol name and level of MQTT 3.1 */
#define V311 "\0\4MQTT\4"
#define V5   "\0\4MQTT\5"
#define KEEP "\0\x3c" /* keep alive 60 s */

/* Variant: the version that must be told in case of failure. */
static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_connect c = { .keep_alive_s = 777 };
    enum mqtt_status status = mqtt_connect_decode(body, &c);

    if (status != MQTT_OK)
        assert_int_equal(c.keep_alive_s, 777);
    if (variant != 0xff)
        assert_int_equal(c.version, variant);
    return status;
}

static void judges_versions(void **state)
{
    static const struct wire_case cases[] = {
        { "MQTT 3.1", 3, WIRE(OLD "\2" KEEP "\0\1c"), MQTT_OK },
        { "MQTT 3.1.1", 4, WIRE(V311 "\2" KEEP "\0\1c"), MQTT_OK },
        { "MQTT 5", 5, WIRE(V5 "\2" KEEP "\0\0\1c"), MQTT_OK },
        { "[MQTT-3.1.2-1] name", 4, WIRE("\0\4MQTX\4\2" KEEP "\0\1c"), MQTT_ERR_PROTOCOL_NAME },
        { "[MQTT-3.1.2-1] case", 5, WIRE("\0\4mqtt\5\2" KEEP "\0\0\1c"), MQTT_ERR_PROTOCOL_NAME },
        { "[MQTT-3.1.2-1] not even UTF-8", 4, WIRE("\0\2\xff\xff\4"), MQTT_ERR_PROTOCOL_NAME },
        { "[MQTT-3.1.2-1] empty", 0, WIRE("\0\0\7"), MQTT_ERR_PROTOCOL_NAME },
        { "[MQTT-3.1.2-2] level 6", 0, WIRE("\0\4MQTT\6\2" KEEP), MQTT_ERR_PROTOCOL_VERSION },
        { "[MQTT-3.1.2-2] bridge bit", 0, WIRE("\0\4MQTT\x84\2" KEEP), MQTT_ERR_PROTOCOL_VERSION },
        { "[MQTT-3.1.2-2] bridge bit", 0, WIRE("\0\6MQIsdp\x83"), MQTT_ERR_PROTOCOL_VERSION },
        { "[MQTT-3.1.2-2] new name, old level", 3, WIRE("\0\4MQTT\3\2"),
          MQTT_ERR_PROTOCOL_VERSION },
        { "[MQTT-3.1.2-2] old name, new level", 4, WIRE("\0\6MQIsdp\4\2"),
          MQTT_ERR_PROTOCOL_VERSION },
        { "nothing", 0, WIRE(""), MQTT_ERR_TRUNCATED },
        { "no level", 0, WIRE("\0\4MQTT"), MQTT_ERR_TRUNCATED },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void judges_flags(void **state)
{
    static const struct wire_case cases[] = {
        { "[MQTT-3.1.2-3]", 4, WIRE(V311 "\3" KEEP "\0\1c"), MQTT_ERR_CONNECT_FLAGS },
        { "[MQTT-3.1.2-3]", 5, WIRE(V5 "\3" KEEP "\0\0\1c"), MQTT_ERR_CONNECT_FLAGS },
        { "unused in MQTT 3.1", 3, WIRE(OLD "\3" KEEP "\0\1c"), MQTT_OK },
        { "[MQTT-3.1.2-14] will QoS 3", 4, WIRE(V311 "\x1e" KEEP "\0\1c\0\1t\0\0"),
          MQTT_ERR_WILL_QOS },
        { "[MQTT-3.1.2-12] will QoS 3", 5, WIRE(V5 "\x1e" KEEP "\0\0\1c\0\0\1t\0\0"),
          MQTT_ERR_WILL_QOS },
        { "will QoS 3", 3, WIRE(OLD "\x1e" KEEP "\0\1c\0\1t\0\0"), MQTT_ERR_WILL_QOS },
        { "[MQTT-3.1.2-13] QoS, no will", 4, WIRE(V311 "\x0a" KEEP "\0\1c"), MQTT_ERR_WILL_FLAGS },
        { "[MQTT-3.1.2-11] QoS, no will", 5, WIRE(V5 "\x12" KEEP "\0\0\1c"), MQTT_ERR_WILL_FLAGS },
        { "[MQTT-3.1.2-15] retain, no will", 4, WIRE(V311 "\x22" KEEP "\0\1c"),
          MQTT_ERR_WILL_FLAGS },
        { "[MQTT-3.1.2-13] retain, no will", 5, WIRE(V5 "\x22" KEEP "\0\0\1c"),
          MQTT_ERR_WILL_FLAGS },
        { "disregarded in MQTT 3.1", 3, WIRE(OLD "\x3a" KEEP "\0\1c"), MQTT_OK },
        { "[MQTT-3.1.2-22] password alone", 4, WIRE(V311 "\x42" KEEP "\0\1c\0\1p"),
          MQTT_ERR_PASSWORD_ALONE },
        { "password alone", 3, WIRE(OLD "\x42" KEEP "\0\1c\0\1p"), MQTT_ERR_PASSWORD_ALONE },
        { "password alone is fine in MQTT 5", 5, WIRE(V5 "\x42" KEEP "\0\0\1c\0\1p"), MQTT_OK },
        { "no flags", 4, WIRE(V311), MQTT_ERR_TRUNCATED },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void judges_payloads(void **state)
{
    static const struct wire_case cases[] = {
        { "[MQTT-3.1.3-3] no client identifier", 4, WIRE(V311 "\2" KEEP), MQTT_ERR_TRUNCATED },
        { "[MQTT-3.1.3-4] client identifier", 4, WIRE(V311 "\2" KEEP "\0\1\xff"), MQTT_ERR_UTF8 },
        { "[MQTT-3.1.3-10] will topic", 4, WIRE(V311 "\6" KEEP "\0\1c\0\1\xff\0\0"),
          MQTT_ERR_UTF8 },
        { "[MQTT-3.1.3-11] will topic", 5, WIRE(V5 "\6" KEEP "\0\0\1c\0\0\1\0\0\0"),
          MQTT_ERR_UTF8 },
        { "[MQTT-4.7.3-1] empty will topic", 4, WIRE(V311 "\6" KEEP "\0\1c\0\0\0\0"),
          MQTT_ERR_TOPIC_EMPTY },
        { "[MQTT-4.7.1-1] wildcard", 4, WIRE(V311 "\6" KEEP "\0\1c\0\1#\0\0"),
          MQTT_ERR_TOPIC_WILDCARD },
        { "[MQTT-4.7.0-1] wildcard", 5, WIRE(V5 "\6" KEEP "\0\0\1c\0\0\1+\0\0"),
          MQTT_ERR_TOPIC_WILDCARD },
        { "will without a message", 4, WIRE(V311 "\6" KEEP "\0\1c\0\1t"), MQTT_ERR_TRUNCATED },
        { "[MQTT-3.1.3-11] user name", 4, WIRE(V311 "\x82" KEEP "\0\1c\0\1\xff"), MQTT_ERR_UTF8 },
        { "[MQTT-3.1.3-12] user name", 5, WIRE(V5 "\x82" KEEP "\0\0\1c\0\1\xff"), MQTT_ERR_UTF8 },
        { "[MQTT-3.1.2-17] no user name", 5, WIRE(V5 "\x82" KEEP "\0\0\1c"), MQTT_ERR_TRUNCATED },
        { "[MQTT-3.1.2-19] no user name", 4, WIRE(V311 "\x82" KEEP "\0\1c"), MQTT_ERR_TRUNCATED },
        { "[MQTT-3.1.2-21] no password", 4, WIRE(V311 "\xc2" KEEP "\0\1c\0\1u"),
          MQTT_ERR_TRUNCATED },
        { "length goes before flags in MQTT 3.1", 3, WIRE(OLD "\xc2" KEEP "\0\1c"), MQTT_OK },
        { "also for the password alone", 3, WIRE(OLD "\xc2" KEEP "\0\1c\0\1u"), MQTT_OK },
        { "[MQTT-3.1.2-18] user name not announced", 4, WIRE(V311 "\2" KEEP "\0\1c\0\1u"),
          MQTT_ERR_TRAILING },
        { "bytes behind", 5, WIRE(V5 "\2" KEEP "\0\0\1cx"), MQTT_ERR_TRAILING },
        { "a second client identifier", 3, WIRE(OLD "\2" KEEP "\0\1c\0\1d"), MQTT_ERR_TRAILING },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void judges_properties(void **state)
{
    static const struct wire_case cases[] = {
        { "no length", 5, WIRE(V5 "\2" KEEP), MQTT_ERR_TRUNCATED },
        { "receive maximum 0", 5, WIRE(V5 "\2" KEEP "\3\x21\0\0\0\1c"),
          MQTT_ERR_RECEIVE_MAXIMUM_ZERO },
        { "maximum packet size 0", 5, WIRE(V5 "\2" KEEP "\5\x27\0\0\0\0\0\1c"),
          MQTT_ERR_MAXIMUM_PACKET_SIZE_ZERO },
        { "session expiry twice", 5, WIRE(V5 "\2" KEEP "\x0a\x11\0\0\0\1\x11\0\0\0\1\0\1c"),
          MQTT_ERR_PROPERTY_DUPLICATE },
        { "topic alias", 5, WIRE(V5 "\2" KEEP "\3\x23\0\1\0\1c"), MQTT_ERR_PROPERTY_NOT_ALLOWED },
        { "will delay outside the will", 5, WIRE(V5 "\2" KEEP "\5\x18\0\0\0\1\0\1c"),
          MQTT_ERR_PROPERTY_NOT_ALLOWED },
        { "session expiry inside the will", 5, WIRE(V5 "\6" KEEP "\0\0\1c\5\x11\0\0\0\1\0\1t\0\0"),
          MQTT_ERR_PROPERTY_NOT_ALLOWED },
        { "[MQTT-3.3.2-14] will's response topic", 5,
          WIRE(V5 "\6" KEEP "\0\0\1c\4\x08\0\1#\0\1t\0\0"), MQTT_ERR_RESPONSE_TOPIC },
        { "authentication data alone", 5, WIRE(V5 "\2" KEEP "\3\x16\0\0\0\1c"),
          MQTT_ERR_AUTHENTICATION_METHOD },
        { "authentication method and data", 5, WIRE(V5 "\2" KEEP "\7\x16\0\0\x15\0\1m\0\1c"),
          MQTT_OK },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

#define WILL_BLOCK "\x18\0\0\0\7\x02\0\0\0\6\x01\1"
#define CONNECT_BLOCK \
    "\x11\xff\xff\xff\xff\x21\0\2\x27\0\0\4\0\x22\0\3\x19\1\x17\0\x15\0\1m\x16\0\1d"

static const struct mqtt_connect full = {
    .version = MQTT_VERSION_5,
    .clean_start = true,
    .keep_alive_s = 60,
    .client_id = { (const uint8_t *)"client", 6 },
    .has_will = true,
    .will = { .qos = MQTT_QOS_1,
              .retain = true,
              .topic = { (const uint8_t *)"t", 1 },
              .payload = { (const uint8_t *)"\xff", 1 },
              .properties = { (const uint8_t *)WILL_BLOCK, sizeof(WILL_BLOCK) - 1 } },
    .has_user_name = true,
    .user_name = { (const uint8_t *)"user", 4 },
    .has_password = true,
    .password = { (const uint8_t *)"\0p", 2 },
    .properties = { (const uint8_t *)CONNECT_BLOCK, sizeof(CONNECT_BLOCK) - 1 },
};

static void encode(struct mqtt_writer *w, const void *what)
{
    mqtt_connect_encode(w, what);
}

static void every_truncation(void **state)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_3_1_1, MQTT_VERSION_5 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(versions); i++) {
        struct mqtt_connect c = full;
        c.version = versions[i];
        struct mqtt_span packet = wire_encode(encode, &c);
        struct mqtt_frame frame = wire_frame(packet, MQTT_CONNECT);
        expect_truncations(decode, 0xff, frame.body, 0);
        wire_free(packet);
    }
    /* In MQTT 3.1 user name and password may be missing: after 26 and 32 bytes. */
    struct mqtt_connect c = full;
    c.version = MQTT_VERSION_3_1;
    struct mqtt_span packet = wire_encode(encode, &c);
    struct mqtt_frame frame = wire_frame(packet, MQTT_CONNECT);
    assert_int_equal(frame.body.len, 36);
    expect_truncations(decode, 0xff, frame.body, UINT64_C(1) << 26 | UINT64_C(1) << 32);
    wire_free(packet);
}

static void check_common(const struct mqtt_connect *in, const struct mqtt_connect *out)
{
    assert_int_equal(in->version, out->version);
    assert_int_equal(in->clean_start, out->clean_start);
    assert_int_equal(in->keep_alive_s, out->keep_alive_s);
    assert_true(span_equal(in->client_id, out->client_id));
    assert_int_equal(in->has_will, out->has_will);
    assert_int_equal(in->will.qos, out->will.qos);
    assert_int_equal(in->will.retain, out->will.retain);
    assert_true(span_equal(in->will.topic, out->will.topic));
    assert_true(span_equal(in->will.payload, out->will.payload));
    assert_int_equal(in->has_user_name, out->has_user_name);
    assert_true(span_equal(in->user_name, out->user_name));
    assert_int_equal(in->has_password, out->has_password);
    assert_true(span_equal(in->password, out->password));
}

static void comes_back_as_it_went(void **state)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_3_1, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_5 };

    (void)state;
    for (unsigned i = 0; i < 3 * 8; i++) {
        struct mqtt_connect out = full;
        struct mqtt_connect in;

        out.version = versions[i % 3];
        if (i / 3 % 2 == 0) {
            out.has_will = false;
            out.will = (struct mqtt_will){ 0 };
        }
        if (i / 6 % 2 == 0) {
            out.has_user_name = out.has_password = false;
            out.user_name = out.password = (struct mqtt_span){ NULL, 0 };
        }
        out.clean_start = i / 12 == 0;
        struct mqtt_span packet = wire_encode(encode, &out);
        struct mqtt_frame frame = wire_frame(packet, MQTT_CONNECT);
        expect_status("back", mqtt_connect_decode(frame.body, &in), MQTT_OK);
        check_common(&in, &out);
        wire_free(packet);
    }
}

static void takes_the_values(void **state)
{
    struct mqtt_connect in;
    struct mqtt_span packet = wire_encode(encode, &full);
    struct mqtt_frame frame = wire_frame(packet, MQTT_CONNECT);

    (void)state;
    expect_status("back", mqtt_connect_decode(frame.body, &in), MQTT_OK);
    assert_int_equal(in.session_expiry_s, UINT32_MAX);
    assert_int_equal(in.receive_maximum, 2);
    assert_true(in.has_maximum_packet_size);
    assert_int_equal(in.maximum_packet_size, 1024);
    assert_int_equal(in.topic_alias_maximum, 3);
    assert_true(in.request_response);
    assert_false(in.request_problem);
    assert_true(in.has_authentication_method);
    expect_text(in.authentication_method, "m");
    expect_text(in.authentication_data, "d");
    assert_int_equal(in.will.delay_s, 7);
    assert_true(in.will.has_expiry && in.will.payload_is_utf8);
    assert_int_equal(in.will.expiry_s, 6);
    assert_true(span_equal(in.properties, full.properties));
    assert_true(span_equal(in.will.properties, full.will.properties));
    wire_free(packet);
}

static void knows_the_defaults(void **state)
{
    static const char bytes[] = V5 "\2" KEEP "\0\0\0";
    struct mqtt_span body = wire_copy(bytes, sizeof(bytes) - 1);
    struct mqtt_connect in;

    (void)state;
    expect_status("plain", mqtt_connect_decode(body, &in), MQTT_OK);
    assert_int_equal(in.client_id.len, 0);
    assert_int_equal(in.session_expiry_s, 0);
    assert_int_equal(in.receive_maximum, 65535);
    assert_false(in.has_maximum_packet_size);
    assert_int_equal(in.maximum_packet_size, UINT32_MAX);
    assert_int_equal(in.topic_alias_maximum, 0);
    assert_false(in.request_response);
    assert_true(in.request_problem);
    wire_free(body);
}

static void refuses_to_encode(void **state)
{
    uint8_t memory[64];
    struct mqtt_connect c = { .version = MQTT_VERSION_NONE };
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    (void)state;
    mqtt_connect_encode(&w, &c);
    expect_status("no version", w.status, MQTT_ERR_PROTOCOL_VERSION);
    assert_true(w.at == memory);
    c = (struct mqtt_connect){ .version = MQTT_VERSION_5, .has_will = true };
    c.will.qos = (enum mqtt_qos)3;
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_connect_encode(&w, &c);
    expect_status("[MQTT-3.1.2-12]", w.status, MQTT_ERR_WILL_QOS);
    assert_true(w.at == memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_versions),   cmocka_unit_test(judges_flags),
        cmocka_unit_test(judges_payloads),   cmocka_unit_test(judges_properties),
        cmocka_unit_test(every_truncation),  cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(takes_the_values),  cmocka_unit_test(knows_the_defaults),
        cmocka_unit_test(refuses_to_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
