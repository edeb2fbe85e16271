/* SPDX-License-Identifier: Apache-2.0 */
/* What an application hands in and a server would have to hang up on is refused here. */
#include "client/properties.h"

#include "client/stand.h"
#include "codec/reader.h"

#define BAD_TEXT TACIT_LITERAL("\xc0\x80")

static const struct tacit_pair good_pair = { TACIT_LITERAL("k"), TACIT_LITERAL("v") };
static const struct tacit_pair bad_pairs[] = { { BAD_TEXT, TACIT_LITERAL("v") },
                                               { TACIT_LITERAL("k"), BAD_TEXT } };
static char long_text[70000];

static void messages(void **state)
{
    (void)state;
    const struct tacit_message good = { .topic = TACIT_LITERAL("a"),
                                        .qos = 2,
                                        .response_topic = TACIT_LITERAL("r"),
                                        .content_type = TACIT_LITERAL("t"),
                                        .correlation = { long_text, 65535 },
                                        .user_properties = &good_pair,
                                        .user_property_count = 1 };
    assert_true(tacit_message_is_valid(&good));
    struct tacit_message bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    memset(long_text, 'x', sizeof(long_text));
    bad[0].qos = 3;
    bad[1].topic = (struct tacit_bytes){ long_text, sizeof(long_text) };
    bad[2].response_topic = TEXT("a/+");
    bad[3].response_topic = (struct tacit_bytes)BAD_TEXT;
    bad[4].content_type = (struct tacit_bytes)BAD_TEXT;
    bad[5].correlation.len = 65536;
    bad[6].user_properties = &bad_pairs[0];
    bad[7].user_properties = &bad_pairs[1];
    for (size_t i = 0; i < 8; i++)
        assert_false(tacit_message_is_valid(&bad[i]));
}

static void subscriptions(void **state)
{
    (void)state;
    const struct tacit_subscription rows[] = {
        { .filter = TACIT_LITERAL("a/#"), .qos = 3 },
        { .filter = TACIT_LITERAL("a/#"), .retain_handling = 3 },
        { .filter = TACIT_LITERAL("a/#"), .identifier = MQTT_VARINT_MAX + 1u },
        { .filter = { long_text, sizeof(long_text) } },
        { .filter = BAD_TEXT },
        { .filter = TACIT_LITERAL("a/#/b") },
        { .filter = TACIT_LITERAL("") },
        { .filter = TACIT_LITERAL("$share/g") },
        { .filter = TACIT_LITERAL("$share/g/a"), .no_local = true },
        { .filter = TACIT_LITERAL("a"), .user_properties = bad_pairs, .user_property_count = 1 },
    };
    const struct tacit_subscription good = { .filter = TACIT_LITERAL("$share/g/a"), .qos = 2 };
    assert_true(tacit_subscription_is_valid(&good));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(tacit_subscription_is_valid(&rows[i]));
}

static void configurations(void **state)
{
    (void)state;
    enum { COUNT = 17 };
    static const struct tacit_message bad_will = { .topic = TACIT_LITERAL("#") };
    static const struct tacit_message big_will = { .topic = TACIT_LITERAL("w"),
                                                   .payload = { long_text, 65536 } };
    struct stand stand;
    stand_init(&stand);
    assert_true(tacit_config_is_valid(&stand.config));
    struct tacit_config bad[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        bad[i] = stand.config;
    bad[0].version = 2;
    bad[1].version = 6;
    bad[2].limits.receive_bytes = 63;
    bad[3].limits.send_bytes = 59;
    bad[4].limits.queue_bytes = 63;
    bad[5].limits.maximum_packet_bytes = MQTT_VARINT_MAX + 6u;
    bad[6].client_id = (struct tacit_bytes)BAD_TEXT;
    bad[7].user_name = (struct tacit_bytes)BAD_TEXT;
    bad[8].password = (struct tacit_bytes){ long_text, 65536 };
    bad[9].version = 4;
    bad[9].password = TEXT("without a name");
    bad[10].user_properties = bad_pairs;
    bad[10].user_property_count = 1;
    bad[11].will = &bad_will;
    bad[12].will = &big_will;
    bad[13].transport.open = NULL;
    bad[14].transport.sendv = NULL;
    bad[15].transport.receive = NULL;
    bad[16].random = NULL;
    for (size_t i = 0; i < COUNT; i++)
        assert_false(tacit_config_is_valid(&bad[i]));
    bad[16] = stand.config;
    bad[16].transport.close = NULL;
    assert_false(tacit_config_is_valid(&bad[16]));
    stand.config.password = TEXT("alone is legal in version 5");
    assert_true(tacit_config_is_valid(&stand.config));
    stand_fini(&stand);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(subscriptions),
        cmocka_unit_test(configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
