/* SPDX-License-Identifier: Apache-2.0 */
/* The client's own duties: connecting, sending, resending, subscribing. */
#include "client/stand.h"

#include <stdio.h>

static int setup(void **state)
{
    struct stand *stand = malloc(sizeof(*stand));
    stand_init(stand);
    *state = stand;
    return 0;
}

static int teardown(void **state)
{
    stand_fini(*state);
    free(*state);
    return 0;
}

static void says_hello_in_each_version(void **state)
{
    (void)state;
    static const struct {
        uint8_t version;
        const char *connect;
    } rows[] = {
        /* session expiry 0 is left out; receive maximum 2, packet size 128, aliases 2 */
        { 5, "10 19 00 04 4d515454 05 02 003c 0b 21 0002 27 00000080 22 0002 0001 63" },
        { 4, "10 0d 00 04 4d515454 04 02 003c 0001 63" },
        { 3, "10 0f 00 06 4d5149736470 03 02 003c 0001 63" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        stand_start(&stand);
        stand_expect(&stand, rows[i].connect);
        assert_int_equal(stand.sleep_ms, 10000);
        stand_fini(&stand);
    }
}

static void says_all_that_is_configured(void **state)
{
    struct stand *stand = *state;
    static const struct tacit_pair pair = { TACIT_LITERAL("k"), TACIT_LITERAL("v") };
    static const struct tacit_message will = { .topic = TACIT_LITERAL("w"),
                                               .payload = TACIT_LITERAL("x"),
                                               .qos = 1,
                                               .retain = true,
                                               .has_expiry = true,
                                               .expiry_s = 9 };
    stand->config.clean_start = false;
    stand->config.user_name = TEXT("u");
    stand->config.password = TEXT("p");
    stand->config.session_expiry_s = 7;
    stand->config.request_response = true;
    stand->config.user_properties = &pair;
    stand->config.user_property_count = 1;
    stand->config.will = &will;
    stand->config.will_delay_s = 3;
    stand_start(stand);
    stand_expect(stand, "10 3e 00 04 4d515454 05 ec 003c "
                        "19 11 00000007 21 0002 27 00000080 22 0002 19 01 26 0001 6b 0001 76 "
                        "0001 63 0a 02 00000009 18 00000003 0001 77 0001 78 0001 75 0001 70");
}

static void sends_what_was_published_offline_in_one_record(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    uint32_t first = stand_publish(stand, "a", "1", 0);
    uint32_t second = stand_publish(stand, "a", "2", 1);
    assert_int_not_equal(first, second);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    unsigned records = stand->wire.records;
    stand_expect(stand, "30 05 0001 61 00 31  32 07 0001 61 0001 00 32");
    assert_int_equal(stand->wire.records, records + 1);
    assert_false(tacit_is_idle(stand->client));
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, second);
    assert_true(tacit_is_idle(stand->client));
}

static void sends_properties_only_in_version_5(void **state)
{
    (void)state;
    static const struct tacit_pair pair = { TACIT_LITERAL("k"), TACIT_LITERAL("v") };
    const struct tacit_message message = { .topic = TACIT_LITERAL("a"),
                                           .payload = TACIT_LITERAL("x"),
                                           .retain = true,
                                           .payload_is_utf8 = true,
                                           .has_expiry = true,
                                           .expiry_s = 10,
                                           .response_topic = TACIT_LITERAL("r"),
                                           .correlation = TACIT_LITERAL("c"),
                                           .content_type = TACIT_LITERAL("t"),
                                           .user_properties = &pair,
                                           .user_property_count = 1 };
    for (unsigned is_5 = 0; is_5 < 2; is_5++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.version = is_5 ? 5 : 4;
        stand_connect(&stand, is_5 ? CONNACK_5 : CONNACK_4);
        stand_settle(&stand);
        assert_int_equal(tacit_publish(stand.client, &message, NULL), TACIT_OK);
        stand.now_ms += 2500; /* the time it waited is taken off its life */
        stand_expect(&stand, is_5 ? "31 1f 0001 61 1a 01 01 03 0001 74 08 0001 72 09 0001 63 "
                                    "26 0001 6b 0001 76 02 00000008 78"
                                  : "31 04 0001 61 78");
        stand_fini(&stand);
    }
}

