/* SPDX-License-Identifier: Apache-2.0 */
/* Priorities, and what is dropped for whom. */
#include "client/shelf.h"

/* Room for four of these records, of 20 bytes each, in a queue of 80. */
#define PLACES 4

static const char thirty[] = "0123456789012345678901234567890"; /* and one */

static int setup(void **state)
{
    struct stand *stand = malloc(sizeof(*stand));
    stand_init(stand);
    stand->config.limits.queue_bytes = PLACES * TACIT_QUEUED_BYTES(1, 0, 3);
    *state = stand;
    return 0;
}

static int teardown(void **state)
{
    stand_fini(*state);
    free(*state);
    return 0;
}

static enum tacit_status offer(struct stand *stand, const char *payload, uint8_t qos,
                               uint8_t priority, uint32_t *out_token)
{
    const struct tacit_message message = { .topic = TACIT_LITERAL("t"),
                                           .payload = { payload, strlen(payload) },
                                           .qos = qos,
                                           .priority = priority };
    return tacit_publish(stand->client, &message, out_token);
}

static uint32_t put(struct stand *stand, const char *payload, uint8_t qos, uint8_t priority)
{
    uint32_t token = 0;
    assert_int_equal(offer(stand, payload, qos, priority, &token), TACIT_OK);
    return token;
}

static void expect_dropped(struct stand *stand, uint32_t token)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_REJECTED);
    assert_int_equal(stand->event.token, token);
    assert_int_equal(stand->event.status, TACIT_DROPPED);
}

static void connect_to(struct stand *stand, const char *connack)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, connack);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
}

static void the_most_important_leaves_first(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    put(stand, "a1", 0, 0);
    put(stand, "b2", 0, 3);
    put(stand, "c3", 0, 7);
    put(stand, "d4", 0, 3);
    connect_to(stand, CONNACK_5);
    stand_expect(stand, "30 06 0001 74 00 6333  30 06 0001 74 00 6232"
                        "30 06 0001 74 00 6434  30 06 0001 74 00 6131");
}

static void what_was_sent_keeps_its_place(void **state)
{
    struct stand *stand = *state;
    stand->config.session_expiry_s = 60;
    stand_connect(stand, "20 06 00 00 03 21 0001"); /* a window of one */
    put(stand, "a1", 1, 0);
    stand_expect(stand, "32 08 0001 74 0001 00 6131");
    put(stand, "b2", 1, 0);
    put(stand, "c3", 1, 7);
    stand_settle(stand);
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    connect_to(stand, CONNACK_5_SESSION);
    stand_expect(stand, "3a 08 0001 74 0001 00 6131  32 08 0001 74 0002 00 6333"
                        "32 08 0001 74 0003 00 6232");
    /* Nor is it dropped, however important the next one. */
    assert_int_equal(tacit_cancel(stand->client, 1), TACIT_ARGUMENT);
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    connect_to(stand, "20 06 01 00 03 21 0001");
    put(stand, "d4", 1, 7);
    assert_int_equal(offer(stand, "e5", 1, 7, NULL), TACIT_FULL);
}

static void a_full_queue_refuses_unless_told_otherwise(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    for (unsigned i = 0; i < PLACES; i++)
        put(stand, "abc", 0, 0);
    assert_int_equal(offer(stand, "abc", 1, 7, NULL), TACIT_FULL);
    stand_settle(stand);
    assert_int_equal(offer(stand, "abc", 1, 8, NULL), TACIT_ARGUMENT);
}

static void of_qos_0_the_oldest_goes(void **state)
{
    struct stand *stand = *state;
    stand->config.when_full = tacit_drop_qos_0;
    stand->config.limits.queue_bytes = 3 * TACIT_QUEUED_BYTES(1, 0, 31);
    stand_start(stand);
    put(stand, thirty, 1, 0);
    uint32_t oldest = put(stand, thirty, 0, 0);
    put(stand, thirty, 0, 0);
    put(stand, "0123456789", 0, 0); /* in the room of one of them, but for its head */
    expect_dropped(stand, oldest);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
}

static void of_qos_0_only_what_is_not_more_important(void **state)
{
    struct stand *stand = *state;
    stand->config.when_full = tacit_drop_qos_0;
    stand->config.limits.queue_bytes = 64;
    stand_start(stand);
    uint32_t first = put(stand, thirty, 0, 5);
    assert_int_equal(offer(stand, thirty, 2, 4, NULL), TACIT_FULL);
    put(stand, "0123456", 2, 5);
    assert_int_equal(offer(stand, "0123456789", 2, 5, NULL), TACIT_FULL); /* not yet told */
    expect_dropped(stand, first);
    assert_int_equal(offer(stand, "0123456789", 2, 5, NULL), TACIT_OK);
}

