/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/subscribe.h"

#include "codec/wire_test.h"

static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_subscribe s = { .count = 777 };
    enum mqtt_status status = mqtt_subscribe_decode((enum mqtt_version)variant, body, &s);

    if (status != MQTT_OK)
        assert_int_equal(s.count, 777);
    return status;
}

static enum mqtt_status decode_un(unsigned variant, struct mqtt_span body)
{
    struct mqtt_unsubscribe u = { .count = 777 };
    enum mqtt_status status = mqtt_unsubscribe_decode((enum mqtt_version)variant, body, &u);

    if (status != MQTT_OK)
        assert_int_equal(u.count, 777);
    return status;
}

static void judges_subscribes(void **state)
{
    static const struct wire_case cases[] = {
        { "plain", 3, WIRE("\0\1\0\1a\2"), MQTT_OK },
        { "plain", 4, WIRE("\0\1\0\1a\0\0\1b\1"), MQTT_OK },
        { "plain", 5, WIRE("\0\1\0\0\1a\x2e"), MQTT_OK },
        { "a bad filter is for the SUBACK", 4, WIRE("\0\1\0\2a#\0"), MQTT_OK },
        { "an empty filter too", 5, WIRE("\0\1\0\0\0\0"), MQTT_OK },
        { "nothing", 4, WIRE(""), MQTT_ERR_TRUNCATED },
        { "[MQTT-2.3.1-1]", 4, WIRE("\0\0\0\1a\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-2.2.1-3]", 5, WIRE("\0\0\0\0\1a\0"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-3.8.3-3] no filter", 4, WIRE("\0\1"), MQTT_ERR_SUBSCRIBE_EMPTY },
        { "[MQTT-3.8.3-2] no filter", 5, WIRE("\0\1\0"), MQTT_ERR_SUBSCRIBE_EMPTY },
        { "[MQTT-3.8.3-1] filter", 4, WIRE("\0\1\0\1\xff\0"), MQTT_ERR_UTF8 },
        { "[MQTT-3.8.3-1] second filter", 5, WIRE("\0\1\0\0\1a\0\0\1\0\0"), MQTT_ERR_UTF8 },
        { "[MQTT-3.8.3-4] QoS 3", 3, WIRE("\0\1\0\1a\3"), MQTT_ERR_SUBSCRIBE_QOS },
        { "[MQTT-3.8.3-4] QoS 3", 4, WIRE("\0\1\0\1a\3"), MQTT_ERR_SUBSCRIBE_QOS },
        { "QoS 3", 5, WIRE("\0\1\0\0\1a\3"), MQTT_ERR_SUBSCRIBE_QOS },
        { "unused in MQTT 3.1", 3, WIRE("\0\1\0\1a\xfc"), MQTT_OK },
        { "[MQTT-3.8.3-4] reserved", 4, WIRE("\0\1\0\1a\4"), MQTT_ERR_SUBSCRIBE_OPTIONS },
        { "[MQTT-3.8.3-4] reserved", 4, WIRE("\0\1\0\1a\x80"), MQTT_ERR_SUBSCRIBE_OPTIONS },
        { "[MQTT-3.8.3-5] reserved", 5, WIRE("\0\1\0\0\1a\x40"), MQTT_ERR_SUBSCRIBE_OPTIONS },
        { "[MQTT-3.8.3-5] reserved", 5, WIRE("\0\1\0\0\1a\x80"), MQTT_ERR_SUBSCRIBE_OPTIONS },
        { "retain handling 3", 5, WIRE("\0\1\0\0\1a\x30"), MQTT_ERR_RETAIN_HANDLING },
        { "[MQTT-3.8.3-4] no local, shared", 5, WIRE("\0\1\0\0\x0a$share/g/a\4"),
          MQTT_ERR_SHARED_NO_LOCAL },
        { "shared", 5, WIRE("\0\1\0\0\x0a$share/g/a\1"), MQTT_OK },
        { "no options", 4, WIRE("\0\1\0\1a"), MQTT_ERR_TRUNCATED },
        { "two identifiers", 5, WIRE("\0\1\4\x0b\1\x0b\2\0\1a\0"), MQTT_ERR_PROPERTY_DUPLICATE },
        { "identifier 0", 5, WIRE("\0\1\2\x0b\0\0\1a\0"), MQTT_ERR_SUBSCRIPTION_IDENTIFIER_ZERO },
        { "property of PUBLISH", 5, WIRE("\0\1\2\x01\0\0\1a\0"), MQTT_ERR_PROPERTY_NOT_ALLOWED },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void judges_unsubscribes(void **state)
{
    static const struct wire_case cases[] = {
        { "plain", 3, WIRE("\0\1\0\1a"), MQTT_OK },
        { "plain", 4, WIRE("\0\1\0\1a\0\1b"), MQTT_OK },
        { "plain", 5, WIRE("\0\1\0\0\1a"), MQTT_OK },
        { "[MQTT-2.3.1-1]", 4, WIRE("\0\0\0\1a"), MQTT_ERR_PACKET_ID_ZERO },
        { "[MQTT-3.10.3-2] no filter", 4, WIRE("\0\1"), MQTT_ERR_SUBSCRIBE_EMPTY },
        { "[MQTT-3.10.3-2] no filter", 5, WIRE("\0\1\0"), MQTT_ERR_SUBSCRIBE_EMPTY },
        { "[MQTT-3.10.3-1] filter", 4, WIRE("\0\1\0\1\xff"), MQTT_ERR_UTF8 },
        { "cut", 4, WIRE("\0\1\0\2a"), MQTT_ERR_TRUNCATED },
        { "subscription identifier", 5, WIRE("\0\1\2\x0b\1\0\1a"), MQTT_ERR_PROPERTY_NOT_ALLOWED },
    };
    (void)state;
    expect_cases(decode_un, cases, MQTT_ARRAY_LEN(cases));
}

static void every_truncation(void **state)
{
    struct mqtt_span one = wire_copy("\0\1\2\x0b\1\0\3a/b\1\0\1c\2", 15);
    struct mqtt_span two = wire_copy("\0\1\0\3a/b\0\1c", 10);

    (void)state;
    /* The first of two entries alone is a packet as well. */
    expect_truncations(decode, 5, one, 1u << 11);
    expect_truncations(decode_un, 4, two, 1u << 7);
    wire_free(one);
    wire_free(two);
}

static const struct mqtt_subscription entries[] = {
    { .filter = { (const uint8_t *)"a/+", 3 }, .qos = MQTT_QOS_2, .retain_handling = 2 },
    { .filter = { (const uint8_t *)"#", 1 }, .no_local = true, .retain_as_published = true },
};

struct sent {
    enum mqtt_version version;
    struct mqtt_span properties;
};

static void encode(struct mqtt_writer *w, const void *what)
{
    const struct sent *sent = what;
    mqtt_subscribe_encode(w, sent->version, 0x1234, sent->properties, entries, 2);
}

static void encode_un(struct mqtt_writer *w, const void *what)
{
    const struct mqtt_span filters[] = { entries[0].filter, entries[1].filter };
    const struct sent *sent = what;
    mqtt_unsubscribe_encode(w, sent->version, 0x1234, sent->properties, filters, 2);
}

static void check_entries(enum mqtt_version version, struct mqtt_span walked)
{
    struct mqtt_reader r = mqtt_reader_over(walked);
    struct mqtt_subscription entry;
    bool full = version == MQTT_VERSION_5;

    for (size_t i = 0; i < 2; i++) {
        assert_true(mqtt_subscribe_next(version, &r, &entry));
        assert_true(span_equal(entry.filter, entries[i].filter));
        assert_int_equal(entry.qos, entries[i].qos);
        assert_int_equal(entry.no_local, full && entries[i].no_local);
        assert_int_equal(entry.retain_as_published, full && entries[i].retain_as_published);
        assert_int_equal(entry.retain_handling, full ? entries[i].retain_handling : 0);
    }
    assert_false(mqtt_subscribe_next(version, &r, &entry));
}

static const struct sent sent[] = {
    { MQTT_VERSION_3_1, { NULL, 0 } },
    { MQTT_VERSION_3_1_1, { NULL, 0 } },
    { MQTT_VERSION_5, { NULL, 0 } },
    { MQTT_VERSION_5, { (const uint8_t *)"\x0b\x80\1", 3 } },
};

static void subscribe_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(sent); i++) {
        struct mqtt_span packet = wire_encode(encode, &sent[i]);
        struct mqtt_frame frame = wire_frame(packet, MQTT_SUBSCRIBE);
        struct mqtt_subscribe in;

        expect_status("back", mqtt_subscribe_decode(sent[i].version, frame.body, &in), MQTT_OK);
        assert_int_equal(in.packet_id, 0x1234);
        assert_int_equal(in.count, 2);
        assert_int_equal(in.subscription_identifier, sent[i].properties.len > 0 ? 128 : 0);
        assert_true(span_equal(in.properties, sent[i].properties));
        check_entries(sent[i].version, in.entries);
        wire_free(packet);
    }
}

static void unsubscribe_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mqtt_span packet = wire_encode(encode_un, &sent[i]);
        struct mqtt_frame frame = wire_frame(packet, MQTT_UNSUBSCRIBE);
        struct mqtt_unsubscribe in;
        struct mqtt_span filter;

        expect_status("back", mqtt_unsubscribe_decode(sent[i].version, frame.body, &in), MQTT_OK);
        assert_int_equal(in.packet_id, 0x1234);
        assert_int_equal(in.count, 2);
        struct mqtt_reader r = mqtt_reader_over(in.entries);
        assert_true(mqtt_unsubscribe_next(&r, &filter));
        expect_text(filter, "a/+");
        assert_true(mqtt_unsubscribe_next(&r, &filter));
        expect_text(filter, "#");
        assert_false(mqtt_unsubscribe_next(&r, &filter));
        wire_free(packet);
    }
}