static void drops_what_expired_while_it_waited(void **state)
{
    struct stand *stand = *state;
    struct tacit_message message = { .topic = TEXT("a"), .has_expiry = true, .expiry_s = 2 };
    uint32_t token;
    stand_start(stand);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(tacit_publish(stand->client, &message, &token), TACIT_OK);
    stand->now_ms += 2000;
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.token, token);
    assert_int_equal(stand->event.status, TACIT_EXPIRED);
    stand_expect_nothing(stand);
}

static void a_full_queue_is_back_pressure(void **state)
{
    struct stand *stand = *state;
    struct tacit_message message = { .topic = TEXT("a"), .payload = TEXT("0123456789"), .qos = 1 };
    unsigned taken = 0;
    stand_connect(stand, "20 06 00 00 03 21 0001"); /* window of one */
    while (tacit_publish(stand->client, &message, NULL) == TACIT_OK)
        taken++;
    assert_true(taken >= 1024 / TACIT_QUEUED_BYTES(1, 0, 10));
    assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_FULL);
    for (unsigned i = 1; i <= taken; i++) {
        char ack[16];
        (void)snprintf(ack, sizeof(ack), "40 02 %04x", i);
        assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
        stand_feed(stand, ack);
        assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
        if (i == 1) /* the room of the delivered one is usable at once */
            assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_OK);
    }
    struct tacit_statistics statistics;
    tacit_get_statistics(stand->client, &statistics);
    assert_int_equal(statistics.queued, 1);
}

static void refuses_what_could_never_be_sent(void **state)
{
    struct stand *stand = *state;
    char big[2000];
    memset(big, 'x', sizeof(big));
    stand_connect(stand, CONNACK_5);
    const struct {
        struct tacit_message message;
        enum tacit_status status;
    } rows[] = {
        { { .topic = TEXT("") }, TACIT_ARGUMENT },
        { { .topic = TEXT("a/#") }, TACIT_ARGUMENT },
        { { .topic = TEXT("\xff") }, TACIT_ARGUMENT },
        { { .topic = TEXT("a"), .qos = 3 }, TACIT_ARGUMENT },
        { { .topic = TEXT("a"), .response_topic = TEXT("+") }, TACIT_ARGUMENT },
        { { .topic = TEXT("a"), .content_type = TEXT("\xc0\x80") }, TACIT_ARGUMENT },
        { { .topic = { big, 120 } }, TACIT_TOO_BIG },
        { { .topic = TEXT("a"), .payload = { big, 2000 } }, TACIT_TOO_BIG },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(tacit_publish(stand->client, &rows[i].message, NULL), rows[i].status);
    stand_expect_nothing(stand);
}

static void honours_what_the_server_grants(void **state)
{
    (void)state;
    static const struct {
        const char *connack;
        struct tacit_message message;
        uint8_t reason;
    } rows[] = {
        { "20 05 00 00 02 24 01", { .topic = TACIT_LITERAL("a"), .qos = 2 }, 0x9b },
        { "20 05 00 00 02 25 00", { .topic = TACIT_LITERAL("a"), .retain = true }, 0x9a },
        { "20 08 00 00 05 27 00000007",
          { .topic = TACIT_LITERAL("a"), .payload = TACIT_LITERAL("123") },
          0x95 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        uint32_t token;
        stand_init(&stand);
        stand_connect(&stand, rows[i].connack);
        assert_int_equal(tacit_publish(stand.client, &rows[i].message, &token), TACIT_OK);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_REJECTED);
        assert_int_equal(stand.event.token, token);
        assert_int_equal(stand.event.reason, rows[i].reason);
        stand_fini(&stand);
    }
}

static void a_packet_of_exactly_the_servers_maximum_goes(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, "20 0b 00 00 08 27 00000007 22 0002"); /* aliases do not fit */
    stand_publish(stand, "a", "1", 0);
    stand_expect(stand, "30 05 0001 61 00 31");
}

