/* SPDX-License-Identifier: Apache-2.0 */
/* What a build speaks works, and what it does not speak is refused: run over variants of
 * the library that leave parts out, and over the whole one. */
#include "client/stand.h"

#include "codec/variant.h"

#ifdef TACIT_NO_STORE
#define HAS_STORE 0
#else
#define HAS_STORE 1
#endif

struct version_row {
    uint8_t version;
    bool is_spoken;
    const char *connack;
    const char *publish; /* of QoS 1, identifier 2, topic a, payload x */
    const char *suback;  /* for identifier 1 */
};

static const struct version_row rows[] = {
    { 3, MQTT_SPEAKS_3, CONNACK_4, "32 06 0001 61 0002 78", "90 03 0001 00" },
    { 4, MQTT_SPEAKS_3, CONNACK_4, "32 06 0001 61 0002 78", "90 03 0001 00" },
    { 5, MQTT_SPEAKS_5, CONNACK_5, "32 07 0001 61 0002 00 78", "90 04 0001 00 00" },
};

static void only_what_is_spoken_can_be_configured(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static uint64_t arena[512];
        struct stand stand;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        struct tacit_client *client = tacit_init(arena, sizeof(arena), &stand.config);
        assert_int_equal(client != NULL, rows[i].is_spoken);
        stand_fini(&stand);
    }
}

/* With QoS as far as it goes: 2 is an argument that makes no sense without. */
static void exchange_messages(struct stand *stand, const struct version_row *row)
{
    static const struct tacit_subscription filter = { .filter = TACIT_LITERAL("f"), .qos = 1 };
    const struct tacit_message twice = { .topic = TACIT_LITERAL("a"), .qos = 2 };
    stand_connect(stand, row->connack);
    assert_int_equal(stand->event.version, row->version);
    assert_int_equal(tacit_subscribe(stand->client, &filter), TACIT_OK);
    stand_settle(stand);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, row->suback);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_SUBSCRIBED);
    stand_publish(stand, "a", "x", 1);
    stand_expect(stand, row->publish);
    stand_feed(stand, "40 02 0002");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(tacit_publish(stand->client, &twice, NULL),
                     MQTT_SPEAKS_QOS_2 ? TACIT_OK : TACIT_ARGUMENT);
    stand_settle(stand);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
}

static void receive_messages(struct stand *stand, bool is_5)
{
    stand_feed(stand, is_5 ? "32 07 0001 61 0007 00 78" : "32 06 0001 61 0007 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_assert_bytes(stand->event.message.topic, "a");
    stand_assert_bytes(stand->event.message.payload, "x");
    stand_expect(stand, "40 02 0007");
    stand_feed(stand, is_5 ? "34 07 0001 61 0008 00 79" : "34 06 0001 61 0008 79");
    assert_int_equal(stand_poll(stand), MQTT_SPEAKS_QOS_2 ? TACIT_EVENT_MESSAGE : TACIT_EVENT_DOWN);
    if (!MQTT_SPEAKS_QOS_2)
        return;
    stand_expect(stand, "50 02 0008");
    stand_feed(stand, "62 02 0008");
    stand_expect(stand, "70 02 0008");
}

static void messages_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        if (!rows[i].is_spoken)
            continue;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        exchange_messages(&stand, &rows[i]);
        receive_messages(&stand, rows[i].version == 5);
        stand_fini(&stand);
    }
}

static void the_newest_is_the_default_and_it_reconnects(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand);
    stand_connect(&stand, MQTT_SPEAKS_5 ? CONNACK_5 : CONNACK_4);
    assert_int_equal(stand.event.version, MQTT_SPEAKS_5 ? 5 : 4);
    stand.wire.hung_up = true;
    assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
    stand.wire.hung_up = false;
    stand.now_ms += stand.event.retry_in_ms;
    assert_int_equal(stand_poll(&stand), TACIT_EVENT_NONE);
    assert_int_equal(stand.wire.opens, 2);
    stand_fini(&stand);
}

static int put_nothing(void *context, uint32_t id, const struct tacit_bytes *pieces, unsigned count)
{
    unsigned *calls = context;
    (void)id;
    (void)pieces;
    (void)count;
    ++*calls;
    return TACIT_OK;
}

static void a_store_is_used_if_there_are_stores(void **state)
{
    (void)state;
    unsigned calls = 0;
    const struct tacit_store store = { .put = put_nothing, .context = &calls, .messages = 1 };
    struct stand stand;
    stand_init(&stand);
    stand.config.store = &store;
    stand_start(&stand);
    stand_publish(&stand, "a", "x", 1);
    assert_int_equal(calls, HAS_STORE);
    stand_fini(&stand);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_spoken_can_be_configured),
        cmocka_unit_test(messages_go_both_ways),
        cmocka_unit_test(the_newest_is_the_default_and_it_reconnects),
        cmocka_unit_test(a_store_is_used_if_there_are_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
