/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/packet.h"

#include "codec/wire_test.h"

/* Table 2-6 of the standard, turned on its side and written down a second time:
 * the reason codes each packet may carry. */
static const struct {
    enum mqtt_packet_type type;
    const char *reasons;
    size_t count;
} allowed[] = {
    { MQTT_CONNACK, WIRE("\x00\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8c\x90\x95\x97\x99"
                         "\x9a\x9b\x9c\x9d\x9f") },
    { MQTT_PUBACK, WIRE("\x00\x10\x80\x83\x87\x90\x91\x97\x99") },
    { MQTT_PUBREC, WIRE("\x00\x10\x80\x83\x87\x90\x91\x97\x99") },
    { MQTT_PUBREL, WIRE("\x00\x92") },
    { MQTT_PUBCOMP, WIRE("\x00\x92") },
    { MQTT_SUBACK, WIRE("\x00\x01\x02\x80\x83\x87\x8f\x91\x97\x9e\xa1\xa2") },
    { MQTT_UNSUBACK, WIRE("\x00\x11\x80\x83\x87\x8f\x91") },
    { MQTT_DISCONNECT,
      WIRE("\x00\x04\x80\x81\x82\x83\x87\x89\x8b\x8c\x8d\x8e\x8f\x90\x93\x94\x95\x96\x97\x98\x99"
           "\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2") },
    { MQTT_AUTH, WIRE("\x00\x18\x19") },
    { MQTT_PUBLISH, WIRE("") },
    { MQTT_RESERVED, WIRE("") },
};

static void reasons_stand_where_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(allowed); i++) {
        for (unsigned reason = 0; reason < 256; reason++) {
            bool want = allowed[i].count > 0
                        && memchr(allowed[i].reasons, (int)reason, allowed[i].count) != NULL;
            if ((mqtt_reason_is_allowed((uint8_t)reason, allowed[i].type) != 0) != want)
                fail_msg("0x%02x in %s", reason, mqtt_packet_type_name(allowed[i].type));
        }
    }
}

static void every_reason_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(mqtt_reason_text(MQTT_NOT_AUTHORIZED), "not authorized");
    assert_string_equal(mqtt_reason_text(0x7f), "unknown reason code");
    for (unsigned reason = 0; reason < 256; reason++) {
        bool known = strcmp(mqtt_reason_text((uint8_t)reason), "unknown reason code") != 0;
        bool used = false;
        for (size_t i = 0; i < MQTT_ARRAY_LEN(allowed); i++)
            used |= mqtt_reason_is_allowed((uint8_t)reason, allowed[i].type) != 0;
        assert_int_equal(known, used);
    }
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(mqtt_packet_type_name(MQTT_RESERVED), "reserved");
    assert_string_equal(mqtt_packet_type_name(MQTT_CONNECT), "CONNECT");
    assert_string_equal(mqtt_packet_type_name(MQTT_UNSUBSCRIBE), "UNSUBSCRIBE");
    assert_string_equal(mqtt_packet_type_name(MQTT_AUTH), "AUTH");
    assert_string_equal(mqtt_packet_type_name(MQTT_PACKET_TYPE_COUNT), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_stand_where_they_may),
        cmocka_unit_test(every_reason_has_a_text),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