static void refuses_to_encode(void **state)
{
    const struct mqtt_span none = { NULL, 0 };
    const struct mqtt_subscription bad_qos = { .qos = (enum mqtt_qos)3 };
    const struct mqtt_subscription bad_handling = { .retain_handling = 3 };
    uint8_t memory[32];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    (void)state;
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, none, NULL, 0);
    expect_status("[MQTT-3.8.3-2]", w.status, MQTT_ERR_SUBSCRIBE_EMPTY);
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 0, none, entries, 1);
    expect_status("[MQTT-2.2.1-3]", w.status, MQTT_ERR_PACKET_ID_ZERO);
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, none, &bad_qos, 1);
    expect_status("QoS 3", w.status, MQTT_ERR_SUBSCRIBE_QOS);
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, none, &bad_handling, 1);
    expect_status("retain handling 3", w.status, MQTT_ERR_RETAIN_HANDLING);
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_unsubscribe_encode(&w, MQTT_VERSION_3_1_1, 1, none, NULL, 0);
    expect_status("[MQTT-3.10.3-2]", w.status, MQTT_ERR_SUBSCRIBE_EMPTY);
    assert_true(w.at == memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_subscribes),      cmocka_unit_test(judges_unsubscribes),
        cmocka_unit_test(every_truncation),       cmocka_unit_test(subscribe_comes_back),
        cmocka_unit_test(unsubscribe_comes_back), cmocka_unit_test(refuses_to_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
