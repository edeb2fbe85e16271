/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the server in unusual forms and at unusual times. */
#include "client/stand.h"

static const struct tacit_subscription filter = { .filter = TACIT_LITERAL("f"), .qos = 1 };

static int setup(void **state)
{
    struct stand *stand = malloc(sizeof(*stand));
    stand_init(stand);
    stand->config.session_expiry_s = 60;
    *state = stand;
    return 0;
}

static int teardown(void **state)
{
    stand_fini(*state);
    free(*state);
    return 0;
}

static void reconnect(struct stand *stand, const char *connack)
{
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, connack);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
}

static void packets_that_do_not_exist_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        uint8_t version;
        const char *packet;
    } rows[] = {
        { 5, "b0 02 0001" },              /* UNSUBACK without a reason */
        { 5, "e0 01 04" },                /* a server has no will */
        { 5, "e0 07 00 05 11 00000001" }, /* [MQTT-3.14.2-2] */
        { 5, "e0 01 ff" },                /* no such reason */
        { 5, "62 02 0000" },              /* identifier 0 */
        { 4, "e0 00" },                   /* DISCONNECT from a server of 3.1.1 */
        { 4, "90 03 0001 03" },           /* a QoS that does not exist */
        { 4, "90 03 0001 81" },           /* nor does this return code */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        stand_connect(&stand, rows[i].version == 5 ? CONNACK_5 : CONNACK_4);
        stand_feed(&stand, rows[i].packet);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_MALFORMED);
        stand_fini(&stand);
    }
}

static void first_answers_that_are_none(void **state)
{
    (void)state;
    static const struct {
        uint8_t version;
        const char *packet;
    } rows[] = {
        { 5, "20 02 00 02" }, { 5, "20 02 01 01" }, { 5, "20 01 00" },
        { 4, "20 02 00 06" }, { 4, "20 02 01 05" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        stand_start(&stand);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_NONE);
        stand_feed(&stand, rows[i].packet);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_MALFORMED);
        stand_fini(&stand);
    }
}

/* The byte means nothing there. */
static void version_3_1_has_no_session_flag(void **state)
{
    struct stand *stand = *state;
    stand->config.version = 3;
    stand_connect(stand, "20 02 01 00");
    assert_false(stand->event.session_present);
}

static void return_codes_of_3_1_1_are_translated(void **state)
{
    struct stand *stand = *state;
    stand->config.version = 4;
    stand_connect(stand, CONNACK_4);
    assert_int_equal(tacit_subscribe(stand->client, &filter), TACIT_OK);
    stand_settle(stand);
    stand_feed(stand, "90 03 0001 80");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_SUBSCRIBED);
    assert_int_equal(stand->event.reason, 0x80);
}

static void a_refusing_pubrec_ends_what_was_sent_only(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    uint32_t refused = stand_publish(stand, "a", "1", 2);
    uint32_t taken = stand_publish(stand, "a", "2", 2);
    stand_settle(stand);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, "50 03 0009 91  50 02 0002  50 03 0002 91  50 02 0002");
    stand_expect(stand, "62 02 0002  62 02 0002");
    stand_feed(stand, "50 03 0001 97");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.token, refused);
    assert_int_equal(stand->event.reason, 0x97);
    /* It does not know the identifier any more: so it has passed the message on. */
    stand_feed(stand, "70 03 0002 92");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, taken);
    stand_feed(stand, "40 02 0007  70 02 0007  b0 04 0007 00 00");
    stand_settle(stand);
}

static void an_answer_to_an_earlier_connection_is_ignored(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_publish(stand, "a", "1", 1);
    stand_publish(stand, "a", "2", 1);
    stand_settle(stand);
    reconnect(stand, "20 06 01 00 03 21 0001"); /* only the first goes out again */
    stand_expect(stand, "3a 07 0001 61 0001 00 31");
    stand_feed(stand, "40 02 0002");
    stand_expect_nothing(stand);
    assert_false(tacit_is_idle(stand->client));
}

static void an_unsubscribe_is_repeated(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    assert_int_equal(tacit_unsubscribe(stand->client, &filter), TACIT_ARGUMENT);
    assert_int_equal(tacit_unsubscribe(stand->client, NULL), TACIT_ARGUMENT);
    assert_int_equal(tacit_subscribe(stand->client, &filter), TACIT_OK);
    assert_int_equal(tacit_subscribe(stand->client, &filter), TACIT_OK);
    stand_settle(stand);
    stand_feed(stand, "90 04 0001 00 01");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_SUBSCRIBED);
    assert_int_equal(tacit_unsubscribe(stand->client, &filter), TACIT_OK);
    stand_settle(stand);
    reconnect(stand, CONNACK_5_SESSION);
    stand_expect(stand, "a2 06 0003 00 0001 66");
    stand_feed(stand, "b0 04 0003 00 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UNSUBSCRIBED);
}

static void an_alias_beyond_the_announced_is_refused(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "30 06 0000 03 23 0009");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.reason, 0x94);
}

#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_that_do_not_exist_end_the_connection),
        cmocka_unit_test(first_answers_that_are_none),
        WITH_STAND(version_3_1_has_no_session_flag),
        WITH_STAND(return_codes_of_3_1_1_are_translated),
        WITH_STAND(a_refusing_pubrec_ends_what_was_sent_only),
        WITH_STAND(an_answer_to_an_earlier_connection_is_ignored),
        WITH_STAND(an_unsubscribe_is_repeated),
        WITH_STAND(an_alias_beyond_the_announced_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
