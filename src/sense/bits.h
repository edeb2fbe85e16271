/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms and powers to the base of two, the same on every machine, and what a probability is
 * worth as evidence.
 *
 * No function here returns NaN or an infinity, whatever it is given: what is out of range is cut.
 * Accurate to 1e-4 of a bit. */
#pragma once

#define SENSE_LOG2_E 1.44269504f
#define SENSE_BITS_TOP \
    250.0f /* no number of bits in this layer is above it, or below its negative */

/* log2(x); what is not above 0 counts as the smallest of positive numbers. */
float sense_log2(float x);

/* 2^bits, between 2^-120 and 2^120. */
float sense_exp2(float bits);

/* `x` between the two; `low` when it is no number. */
float sense_clamp(float x, float low, float high);

/* log2(2^a + 2^b). */
float sense_bits_add(float a, float b);

/* The bits of evidence, log2 of an e-value, in a chance of 2^-surprise: the mixture of all
 * e p^(e-1) over e in 0..1, of which the mean is 1 when the chances are right. -1 for a surprise of
 * 0: what is as expected speaks for the device. */
float sense_bits_of_chance(float surprise);
