/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms and powers to the base of two, the same on every machine, and what a probability is
 * worth as evidence.
 *
 * No function here returns NaN or an infinity, whatever it is given: what is out of range is cut.
 * Accurate to 1e-4 of a bit. */
#pragma once

#include <stdint.h>
#include <string.h>

#define SENSE_LOG2_E 1.44269504f
#define SENSE_BITS_TOP \
    250.0f /* no number of bits in this layer is above it, or below its negative */

/* log2(x); what is not above 0 counts as the smallest of positive numbers. */
float sense_log2(float x);

/* Eighths of log2(value + 1), rounded down: 8 * sense_log2(value + 1.0f) as an integer, but in the
 * time that a message has. The mantissas are those from which on sense_log2() is a whole eighth. */
static inline uint8_t sense_log2_eighths(uint32_t value)
{
    static const uint32_t mantissas[] = { 759228,  1587178, 2490064, 3474668,
                                          4548385, 5719285, 6996162 };
    float x = (float)value + 1.0f;
    uint32_t raw;

    memcpy(&raw, &x, sizeof(raw));
    uint32_t mantissa = raw & 0x7fffffu;
    unsigned eighths = mantissa >= mantissas[3] ? 4 : 0;
    eighths += mantissa >= mantissas[eighths + 1] ? 2 : 0;
    eighths += mantissa >= mantissas[eighths] ? 1 : 0;
    return (uint8_t)(8 * ((raw >> 23) - 127) + eighths);
}

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
