/* SPDX-License-Identifier: Apache-2.0 */
/* Losing the connection and trying again. */
#include "client/retry.h"
#include "client/stand.h"

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

static void delays_double_up_to_the_maximum_with_full_jitter(void **state)
{
    (void)state;
    assert_int_equal(tacit_retry_delay_ms(1000, 120000, 0, 0), 0);
    assert_int_equal(tacit_retry_delay_ms(1000, 120000, 0, UINT32_MAX), 1000);
    assert_int_equal(tacit_retry_delay_ms(1000, 120000, 0, UINT32_MAX / 2), 500);
    assert_int_equal(tacit_retry_delay_ms(1000, 120000, 3, UINT32_MAX), 8000);
    assert_int_equal(tacit_retry_delay_ms(1000, 120000, 7, UINT32_MAX), 120000);
    assert_int_equal(tacit_retry_delay_ms(1000, 120000, 200, UINT32_MAX), 120000);
    assert_int_equal(tacit_retry_delay_ms(UINT32_MAX, UINT32_MAX, 31, UINT32_MAX), UINT32_MAX);
    assert_int_equal(tacit_retry_delay_ms(5000, 1000, 0, UINT32_MAX), 1000);
    /* Every value of the range comes, and none more often than its share. */
    unsigned seen[8] = { 0 };
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 65537)
        seen[tacit_retry_delay_ms(7, 7, 0, (uint32_t)bits)]++;
    for (unsigned i = 0; i < 8; i++)
        assert_in_range(seen[i], 8190, 8193);
}

static void failures_back_off_and_only_a_lasting_success_resets(void **state)
{
    struct stand *stand = *state;
    static const uint32_t expected[] = {
        1000, 2000, 4000, 8000, 16000, 32000, 64000, 120000, 120000
    };
    stand->random = UINT32_MAX;
    stand->wire.open_result = TACIT_IO;
    stand_start(stand);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand->event.retry_in_ms, expected[i]);
        assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
        assert_int_equal(stand->sleep_ms, expected[i]);
        stand->now_ms += expected[i];
    }
    stand->wire.open_result = TACIT_OK;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    stand->wire.hung_up = true; /* thrown out at once */
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.retry_in_ms, 120000);
    stand->now_ms += 120000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    stand->now_ms += 120000;
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.retry_in_ms, 1000);
}

static void a_server_that_said_no_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        uint8_t version;
        const char *connack;
        uint8_t reason;
        uint32_t at_least, at_most; /* ms; UINT32_MAX: never */
    } rows[] = {
        { 5, "20 03 00 86 00", 0x86, UINT32_MAX, UINT32_MAX },
        { 5, "20 03 00 87 00", 0x87, UINT32_MAX, UINT32_MAX },
        { 5, "20 03 00 8a 00", 0x8a, UINT32_MAX, UINT32_MAX },
        { 5, "20 03 00 9d 00", 0x9d, UINT32_MAX, UINT32_MAX },
        { 5, "20 03 00 89 00", 0x89, 60000, 120000 },
        { 5, "20 03 00 9f 00", 0x9f, 60000, 120000 },
        { 5, "20 03 00 80 00", 0x80, 0, 1000 },
        { 4, "20 02 00 05", 0x87, UINT32_MAX, UINT32_MAX },
        { 4, "20 02 00 04", 0x86, UINT32_MAX, UINT32_MAX },
        { 4, "20 02 00 03", 0x88, 60000, 120000 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.version = rows[i].version;
        stand_start(&stand);
        stand_feed(&stand, rows[i].connack);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_REFUSED);
        assert_int_equal(stand.event.reason, rows[i].reason);
        assert_in_range(stand.event.retry_in_ms, rows[i].at_least, rows[i].at_most);
        stand_fini(&stand);
    }
}

static void a_final_no_ends_with_the_next_start_or_the_set_time(void **state)
{
    struct stand *stand = *state;
    stand->config.retry.refused_ms = 900000;
    stand->random = 0;
    stand_start(stand);
    stand_feed(stand, "20 08 00 87 05 1f 0002 6e6f");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    stand_assert_bytes(stand->event.reason_string, "no");
    assert_int_equal(stand->event.retry_in_ms, 900000);
    stand->config.retry.refused_ms = 0;
    tacit_start(stand->client);
    stand_feed(stand, "20 03 00 87 00");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.retry_in_ms, UINT32_MAX);
    stand->now_ms += 1000000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(stand->wire.opens, 2);
    tacit_start(stand->client);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    assert_int_equal(stand->wire.opens, 3);
}

static void two_with_one_name_do_not_fight(void **state)
{
    struct stand *stand = *state;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "e0 01 8e");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.reason, 0x8e);
    assert_int_equal(stand->event.retry_in_ms, UINT32_MAX);
}

static void falls_back_to_3_1_1_once(void **state)
{
    (void)state;
    static const char *const refusals[] = { "20 03 00 84 00", "20 02 00 01" };
    for (unsigned i = 0; i < 2; i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.fallback_311 = true;
        stand_start(&stand);
        stand_feed(&stand, refusals[i]);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.reason, 0x84);
        assert_int_equal(stand.event.retry_in_ms, 0);
        tacit_memory_drop(&stand.wire, stand.wire.to_server.len);
        stand_expect(&stand, "10 0d 00 04 4d515454 04 02 003c 0001 63");
        stand_feed(&stand, "20 02 00 01");
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.retry_in_ms, UINT32_MAX);
        stand_fini(&stand);
    }
}

static void gives_up_waiting_in_time(void **state)
{
    struct stand *stand = *state;
    stand->wire.open_result = TACIT_AGAIN;
    stand_start(stand);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    stand->now_ms += 10000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_TIMEOUT);
    stand->wire.open_result = TACIT_OK;
    stand->now_ms += stand->event.retry_in_ms;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE); /* CONNECT sent, no CONNACK */
    stand->now_ms += 10000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_TIMEOUT);
}

static void nothing_but_connack_comes_first(void **state)
{
    (void)state;
    static const char *const packets[] = { "30 04 0001 61 00", "d0 00",         "e0 00", "f0 00",
                                           "20 01 00",         "20 03 02 00 00" };
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand_start(&stand);
        stand_feed(&stand, packets[i]);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_MALFORMED);
        stand_fini(&stand);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(delays_double_up_to_the_maximum_with_full_jitter),
        TEST(failures_back_off_and_only_a_lasting_success_resets),
        TEST(a_server_that_said_no_is_left_alone),
        TEST(a_final_no_ends_with_the_next_start_or_the_set_time),
        TEST(two_with_one_name_do_not_fight),
        TEST(falls_back_to_3_1_1_once),
        TEST(gives_up_waiting_in_time),
        TEST(nothing_but_connack_comes_first),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
