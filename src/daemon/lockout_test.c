/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/lockout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LOOKS_PER_S 10u
#define DAY_MS      86400000u

struct world {
    struct lockout *lockout;
    uint64_t now_ms;
};

static int set_up(void **state)
{
    const struct lockout_bounds bounds = { 65536, 16384, LOOKS_PER_S };
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->now_ms = 1000;
    world->lockout = lockout_new(&(struct siphash_key){ 1, 2 }, &bounds, world->now_ms);
    assert_non_null(world->lockout);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    lockout_free(world->lockout);
    free(world);
    return 0;
}

static struct lockout_try describe(const struct world *world, const char *address, const char *name,
                                   const char *secret)
{
    const struct lockout_facts facts = { .address = address,
                                         .account = span_of(name),
                                         .secret = span_of(secret) };
    struct lockout_try attempt;

    lockout_describe(world->lockout, &facts, &attempt);
    return attempt;
}

/* A log-in as a whole. */
static enum lockout_verdict attempt(struct world *world, const char *address, const char *name,
                                    const char *secret, enum lockout_outcome outcome)
{
    struct lockout_try one = describe(world, address, name, secret);
    enum lockout_verdict verdict = lockout_ask(world->lockout, &one, world->now_ms);

    if (verdict == LOCKOUT_GO)
        (void)lockout_settle(world->lockout, &one, outcome, world->now_ms);
    return verdict;
}

static enum lockout_verdict guess(struct world *world, const char *address, const char *name)
{
    static unsigned number;
    char secret[32];

    (void)snprintf(secret, sizeof(secret), "guess-%u", number++);
    return attempt(world, address, name, secret, LOCKOUT_WRONG);
}

static enum lockout_verdict log_in(struct world *world, const char *address, const char *name)
{
    return attempt(world, address, name, "right", LOCKOUT_RIGHT);
}

/* Promise A2, whatever the pace. */
static void of_300_guesses_10_are_looked_at(void **state)
{
    static const unsigned gaps_ms[] = { 0, 1, 10, 100, 1000, 5000 };
    struct world *world = *state;

    for (size_t pace = 0; pace < MQTT_ARRAY_LEN(gaps_ms); pace++) {
        char address[32];
        unsigned looked = 0;

        (void)snprintf(address, sizeof(address), "192.0.2.%zu:40000", pace);
        world->now_ms += DAY_MS;
        for (unsigned i = 0; i < 300; i++, world->now_ms += gaps_ms[pace])
            looked += guess(world, address, "victim") == LOCKOUT_GO;
        assert_in_range(looked, LOCKOUT_FREE, 10);
    }
}

static void names_do_not_help(void **state)
{
    struct world *world = *state;
    unsigned looked = 0;

    for (unsigned i = 0; i < 300; i++, world->now_ms += 1000) {
        char name[16];
        (void)snprintf(name, sizeof(name), "user-%u", i);
        looked += guess(world, "192.0.2.1:40000", name) == LOCKOUT_GO;
    }
    assert_in_range(looked, LOCKOUT_FREE, 10);
}

static void the_victim_is_not_locked_elsewhere(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 300; i++)
        (void)guess(world, "192.0.2.1:40000", "victim");
    assert_int_equal(log_in(world, "192.0.2.1:40001", "victim"), LOCKOUT_LATER);
    assert_int_equal(log_in(world, "192.0.2.2:40000", "victim"), LOCKOUT_GO);
}

/* One who logged in there before is not kept out by what a neighbour does. */
static void who_is_known_there_comes_in(void **state)
{
    struct world *world = *state;

    assert_int_equal(log_in(world, "192.0.2.1:40000", "honest"), LOCKOUT_GO);
    for (unsigned i = 0; i < 300; i++)
        (void)guess(world, "192.0.2.1:40000", "victim");
    assert_int_equal(log_in(world, "192.0.2.1:40000", "honest"), LOCKOUT_GO);
    assert_int_equal(log_in(world, "192.0.2.1:40000", "stranger"), LOCKOUT_LATER);
    /* But guesses at itself from there do. */
    for (unsigned i = 0; i < 300; i++)
        (void)guess(world, "192.0.2.1:40000", "honest");
    assert_int_equal(log_in(world, "192.0.2.1:40000", "honest"), LOCKOUT_LATER);
    world->now_ms += LOCKOUT_MOST_MS;
    assert_int_equal(log_in(world, "192.0.2.1:40000", "honest"), LOCKOUT_GO);
}

static void what_is_known_is_forgotten_after_a_week(void **state)
{
    struct world *world = *state;

    assert_int_equal(log_in(world, "192.0.2.1:40000", "honest"), LOCKOUT_GO);
    world->now_ms += LOCKOUT_KNOWN_MS;
    for (unsigned i = 0; i < 300; i++)
        (void)guess(world, "192.0.2.1:40000", "victim");
    assert_int_equal(log_in(world, "192.0.2.1:40000", "honest"), LOCKOUT_LATER);
}

/* A day of guesses from 50,000 addresses: what they cost is bounded, and who is known comes in. */
static void many_places_share_one_budget(void **state)
{
    struct world *world = *state;
    unsigned looked = 0;
    unsigned refused = 0;
    uint64_t began_ms = world->now_ms;

    assert_int_equal(log_in(world, "198.51.100.7:1", "honest"), LOCKOUT_GO);
    for (unsigned i = 0; i < 300000; i++) {
        char address[32];
        (void)snprintf(address, sizeof(address), "10.%u.%u.%u:1", i % 50000 / 256 / 256,
                       i % 50000 / 256 % 256, i % 256);
        looked += guess(world, address, "victim") == LOCKOUT_GO;
        world->now_ms += i % 10 == 0;
        if (i % 1000 == 0)
            refused += log_in(world, "198.51.100.7:1", "honest") != LOCKOUT_GO;
    }
    uint64_t seconds = (world->now_ms - began_ms) / 1000 + 1;
    assert_int_equal(seconds, 31);
    assert_in_range(looked, LOOKS_PER_S * (seconds - 1), LOOKS_PER_S * (seconds + 2));
    assert_int_equal(refused, 0);
}

