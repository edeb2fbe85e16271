/* SPDX-License-Identifier: Apache-2.0 */
/* Chance for simulated fleets: the same seed and stream are the same numbers on every run. Whatever
 * acts by itself has a stream of its own, so that it does not depend on what else there is. */
#pragma once

#include "base/testing.h"

struct test_random fleet_random_seeded(uint64_t seed, uint64_t stream);

double fleet_random_unit(struct test_random *random); /* 0 and above, below 1 */
double fleet_random_between(struct test_random *random, double low, double high);
double fleet_random_exponential(struct test_random *random, double mean);
double fleet_random_normal(struct test_random *random); /* mean 0, deviation 1 */

/* `spread` is the deviation of the natural logarithm; 0 is always the median. */
double fleet_random_lognormal(struct test_random *random, double median, double spread);
bool fleet_random_is(struct test_random *random, double probability);
