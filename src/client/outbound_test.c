/* SPDX-License-Identifier: Apache-2.0 */
/* A transport that takes little or nothing, buffers that are full, numbers that end. */
#include "client/shelf.h"
#include "client/state.h"

#include <tacit/pieces.h>

static const struct tacit_subscription filter = { .filter = TACIT_LITERAL("f"), .qos = 1 };

static int setup(void **state)
{
    struct stand *stand = malloc(sizeof(*stand));
    stand_init(stand);
    stand->config.session_expiry_s = 60;
    stand->config.limits.send_bytes = 64;
    stand->config.limits.aliases_out = 0;
    *state = stand;
    return 0;
}

static int teardown(void **state)
{
    stand_fini(*state);
    free(*state);
    return 0;
}

/* The network takes so many bytes more, and then nothing until it is asked again. */
static void allow(struct stand *stand, size_t bytes)
{
    stand->wire.to_server.size = stand->wire.to_server.len + bytes;
}

static void flow(struct stand *stand)
{
    stand->wire.to_server.size = 8192;
}

/* The send buffer is full to the last byte, and the network takes none of it. */
static void fill(struct stand *stand)
{
    static const struct tacit_subscription rest = { .filter = TACIT_LITERAL("12345678") };
    allow(stand, 0);
    for (unsigned i = 0; i < 10; i++) {
        stand_publish(stand, "t", "0123456789", 0);
        stand_settle(stand);
    }
    assert_int_equal(tacit_subscribe(stand->client, &rest), TACIT_OK);
    stand_settle(stand);
    assert_int_equal(stand->client->send.len, 64);
}

static void a_packet_may_leave_in_any_parts(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    allow(stand, 3);
    stand_publish(stand, "a", "12", 0);
    stand_settle(stand);
    allow(stand, 2);
    stand_publish(stand, "b", "34", 0);
    stand_settle(stand);
    flow(stand);
    stand_expect(stand, "30 06 0001 61 00 3132  30 06 0001 62 00 3334");
}

static void answers_wait_for_room(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    allow(stand, 0);
    unsigned messages = 0;
    for (unsigned i = 0; i < 40; i++)
        stand_feed(stand, "32 06 0001 61 0009 00");
    while (stand_poll(stand) == TACIT_EVENT_MESSAGE)
        messages++;
    assert_in_range(messages, 13, 17); /* as many as there is room for their answers */
    stand_settle(stand);
    flow(stand);
    while (stand_poll(stand) == TACIT_EVENT_MESSAGE)
        messages++;
    assert_int_equal(messages, 40);
    stand_settle(stand);
    assert_int_equal(stand->wire.to_server.len, 40 * 4);
}

static void subscriptions_and_pings_wait_for_room(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    fill(stand);
    assert_int_equal(tacit_subscribe(stand->client, &filter), TACIT_OK);
    for (unsigned i = 0; i < 4; i++) {
        stand->now_ms += 20000;
        assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    }
    flow(stand);
    stand_settle(stand);
    const uint8_t *last = stand->wire.to_server.bytes + stand->wire.to_server.len - 2;
    assert_memory_equal(last, "\xc0\0", 2);
}

static void releases_wait_for_room(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    for (unsigned i = 0; i < 20; i++)
        stand_publish(stand, "t", "", 2);
    stand_settle(stand);
    for (uint8_t id = 1; id <= 20; id++) {
        const uint8_t pubrec[] = { 0x50, 2, 0, id };
        assert_true(tacit_memory_feed(&stand->wire, pubrec, sizeof(pubrec)));
    }
    stand_settle(stand);
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5_SESSION);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    allow(stand, 10);
    stand_settle(stand);
    flow(stand);
    stand_settle(stand);
    assert_int_equal(stand->wire.to_server.len, 20 * 4);
}

static void a_farewell_that_cannot_leave_is_given_up(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    fill(stand);
    tacit_stop(stand->client, false);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    stand->now_ms += 10000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_STOPPED);
}

static void a_stop_while_waiting_is_final_whatever_is_configured(void **state)
{
    struct stand *stand = *state;
    stand->config.retry.refused_ms = 5;
    stand->wire.open_result = TACIT_AGAIN;
    stand_start(stand);
    stand_settle(stand);
    tacit_stop(stand->client, false);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.retry_in_ms, UINT32_MAX);
}

static void a_connect_that_does_not_fit_is_final(void **state)
{
    struct stand *stand = *state;
    stand->config.client_id =
        TEXT("0123456789012345678901234567890123456789012345678901234567890123456789");
    stand_start(stand);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_TOO_BIG);
    assert_int_equal(stand->event.retry_in_ms, UINT32_MAX);
}

static void without_a_name_there_is_no_session_before_5(void **state)
{
    struct stand *stand = *state;
    stand->config.version = 4;
    stand->config.client_id = (struct tacit_bytes){ NULL, 0 };
    stand->config.clean_start = false;
    stand_start(stand);
    stand_expect(stand, "10 0c 00 04 4d515454 04 02 003c 0000");
}

