/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/properties.h"

#include "codec/wire_test.h"

static enum mqtt_status read_block(unsigned packet, struct mqtt_span bytes)
{
    struct mqtt_reader r = mqtt_reader_over(bytes);
    struct mqtt_span block = mqtt_properties_read(&r, (enum mqtt_packet_type)packet);

    if (r.status != MQTT_OK)
        assert_int_equal(block.len, 0);
    return mqtt_reader_finish(&r);
}

/* Table 2-4 of the standard, written down a second time: an example of each
 * property and the packets it may stand in. */
#define P(type) (1u << (type))
#define ACKS    (P(MQTT_PUBACK) | P(MQTT_PUBREC) | P(MQTT_PUBREL) | P(MQTT_PUBCOMP))
#define SUBACKS (P(MQTT_SUBACK) | P(MQTT_UNSUBACK))

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    unsigned packets;
} table[] = {
    { "payload format", WIRE("\x01\1"), P(MQTT_PUBLISH) | P(MQTT_WILL) },
    { "message expiry", WIRE("\x02\0\0\0\1"), P(MQTT_PUBLISH) | P(MQTT_WILL) },
    { "content type", WIRE("\x03\0\1a"), P(MQTT_PUBLISH) | P(MQTT_WILL) },
    { "response topic", WIRE("\x08\0\1a"), P(MQTT_PUBLISH) | P(MQTT_WILL) },
    { "correlation data", WIRE("\x09\0\1\xff"), P(MQTT_PUBLISH) | P(MQTT_WILL) },
    { "subscription identifier", WIRE("\x0b\1"), P(MQTT_PUBLISH) | P(MQTT_SUBSCRIBE) },
    { "session expiry", WIRE("\x11\0\0\0\1"),
      P(MQTT_CONNECT) | P(MQTT_CONNACK) | P(MQTT_DISCONNECT) },
    { "assigned client identifier", WIRE("\x12\0\1a"), P(MQTT_CONNACK) },
    { "server keep alive", WIRE("\x13\0\1"), P(MQTT_CONNACK) },
    { "authentication method", WIRE("\x15\0\1a"),
      P(MQTT_CONNECT) | P(MQTT_CONNACK) | P(MQTT_AUTH) },
    { "authentication data", WIRE("\x16\0\1\xff"),
      P(MQTT_CONNECT) | P(MQTT_CONNACK) | P(MQTT_AUTH) },
    { "request problem information", WIRE("\x17\1"), P(MQTT_CONNECT) },
    { "will delay", WIRE("\x18\0\0\0\1"), P(MQTT_WILL) },
    { "request response information", WIRE("\x19\1"), P(MQTT_CONNECT) },
    { "response information", WIRE("\x1a\0\1a"), P(MQTT_CONNACK) },
    { "server reference", WIRE("\x1c\0\1a"), P(MQTT_CONNACK) | P(MQTT_DISCONNECT) },
    { "reason string", WIRE("\x1f\0\1a"),
      P(MQTT_CONNACK) | ACKS | SUBACKS | P(MQTT_DISCONNECT) | P(MQTT_AUTH) },
    { "receive maximum", WIRE("\x21\0\1"), P(MQTT_CONNECT) | P(MQTT_CONNACK) },
    { "topic alias maximum", WIRE("\x22\0\1"), P(MQTT_CONNECT) | P(MQTT_CONNACK) },
    { "topic alias", WIRE("\x23\0\1"), P(MQTT_PUBLISH) },
    { "maximum QoS", WIRE("\x24\1"), P(MQTT_CONNACK) },
    { "retain available", WIRE("\x25\1"), P(MQTT_CONNACK) },
    { "user property", WIRE("\x26\0\1k\0\1v"),
      P(MQTT_CONNECT) | P(MQTT_CONNACK) | P(MQTT_PUBLISH) | P(MQTT_WILL) | ACKS | P(MQTT_SUBSCRIBE)
          | P(MQTT_UNSUBSCRIBE) | SUBACKS | P(MQTT_DISCONNECT) | P(MQTT_AUTH) },
    { "maximum packet size", WIRE("\x27\0\0\0\1"), P(MQTT_CONNECT) | P(MQTT_CONNACK) },
    { "wildcard subscription available", WIRE("\x28\1"), P(MQTT_CONNACK) },
    { "subscription identifiers available", WIRE("\x29\1"), P(MQTT_CONNACK) },
    { "shared subscription available", WIRE("\x2a\1"), P(MQTT_CONNACK) },
};

/* A block of `times` copies of row `i`, in a heap block of its size. */
static struct mqtt_span repeated(size_t i, unsigned times)
{
    uint8_t bytes[64];
    size_t len = 1;

