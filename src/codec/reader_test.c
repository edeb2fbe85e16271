/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/reader.h"

#include "codec/wire_test.h"

static void reads_every_kind(void **state)
{
    static const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\x80\x01"
                                "\0\2\xff\xfe"
                                "\0\1a"
                                "xyz";
    struct mqtt_span body = wire_copy(bytes, sizeof(bytes) - 1);
    struct mqtt_reader r = mqtt_reader_over(body);

    (void)state;
    assert_int_equal(mqtt_reader_left(&r), body.len);
    assert_int_equal(mqtt_read_u8(&r), 1);
    assert_int_equal(mqtt_read_u16(&r), 0x0203);
    assert_int_equal(mqtt_read_u32(&r), 0x04050607);
    assert_int_equal(mqtt_read_varint(&r), 128);
    expect_text(mqtt_read_binary(&r), "\xff\xfe");
    expect_text(mqtt_read_utf8(&r), "a");
    expect_text(mqtt_read_bytes(&r, 1), "x");
    expect_text(mqtt_read_rest(&r), "yz");
    expect_status("end", mqtt_reader_finish(&r), MQTT_OK);
    wire_free(body);
}

static void reads_varints(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        uint32_t value;
        enum mqtt_status want;
    } cases[] = {
        { "zero", WIRE("\0"), 0, MQTT_OK },
        { "127", WIRE("\x7f"), 127, MQTT_OK },
        { "128", WIRE("\x80\x01"), 128, MQTT_OK },
        { "16383", WIRE("\xff\x7f"), 16383, MQTT_OK },
        { "16384", WIRE("\x80\x80\x01"), 16384, MQTT_OK },
        { "2097151", WIRE("\xff\xff\x7f"), 2097151, MQTT_OK },
        { "2097152", WIRE("\x80\x80\x80\x01"), 2097152, MQTT_OK },
        { "largest", WIRE("\xff\xff\xff\x7f"), MQTT_VARINT_MAX, MQTT_OK },
        { "[MQTT-1.5.5-1] zero in two", WIRE("\x80\0"), 0, MQTT_ERR_VARINT },
        { "[MQTT-1.5.5-1] 127 in two", WIRE("\xff\0"), 0, MQTT_ERR_VARINT },
        { "[MQTT-1.5.5-1] 128 in three", WIRE("\x80\x81\0"), 0, MQTT_ERR_VARINT },
        { "[MQTT-1.5.5-1] in four", WIRE("\xff\xff\xff\0"), 0, MQTT_ERR_VARINT },
        { "five bytes", WIRE("\xff\xff\xff\xff\x7f"), 0, MQTT_ERR_VARINT },
        { "fourth continues, nothing more", WIRE("\xff\xff\xff\x80"), 0, MQTT_ERR_VARINT },
        { "nothing", WIRE(""), 0, MQTT_ERR_TRUNCATED },
        { "unfinished", WIRE("\x80"), 0, MQTT_ERR_TRUNCATED },
        { "three unfinished", WIRE("\x80\x80\x80"), 0, MQTT_ERR_TRUNCATED },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_span body = wire_copy(cases[i].bytes, cases[i].len);
        struct mqtt_reader r = mqtt_reader_over(body);
        assert_int_equal(mqtt_read_varint(&r), cases[i].value);
        expect_status(cases[i].name, r.status, cases[i].want);
        wire_free(body);
    }
}

static void first_failure_sticks(void **state)
{
    struct mqtt_span body = wire_copy("\0\1\xff\0\1a", 6);
    struct mqtt_reader r = mqtt_reader_over(body);

    (void)state;
    assert_int_equal(mqtt_read_utf8(&r).len, 0);
    expect_status("[MQTT-1.5.4-1]", r.status, MQTT_ERR_UTF8);
    mqtt_reader_fail(&r, MQTT_ERR_PROTOCOL);
    size_t left = mqtt_reader_left(&r);
    assert_int_equal(mqtt_read_u8(&r), 0);
    assert_int_equal(mqtt_read_u16(&r), 0);
    assert_int_equal(mqtt_read_u32(&r), 0);
    assert_int_equal(mqtt_read_varint(&r), 0);
    assert_int_equal(mqtt_read_binary(&r).len, 0);
    assert_int_equal(mqtt_read_utf8(&r).len, 0);
    assert_int_equal(mqtt_read_rest(&r).len, 0);
    assert_int_equal(mqtt_read_bytes(&r, 1).len, 0);
    assert_int_equal(mqtt_reader_left(&r), left);
    expect_status("still", mqtt_reader_finish(&r), MQTT_ERR_UTF8);
    wire_free(body);
}

static void refuses_what_is_not_there(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } shorts[] = { { WIRE("") }, { WIRE("\0") }, { WIRE("\0\4abc") }, { WIRE("\xff\xff") } };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(shorts); i++) {
        struct mqtt_span body = wire_copy(shorts[i].bytes, shorts[i].len);
        struct mqtt_reader r = mqtt_reader_over(body);
        assert_int_equal(mqtt_read_binary(&r).len, 0);
        expect_status("binary", mqtt_reader_finish(&r), MQTT_ERR_TRUNCATED);
        wire_free(body);
    }
    struct mqtt_span three = wire_copy("abc", 3);
    struct mqtt_reader r = mqtt_reader_over(three);
    assert_int_equal(mqtt_read_u32(&r), 0);
    expect_status("u32", mqtt_reader_finish(&r), MQTT_ERR_TRUNCATED);
    r = mqtt_reader_over(three);
    assert_int_equal(mqtt_read_bytes(&r, SIZE_MAX).len, 0);
    expect_status("huge", mqtt_reader_finish(&r), MQTT_ERR_TRUNCATED);
    wire_free(three);
}

static void tells_leftovers(void **state)
{
    struct mqtt_span body = wire_copy("ab", 2);
    struct mqtt_reader r = mqtt_reader_over(body);

    (void)state;
    assert_int_equal(mqtt_read_u8(&r), 'a');
    expect_status("one left", mqtt_reader_finish(&r), MQTT_ERR_TRAILING);
    wire_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),     cmocka_unit_test(reads_varints),
        cmocka_unit_test(first_failure_sticks), cmocka_unit_test(refuses_what_is_not_there),
        cmocka_unit_test(tells_leftovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