static void the_least_important_goes_whatever_its_qos(void **state)
{
    struct stand *stand = *state;
    stand->config.when_full = tacit_drop_lowest;
    stand->config.limits.queue_bytes = 4 * TACIT_QUEUED_BYTES(1, 0, 31);
    stand_start(stand);
    uint32_t high = put(stand, thirty, 0, 6);
    uint32_t low = put(stand, thirty, 2, 1);
    uint32_t later = put(stand, thirty, 1, 1);
    uint32_t middle = put(stand, thirty, 1, 2);
    assert_int_equal(offer(stand, thirty, 1, 1, NULL), TACIT_FULL); /* nothing matters less */
    uint32_t alarm = put(stand, thirty, 1, 7);
    struct tacit_statistics statistics;
    tacit_get_statistics(stand->client, &statistics);
    assert_int_equal(statistics.queued, 3);
    assert_int_equal(statistics.queue_bytes, 3 * TACIT_QUEUED_BYTES(1, 0, 31) + 2 * 16);
    expect_dropped(stand, low);
    expect_dropped(stand, later);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_true(high < low && middle < alarm);
    assert_false(tacit_is_idle(stand->client));
}

static void nothing_is_dropped_in_vain(void **state)
{
    struct stand *stand = *state;
    stand->config.when_full = tacit_drop_lowest;
    stand->config.limits.queue_bytes = 96;
    stand_start(stand);
    put(stand, thirty, 1, 0);
    put(stand, thirty, 1, 5);
    assert_int_equal(offer(stand, "01234567890123456789012345678901234567890123456789", 1, 4, NULL),
                     TACIT_FULL);
    struct tacit_statistics statistics;
    tacit_get_statistics(stand->client, &statistics);
    assert_int_equal(statistics.queued, 2);
}

static void what_was_not_sent_can_be_taken_back(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    put(stand, "a1", 1, 0);
    uint32_t second = put(stand, "b2", 1, 0);
    assert_int_equal(tacit_cancel(stand->client, second), TACIT_OK);
    assert_int_equal(tacit_cancel(stand->client, second), TACIT_ARGUMENT);
    assert_int_equal(tacit_cancel(stand->client, 99), TACIT_ARGUMENT);
    expect_dropped(stand, second);
    connect_to(stand, CONNACK_5);
    stand_expect(stand, "32 08 0001 74 0001 00 6131");
    assert_int_equal(tacit_cancel(stand->client, 1), TACIT_ARGUMENT);
}

/* A big queue is not moved for little gaps, but for a rule it is. */
static void a_big_queue_makes_room_too(void **state)
{
    struct stand *stand = *state;
    unsigned dropped = 0;
    stand->config.when_full = tacit_drop_qos_0;
    stand->config.limits.queue_bytes = 200 * TACIT_QUEUED_BYTES(1, 0, 31);
    stand_start(stand);
    for (unsigned i = 0; i < 1000; i++) {
        put(stand, thirty, 0, 0);
        while (stand_poll(stand) == TACIT_EVENT_REJECTED)
            assert_int_equal(stand->event.token, ++dropped);
    }
    assert_int_equal(dropped, 800);
}

static void a_reboot_keeps_order_and_brings_back_what_was_not_told(void **state)
{
    struct stand *stand = *state;
    struct shelf shelf;
    shelf_init(&shelf, stand);
    stand->config.limits.queue_bytes = 1024;
    stand_start(stand);
    put(stand, "a1", 1, 0);
    uint32_t second = put(stand, "b2", 1, 2);
    put(stand, "c3", 1, 7);
    assert_int_equal(tacit_cancel(stand->client, second), TACIT_OK);
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    connect_to(stand, CONNACK_5);
    stand_expect(stand, "32 08 0001 74 0003 00 6333  32 08 0001 74 0002 00 6232"
                        "32 08 0001 74 0001 00 6131");
    /* Told, it is gone for good. */
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    stand->config.when_full = tacit_drop_lowest;
    put(stand, "d4", 1, 0);
    assert_int_equal(tacit_cancel(stand->client, 4), TACIT_OK);
    expect_dropped(stand, 4);
    assert_int_equal(shelf_reboot(stand), TACIT_OK);
    struct tacit_statistics statistics;
    tacit_get_statistics(stand->client, &statistics);
    assert_int_equal(statistics.queued, 3);
}

#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_STAND(the_most_important_leaves_first),
        WITH_STAND(what_was_sent_keeps_its_place),
        WITH_STAND(a_full_queue_refuses_unless_told_otherwise),
        WITH_STAND(of_qos_0_the_oldest_goes),
        WITH_STAND(of_qos_0_only_what_is_not_more_important),
        WITH_STAND(the_least_important_goes_whatever_its_qos),
        WITH_STAND(nothing_is_dropped_in_vain),
        WITH_STAND(what_was_not_sent_can_be_taken_back),
        WITH_STAND(a_big_queue_makes_room_too),
        WITH_STAND(a_reboot_keeps_order_and_brings_back_what_was_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
