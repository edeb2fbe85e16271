/* SPDX-License-Identifier: Apache-2.0 */
/* What survives a reboot: the client is thrown away and made anew over the same store. */
#include "client/shelf.h"

#include "client/queue.h"

struct board {
    struct stand stand;
    struct shelf shelf;
};

static int setup(void **state)
{
    struct board *board = calloc(1, sizeof(*board));
    stand_init(&board->stand);
    shelf_init(&board->shelf, &board->stand);
    *state = board;
    return 0;
}

static int teardown(void **state)
{
    struct board *board = *state;
    stand_fini(&board->stand);
    free(board);
    return 0;
}

static void come_up(struct stand *stand, const char *connack)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, connack);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
}

static void what_waits_is_sent_after_a_reboot(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_start(stand);
    stand_publish(stand, "z", "0", 0);
    uint32_t first = stand_publish(stand, "a", "1", 1);
    uint32_t second = stand_publish(stand, "b", "2", 2);
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5);
    stand_expect(stand, "32 07 0001 61 0001 00 31  34 07 0001 62 0002 00 32");
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, first);
    assert_int_equal(stand->event.status, TACIT_OK);
    stand_feed(stand, "50 02 0002");
    stand_expect(stand, "62 02 0002");
    /* New tokens and identifiers follow the old ones. */
    assert_true(stand_publish(stand, "c", "3", 1) > second);
    stand_expect(stand, "32 07 0001 63 0003 00 33");
}

static void what_was_sent_is_sent_again_as_a_duplicate(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_connect(stand, CONNACK_5);
    stand_publish(stand, "a", "1", 1);
    uint32_t second = stand_publish(stand, "b", "2", 2);
    stand_expect(stand, "32 07 0001 61 0001 00 31  34 07 0001 62 0002 00 32");
    stand_feed(stand, "50 02 0002");
    stand_expect(stand, "62 02 0002");
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5_SESSION);
    stand_expect(stand, "3a 07 0001 61 0001 00 31  62 02 0002");
    stand_feed(stand, "70 02 0002");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.token, second);
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    for (unsigned i = 1; i < SHELF_ENTRIES; i++)
        assert_int_equal(board->shelf.entries[i].len, 0);
}

static void resumes_the_session_although_told_to_start_clean(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_start(stand);
    stand_publish(stand, "a", "1", 1);
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(stand->wire.to_server.bytes[9], 0); /* connect flags */
}

static void a_message_of_qos_2_is_handed_out_once(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "34 07 0001 61 0009 00 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_expect(stand, "50 02 0009");
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5_SESSION);
    stand_feed(stand, "3c 07 0001 61 0009 00 78");
    stand_expect(stand, "50 02 0009");
    stand_feed(stand, "62 02 0009");
    stand_expect(stand, "70 02 0009");
    /* Released twice: the answer got lost with the power. */
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5_SESSION);
    stand_feed(stand, "62 02 0009");
    stand_expect(stand, "70 03 0009 92");
}

static void a_lost_session_takes_its_identifiers_with_it(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "34 07 0001 61 0009 00 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_expect(stand, "50 02 0009");
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5);
    assert_int_equal(board->shelf.entries[0].len, 0);
    stand_feed(stand, "34 07 0001 61 0009 00 79");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
}

static void the_time_that_is_left_is_kept(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    const struct tacit_message message = { .topic = TACIT_LITERAL("a"),
                                           .payload = TACIT_LITERAL("x"),
                                           .qos = 1,
                                           .has_expiry = true,
                                           .expiry_s = 10 };
    stand_start(stand);
    stand->wire.open_result = TACIT_AGAIN;
    stand_settle(stand);
    stand->now_ms += 5000;
    stand_settle(stand);
    assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_OK);
    stand->wire.open_result = TACIT_OK;
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5);
    stand->now_ms += 3000;
    stand_expect(stand, "32 0c 0001 61 0001 05 02 00000007 78");
}

static void a_store_that_fails_is_told(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    const struct tacit_message message = { .topic = TACIT_LITERAL("a"), .qos = 1 };
    stand_connect(stand, CONNACK_5);
    stand_settle(stand);
    board->shelf.refuses_put = true;
    assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_STORE);
    assert_true(tacit_is_idle(stand->client));
    board->shelf.refuses_put = false;
    stand_publish(stand, "a", "1", 1);
    stand_expect(stand, "32 07 0001 61 0002 00 31");
    board->shelf.refuses_del = true;
    stand_feed(stand, "40 02 0002");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(stand->event.status, TACIT_STORE);
    board->shelf.refuses_del = false;

    /* Without its place in the store a PUBREC is not answered. */
    stand_publish(stand, "b", "2", 2);
    stand_expect(stand, "34 07 0001 62 0003 00 32");
    board->shelf.refuses_put = true;
    stand_feed(stand, "50 02 0003");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_STORE);
    assert_int_equal(stand->wire.to_server.len, 0);
}

/* The server has to say it again, since nothing was acknowledged. */
static void an_inbound_message_that_cannot_be_noted_comes_again(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "34 07 0001 61 0009 00 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    board->shelf.refuses_put = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_STORE);
    assert_int_equal(stand->wire.to_server.len, 0);
    board->shelf.refuses_put = false;
    stand->now_ms += stand->event.retry_in_ms;
    come_up(stand, CONNACK_5_SESSION);
    stand_feed(stand, "3c 07 0001 61 0009 00 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_expect(stand, "50 02 0009");
}

static void releases_are_not_answered_unnoted(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "34 07 0001 61 0009 00 78");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    stand_expect(stand, "50 02 0009");
    board->shelf.refuses_put = true;
    stand_feed(stand, "62 02 0009");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_STORE);
    assert_int_equal(board->shelf.entries[0].len, 2);
    /* A session that is gone cannot be forgotten either. */
    board->shelf.refuses_put = false;
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    board->shelf.refuses_put = true;
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_STORE);
}