    for (unsigned n = 0; n < times; n++) {
        memcpy(bytes + len, table[i].bytes, table[i].len);
        len += table[i].len;
    }
    bytes[0] = (uint8_t)(len - 1);
    return wire_copy(bytes, len);
}

static void stand_where_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(table); i++) {
        struct mqtt_span bytes = repeated(i, 1);
        for (unsigned packet = 0; packet < MQTT_PACKET_TYPE_COUNT; packet++) {
            bool allowed = (table[i].packets >> packet & 1) != 0;
            expect_status(table[i].name, read_block(packet, bytes),
                          allowed ? MQTT_OK : MQTT_ERR_PROPERTY_NOT_ALLOWED);
        }
        wire_free(bytes);
    }
}

static void repeat_only_if_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(table); i++) {
        struct mqtt_span bytes = repeated(i, 2);
        for (unsigned packet = 0; packet < MQTT_PACKET_TYPE_COUNT; packet++) {
            if ((table[i].packets >> packet & 1) == 0)
                continue;
            bool is_user = table[i].bytes[0] == MQTT_PROP_USER_PROPERTY;
            bool is_id = table[i].bytes[0] == MQTT_PROP_SUBSCRIPTION_IDENTIFIER;
            bool repeats = is_user || (is_id && packet == MQTT_PUBLISH);
            expect_status(table[i].name, read_block(packet, bytes),
                          repeats ? MQTT_OK : MQTT_ERR_PROPERTY_DUPLICATE);
        }
        wire_free(bytes);
    }
}

static void no_other_exists(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 128; id++) {
        bool known = false;
        for (size_t i = 0; i < MQTT_ARRAY_LEN(table); i++)
            known |= (uint8_t)table[i].bytes[0] == id;
        const uint8_t raw[] = { 1, (uint8_t)id };
        struct mqtt_span bytes = wire_copy(raw, sizeof(raw));
        bool refused = read_block(MQTT_CONNACK, bytes) == MQTT_ERR_PROPERTY_UNKNOWN;
        assert_int_equal(refused, !known);
        wire_free(bytes);
    }
}

static void refuses_bad_blocks(void **state)
{
    static const struct wire_case cases[] = {
        { "empty", MQTT_PUBLISH, WIRE("\0"), MQTT_OK },
        { "no length", MQTT_PUBLISH, WIRE(""), MQTT_ERR_TRUNCATED },
        { "block past the end", MQTT_PUBLISH, WIRE("\3\x01\1"), MQTT_ERR_TRUNCATED },
        { "value past the block", MQTT_PUBLISH, WIRE("\1\x01\1"), MQTT_ERR_TRUNCATED },
        { "string past the block", MQTT_PUBLISH, WIRE("\3\x03\0\1a"), MQTT_ERR_TRUNCATED },
        { "pair cut in half", MQTT_PUBLISH, WIRE("\4\x26\0\1k"), MQTT_ERR_TRUNCATED },
        { "[MQTT-1.5.5-1] overlong length", MQTT_PUBLISH, WIRE("\x80\0"), MQTT_ERR_VARINT },
        { "[MQTT-1.5.5-1] overlong identifier", MQTT_PUBLISH, WIRE("\3\x81\0\1"), MQTT_ERR_VARINT },
        { "[MQTT-1.5.5-1] overlong value", MQTT_PUBLISH, WIRE("\3\x0b\x81\0"), MQTT_ERR_VARINT },
        { "two-byte identifier", MQTT_PUBLISH, WIRE("\3\x81\1\1"), MQTT_ERR_PROPERTY_UNKNOWN },
        { "identifier 256 + 1", MQTT_PUBLISH, WIRE("\3\x81\2\1"), MQTT_ERR_PROPERTY_UNKNOWN },
        { "[MQTT-1.5.4-1] text", MQTT_PUBLISH, WIRE("\4\x03\0\1\xff"), MQTT_ERR_UTF8 },
        { "[MQTT-1.5.7-1] name of a pair", MQTT_PUBLISH, WIRE("\7\x26\0\1\xff\0\1v"),
          MQTT_ERR_UTF8 },
        { "[MQTT-1.5.7-1] value of a pair", MQTT_PUBLISH, WIRE("\7\x26\0\1k\0\1\0"),
          MQTT_ERR_UTF8 },
        { "payload format 2", MQTT_PUBLISH, WIRE("\2\x01\2"), MQTT_ERR_PROPERTY_VALUE },
        { "request problem information 2", MQTT_CONNECT, WIRE("\2\x17\2"),
          MQTT_ERR_PROPERTY_VALUE },
        { "request response information 2", MQTT_CONNECT, WIRE("\2\x19\2"),
          MQTT_ERR_PROPERTY_VALUE },
        { "maximum QoS 2", MQTT_CONNACK, WIRE("\2\x24\2"), MQTT_ERR_PROPERTY_VALUE },
        { "retain available 2", MQTT_CONNACK, WIRE("\2\x25\2"), MQTT_ERR_PROPERTY_VALUE },
        { "wildcards available 255", MQTT_CONNACK, WIRE("\2\x28\xff"), MQTT_ERR_PROPERTY_VALUE },
        { "identifiers available 2", MQTT_CONNACK, WIRE("\2\x29\2"), MQTT_ERR_PROPERTY_VALUE },
        { "shared available 2", MQTT_CONNACK, WIRE("\2\x2a\2"), MQTT_ERR_PROPERTY_VALUE },
        { "receive maximum 0", MQTT_CONNECT, WIRE("\3\x21\0\0"), MQTT_ERR_RECEIVE_MAXIMUM_ZERO },
        { "maximum packet size 0", MQTT_CONNECT, WIRE("\5\x27\0\0\0\0"),
          MQTT_ERR_MAXIMUM_PACKET_SIZE_ZERO },
        { "subscription identifier 0", MQTT_SUBSCRIBE, WIRE("\2\x0b\0"),
          MQTT_ERR_SUBSCRIPTION_IDENTIFIER_ZERO },
        { "[MQTT-3.3.2-8] topic alias 0", MQTT_PUBLISH, WIRE("\3\x23\0\0"), MQTT_ERR_TOPIC_ALIAS },
        { "[MQTT-3.3.2-14] response topic", MQTT_PUBLISH, WIRE("\4\x08\0\1#"),
          MQTT_ERR_RESPONSE_TOPIC },
        { "[MQTT-4.7.3-1] response topic", MQTT_PUBLISH, WIRE("\3\x08\0\0"),
          MQTT_ERR_RESPONSE_TOPIC },
        { "topic alias maximum 0", MQTT_CONNECT, WIRE("\3\x22\0\0"), MQTT_OK },
        { "second property is the bad one", MQTT_PUBLISH, WIRE("\4\x01\1\x01\1"),
          MQTT_ERR_PROPERTY_DUPLICATE },
    };
    (void)state;
    expect_cases(read_block, cases, MQTT_ARRAY_LEN(cases));
}

