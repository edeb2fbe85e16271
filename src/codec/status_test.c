/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/status.h"

#include "codec/packet.h"
#include "codec/wire_test.h"

static void every_row_is_complete(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MQTT_STATUS_COUNT; i++) {
        enum mqtt_status status = (enum mqtt_status)i;
        uint8_t reason = mqtt_status_reason(status);
        bool refuses = status != MQTT_OK && status != MQTT_PENDING;

        assert_true(strlen(mqtt_status_text(status)) > 0);
        assert_int_equal(reason >= 0x80, refuses);
        if (status == MQTT_ERR_NO_SPACE || !refuses)
            assert_string_equal(mqtt_status_statements(status), "");
        else
            assert_int_equal(strncmp(mqtt_status_statements(status), "MQTT-", 5), 0);
        /* What refuses a packet can be said in DISCONNECT or CONNACK. */
        if (refuses)
            assert_true(mqtt_reason_is_allowed(reason, MQTT_DISCONNECT)
                        || mqtt_reason_is_allowed(reason, MQTT_CONNACK));
    }
}

static void reasons_are_the_standards(void **state)
{
    (void)state;
    assert_int_equal(mqtt_status_reason(MQTT_ERR_UTF8), 0x81);
    assert_int_equal(mqtt_status_reason(MQTT_ERR_PROPERTY_DUPLICATE), 0x82);
    assert_int_equal(mqtt_status_reason(MQTT_ERR_PROTOCOL_VERSION), 0x84);
    assert_int_equal(mqtt_status_reason(MQTT_ERR_TOPIC_ALIAS), 0x94);
    assert_int_equal(mqtt_status_reason(MQTT_ERR_TOO_LARGE), 0x95);
}

static void outsiders_are_harmless(void **state)
{
    enum mqtt_status outside = (enum mqtt_status)MQTT_STATUS_COUNT;

    (void)state;
    assert_string_equal(mqtt_status_text(outside), "unknown status");
    assert_string_equal(mqtt_status_statements(outside), "");
    assert_int_equal(mqtt_status_reason(outside), MQTT_UNSPECIFIED_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(reasons_are_the_standards),
        cmocka_unit_test(outsiders_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
