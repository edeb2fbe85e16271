/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the application acknowledges itself, once it has done with them. */
#include "client/stand.h"

static int setup(void **state)
{
    struct stand *stand = malloc(sizeof(*stand));
    stand_init(stand);
    stand->config.manual_acknowledgement = true;
    *state = stand;
    return 0;
}

static int teardown(void **state)
{
    stand_fini(*state);
    free(*state);
    return 0;
}

static uint32_t receive(struct stand *stand, const char *packet)
{
    stand_feed(stand, packet);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    return stand->event.receipt;
}

static void nothing_is_acknowledged_before_its_time(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    assert_int_equal(receive(stand, "30 05 0001 61 00 78"), 0);
    uint32_t first = receive(stand, "32 07 0001 61 0001 00 78");
    uint32_t second = receive(stand, "34 07 0001 61 0002 00 79");
    stand_expect_nothing(stand);
    assert_int_equal(tacit_acknowledge(stand->client, second), TACIT_OK);
    stand_expect(stand, "50 02 0002");
    assert_int_equal(tacit_acknowledge(stand->client, first), TACIT_OK);
    stand_expect(stand, "40 02 0001");
    /* A receipt of QoS 2 is good once. */
    assert_int_equal(tacit_acknowledge(stand->client, second), TACIT_ARGUMENT);
    assert_int_equal(tacit_acknowledge(stand->client, 0), TACIT_ARGUMENT);
    stand_feed(stand, "62 02 0002");
    stand_expect(stand, "70 02 0002");
}

static void a_receipt_ends_with_its_connection(void **state)
{
    struct stand *stand = *state;
    stand->config.session_expiry_s = 60;
    stand_connect(stand, CONNACK_5);
    uint32_t receipt = receive(stand, "34 07 0001 61 0002 00 79");
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(tacit_acknowledge(stand->client, receipt), TACIT_ARGUMENT);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand_feed(stand, CONNACK_5_SESSION);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    assert_int_equal(tacit_acknowledge(stand->client, receipt), TACIT_ARGUMENT);
    /* What was not acknowledged comes again, and is handed out again. */
    receipt = receive(stand, "3c 07 0001 61 0002 00 79");
    assert_int_equal(tacit_acknowledge(stand->client, receipt), TACIT_OK);
    stand_expect(stand, "50 02 0002");
}

/* Two may be under way: what waits for the application counts. */
static void more_than_was_granted_is_refused(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    (void)receive(stand, "34 07 0001 61 0001 00 79");
    (void)receive(stand, "34 07 0001 61 0002 00 79");
    stand_feed(stand, "34 07 0001 61 0003 00 79");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.reason, 0x93);
}

static void without_room_it_is_told_to_come_back(void **state)
{
    struct stand *stand = *state;
    char payload[128] = { 0 };
    memset(payload, 'x', 115);
    stand_connect(stand, CONNACK_5);
    uint32_t receipt = receive(stand, "32 07 0001 61 0001 00 78");
    stand->wire.send_limit = 0;
    stand_publish(stand, "a", payload, 0);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(tacit_acknowledge(stand->client, receipt), TACIT_AGAIN);
    stand->wire.send_limit = 1000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    assert_int_equal(tacit_acknowledge(stand->client, receipt), TACIT_OK);
    stand_expect(stand, "40 02 0001");
}

/* A text of a packet that brings no event does not turn up with the next one. */
static void texts_stay_with_their_packet(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "40 08 0009 10 04 1f 0001 77");
    (void)receive(stand, "30 05 0001 61 00 78");
    assert_int_equal(stand->event.reason_string.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_acknowledged_before_its_time),
        TEST(a_receipt_ends_with_its_connection),
        TEST(more_than_was_granted_is_refused),
        TEST(without_room_it_is_told_to_come_back),
        TEST(texts_stay_with_their_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