/* Kept when there was a larger send buffer. */
static void what_no_longer_fits_is_given_up(void **state)
{
    struct stand *stand = *state;
    struct shelf shelf;
    shelf_init(&shelf, stand);
    stand->config.limits.send_bytes = 128;
    stand_start(stand);
    uint32_t token = stand_publish(
        stand, "0123456789012345678901234567890123456789012345678901234567890123456789", "x", 1);
    stand->config.limits.send_bytes = 64;
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.token, token);
    assert_int_equal(stand->event.status, TACIT_TOO_BIG);
}

static void what_is_too_long_is_told_at_once(void **state)
{
    struct stand *stand = *state;
    static char text[70000];
    memset(text, 'x', sizeof(text));
    const struct tacit_pair pair = { { text, 60000 }, { text, 60000 } };
    const struct tacit_subscription longer = { .filter = { text, 60 } };
    struct tacit_message message = { .topic = TACIT_LITERAL("t"), .payload = { NULL, 268435455 } };
    stand_start(stand);
    assert_int_equal(tacit_subscribe(stand->client, &longer), TACIT_TOO_BIG);
    assert_int_equal(tacit_publish_begin(stand->client, &message, NULL), TACIT_TOO_BIG);
    stand_fini(stand);
    stand_init(stand);
    stand->config.limits.send_bytes = 200000;
    stand->config.limits.queue_bytes = 200000;
    stand_start(stand);
    message = (struct tacit_message){ .topic = TACIT_LITERAL("t"),
                                      .user_properties = &pair,
                                      .user_property_count = 1 };
    assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_TOO_BIG);
}

static void numbers_begin_anew_and_avoid_those_in_use(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand->client->last_token = UINT32_MAX - 1;
    assert_int_equal(stand_publish(stand, "t", "", 0), UINT32_MAX);
    assert_int_equal(stand_publish(stand, "t", "", 0), 1);
    stand_expect(stand, "30 04 0001 74 00  30 04 0001 74 00");
    assert_int_equal(tacit_subscribe(stand->client, &filter), TACIT_OK);
    stand_expect(stand, "82 07 0001 00 0001 66 01");
    stand_publish(stand, "t", "", 1);
    stand_expect(stand, "32 06 0001 74 0002 00");
    stand->client->next_packet_id = UINT16_MAX; /* 0 is none, 1 and 2 are taken */
    stand_publish(stand, "t", "", 1);
    stand_expect(stand, "32 06 0001 74 0003 00");
}

static void starting_twice_changes_nothing(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    tacit_start(stand->client);
    assert_true(tacit_is_up(stand->client));
    stand_expect_nothing(stand);
}

static void the_longest_wait_ends(void **state)
{
    struct stand *stand = *state;
    stand->config.retry.minimum_ms = UINT32_MAX;
    stand->config.retry.maximum_ms = UINT32_MAX;
    stand->random = UINT32_MAX;
    stand->wire.open_result = TACIT_IO;
    stand_start(stand);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.retry_in_ms, UINT32_MAX - 1);
}

/* 20 bytes besides topic and properties are enough for any head: with a length of four bytes, an
 * identifier, a length of the properties of three, and an alias. */
static void the_tightest_send_buffer_takes_the_widest_head(void **state)
{
    struct stand *stand = *state;
    static char text[20000];
    memset(text, 'x', sizeof(text));
    const struct tacit_pair pair = { { text, 10000 }, { text, 9995 } };
    const struct tacit_message message = { .topic = { text, 40 },
                                           .payload = { NULL, 3000000 },
                                           .qos = 1,
                                           .user_properties = &pair,
                                           .user_property_count = 1 };
    stand->config.limits.send_bytes = 40 + 20000 + 20;
    stand->config.limits.queue_bytes = 30000;
    stand->config.limits.aliases_out = 1;
    stand->config.limits.alias_topic_bytes = 40;
    stand_connect(stand, "20 06 00 00 03 22 0001");
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    assert_int_equal(tacit_publish_begin(stand->client, &message, NULL), TACIT_OK);
    size_t head_bytes = 0;
    for (bool is_wanted = false; !is_wanted;) {
        is_wanted = stand_poll(stand) == TACIT_EVENT_WANTED;
        assert_true(is_wanted || stand->wire.to_server.len > 0);
        head_bytes += stand->wire.to_server.len;
        tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    }
    assert_int_equal(head_bytes, 5 + 2 + 40 + 2 + 3 + 20000 + 3);
}

#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_STAND(a_packet_may_leave_in_any_parts),
        WITH_STAND(answers_wait_for_room),
        WITH_STAND(subscriptions_and_pings_wait_for_room),
        WITH_STAND(releases_wait_for_room),
        WITH_STAND(a_farewell_that_cannot_leave_is_given_up),
        WITH_STAND(a_stop_while_waiting_is_final_whatever_is_configured),
        WITH_STAND(a_connect_that_does_not_fit_is_final),
        WITH_STAND(without_a_name_there_is_no_session_before_5),
        WITH_STAND(what_no_longer_fits_is_given_up),
        WITH_STAND(what_is_too_long_is_told_at_once),
        WITH_STAND(numbers_begin_anew_and_avoid_those_in_use),
        WITH_STAND(starting_twice_changes_nothing),
        WITH_STAND(the_longest_wait_ends),
        WITH_STAND(the_tightest_send_buffer_takes_the_widest_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
