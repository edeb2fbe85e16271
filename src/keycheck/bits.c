/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/bits.h"

static size_t count_ones(struct mqtt_span number)
{
    size_t ones = 0;

    for (size_t i = 0; i < number.len; i++)
        ones += (size_t)__builtin_popcount(number.data[i]);
    return ones;
}

bool bits_are_lopsided(struct mqtt_span number, size_t bits, size_t fixed)
{
    size_t twice = 2 * count_ones(number);
    size_t distance = twice > bits ? twice - bits : bits - twice;

    return distance > fixed && (distance - fixed) * (distance - fixed) > 92 * bits;
}

static bool repeats_with(struct mqtt_span number, size_t period)
{
    size_t run = 0;

    for (size_t i = period; i < number.len; i++) {
        run = number.data[i] == number.data[i - period] ? run + 1 : 0;
        if (run == BITS_REPEAT)
            return true;
    }
    return false;
}

bool bits_repeat(struct mqtt_span number)
{
    for (size_t period = 1; period <= BITS_PERIOD; period++)
        if (repeats_with(number, period))
            return true;
    return false;
}
