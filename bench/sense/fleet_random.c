/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_random.h"

#include <math.h>

#define TAU 6.283185307179586

/* The finaliser of splitmix64: neighbouring inputs have nothing in common afterwards. */
static uint64_t scattered(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

struct test_random fleet_random_seeded(uint64_t seed, uint64_t stream)
{
    const uint64_t state = scattered(scattered(seed) ^ stream);

    return (struct test_random){ state != 0 ? state : 1 };
}

double fleet_random_unit(struct test_random *random)
{
    return (double)(test_random_next(random) >> 11) * 0x1p-53;
}

double fleet_random_between(struct test_random *random, double low, double high)
{
    return low + (high - low) * fleet_random_unit(random);
}

double fleet_random_exponential(struct test_random *random, double mean)
{
    return -mean * log(1 - fleet_random_unit(random));
}

double fleet_random_normal(struct test_random *random)
{
    const double radius = sqrt(-2 * log(1 - fleet_random_unit(random)));

    return radius * cos(TAU * fleet_random_unit(random));
}

double fleet_random_lognormal(struct test_random *random, double median, double spread)
{
    return spread > 0 ? median * exp(spread * fleet_random_normal(random)) : median;
}

bool fleet_random_is(struct test_random *random, double probability)
{
    return fleet_random_unit(random) < probability;
}
