/* SPDX-License-Identifier: Apache-2.0 */
/* When the client comes back: the law of its delays, and what each refusal means. */
#include "client/retry.h"

#include "client/stand.h"

#define DELAYS  20000
#define BUCKETS 10

/* A generator whose every run is the same (xorshift, Marsaglia). */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Full jitter: uniform from nothing to a range that doubles up to the maximum. */
static void delays_are_uniform_over_the_whole_range(void **state)
{
    (void)state;
    uint32_t random = 2463534242u;
    for (unsigned attempt = 0; attempt < 9; attempt++) {
        uint32_t range = attempt < 7 ? 1000u << attempt : 120000u;
        unsigned bucket[BUCKETS] = { 0 };
        for (unsigned i = 0; i < DELAYS; i++) {
            uint32_t delay = tacit_retry_delay_ms(1000, 120000, attempt, next_random(&random));
            assert_in_range(delay, 0, range);
            bucket[delay * BUCKETS / (range + 1)]++;
        }
        /* Within five standard deviations of a tenth each: sqrt(20,000 * 0.09) is 42. */
        for (unsigned i = 0; i < BUCKETS; i++)
            assert_in_range(bucket[i], DELAYS / BUCKETS - 212, DELAYS / BUCKETS + 212);
    }
}

/* The same, seen from outside: a server that cannot be reached, a fleet of clients. */
static void a_fleet_spreads_out(void **state)
{
    (void)state;
    uint32_t random = 88675123u;
    unsigned bucket[BUCKETS] = { 0 };
    for (unsigned device = 0; device < 2000; device++) {
        struct stand stand;
        stand_init(&stand);
        stand.wire.open_result = TACIT_IO;
        stand_start(&stand);
        for (unsigned attempt = 0; attempt < 4; attempt++) {
            stand.random = next_random(&random);
            assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
            stand.now_ms += stand.event.retry_in_ms;
        }
        assert_in_range(stand.event.retry_in_ms, 0, 8000);
        bucket[stand.event.retry_in_ms * BUCKETS / 8001]++;
        stand_fini(&stand);
    }
    for (unsigned i = 0; i < BUCKETS; i++)
        assert_in_range(bucket[i], 200 - 68, 200 + 68);
}

/* Each reason code that CONNACK may carry, MQTT 5.0 table 3-1. */
static void each_refusal_has_its_class(void **state)
{
    (void)state;
    static const struct {
        uint8_t reason;
        enum tacit_refusal class;
    } rows[] = {
        { 0x80, TACIT_REFUSAL_NONE },  { 0x81, TACIT_REFUSAL_BUSY },  { 0x82, TACIT_REFUSAL_BUSY },
        { 0x83, TACIT_REFUSAL_NONE },  { 0x84, TACIT_REFUSAL_FINAL }, { 0x85, TACIT_REFUSAL_FINAL },
        { 0x86, TACIT_REFUSAL_FINAL }, { 0x87, TACIT_REFUSAL_FINAL }, { 0x88, TACIT_REFUSAL_BUSY },
        { 0x89, TACIT_REFUSAL_BUSY },  { 0x8a, TACIT_REFUSAL_FINAL }, { 0x8c, TACIT_REFUSAL_FINAL },
        { 0x90, TACIT_REFUSAL_FINAL }, { 0x95, TACIT_REFUSAL_BUSY },  { 0x97, TACIT_REFUSAL_BUSY },
        { 0x99, TACIT_REFUSAL_FINAL }, { 0x9a, TACIT_REFUSAL_FINAL }, { 0x9b, TACIT_REFUSAL_FINAL },
        { 0x9c, TACIT_REFUSAL_FINAL }, { 0x9d, TACIT_REFUSAL_FINAL }, { 0x9f, TACIT_REFUSAL_BUSY },
    };
    unsigned row = 0;
    for (unsigned reason = 0x80; reason <= 0xff; reason++) {
        bool in_table = row < sizeof(rows) / sizeof(rows[0]) && rows[row].reason == reason;
        assert_int_equal(in_table, mqtt_reason_is_allowed((uint8_t)reason, MQTT_CONNACK) != 0);
        if (!in_table)
            continue;
        struct stand stand;
        stand_init(&stand);
        stand.random = UINT32_MAX;
        stand_start(&stand);
        uint8_t connack[] = { 0x20, 3, 0, (uint8_t)reason, 0 };
        assert_true(tacit_memory_feed(&stand.wire, connack, sizeof(connack)));
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.reason, reason);
        assert_int_equal(tacit_refusal_of((uint8_t)reason), rows[row].class);
        static const uint32_t longest[] = { UINT32_MAX, 120000, 1000 };
        assert_int_equal(stand.event.retry_in_ms, longest[rows[row].class]);
        stand_fini(&stand);
        row++;
    }
    assert_int_equal(row, sizeof(rows) / sizeof(rows[0]));
}