static void every_truncation(void **state)
{
    struct mqtt_span block = wire_copy("\x12\x01\1\x02\0\0\0\1\x03\0\1a\x26\0\1k\0\1v", 19);

    (void)state;
    /* The last property's value is cut off, the length promises it. */
    expect_truncations(read_block, MQTT_PUBLISH, block, 0);
    wire_free(block);
}

static void write_property(struct mqtt_writer *w, const void *what)
{
    mqtt_property_write(w, what);
}

/* What is written is what the table's bytes say, and as long as announced. */
static void written_as_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(table); i++) {
        struct mqtt_property property;
        struct mqtt_span bytes = wire_copy(table[i].bytes, table[i].len);
        struct mqtt_reader r = mqtt_reader_over(bytes);

        assert_true(mqtt_properties_next(&r, &property));
        assert_int_equal(property.id, (uint8_t)table[i].bytes[0]);
        assert_false(mqtt_properties_next(&r, &property));
        struct mqtt_span written = wire_encode(write_property, &property);
        assert_true(span_equal(written, bytes));
        assert_int_equal(mqtt_property_size(&property), written.len);
        wire_free(written);
        wire_free(bytes);
    }
}

static void refuses_to_write(void **state)
{
    static const struct mqtt_property bad[] = {
        { .id = 0x7f },
        { .id = MQTT_PROP_PAYLOAD_FORMAT, .number = 256 },
        { .id = MQTT_PROP_TOPIC_ALIAS, .number = 65536 },
        { .id = MQTT_PROP_SUBSCRIPTION_IDENTIFIER, .number = MQTT_VARINT_MAX + 1 },
    };
    uint8_t memory[16];

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
        mqtt_property_write(&w, &bad[i]);
        assert_int_not_equal(w.status, MQTT_OK);
        assert_int_not_equal(w.status, MQTT_ERR_NO_SPACE);
        assert_true(w.at == memory);
    }
    assert_int_equal(mqtt_property_size(&bad[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stand_where_they_may), cmocka_unit_test(repeat_only_if_they_may),
        cmocka_unit_test(no_other_exists),      cmocka_unit_test(refuses_bad_blocks),
        cmocka_unit_test(every_truncation),     cmocka_unit_test(written_as_read),
        cmocka_unit_test(refuses_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