static void resends_with_dup_after_a_resumed_session(void **state)
{
    struct stand *stand = *state;
    stand->config.session_expiry_s = 100;
    stand_connect(stand, CONNACK_5);
    uint32_t first = stand_publish(stand, "a", "1", 1);
    uint32_t second = stand_publish(stand, "b", "2", 2);
    uint32_t third = stand_publish(stand, "c", "3", 2);
    stand_expect(stand,
                 "32 07 0001 61 0001 00 31 34 07 0001 62 0002 00 32 34 07 0001 63 0003 00 33");
    stand_feed(stand, "50 02 0002");
    stand_expect(stand, "62 02 0002");
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_IO);
    assert_int_equal(stand->event.retry_in_ms, 0);

    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE); /* CONNECT, without clean start */
    assert_int_equal(stand->wire.to_server.bytes[9], 0x00);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5_SESSION);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    assert_true(stand->event.session_present);
    stand_expect(stand, "3a 07 0001 61 0001 00 31 62 02 0002 3c 07 0001 63 0003 00 33");
    stand_feed(stand, "40 02 0001 70 02 0002 50 02 0003");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, first);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, second);
    stand_expect(stand, "62 02 0003");
    stand_feed(stand, "70 02 0003");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, third);
    assert_true(tacit_is_idle(stand->client));
}

static void resends_as_new_when_the_session_is_lost(void **state)
{
    struct stand *stand = *state;
    static const struct tacit_subscription sub = { .filter = TACIT_LITERAL("s"), .qos = 1 };
    stand_connect(stand, CONNACK_5);
    assert_int_equal(tacit_subscribe(stand->client, &sub), TACIT_OK);
    stand_publish(stand, "a", "1", 1);
    stand_expect(stand, "82 07 0001 00 0001 73 01 32 07 0001 61 0002 00 31");
    stand_feed(stand, "90 04 0001 00 01");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_SUBSCRIBED);
    assert_ptr_equal(stand->event.subscription, &sub);
    assert_int_equal(stand->event.reason, 1);

    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    stand_expect(stand, "82 07 0003 00 0001 73 01 32 07 0001 61 0002 00 31");
}

static void keeps_the_servers_window(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, "20 06 00 00 03 21 0002");
    for (unsigned i = 0; i < 3; i++)
        stand_publish(stand, "a", "", 1);
    stand_publish(stand, "q", "", 0);
    stand_expect(stand, "32 06 0001 61 0001 00 32 06 0001 61 0002 00");
    stand_feed(stand, "40 02 0002");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    stand_expect(stand, "32 06 0001 61 0003 00 30 04 0001 71 00");
}

static void gives_topics_aliases_by_itself(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, "20 06 00 00 03 22 0002");
    stand_publish(stand, "aa", "1", 0);
    stand_publish(stand, "aa", "2", 0);
    stand_publish(stand, "bb", "3", 0);
    stand_expect(stand, "30 09 0002 6161 03 23 0001 31  30 07 0000 03 23 0001 32 "
                        "30 09 0002 6262 03 23 0002 33");
    /* A third topic takes the place of the one that has an alias for longest. */
    stand_publish(stand, "aa", "4", 0);
    stand_publish(stand, "cc", "5", 0);
    stand_publish(stand, "bb", "6", 0);
    stand_expect(stand, "30 07 0000 03 23 0001 34  30 09 0002 6363 03 23 0001 35 "
                        "30 07 0000 03 23 0002 36");
    /* Longer than a slot: without. */
    stand_publish(stand, "0123456789abcdefg", "", 0);
    stand_expect(stand, "30 14 0011 3031323334353637383961626364656667 00");
    /* The next connection knows none of them. */
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, "20 06 00 00 03 22 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    stand_publish(stand, "bb", "7", 0);
    stand_expect(stand, "30 09 0002 6262 03 23 0001 37");
}

static void a_big_message_passes_through_a_small_buffer(void **state)
{
    struct stand *stand = *state;
    char payload[301];
    memset(payload, 'x', 300);
    payload[300] = '\0';
    stand_connect(stand, CONNACK_5);
    stand->wire.send_limit = 0;
    stand_publish(stand, "a", payload, 1);
    stand_publish(stand, "b", "y", 0);
    stand_settle(stand);
    /* A message that arrives meanwhile is answered behind the payload. */
    stand_feed(stand, "32 06 0001 7a 0009 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand->wire.send_limit = 50; /* the network takes it in morsels */
    stand_settle(stand);
    const uint8_t *sent = stand->wire.to_server.bytes;
    assert_int_equal(stand->wire.to_server.len, 309 + 4 + 7);
    assert_memory_equal(sent,
                        "\x32\xb2\x02\x00\x01"
                        "a\x00\x01\x00",
                        9);
    assert_memory_equal(sent + 9, payload, 300);
    assert_memory_equal(sent + 309, "\x40\x02\x00\x09", 4);
    assert_memory_equal(sent + 313,
                        "\x30\x05\x00\x01"
                        "b\x00y",
                        7);
}

static void an_answer_before_the_last_byte_is_refused(void **state)
{
    struct stand *stand = *state;
    char payload[301];
    memset(payload, 'x', 300);
    payload[300] = '\0';
    stand_connect(stand, CONNACK_5);
    stand_publish(stand, "a", payload, 1);
    stand->wire.send_limit = 0;
    stand_settle(stand);
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_MALFORMED);
}

