/* SPDX-License-Identifier: Apache-2.0 */
/* What the server sends: messages whole and in pieces, and all it must not send. */
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

static void hands_out_a_message_with_all_it_carries(void **state)
{
    struct stand *stand = *state;
    struct tacit_property property;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "31 24 0001 61 1e 01 01 02 0000000a 03 0001 74 08 0001 72 09 0001 63 0b 07 "
                      "0b 08 26 0001 6b 0001 76 7879");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    const struct tacit_message *message = &stand->event.message;
    stand_assert_bytes(message->topic, "a");
    stand_assert_bytes(message->payload, "xy");
    stand_assert_bytes(message->content_type, "t");
    stand_assert_bytes(message->response_topic, "r");
    stand_assert_bytes(message->correlation, "c");
    assert_true(message->retain && message->payload_is_utf8 && message->has_expiry);
    assert_int_equal(message->expiry_s, 10);
    assert_int_equal(message->subscription_identifier, 7);
    assert_int_equal(stand->event.offset, 0);
    assert_int_equal(stand->event.total, 2);
    struct tacit_bytes block = message->properties;
    unsigned count = 0;
    while (tacit_property_next(&block, &property))
        count++;
    assert_int_equal(count, 8);
    assert_int_equal(property.id, 0x26);
    stand_assert_bytes(property.name, "k");
    stand_assert_bytes(property.value, "v");
}

static void acknowledges_each_quality_its_way(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "30 04 0001 61 00  32 06 0001 61 0001 00  34 06 0001 61 0002 00");
    for (unsigned qos = 0; qos < 3; qos++) {
        assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
        assert_int_equal(stand->event.message.qos, qos);
    }
    stand_expect(stand, "40 02 0001 50 02 0002");
    /* The same again is acknowledged again, but is no news; a new one with that
     * identifier is only possible after its release. */
    stand_feed(stand, "3c 06 0001 61 0002 00");
    stand_expect(stand, "50 02 0002");
    stand_feed(stand, "62 02 0002");
    stand_expect(stand, "70 02 0002");
    stand_feed(stand, "34 06 0001 61 0002 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_expect(stand, "50 02 0002");
    /* A release of what we do not know ends there. */
    stand_feed(stand, "62 02 0009");
    stand_expect(stand, "70 03 0009 92");
}

