/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/tail.h"

#include "sense/bits.h"

#define WIDTHS_MOST        4.0f
#define WIDTH_AT_FIRST     0.5f
#define ODDNESS_PER_OCTAVE 5.0f
#define ODDNESS_TOP        64.0f
#define SLOPE_LEAST        0.5f
#define SLOPE_MOST         1.0f
#define NORMAL_PER_BIT     8.0f /* about the surprise of a normal distribution at that oddness */
#define TAIL_PART          50u  /* one in so many values is in the tail that is fitted */

void sense_location_learn(struct sense_location *location, float value, float step)
{
    value = sense_clamp(value, -1e6f, 1e6f);
    if (location->width <= 0) {
        *location = (struct sense_location){ value, WIDTH_AT_FIRST };
        return;
    }
    float most = WIDTHS_MOST * (location->width + 1e-3f);
    float away = sense_clamp(value - location->middle, -most, most);
    float distance = away < 0 ? -away : away;

    location->middle += away * step;
    location->width =
        sense_clamp(location->width + (distance - location->width) * step, 1e-6f, 1e6f);
}

void sense_location_follow(struct sense_location *location, float value, float step)
{
    struct sense_location learned = *location;

    sense_location_learn(&learned, value, step);
    location->middle = learned.middle;
}

float sense_location_away(const struct sense_location *location, float value, float least)
{
    float width = location->width > least ? location->width : least;

    return sense_clamp((value - location->middle) / width, -1e6f, 1e6f);
}

float sense_oddness(float widths)
{
    float distance = widths < 0 ? -widths : widths;

    return sense_clamp(ODDNESS_PER_OCTAVE * sense_log2(1.0f + distance / 2), 0.0f, ODDNESS_TOP);
}

float sense_oddness_widths(float oddness)
{
    return 2 * (sense_exp2(oddness / ODDNESS_PER_OCTAVE) - 1.0f);
}

static unsigned bin_of(float oddness)
{
    float at = sense_clamp(oddness / SENSE_TAIL_STEP, 0.0f, SENSE_TAIL_BINS - 1);

    return (unsigned)at;
}

void sense_tail_see(struct sense_tail *tail, float oddness)
{
    if (tail->total == UINT32_MAX)
        return;
    tail->seen[bin_of(oddness)]++;
    tail->total++;
    if (oddness > tail->top)
        tail->top = sense_clamp(oddness, 0.0f, ODDNESS_TOP);
}

/* The mean excess over the oddness that one value in TAIL_PART reaches. */
static float fit_slope(const struct sense_tail *tail)
{
    uint32_t above = 0;
    float sum = 0;
    unsigned from = SENSE_TAIL_BINS;

    while (from > 0 && above <= tail->total / TAIL_PART)
        above += tail->seen[--from];
    for (unsigned i = from; i < SENSE_TAIL_BINS; i++)
        sum += (float)tail->seen[i] * ((float)(i - from) + 0.5f) * SENSE_TAIL_STEP;
    if (above == 0)
        return SLOPE_LEAST;
    return sense_clamp(SENSE_LOG2_E * (float)above / (sum + 1e-6f), SLOPE_LEAST, SLOPE_MOST);
}

void sense_tail_settle(struct sense_tail *tail)
{
    uint32_t as_odd = 0;

    for (unsigned i = SENSE_TAIL_BINS; i-- > 0;) {
        as_odd += tail->seen[i];
        tail->bits[i] = sense_log2(((float)tail->total + 1.0f) / ((float)as_odd + 1.0f));
    }
    tail->slope = fit_slope(tail);
}

float sense_tail_surprise(const struct sense_tail *tail, float oddness)
{
    float bits = tail->bits[bin_of(oddness)];

    if (oddness > tail->top && tail->total > 0)
        bits += (oddness - tail->top) * tail->slope;
    /* Devices that are not like those that were seen are believed to be near what is normal. */
    float normal = oddness * oddness / NORMAL_PER_BIT;
    return sense_clamp(bits < normal ? bits : normal, 0.0f, SENSE_BITS_TOP);
}