/* All at once: none is decided when the last one asks. */
static void what_is_being_looked_at_counts(void **state)
{
    struct world *world = *state;
    struct lockout_try tries[20];
    unsigned going = 0;

    for (unsigned i = 0; i < MQTT_ARRAY_LEN(tries); i++) {
        char secret[16];
        (void)snprintf(secret, sizeof(secret), "%u", i);
        struct lockout_try one = describe(world, "192.0.2.1:1", "victim", secret);
        if (lockout_ask(world->lockout, &one, world->now_ms) == LOCKOUT_GO)
            tries[going++] = one;
    }
    assert_int_equal(going, LOCKOUT_FREE);
    assert_int_equal(log_in(world, "192.0.2.1:1", "other"), LOCKOUT_BUSY);
    for (unsigned i = 0; i < going; i++)
        (void)lockout_settle(world->lockout, &tries[i], LOCKOUT_UNDECIDED, world->now_ms);
    assert_int_equal(log_in(world, "192.0.2.1:1", "other"), LOCKOUT_GO);
}

/* A thing with yesterday's password asks every few seconds, for weeks. */
static void the_same_again_is_no_guess(void **state)
{
    struct world *world = *state;
    const char *address = "192.0.2.1:1";

    assert_int_equal(attempt(world, address, "lamp", "old", LOCKOUT_WRONG), LOCKOUT_GO);
    for (unsigned i = 0; i < 100000; i++, world->now_ms += 5000)
        assert_int_equal(attempt(world, address, "lamp", "old", LOCKOUT_WRONG), LOCKOUT_REPEAT);
    assert_int_equal(log_in(world, address, "neighbour"), LOCKOUT_GO);
    /* Now it is the right one: the account's password is another than it was. */
    const struct lockout_facts facts = {
        .address = address, .account = span_of("lamp"), .secret = span_of("old"), .stamp = 7
    };
    struct lockout_try one;
    lockout_describe(world->lockout, &facts, &one);
    assert_int_equal(lockout_ask(world->lockout, &one, world->now_ms), LOCKOUT_GO);
}

static void a_lock_grows_and_is_forgotten(void **state)
{
    static const uint64_t locks_ms[] = { 30000, 60000, 120000, 240000, 480000, 900000, 900000 };
    struct world *world = *state;
    struct lockout_try one;

    for (unsigned i = 0; i < LOCKOUT_FREE - 1; i++)
        assert_int_equal(guess(world, "192.0.2.1:1", "victim"), LOCKOUT_GO);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(locks_ms); i++) {
        one = describe(world, "192.0.2.1:1", "victim", "");
        assert_int_equal(lockout_ask(world->lockout, &one, world->now_ms), LOCKOUT_GO);
        assert_int_equal(lockout_settle(world->lockout, &one, LOCKOUT_WRONG, world->now_ms),
                         locks_ms[i]);
        world->now_ms += locks_ms[i] - 1;
        assert_int_equal(guess(world, "192.0.2.1:1", "victim"), LOCKOUT_LATER);
        world->now_ms += 1;
    }
    world->now_ms += LOCKOUT_FORGET_MS + 1;
    for (unsigned i = 0; i < LOCKOUT_FREE; i++)
        assert_int_equal(guess(world, "192.0.2.1:1", "victim"), LOCKOUT_GO);
    assert_int_equal(guess(world, "192.0.2.1:1", "victim"), LOCKOUT_LATER);
}

static void places(void **state)
{
    static const struct {
        const char *one;
        const char *other;
        bool is_same;
    } rows[] = {
        { "192.0.2.1:1", "192.0.2.1:2", true },
        { "192.0.2.1:1", "192.0.2.2:1", false },
        { "[2001:db8::1]:1", "[2001:db8::ffff:1]:9", true },
        { "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false },
        { "[fe80::1%eth0]:1", "[fe80::2%eth1]:1", true },
        { "unix", "unix", true },
        { "unix", "127.0.0.1:1", false },
    };
    struct world *world = *state;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct lockout_try one = describe(world, rows[i].one, "a", "");
        struct lockout_try other = describe(world, rows[i].other, "a", "");
        assert_int_equal(one.place == other.place, rows[i].is_same);
        assert_int_equal(one.pair == other.pair, rows[i].is_same);
        assert_int_equal(one.tag, 0);
    }
}

/* limits.password-places and limits.password-known. */
static void full_tables_forget(void **state)
{
    const struct lockout_bounds bounds = { 8, 8, 1000000 };
    struct world *world = *state;

    lockout_free(world->lockout);
    world->lockout = lockout_new(&(struct siphash_key){ 3, 4 }, &bounds, world->now_ms);
    assert_non_null(world->lockout);
    for (unsigned i = 0; i < 1000; i++, world->now_ms++) {
        char address[32];
        (void)snprintf(address, sizeof(address), "10.0.%u.%u:1", i / 256, i % 256);
        assert_int_equal(guess(world, address, "victim"), LOCKOUT_GO);
        assert_int_equal(log_in(world, address, "honest"), LOCKOUT_GO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_300_guesses_10_are_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_do_not_help, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_victim_is_not_locked_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_known_there_comes_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_known_is_forgotten_after_a_week, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_places_share_one_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_being_looked_at_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_again_is_no_guess, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lock_grows_and_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_tables_forget, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