static void subscribes_with_options_and_ends_it(void **state)
{
    struct stand *stand = *state;
    static const struct tacit_pair pair = { TACIT_LITERAL("k"), TACIT_LITERAL("v") };
    static const struct tacit_subscription sub = { .filter = TACIT_LITERAL("a/#"),
                                                   .qos = 2,
                                                   .no_local = true,
                                                   .retain_as_published = true,
                                                   .retain_handling = 1,
                                                   .identifier = 200,
                                                   .user_properties = &pair,
                                                   .user_property_count = 1 };
    static const struct tacit_subscription others[] = { { .filter = TACIT_LITERAL("b") },
                                                        { .filter = TACIT_LITERAL("c") } };
    stand_connect(stand, CONNACK_5);
    assert_int_equal(tacit_unsubscribe(stand->client, &sub), TACIT_ARGUMENT);
    assert_int_equal(tacit_subscribe(stand->client, &sub), TACIT_OK);
    stand_expect(stand, "82 13 0001 0a 0b c801 26 0001 6b 0001 76 0003 612f23 1e");
    assert_int_equal(tacit_subscribe(stand->client, &others[0]), TACIT_OK);
    assert_int_equal(tacit_subscribe(stand->client, &others[1]), TACIT_FULL);
    stand_expect(stand, "82 07 0002 00 0001 62 00");
    stand_feed(stand, "90 04 0002 00 00 90 08 0001 04 1f 0001 6e a2");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_SUBSCRIBED);
    assert_ptr_equal(stand->event.subscription, &others[0]);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_SUBSCRIBED);
    assert_ptr_equal(stand->event.subscription, &sub);
    assert_int_equal(stand->event.reason, 0xa2);
    stand_assert_bytes(stand->event.reason_string, "n");
    /* The refused one is forgotten: there is room again. */
    assert_int_equal(tacit_subscribe(stand->client, &others[1]), TACIT_OK);
    assert_int_equal(tacit_unsubscribe(stand->client, &others[0]), TACIT_OK);
    stand_expect(stand, "82 07 0003 00 0001 63 00 a2 06 0004 00 0001 62");
    stand_feed(stand, "b0 04 0004 00 11");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UNSUBSCRIBED);
    assert_ptr_equal(stand->event.subscription, &others[0]);
    assert_int_equal(stand->event.reason, 0x11);
}

static void refuses_bad_filters(void **state)
{
    struct stand *stand = *state;
    static const struct tacit_subscription bad[] = {
        { .filter = TACIT_LITERAL("") },
        { .filter = TACIT_LITERAL("a#") },
        { .filter = TACIT_LITERAL("\xff") },
        { .filter = TACIT_LITERAL("a"), .qos = 3 },
        { .filter = TACIT_LITERAL("a"), .retain_handling = 3 },
        { .filter = TACIT_LITERAL("$share//a") },
        { .filter = TACIT_LITERAL("$share/g/a"), .no_local = true },
    };
    stand_connect(stand, CONNACK_5);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tacit_subscribe(stand->client, &bad[i]), TACIT_ARGUMENT);
    stand_expect_nothing(stand);
}

static void keeps_the_connection_alive(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, "20 06 00 00 03 13 000a"); /* the server wants 10 s */
    stand_expect_nothing(stand);
    assert_int_equal(stand->sleep_ms, 10000);
    stand->now_ms += 9999;
    stand_expect_nothing(stand);
    stand->now_ms += 1;
    stand_expect(stand, "c0 00");
    assert_int_equal(stand->sleep_ms, 10000);
    stand_feed(stand, "d0 00");
    stand_expect_nothing(stand);
    /* Sending alone proves nothing about the other side. */
    stand->now_ms += 9000;
    stand_publish(stand, "a", "", 0);
    stand_expect(stand, "30 04 0001 61 00");
    stand->now_ms += 1000;
    stand_expect(stand, "c0 00");
    stand->now_ms += 10000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_TIMEOUT);
}

