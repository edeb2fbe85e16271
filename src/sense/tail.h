/* SPDX-License-Identifier: Apache-2.0 */
/* Where a measured value usually lies (of a device), and how often the devices of a role are how
 * far from there (of the role).
 *
 * The first turns a value into an oddness: 0 in the middle, and then with the logarithm of the
 * distance. The second turns oddness into surprise: bits, by counting how many of the values that
 * were seen were as odd; beyond the oddest of all by an exponential tail that is fitted to them. */
#pragma once

#include <stdint.h>

#define SENSE_TAIL_BINS 64
#define SENSE_TAIL_STEP 0.5f /* oddness of one bin */

struct sense_location {
    float middle;
    float width; /* mean distance from it; 0: nothing learned */
};

struct sense_tail {
    float bits[SENSE_TAIL_BINS]; /* surprise of each bin, once settled */
    uint32_t seen[SENSE_TAIL_BINS];
    uint32_t total;
    float slope; /* bits for each step of oddness beyond what was seen */
    float top;   /* the oddest of those seen */
};

/* Learns a value; `step` as in rate.h. Values far out move it no more than ones at four widths. */
void sense_location_learn(struct sense_location *location, float value, float step);

/* Moves the middle only: a device that is watched keeps its width, or the quiet windows that it
 * learns from would make it narrower and narrower. */
void sense_location_follow(struct sense_location *location, float value, float step);

/* Widths from the middle, with sign; a width counts as at least `least`, which is above 0. */
float sense_location_away(const struct sense_location *location, float value, float least);

/* The oddness of being so many widths away. */
float sense_oddness(float widths);

/* The distance of which that is the oddness. */
float sense_oddness_widths(float oddness);

void sense_tail_see(struct sense_tail *tail, float oddness);

/* After the last sense_tail_see(): fits the tail. */
void sense_tail_settle(struct sense_tail *tail);

/* Bits of surprise, 0 or more. 0 while nothing has been settled. */
float sense_tail_surprise(const struct sense_tail *tail, float oddness);