static void answers_leave_together_after_the_application_is_done(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_expect_nothing(stand);
    unsigned records = stand->wire.records;
    stand_feed(stand, "32 06 0001 61 0001 00  32 06 0001 61 0002 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    assert_int_equal(stand->wire.to_server.len, 0);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    assert_int_equal(stand->wire.to_server.len, 0);
    stand_expect(stand, "40 02 0001 40 02 0002");
    assert_int_equal(stand->wire.records, records + 1);
}

static void remembers_qos_2_across_a_resumed_session(void **state)
{
    struct stand *stand = *state;
    stand->config.session_expiry_s = 100;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "34 06 0001 61 0002 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5_SESSION "3c 06 0001 61 0002 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    stand_expect(stand, "50 02 0002");
}

static void resolves_aliases(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "30 08 0002 6162 03 23 0002  30 07 0000 03 23 0002 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_assert_bytes(stand->event.message.topic, "ab");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_assert_bytes(stand->event.message.topic, "ab");
    stand_assert_bytes(stand->event.message.payload, "x");
}

static void an_alias_too_long_to_keep_is_given_up_for_good(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "30 17 0011 3031323334353637383961626364656667 03 23 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_assert_bytes(stand->event.message.topic, "0123456789abcdefg");
    stand_feed(stand, "30 06 0000 03 23 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.reason, 0x94);
    stand->now_ms += stand->event.retry_in_ms;
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_expect(stand, "10 16 00 04 4d515454 05 02 003c 08 21 0002 27 00000080 0001 63");
}

/* Feeds a PUBLISH of 300 payload bytes and gathers it. */
static void gather(struct stand *stand, const char *head, uint32_t step)
{
    char payload[301] = "";
    char gathered[301] = "";
    char hex[2 * 300 + 64];
    for (unsigned i = 0; i < 300; i++)
        payload[i] = (char)('a' + i % 26);
    int len = snprintf(hex, sizeof(hex), "%s", head);
    for (unsigned i = 0; i < 300; i++)
        len += snprintf(hex + len, sizeof(hex) - (size_t)len, "%02x", payload[i]);
    stand->wire.chunk_bytes = step;
    stand_feed(stand, hex);
    uint32_t offset = 0;
    while (offset < 300) {
        enum tacit_event_type type = stand_poll(stand);
        if (type == TACIT_EVENT_NONE)
            continue;
        assert_int_equal(type, TACIT_EVENT_MESSAGE);
        stand_assert_bytes(stand->event.message.topic, "tp");
        assert_int_equal(stand->event.total, 300);
        assert_int_equal(stand->event.offset, offset);
        assert_true(stand->event.message.payload.len > 0);
        memcpy(gathered + offset, stand->event.message.payload.data,
               stand->event.message.payload.len);
        offset += (uint32_t)stand->event.message.payload.len;
        if (offset < 300) /* not acknowledged before it is whole */
            assert_int_equal(stand->wire.to_server.len, 0);
    }
    assert_string_equal(gathered, payload);
}

static void a_big_message_arrives_in_pieces(void **state)
{
    (void)state;
    static const uint32_t steps[] = { 0, 1, 7, 100, 128, 129 };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.limits.maximum_packet_bytes = 1000;
        stand_connect(&stand, CONNACK_5);
        gather(&stand, "32 b8 02 0002 7470 0005 05 26 0000 0000", steps[i]);
        stand_expect(&stand, "40 02 0005");
        /* What follows it in the stream is not lost. */
        stand_feed(&stand, "30 05 0001 61 00 79");
        while (stand_poll(&stand) == TACIT_EVENT_NONE) {
        }
        stand_assert_bytes(stand.event.message.topic, "a");
        stand_fini(&stand);
    }
}

static void a_big_duplicate_is_swallowed(void **state)
{
    struct stand *stand = *state;
    char hex[2 * 300 + 64];
    stand->config.limits.maximum_packet_bytes = 1000;
    stand_connect(stand, CONNACK_5);
    gather(stand, "34 b3 02 0002 7470 0005 00", 0);
    stand_expect(stand, "50 02 0005");
    int len = snprintf(hex, sizeof(hex), "3c b3 02 0002 7470 0005 00");
    memset(hex + len, '6', 600);
    hex[len + 600] = '\0';
    stand_feed(stand, hex);
    stand_expect(stand, "50 02 0005");
}

static void what_cannot_come_in_pieces_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *packet; /* its beginning; so many bytes follow, and a zero */
        unsigned more;
        bool is_online;
        uint8_t reason;
    } rows[] = {
        { "20 c8 01 00 00 c4 01 1f 00 b0", 128, false, 0x95 }, /* CONNACK */
        { "90 c8 01 00 01 c4 01 1f 00 b0", 128, true, 0x95 },  /* SUBACK */
        { "30 c8 01 00 b0", 128, false, 0x82 },                /* too early */
        { "30 c8 01 00 7a", 122, true, 0x95 },                 /* its topic fills all there is */
        { "30 c8 01 00 00 03 23 00 09", 128, true, 0x94 },     /* an alias that was not announced */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.limits.maximum_packet_bytes = 1000;
        if (rows[i].is_online)
            stand_connect(&stand, CONNACK_5);
        else
            stand_start(&stand);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_NONE);
        stand_feed(&stand, rows[i].packet);
        for (unsigned more = 0; more < rows[i].more; more++)
            stand_feed(&stand, "78");
        stand_feed(&stand, "00");
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_MALFORMED);
        assert_int_equal(stand.event.reason, rows[i].reason);
        stand_fini(&stand);
    }
}

