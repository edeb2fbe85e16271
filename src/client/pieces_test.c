/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that the application hands over in pieces. */
#include "client/shelf.h"

#include <tacit/pieces.h>

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

static uint32_t begin(struct stand *stand, size_t total, uint8_t qos)
{
    const struct tacit_message message = { .topic = TACIT_LITERAL("t"),
                                           .payload = { NULL, total },
                                           .qos = qos };
    uint32_t token = 0;
    assert_int_equal(tacit_publish_begin(stand->client, &message, &token), TACIT_OK);
    return token;
}

static void expect_wanted(struct stand *stand, uint32_t token, uint32_t offset, uint32_t total)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_WANTED);
    assert_int_equal(stand->event.token, token);
    assert_int_equal(stand->event.offset, offset);
    assert_int_equal(stand->event.total, total);
}

/* Hands over text; all of it must be taken. */
static void give(struct stand *stand, uint32_t token, uint32_t offset, const char *text)
{
    size_t taken;
    struct tacit_bytes piece = { text, strlen(text) };
    assert_int_equal(tacit_publish_part(stand->client, token, offset, piece, &taken), TACIT_OK);
    assert_int_equal(taken, piece.len);
}

static void reconnect(struct stand *stand, const char *connack)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, connack);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
}

static void pieces_become_one_message(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 6, 1);
    stand_publish(stand, "u", "x", 0);
    expect_wanted(stand, token, 0, 6);
    give(stand, token, 0, "abc");
    stand_feed(stand, "32 06 0001 75 0009 00"); /* its acknowledgement waits for the end */
    expect_wanted(stand, token, 3, 6);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    give(stand, token, 3, "d");
    give(stand, token, 4, "ef");
    stand_expect(stand, "32 0c 0001 74 0001 00 616263 646566  40 02 0009  30 05 0001 75 00 78");
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, token);
    assert_true(tacit_is_idle(stand->client));
}

static void a_payload_may_exceed_all_memory(void **state)
{
    struct stand *stand = *state;
    static char chunk[1000];
    size_t taken;
    memset(chunk, 'z', sizeof(chunk));
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 1000000, 0);
    for (uint32_t offset = 0; offset < 1000000; offset += 1000) {
        expect_wanted(stand, token, offset, 1000000);
        assert_int_equal(tacit_publish_part(stand->client, token, offset,
                                            (struct tacit_bytes){ chunk, sizeof(chunk) }, &taken),
                         TACIT_OK);
        tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    }
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_true(tacit_is_idle(stand->client));
}

static void a_slow_transport_is_waited_for(void **state)
{
    struct stand *stand = *state;
    size_t taken;
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 6, 0);
    expect_wanted(stand, token, 0, 6);
    stand->wire.send_limit = 2;
    assert_int_equal(tacit_publish_part(stand->client, token, 0, TEXT("abcdef"), &taken),
                     TACIT_AGAIN);
    assert_int_equal(taken, 2);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE); /* the application may sleep */
    assert_int_not_equal(stand->sleep_ms, 0);
    expect_wanted(stand, token, 2, 6);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE); /* nor is it pressed */
    stand->wire.send_limit = SIZE_MAX;
    give(stand, token, 2, "cdef");
    stand_expect(stand, "30 0a 0001 74 00 616263646566");
}

static void the_head_goes_along_with_the_first_piece(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand->wire.send_limit = 0; /* nothing leaves */
    uint32_t token = begin(stand, 3, 0);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE); /* not even the head */
    stand->wire.send_limit = SIZE_MAX;
    unsigned records = stand->wire.records;
    give(stand, token, 0, "abc");
    assert_int_equal(stand->wire.records, records + 1);
    stand_expect(stand, "30 07 0001 74 00 616263");
}

static void a_lost_connection_asks_from_the_beginning(void **state)
{
    struct stand *stand = *state;
    size_t taken;
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 4, 1);
    expect_wanted(stand, token, 0, 4);
    give(stand, token, 0, "abc");
    stand->wire.hung_up = true;
    assert_int_equal(tacit_publish_part(stand->client, token, 3, TEXT("d"), &taken), TACIT_IO);
    assert_int_equal(taken, 0);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(tacit_publish_part(stand->client, token, 3, TEXT("d"), &taken),
                     TACIT_ARGUMENT);
    reconnect(stand, CONNACK_5_SESSION);
    expect_wanted(stand, token, 0, 4);
    assert_int_equal(tacit_publish_part(stand->client, token, 3, TEXT("d"), &taken),
                     TACIT_ARGUMENT);
    give(stand, token, 0, "abcd");
    stand_expect(stand, "3a 0a 0001 74 0001 00 61626364");
}

