/* SPDX-License-Identifier: Apache-2.0 */
/* What a build speaks works, and what it does not speak is refused: run over variants of
 * the library that leave parts out, and over the whole one. */
#include "client/stand.h"

#include "client/parts.h"

struct version_row {
    uint8_t version;
    bool is_spoken;
    const char *connack;
    const char *publish; /* of QoS 1, identifier 2, topic a, payload x */
    const char *suback;  /* for identifier 1 */
};

static const struct version_row rows[] = {
    { 3, MQTT_SPEAKS_3_1, CONNACK_4, "32 06 0001 61 0002 78", "90 03 0001 00" },
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
                     MQTT_SPEAKS_QOS_2 || !TACIT_CHECKS ? TACIT_OK : TACIT_ARGUMENT);
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
    assert_int_equal(calls, TACIT_STORES);
    stand_fini(&stand);
}

static bool makes_a_client(const struct tacit_config *config)
{
    static uint64_t arena[512];
    return tacit_init(arena, sizeof(arena), config) != NULL;
}

/* Nothing that matters is left out without a word. */
static void what_is_not_there_cannot_be_configured(void **state)
{
    (void)state;
    static const struct tacit_message will = { .topic = TACIT_LITERAL("w") };
    static struct tacit_greeting greeting;
    struct stand stand;
    stand_init(&stand);
    assert_true(makes_a_client(&stand.config));
    stand.config.will = &will;
    assert_int_equal(makes_a_client(&stand.config), TACIT_WILLS);
    stand.config.will = NULL;
    stand.config.greeting = &greeting;
    assert_int_equal(makes_a_client(&stand.config), TACIT_GREETINGS);
    stand.config.greeting = NULL;
    stand.config.manual_acknowledgement = true;
    assert_int_equal(makes_a_client(&stand.config), TACIT_MANUAL);
    stand.config.manual_acknowledgement = false;
    stand.config.limits.receive_bytes = 1;
    assert_int_equal(makes_a_client(&stand.config), !TACIT_CHECKS);
    stand_fini(&stand);
}

static void what_the_application_hands_in_is_checked_or_not(void **state)
{
    (void)state;
    static const struct tacit_subscription bad = { .filter = TACIT_LITERAL("a#") };
    static const struct tacit_message wild = { .topic = TACIT_LITERAL("a/#") };
    enum tacit_status expected = TACIT_CHECKS ? TACIT_ARGUMENT : TACIT_OK;
    struct stand stand;
    stand_init(&stand);
    stand_start(&stand);
    assert_int_equal(tacit_subscribe(stand.client, &bad), expected);
    assert_int_equal(tacit_publish(stand.client, &wild, NULL), expected);
    stand_fini(&stand);
}

/* A length that two bytes cannot say is refused in any build: it guards the queue. */
static void a_topic_beyond_two_bytes_is_refused(void **state)
{
    (void)state;
    static char text[70000];
    const struct tacit_message message = { .topic = { text, sizeof(text) } };
    struct stand stand;
    memset(text, 'x', sizeof(text));
    stand_init(&stand);
    stand.config.limits.send_bytes = 100000;
    stand.config.limits.queue_bytes = 100000;
    stand_start(&stand);
    assert_int_not_equal(tacit_publish(stand.client, &message, NULL), TACIT_OK);
    stand_fini(&stand);
}

/* What the server sends is checked in any build. */
static void peers_are_never_trusted(void **state)
{
    (void)state;
    static const char *const packets[] = {
        "30 03 0001 2b",         /* a wildcard */
        "30 04 0002 ff ff",      /* not UTF-8 */
        "30 03 0009 61",         /* a topic that goes beyond the packet */
        "32 05 0001 61 0000",    /* identifier 0 */
        "36 06 0001 61 0001 78", /* QoS 3 */
        "40 01 00",
        "40 04 0001 00 00 00", /* lengths */
        "20 02 00 00",         /* a second CONNACK */
        "60 02 0001",          /* flags */
        "90 03 0001 7f",       /* a reason that there is not */
        "00 00",
        "f0 02 0000",
        "30 ff ff ff 7f",
    };
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand_connect(&stand, MQTT_SPEAKS_5 ? CONNACK_5 : CONNACK_4);
        stand_feed(&stand, packets[i]);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_MALFORMED);
        stand_fini(&stand);
    }
}

/* A packet that exceeds the buffer: in pieces, or refused before it is read. */
static void a_large_message_comes_in_pieces_or_is_refused(void **state)
{
    (void)state;
    static char text[90];
    const struct tacit_message message = { .topic = TACIT_LITERAL("a"), .payload = { text, 90 } };
    struct stand stand;
    stand_init(&stand);
    stand.config.limits.receive_bytes = 64;
    stand.config.limits.send_bytes = 64;
    stand.config.limits.maximum_packet_bytes = 200;
    stand_connect(&stand, MQTT_SPEAKS_5 ? CONNACK_5 : CONNACK_4);
    assert_int_equal(tacit_publish(stand.client, &message, NULL),
                     TACIT_LARGE_MESSAGES ? TACIT_OK : TACIT_TOO_BIG);
    stand_settle(&stand);
    stand_feed(&stand, MQTT_SPEAKS_5 ? "30 64 0001 61 00" : "30 64 0001 61");
    for (unsigned i = 0; i < 30; i++)
        stand_feed(&stand, "78 79");
    assert_int_equal(stand_poll(&stand),
                     TACIT_LARGE_MESSAGES ? TACIT_EVENT_MESSAGE : TACIT_EVENT_DOWN);
    if (!TACIT_LARGE_MESSAGES)
        assert_int_equal(stand.event.reason, MQTT_PACKET_TOO_LARGE);
    stand_fini(&stand);
}

/* The application has a message before the server is told so, and has it once. */
static void an_acknowledgement_leaves_with_the_next_poll(void **state)
{
    (void)state;
    struct stand stand;
    if (!MQTT_SPEAKS_QOS_2)
        return;
    stand_init(&stand);
    stand_connect(&stand, MQTT_SPEAKS_5 ? CONNACK_5 : CONNACK_4);
    tacit_memory_drop(&stand.wire, stand.wire.to_server.len);
    stand_feed(&stand, MQTT_SPEAKS_5 ? "34 06 0001 61 0008 00" : "34 05 0001 61 0008");
    assert_int_equal(stand_poll(&stand), TACIT_EVENT_MESSAGE);
    assert_int_equal(stand.wire.to_server.len, 0);
    stand_expect(&stand, "50 02 0008");
    stand_feed(&stand, MQTT_SPEAKS_5 ? "3c 06 0001 61 0008 00" : "3c 05 0001 61 0008");
    stand_expect(&stand, "50 02 0008");
    stand_feed(&stand, "62 02 0008 62 02 0008");
    stand_expect(&stand, MQTT_SPEAKS_5 ? "70 02 0008 70 03 0008 92" : "70 02 0008 70 02 0008");
    stand_fini(&stand);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_spoken_can_be_configured),
        cmocka_unit_test(messages_go_both_ways),
        cmocka_unit_test(the_newest_is_the_default_and_it_reconnects),
        cmocka_unit_test(a_store_is_used_if_there_are_stores),
        cmocka_unit_test(what_is_not_there_cannot_be_configured),
        cmocka_unit_test(what_the_application_hands_in_is_checked_or_not),
        cmocka_unit_test(a_topic_beyond_two_bytes_is_refused),
        cmocka_unit_test(peers_are_never_trusted),
        cmocka_unit_test(a_large_message_comes_in_pieces_or_is_refused),
        cmocka_unit_test(an_acknowledgement_leaves_with_the_next_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
