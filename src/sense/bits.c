/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/bits.h"

#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#define MANTISSA_MASK 0x7fffffu
#define LN_2          0.69314718f
#define SMALLEST      1e-37f
#define BIGGEST       1e37f

float sense_clamp(float x, float low, float high)
{
    if (!(x > low)) /* also when it is no number */
        return low;
    return x < high ? x : high;
}

float sense_log2(float x)
{
    x = sense_clamp(x, SMALLEST, BIGGEST);
    uint32_t raw;
    memcpy(&raw, &x, sizeof(raw));
    int exponent = (int)(raw >> MANTISSA_BITS) - EXPONENT_BIAS;
    raw = (raw & MANTISSA_MASK) | ((uint32_t)EXPONENT_BIAS << MANTISSA_BITS);
    float m;
    memcpy(&m, &raw, sizeof(m));

    /* ln m = 2 artanh((m - 1) / (m + 1)), and that argument is below 1/3. */
    float t = (m - 1.0f) / (m + 1.0f);
    float t2 = t * t;
    float series = 1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 / 9)));
    return (float)exponent + 2.0f * SENSE_LOG2_E * t * series;
}

float sense_exp2(float bits)
{
    bits = sense_clamp(bits, -120.0f, 120.0f);
    int whole = (int)bits - (bits < 0 ? 1 : 0);
    float x = (bits - (float)whole) * LN_2;
    float part = 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))));
    uint32_t raw = (uint32_t)(whole + EXPONENT_BIAS) << MANTISSA_BITS;
    float scale;
    memcpy(&scale, &raw, sizeof(scale));
    return part * scale;
}

float sense_bits_add(float a, float b)
{
    float high = a > b ? a : b;
    float low = a > b ? b : a;

    return low < high - 30.0f ? high : high + sense_log2(1.0f + sense_exp2(low - high));
}

float sense_bits_of_chance(float surprise)
{
    float s = sense_clamp(surprise, 0.0f, SENSE_BITS_TOP);
    if (s < 0.05f)
        return -1.0f + s / 3;
    float nats = s * LN_2;
    float left = 1.0f - sense_exp2(-s) * (1.0f + nats);
    return s + sense_log2(left) - 2 * sense_log2(nats);
}