static void what_does_not_come_next_is_refused(void **state)
{
    struct stand *stand = *state;
    size_t taken = 9;
    const struct tacit_message twice = { .topic = TACIT_LITERAL("t"), .qos = 2 };
    const struct tacit_message bad = { .topic = TACIT_LITERAL("#"), .payload = { NULL, 5 } };
    stand_connect(stand, "20 08 00 00 05 27 00000020");
    assert_int_equal(tacit_publish_begin(stand->client, &twice, NULL), TACIT_ARGUMENT);
    assert_int_equal(tacit_publish_begin(stand->client, &bad, NULL), TACIT_ARGUMENT);
    assert_int_equal(tacit_publish_part(stand->client, 1, 0, TEXT("a"), &taken), TACIT_ARGUMENT);
    assert_int_equal(taken, 0);
    uint32_t token = begin(stand, 4, 0);
    expect_wanted(stand, token, 0, 4);
    assert_int_equal(tacit_publish_part(stand->client, token + 1, 0, TEXT("a"), &taken),
                     TACIT_ARGUMENT);
    assert_int_equal(tacit_publish_part(stand->client, token, 0, TEXT("abcde"), &taken),
                     TACIT_ARGUMENT);
    give(stand, token, 0, "");
    give(stand, token, 0, "abcd");
    /* Without a payload it is an ordinary message; too large for the server is told. */
    begin(stand, 0, 0);
    stand_expect(stand, "30 08 0001 74 00 61626364  30 04 0001 74 00");
    begin(stand, 100, 0);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.status, TACIT_TOO_BIG);
}

static void an_application_that_stalls_loses_the_connection(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 4, 0);
    /* Bytes that leave keep it alive, whether or not the server says something. */
    for (unsigned i = 0; i < 3; i++) {
        stand->now_ms += 50000;
        expect_wanted(stand, token, i, 4);
        give(stand, token, i, "a");
    }
    stand->now_ms += 59999;
    expect_wanted(stand, token, 3, 4);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(stand->sleep_ms, 1);
    stand->now_ms += 1;
    expect_wanted(stand, token, 3, 4);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_TIMEOUT);
}

static void can_be_cancelled_until_it_is_whole(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    uint32_t first = begin(stand, 4, 1);
    uint32_t second = begin(stand, 4, 1);
    assert_int_equal(tacit_cancel(stand->client, first), TACIT_OK);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.token, first);
    reconnect(stand, CONNACK_5);
    expect_wanted(stand, second, 0, 4);
    assert_int_equal(tacit_cancel(stand->client, second), TACIT_OK);
    size_t taken;
    assert_int_equal(tacit_publish_part(stand->client, second, 0, TEXT("a"), &taken),
                     TACIT_ARGUMENT);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_DROPPED);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.token, second);
    reconnect(stand, CONNACK_5_SESSION);
    uint32_t third = begin(stand, 1, 1);
    expect_wanted(stand, third, 0, 1);
    give(stand, third, 0, "a");
    assert_int_equal(tacit_cancel(stand->client, third), TACIT_ARGUMENT); /* the server has it */
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    reconnect(stand, "20 06 01 00 03 21 0001");
    expect_wanted(stand, third, 0, 1);
    assert_int_equal(tacit_cancel(stand->client, third), TACIT_OK);
}

static void an_answer_before_the_end_is_a_protocol_error(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 4, 1);
    expect_wanted(stand, token, 0, 4);
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_MALFORMED);
}

static void stopping_asks_for_the_rest(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 2, 0);
    expect_wanted(stand, token, 0, 2);
    tacit_stop(stand->client, false);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    expect_wanted(stand, token, 0, 2);
    give(stand, token, 0, "ab");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_memory_equal(stand->wire.to_server.bytes, "\x30\x06\0\1t\0ab\xe0\0", 10);
}

static void is_not_in_the_store(void **state)
{
    struct stand *stand = *state;
    struct shelf shelf;
    shelf_init(&shelf, stand);
    stand_connect(stand, CONNACK_5);
    uint32_t token = begin(stand, 4, 1);
    for (unsigned i = 0; i < SHELF_ENTRIES; i++)
        assert_int_equal(shelf.entries[i].len, 0);
    expect_wanted(stand, token, 0, 4);
    give(stand, token, 0, "abcd");
    stand_settle(stand);
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.status, TACIT_OK);
}

#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_STAND(pieces_become_one_message),
        WITH_STAND(a_payload_may_exceed_all_memory),
        WITH_STAND(a_slow_transport_is_waited_for),
        WITH_STAND(the_head_goes_along_with_the_first_piece),
        WITH_STAND(a_lost_connection_asks_from_the_beginning),
        WITH_STAND(what_does_not_come_next_is_refused),
        WITH_STAND(an_application_that_stalls_loses_the_connection),
        WITH_STAND(can_be_cancelled_until_it_is_whole),
        WITH_STAND(an_answer_before_the_end_is_a_protocol_error),
        WITH_STAND(stopping_asks_for_the_rest),
        WITH_STAND(is_not_in_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
