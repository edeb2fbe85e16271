/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/frame.h"

#include "codec/wire_test.h"

static void finds_whole_packets(void **state)
{
    struct mqtt_frame frame;
    struct mqtt_span two = wire_copy("\x32\3abc\xc0", 6);

    (void)state;
    expect_status("whole", mqtt_frame_decode(two, 100, &frame), MQTT_OK);
    assert_int_equal(frame.type, MQTT_PUBLISH);
    assert_int_equal(frame.flags, 2);
    assert_int_equal(frame.len, 5);
    expect_text(frame.body, "abc");
    wire_free(two);
}

static void waits_for_the_rest(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        size_t known; /* length of the packet that can be told */
    } cases[] = {
        { WIRE(""), 0 },         { WIRE("\x30"), 0 },
        { WIRE("\x30\x80"), 0 }, { WIRE("\x30\xff\xff\xff"), 0 },
        { WIRE("\x30\3ab"), 5 }, { WIRE("\x30\x80\x01x"), 131 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_frame frame = { .len = 77 };
        struct mqtt_span bytes = wire_copy(cases[i].bytes, cases[i].len);
        expect_status("pending", mqtt_frame_decode(bytes, 1000, &frame), MQTT_PENDING);
        assert_int_equal(frame.len, cases[i].known);
        wire_free(bytes);
    }
}

static void refuses_headers(void **state)
{
    static const struct wire_case cases[] = {
        { "type 0", 100, WIRE("\0"), MQTT_ERR_PACKET_TYPE },
        { "type 0 with flags", 100, WIRE("\x0f\0"), MQTT_ERR_PACKET_TYPE },
        { "[MQTT-2.1.3-1] CONNECT", 100, WIRE("\x11"), MQTT_ERR_FLAGS },
        { "[MQTT-3.6.1-1] PUBREL", 100, WIRE("\x60"), MQTT_ERR_FLAGS },
        { "[MQTT-3.8.1-1] SUBSCRIBE", 100, WIRE("\x80"), MQTT_ERR_FLAGS },
        { "[MQTT-3.8.1-1] SUBSCRIBE with DUP", 100, WIRE("\x8a"), MQTT_ERR_FLAGS },
        { "[MQTT-3.10.1-1] UNSUBSCRIBE", 100, WIRE("\xa3"), MQTT_ERR_FLAGS },
        { "[MQTT-3.14.1-1] DISCONNECT", 100, WIRE("\xe2"), MQTT_ERR_FLAGS },
        { "[MQTT-3.15.1-1] AUTH", 100, WIRE("\xf1"), MQTT_ERR_FLAGS },
        { "[MQTT-1.5.5-1] overlong length", 100, WIRE("\x30\x80\0"), MQTT_ERR_VARINT },
        { "length without end", 100, WIRE("\x30\xff\xff\xff\xff"), MQTT_ERR_VARINT },
        { "before its body is there", 100, WIRE("\x30\x63"), MQTT_ERR_TOO_LARGE },
        { "one above the limit", 4, WIRE("\x30\3abc"), MQTT_ERR_TOO_LARGE },
        { "at the limit", 5, WIRE("\x30\3abc"), MQTT_OK },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_frame frame;
        struct mqtt_span bytes = wire_copy(cases[i].bytes, cases[i].len);
        expect_status(cases[i].name, mqtt_frame_decode(bytes, cases[i].variant, &frame),
                      cases[i].want);
        wire_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_whole_packets),
        cmocka_unit_test(waits_for_the_rest),
        cmocka_unit_test(refuses_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