static void what_is_not_ours_is_left_alone(void **state)
{
    struct board *board = *state;
    static const struct shelf_entry strange[] = {
        { .bytes = { 1, 2, 3 }, .len = 3 },
        { .bytes = { 0 }, .len = 16 },
        { .bytes = { 0 }, .len = 200 },
    };
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        board->shelf.entries[2] = strange[i];
        stand_start(&board->stand);
        assert_int_equal(shelf_reboot(&board->stand), TACIT_STORE);
        assert_int_equal(board->shelf.entries[2].len, strange[i].len);
        free(board->stand.arena);
    }
    board->shelf.entries[2].len = 0;
    board->shelf.refuses_get = true;
    stand_start(&board->stand);
    assert_int_equal(shelf_reboot(&board->stand), TACIT_STORE);
}

/* Of which a store cannot know, since it is bytes to it. */
static void each_field_of_what_is_kept_is_checked(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    stand_start(stand);
    stand_publish(stand, "a", "1", 1);
    const struct shelf_entry whole = board->shelf.entries[2]; /* of token 1 */
    assert_true(whole.len > sizeof(struct tacit_record));
    for (unsigned row = 0; row < 10; row++) {
        struct shelf_entry *entry = &board->shelf.entries[2];
        struct tacit_record head;
        *entry = whole;
        memcpy(&head, entry->bytes, sizeof(head));
        head.qos = row == 0 ? 0 : row == 1 ? 3 : 1;
        head.in_pieces = row == 2;
        head.packet_id = row == 3 ? 0 : 1;
        head.token = row == 4 ? 0 : row == 5 ? 2 : 1;
        head.has_expiry = row == 6;
        head.state = row == 7   ? TACIT_RECORD_NONE
                     : row == 8 ? TACIT_RECORD_DROPPED
                                : TACIT_RECORD_SENT;
        memcpy(entry->bytes, &head, sizeof(head));
        assert_int_equal(shelf_reboot(stand), row == 9 ? TACIT_OK : TACIT_STORE);
    }
}

static void a_store_may_fail_at_any_read(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    unsigned failures = 0;
    stand_start(stand);
    stand_publish(stand, "a", "1", 1);
    stand_publish(stand, "b", "2", 2);
    enum tacit_status status;
    do {
        board->shelf.refuses_get = false;
        board->shelf.gets = ++failures;
        status = shelf_reboot(stand);
        assert_true(status == TACIT_OK || status == TACIT_STORE);
    } while (status == TACIT_STORE);
    /* The identifiers, seven places twice, and two messages. */
    assert_int_equal(failures, 1 + 7 + 7 + 2);
}

static void a_smaller_arena_is_told(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    char payload[61] = { 0 };
    memset(payload, 'x', sizeof(payload) - 1);
    stand_start(stand);
    stand_publish(stand, "a", payload, 1);
    stand->config.limits.queue_bytes = 64;
    assert_int_equal(shelf_reboot(stand), TACIT_FULL);
    stand->config.limits.queue_bytes = 1024;
    board->shelf.entries[0].len = 64;
    assert_int_equal(shelf_reboot(stand), TACIT_FULL);
}

static void places_are_not_given_away_twice(void **state)
{
    struct board *board = *state;
    struct stand *stand = &board->stand;
    const struct tacit_message message = { .topic = TACIT_LITERAL("a"), .qos = 1 };
    stand_start(stand);
    for (unsigned i = 1; i < SHELF_ENTRIES; i++)
        stand_publish(stand, "a", "", 1);
    assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_FULL);
    come_up(stand, CONNACK_5);
    stand_settle(stand);
    stand_feed(stand, "40 02 0001");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DELIVERED);
    assert_int_equal(tacit_publish(stand->client, &message, NULL), TACIT_OK);
    /* The order is that of the tokens, wherever they lie. */
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    come_up(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(stand->wire.to_server.bytes[6], 2);
    assert_int_equal(stand->wire.to_server.bytes[stand->wire.to_server.len - 2], SHELF_ENTRIES);
}

static void without_a_store_there_is_nothing_to_restore(void **state)
{
    struct board *board = *state;
    board->stand.config.store = NULL;
    stand_start(&board->stand);
    assert_int_equal(shelf_reboot(&board->stand), TACIT_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_sent_after_a_reboot),
        TEST(what_was_sent_is_sent_again_as_a_duplicate),
        TEST(resumes_the_session_although_told_to_start_clean),
        TEST(a_message_of_qos_2_is_handed_out_once),
        TEST(a_lost_session_takes_its_identifiers_with_it),
        TEST(the_time_that_is_left_is_kept),
        TEST(a_store_that_fails_is_told),
        TEST(an_inbound_message_that_cannot_be_noted_comes_again),
        TEST(releases_are_not_answered_unnoted),
        TEST(what_is_not_ours_is_left_alone),
        TEST(each_field_of_what_is_kept_is_checked),
        TEST(a_store_may_fail_at_any_read),
        TEST(a_smaller_arena_is_told),
        TEST(places_are_not_given_away_twice),
        TEST(without_a_store_there_is_nothing_to_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
