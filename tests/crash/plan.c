/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/plan.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <stdio.h>

static struct test_random random_of(uint64_t seed, unsigned life)
{
    struct test_random random = { (seed * 0x9e3779b97f4a7c15u ^ life * 0xbf58476d1ce4e5b9u) | 1 };

    for (unsigned i = 0; i < 8; i++)
        (void)test_random_next(&random);
    return random;
}

/* Every third life sweeps: call 1, 2, 3 and so on, before, in the middle of and behind it; each
 * seed begins elsewhere. */
static void sweep(struct plan *plan, uint64_t seed, unsigned life)
{
    unsigned step = life / 3;

    plan->moment = MOMENT_AT_CALL;
    plan->when = (enum shim_moment)(step % SHIM_MOMENTS);
    plan->bound = 1 + step / SHIM_MOMENTS + (unsigned)(seed % 13) * 11;
}

static unsigned bound_of(enum moment moment, struct test_random *random)
{
    switch (moment) {
    case MOMENT_FROM_START:
        return (unsigned)test_random_below(random, 12000);
    case MOMENT_FROM_HELLO:
        return (unsigned)test_random_below(random, 12000);
    case MOMENT_AT_PACKET:
        return 1 + (unsigned)test_random_below(random, 400);
    case MOMENT_AT_CALL:
        break;
    }
    return 1 + (unsigned)test_random_below(random, 200);
}

struct plan plan_of(uint64_t seed, unsigned life)
{
    static const enum moment moments[] = { MOMENT_FROM_START, MOMENT_FROM_HELLO, MOMENT_FROM_HELLO,
                                           MOMENT_AT_PACKET,  MOMENT_AT_CALL,    MOMENT_AT_CALL };
    static const unsigned paces[] = { 20, 60, 150, 400 };
    struct test_random random = random_of(seed, life);
    struct plan plan = {
        .shards = 1 + (unsigned)test_random_below(&random, 3),
        .moment = moments[test_random_below(&random, MQTT_ARRAY_LEN(moments))],
        .when = (enum shim_moment)test_random_below(&random, SHIM_MOMENTS),
        .pace = paces[test_random_below(&random, MQTT_ARRAY_LEN(paces))],
        .has_probe = test_random_below(&random, 3) == 0,
        .is_lossy = test_random_below(&random, 2) == 0,
    };

    /* What is said between a write and its sync is heard only if there is time for it. */
    if (test_random_below(&random, 3) == 0)
        plan.sync_us = 100 + (unsigned)test_random_below(&random, 1500);
    plan.bound = bound_of(plan.moment, &random);
    if (life % 3 == 0)
        sweep(&plan, seed, life);
    return plan;
}

void plan_text(const struct plan *plan, char *out, size_t bytes)
{
    static const char *const moments[] = {
        [MOMENT_FROM_START] = "us after its start",
        [MOMENT_FROM_HELLO] = "us after the first CONNACK",
        [MOMENT_AT_PACKET] = "packets after its start",
        [MOMENT_AT_CALL] = "calls of the store",
    };
    static const char *const whens[] = { "before", "in the middle of", "behind" };
    bool is_call = plan->moment == MOMENT_AT_CALL;

    snprintf(out, bytes, "%u shards, killed %s%s%u %s%s", plan->shards,
             is_call ? whens[plan->when] : "", is_call ? " " : "", plan->bound,
             moments[plan->moment], is_call && plan->is_lossy ? ", with what was not synced" : "");
}