static void stops_in_good_order(void **state)
{
    (void)state;
    static const struct {
        uint8_t version;
        bool with_will;
        const char *farewell;
    } rows[] = {
        { 5, false, "30 04 0001 61 00 e0 00" },
        { 5, true, "30 04 0001 61 00 e0 01 04" },
        { 4, false, "30 03 0001 61 e0 00" },
        { 4, true, "30 03 0001 61" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        stand_connect(&stand, rows[i].version == 5 ? CONNACK_5 : CONNACK_4);
        stand.wire.send_limit = 0;
        stand_publish(&stand, "a", "", 0);
        stand_settle(&stand);
        tacit_stop(stand.client, rows[i].with_will);
        stand_settle(&stand);
        stand.wire.send_limit = SIZE_MAX;
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_STOPPED);
        assert_int_equal(stand.event.retry_in_ms, UINT32_MAX);
        stand_expect(&stand, rows[i].farewell);
        assert_int_equal(stand.sleep_ms, UINT32_MAX);
        assert_false(stand.wire.is_open);
        stand_fini(&stand);
    }
}

static void config_must_make_sense(void **state)
{
    struct stand *stand = *state;
    uint64_t arena[512];
    struct tacit_config good = stand->config;
    assert_non_null(tacit_init(arena, sizeof(arena), &good));
    struct tacit_config bad = good;
    bad.version = 6;
    assert_null(tacit_init(arena, sizeof(arena), &bad));
    bad = good;
    bad.limits.send_bytes = 59;
    assert_null(tacit_init(arena, sizeof(arena), &bad));
    bad = good;
    bad.client_id = TEXT("\xff");
    assert_null(tacit_init(arena, sizeof(arena), &bad));
    bad = good;
    bad.version = 4;
    bad.password = TEXT("p"); /* without a user name */
    assert_null(tacit_init(arena, sizeof(arena), &bad));
    bad = good;
    bad.transport.close = NULL;
    assert_null(tacit_init(arena, sizeof(arena), &bad));
    assert_null(tacit_init((char *)arena + 1, sizeof(arena) - 8, &good));
}

static void the_macro_is_enough_for_every_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        struct tacit_limits limits = { .receive_bytes = 64 + i % 7,
                                       .send_bytes = 64 + i % 11,
                                       .queue_bytes = 64 + i % 13,
                                       .inbound_messages = (uint16_t)(i % 5),
                                       .subscriptions = (uint16_t)(i % 3),
                                       .aliases_in = (uint16_t)(i % 17),
                                       .aliases_out = (uint16_t)(i % 4),
                                       .alias_topic_bytes = (uint16_t)(i % 19) };
        assert_true(tacit_arena_bytes(&limits) <= TACIT_ARENA_BYTES(
                        limits.receive_bytes, limits.send_bytes, limits.queue_bytes,
                        limits.inbound_messages, limits.subscriptions,
                        limits.aliases_in + limits.aliases_out, limits.alias_topic_bytes));
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(says_hello_in_each_version),
        TEST(says_all_that_is_configured),
        TEST(sends_what_was_published_offline_in_one_record),
        TEST(sends_properties_only_in_version_5),
        TEST(drops_what_expired_while_it_waited),
        TEST(a_full_queue_is_back_pressure),
        TEST(refuses_what_could_never_be_sent),
        TEST(honours_what_the_server_grants),
        TEST(a_packet_of_exactly_the_servers_maximum_goes),
        TEST(resends_with_dup_after_a_resumed_session),
        TEST(resends_as_new_when_the_session_is_lost),
        TEST(keeps_the_servers_window),
        TEST(gives_topics_aliases_by_itself),
        TEST(a_big_message_passes_through_a_small_buffer),
        TEST(an_answer_before_the_last_byte_is_refused),
        TEST(subscribes_with_options_and_ends_it),
        TEST(refuses_bad_filters),
        TEST(keeps_the_connection_alive),
        TEST(stops_in_good_order),
        TEST(config_must_make_sense),
        TEST(the_macro_is_enough_for_every_limit),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