static void every_breach_ends_the_connection_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *packets;
        uint8_t reason;
    } rows[] = {
        { "20 03 00 00 00", 0x82 },           /* a second CONNACK [MQTT-3.2.0-2] */
        { "10 00", 0x82 },                    /* what only clients send */
        { "82 06 0001 00 0001 61", 0x82 },    /* SUBSCRIBE from a server */
        { "c0 00", 0x82 },                    /* PINGREQ from a server */
        { "f0 00", 0x82 },                    /* AUTH that was not agreed on */
        { "00 00", 0x81 },                    /* reserved type */
        { "42 02 0001", 0x81 },               /* reserved flags */
        { "30 ff ff ff ff", 0x81 },           /* endless length [MQTT-1.5.5-1] */
        { "30 80 01", 0x95 },                 /* beyond what we announced [MQTT-3.1.2-24] */
        { "36 06 0001 61 0001 00", 0x81 },    /* QoS 3 [MQTT-3.3.1-4] */
        { "30 04 0001 23 00", 0x90 },         /* wildcard in a topic [MQTT-3.3.2-2] */
        { "30 06 0000 03 23 0001", 0x94 },    /* alias that was never set */
        { "30 07 0001 61 03 23 0003", 0x94 }, /* alias beyond our maximum [MQTT-3.3.2-10] */
        { "30 07 0001 61 03 23 0000", 0x94 }, /* alias 0 [MQTT-3.3.2-8] */
        { "34 06 0001 61 0000 00", 0x82 },    /* packet identifier 0 */
        { "90 03 0001 00", 0x82 },            /* SUBACK without a reason */
        { "90 05 0001 00 00 00", 0x82 },      /* with too many */
        { "40 03 0001 7f", 0x82 },            /* no such reason */
        { "d0 01 00", 0x81 },                 /* PINGRESP with a body */
        { "34 06 0001 61 0001 00 34 06 0001 61 0002 00 34 06 0001 61 0003 00", 0x93 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand_connect(&stand, CONNACK_5);
        stand_settle(&stand);
        stand_feed(&stand, rows[i].packets);
        while (stand_poll(&stand) == TACIT_EVENT_MESSAGE)
            tacit_memory_drop(&stand.wire, stand.wire.to_server.len);
        if (stand.event.type != TACIT_EVENT_DOWN)
            fail_msg("%s was accepted", rows[i].packets);
        assert_int_equal(stand.event.status, TACIT_MALFORMED);
        /* Malformed and protocol error are a matter of taste in places; the codec's
         * own tests say which. */
        bool is_taste = rows[i].reason == 0x81 || rows[i].reason == 0x82 || rows[i].reason == 0x90;
        if (!is_taste)
            assert_int_equal(stand.event.reason, rows[i].reason);
        size_t len = stand.wire.to_server.len;
        assert_true(len >= 3);
        const uint8_t *farewell = stand.wire.to_server.bytes + len - 3;
        assert_int_equal(farewell[0], 0xe0);
        assert_int_equal(farewell[2], stand.event.reason);
        assert_true(stand.event.retry_in_ms >= 60000); /* no hammering */
        stand_fini(&stand);
    }
}

static void an_answer_of_the_wrong_quality_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t qos;
        const char *answer;
    } rows[] = {
        { 1, "50 02 0001" }, { 1, "70 02 0001" }, { 2, "40 02 0001" }, { 2, "70 02 0001" }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand_connect(&stand, CONNACK_5);
        stand_publish(&stand, "a", "", rows[i].qos);
        stand_settle(&stand);
        stand_feed(&stand, rows[i].answer);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.reason, 0x82);
        stand_fini(&stand);
    }
}

static void unknown_identifiers_do_no_harm(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "40 02 0007 50 02 0007 70 02 0007 90 04 0007 00 00 b0 04 0007 00 00");
    stand_expect(stand, "62 03 0007 92");
}

static void a_refused_message_is_reported(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct stand stand;
        stand_init(&stand);
        stand_connect(&stand, CONNACK_5);
        uint32_t token = stand_publish(&stand, "a", "", qos);
        stand_settle(&stand);
        stand_feed(&stand,
                   qos == 1 ? "40 08 0001 87 04 1f 0001 77" : "50 08 0001 87 04 1f 0001 77");
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_REJECTED);
        assert_int_equal(stand.event.token, token);
        assert_int_equal(stand.event.status, TACIT_REFUSED);
        assert_int_equal(stand.event.reason, 0x87);
        stand_assert_bytes(stand.event.reason_string, "w");
        assert_true(tacit_is_idle(stand.client));
        stand_fini(&stand);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(hands_out_a_message_with_all_it_carries),
        TEST(acknowledges_each_quality_its_way),
        TEST(answers_leave_together_after_the_application_is_done),
        TEST(remembers_qos_2_across_a_resumed_session),
        TEST(resolves_aliases),
        TEST(an_alias_too_long_to_keep_is_given_up_for_good),
        TEST(a_big_message_arrives_in_pieces),
        TEST(a_big_duplicate_is_swallowed),
        TEST(what_cannot_come_in_pieces_is_refused),
        TEST(every_breach_ends_the_connection_with_its_reason),
        TEST(an_answer_of_the_wrong_quality_is_refused),
        TEST(unknown_identifiers_do_no_harm),
        TEST(a_refused_message_is_reported),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
