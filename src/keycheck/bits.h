/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that no random generator makes. Thread-safe. */
#pragma once

#include "base/span.h"

/* Has a number of `bits` bits far more or fewer ones than half? `fixed` of the bits may be skewed
 * or known, as the first and the last ones of a modulus.
 *
 * The bound: W ones among N random bits are as far from the middle as |2W - N| >= d with a
 * probability of at most 2 exp(-d^2 / 2N) (Hoeffding). d^2 > 92 N makes that less than 2^-65. */
bool bits_are_lopsided(struct mqtt_span number, size_t bits, size_t fixed);

/* Are there BITS_REPEAT bytes in a row, each of which is the one up to BITS_PERIOD before it? By
 * chance in 2048 bytes: less often than 2^(11 + 4 - 8 * 12), 2^-81. */
#define BITS_REPEAT 12
#define BITS_PERIOD 16
bool bits_repeat(struct mqtt_span number);