static void return_codes_of_3_1_1_mean_the_same(void **state)
{
    (void)state;
    static const uint8_t reasons[] = { 0x00, 0x84, 0x85, 0x88, 0x86, 0x87, 0x80 };
    for (uint8_t code = 0; code < sizeof(reasons); code++)
        assert_int_equal(tacit_reason_of_return_code(code), reasons[code]);
}

/* Without randomness the longest wait, lest a fleet comes at once. */
static int no_random(void *context, void *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return -1;
}

static void without_randomness_it_waits_longest(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand);
    stand.config.random = no_random;
    stand.wire.open_result = TACIT_IO;
    stand_start(&stand);
    assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand.event.retry_in_ms, 1000);
    stand_fini(&stand);
}

/* A name that is not found is an accident of the network: tried again, never for good. */
static void a_server_that_cannot_be_found_is_looked_for_again(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand);
    stand.random = UINT32_MAX;
    stand.wire.open_result = TACIT_IO;
    stand_start(&stand);
    stand_publish(&stand, "a", "x", 1);
    uint32_t expected_ms = 1000;
    for (unsigned i = 1; i <= 12; i++) {
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_DOWN);
        assert_int_equal(stand.event.status, TACIT_IO);
        assert_int_equal(stand.event.retry_in_ms, expected_ms);
        assert_int_equal(stand.wire.opens, i);
        stand.now_ms += expected_ms;
        expected_ms = expected_ms * 2 < 120000 ? expected_ms * 2 : 120000;
    }
    stand.wire.open_result = TACIT_OK;
    assert_int_equal(stand_poll(&stand), TACIT_EVENT_NONE);
    tacit_memory_drop(&stand.wire, stand.wire.to_server.len);
    stand_feed(&stand, CONNACK_5);
    assert_int_equal(stand_poll(&stand), TACIT_EVENT_UP);
    stand_expect(&stand, "32 07 0001 61 0001 00 78");
    stand_fini(&stand);
}

/* A clock that leaps ends what waits, and no more; one that goes back changes nothing. */
static void leaps_of_the_clock_do_no_harm(void **state)
{
    (void)state;
    static const uint64_t leaps_ms[] = { 120001, UINT32_MAX, UINT64_C(1) << 40, UINT64_MAX / 2 };
    for (size_t i = 0; i < sizeof(leaps_ms) / sizeof(leaps_ms[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand_connect(&stand, CONNACK_5);
        stand.now_ms += leaps_ms[i];
        stand_expect(&stand, "c0 00");
        stand_feed(&stand, "d0 00");
        stand_settle(&stand);
        assert_int_equal(stand.sleep_ms, 60000);
        stand.now_ms -= 50000;
        stand_settle(&stand);
        stand.now_ms += 59999;
        stand_expect_nothing(&stand);
        stand.now_ms += 1;
        stand_expect(&stand, "c0 00");
        stand_fini(&stand);
    }
}

/* Nothing comes any more, though all that is sent is taken. */
static void a_half_open_connection_is_noticed(void **state)
{
    (void)state;
    struct stand stand;
    stand_init(&stand);
    stand_connect(&stand, CONNACK_5);
    unsigned polls = 0;
    do {
        stand.now_ms += 1000;
        stand_publish(&stand, "a", "x", 0);
        polls++;
    } while (stand_poll(&stand) == TACIT_EVENT_NONE && polls < 200);
    assert_int_equal(stand.event.type, TACIT_EVENT_DOWN);
    assert_int_equal(stand.event.status, TACIT_TIMEOUT);
    assert_int_equal(polls, 70); /* keep-alive 60 s, then 10 s for the answer */
    stand_fini(&stand);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_are_uniform_over_the_whole_range),
        cmocka_unit_test(a_fleet_spreads_out),
        cmocka_unit_test(each_refusal_has_its_class),
        cmocka_unit_test(return_codes_of_3_1_1_mean_the_same),
        cmocka_unit_test(without_randomness_it_waits_longest),
        cmocka_unit_test(a_server_that_cannot_be_found_is_looked_for_again),
        cmocka_unit_test(leaps_of_the_clock_do_no_harm),
        cmocka_unit_test(a_half_open_connection_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
