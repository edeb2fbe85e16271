/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/source.h"

#include "sense/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sense_sources *sources_new(void)
{
    struct sense_sources *sources = calloc(1, sizeof(*sources));

    assert_non_null(sources);
    return sources;
}

/* Seconds until the source is told of, when something happens every `every_ms`; 0: never in an hour. */
static uint64_t seconds_until(struct sense_sources *sources, uint64_t every_ms,
                              enum sense_source_feature feature)
{
    for (uint64_t now = 1000; now < 3600000; now += every_ms) {
        struct sense_source *source = sense_source_at(sources, 17, now);
        struct sense_source_standing standing;
        sense_source_count(sources, source, now, feature);
        sense_source_look(sources, source, now, &standing);
        if (standing.evidence >= SENSE_ALARM_BITS) {
            assert_int_equal(standing.feature, feature);
            return now / 1000;
        }
    }
    return 0;
}

static void guessing_is_seen(void **state)
{
    (void)state;
    const uint64_t every_ms[] = { 200, 2000, 60000 };
    const uint64_t within_s[] = { 2, 10, 600 };

    for (unsigned i = 0; i < 3; i++) {
        struct sense_sources *sources = sources_new();
        uint64_t seconds = seconds_until(sources, every_ms[i], SENSE_FAILURES);
        assert_in_range(seconds, 1, within_s[i]);
        free(sources);
    }
}

static void one_mistake_is_forgiven(void **state)
{
    (void)state;
    struct sense_sources *sources = sources_new();

    assert_int_equal(seconds_until(sources, 1800000, SENSE_FAILURES), 0);
    free(sources);
}

/* One try from each address: nobody stands out, but the listener sees it. */
static void guessing_from_everywhere_is_seen(void **state)
{
    (void)state;
    struct sense_sources *sources = sources_new();
    struct sense_source_standing standing = { .evidence = 0 };
    uint64_t key = 1;

    for (; key <= 200 && standing.evidence < SENSE_ALARM_BITS; key++) {
        uint64_t now = key * 300;
        sense_source_count(sources, sense_source_at(sources, key, now), now, SENSE_FAILURES);
        struct sense_source_standing own;
        sense_source_look(sources, sense_source_at(sources, key, now), now, &own);
        assert_true(own.evidence < SENSE_ALARM_BITS);
        sense_source_look(sources, &sources->listener, now, &standing);
    }
    assert_true(key < 60);
    free(sources);
}

/* A million addresses do not push out one that is under suspicion. */
static void who_is_suspected_stays(void **state)
{
    (void)state;
    struct sense_sources *sources = sources_new();
    struct sense_source_standing standing;

    assert_int_not_equal(seconds_until(sources, 200, SENSE_FAILURES), 0);
    sense_source_look(sources, sense_source_at(sources, 17, 7000), 7000, &standing);
    assert_true(standing.evidence >= SENSE_ALARM_BITS);
    for (uint64_t key = 100; key < 1000000; key++)
        (void)sense_source_at(sources, key, 8000);
    sense_source_look(sources, sense_source_at(sources, 17, 8000), 8000, &standing);
    assert_true(standing.evidence >= SENSE_ALARM_BITS);
    free(sources);
}

static void what_is_usual_is_learned(void **state)
{
    (void)state;
    struct sense_sources *sources = sources_new();

    sources->learns = true;
    for (uint64_t now = 1000; now < 100000000; now += 5000)
        sense_source_count(sources, sense_source_at(sources, 17, now), now, SENSE_RECONNECTS);
    sources->learns = false;
    sense_sources_rest(sources);
    assert_int_equal(seconds_until(sources, 5000, SENSE_RECONNECTS), 0);
    free(sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guessing_is_seen),
        cmocka_unit_test(one_mistake_is_forgiven),
        cmocka_unit_test(guessing_from_everywhere_is_seen),
        cmocka_unit_test(who_is_suspected_stays),
        cmocka_unit_test(what_is_usual_is_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
