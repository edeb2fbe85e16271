/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/writer.h"

#include "codec/reader.h"
#include "codec/wire_test.h"

static void write_all_kinds(struct mqtt_writer *w, const void *what)
{
    (void)what;
    uint8_t *packet = mqtt_packet_begin(w, 0x10);
    mqtt_write_u8(w, 1);
    mqtt_write_u16(w, 0x0203);
    mqtt_write_u32(w, 0x04050607);
    mqtt_write_varint(w, 128);
    mqtt_write_bytes(w, span_of("x"));
    mqtt_write_binary(w, span_of("yz"));
    mqtt_write_block(w, span_of("bl"));
    mqtt_packet_end(w, packet);
}

static void writes_every_kind(void **state)
{
    static const char want[] = "\x10\x11\x01\x02\x03\x04\x05\x06\x07\x80\x01x\0\2yz\2bl";
    struct mqtt_span packet = wire_encode(write_all_kinds, NULL);

    (void)state;
    assert_int_equal(packet.len, sizeof(want) - 1);
    assert_memory_equal(packet.data, want, packet.len);
    wire_free(packet);
}

static void write_payload(struct mqtt_writer *w, const void *what)
{
    uint8_t *packet = mqtt_packet_begin(w, 0x30);
    mqtt_write_bytes(w, *(const struct mqtt_span *)what);
    mqtt_packet_end(w, packet);
}

/* The remaining length takes one to four bytes, the body moves behind it. */
static void moves_the_body(void **state)
{
    static const size_t lengths[] = { 0, 127, 128, 16383, 16384, 2097151, 2097152 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(lengths); i++) {
        size_t len = lengths[i];
        size_t whole = 1 + mqtt_varint_size((uint32_t)len) + len;
        uint8_t *payload = calloc(1, len + 1);
        uint8_t *memory = malloc(whole);
        if (payload == NULL || memory == NULL)
            abort();
        payload[0] = 'f';
        payload[len > 0 ? len - 1 : 0] = 'l';
        struct mqtt_span span = { payload, len };

        struct mqtt_writer tight = mqtt_writer_over(memory, whole - 1);
        write_payload(&tight, &span);
        expect_status("one byte short", tight.status, MQTT_ERR_NO_SPACE);
        assert_true(tight.at == memory);

        struct mqtt_writer w = mqtt_writer_over(memory, whole);
        write_payload(&w, &span);
        expect_status("fits", w.status, MQTT_OK);
        struct mqtt_frame frame = wire_frame(mqtt_writer_written(&w), MQTT_PUBLISH);
        assert_true(span_equal(frame.body, span));
        free(memory);
        free(payload);
    }
}

static void varint_sizes(void **state)
{
    static const struct {
        uint32_t value;
        size_t size;
    } cases[] = { { 0, 1 },     { 127, 1 },     { 128, 2 },     { 16383, 2 },
                  { 16384, 3 }, { 2097151, 3 }, { 2097152, 4 }, { MQTT_VARINT_MAX, 4 } };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        uint8_t memory[4];
        struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
        mqtt_write_varint(&w, cases[i].value);
        assert_int_equal(mqtt_varint_size(cases[i].value), cases[i].size);
        assert_int_equal(mqtt_writer_written(&w).len, cases[i].size);
        struct mqtt_reader r = mqtt_reader_over(mqtt_writer_written(&w));
        assert_int_equal(mqtt_read_varint(&r), cases[i].value);
        expect_status("read back", mqtt_reader_finish(&r), MQTT_OK);
    }
}

static void refuses_the_inexpressible(void **state)
{
    static uint8_t memory[70000];
    static const uint8_t long_data[UINT16_MAX + 1];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    (void)state;
    mqtt_write_binary(&w, (struct mqtt_span){ long_data, UINT16_MAX });
    expect_status("longest", w.status, MQTT_OK);
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_write_binary(&w, (struct mqtt_span){ long_data, sizeof(long_data) });
    expect_status("[MQTT-4.7.3-3] 65536 bytes", w.status, MQTT_ERR_FIELD);
    assert_true(w.at == memory);
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_write_varint(&w, MQTT_VARINT_MAX + 1);
    expect_status("varint", w.status, MQTT_ERR_FIELD);
    mqtt_writer_fail(&w, MQTT_ERR_NO_SPACE);
    mqtt_write_u8(&w, 1);
    expect_status("the first failure sticks", w.status, MQTT_ERR_FIELD);
    assert_true(w.at == memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_kind),
        cmocka_unit_test(moves_the_body),
        cmocka_unit_test(varint_sizes),
        cmocka_unit_test(refuses_the_inexpressible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
