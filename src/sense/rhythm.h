/* SPDX-License-Identifier: Apache-2.0 */
/* How often the devices of a role let how much time pass between two messages.
 *
 * A device that works and rests has several usual intervals, and between them none: how far one lies
 * from their middle says nothing, how seldom ones like it were seen does. Intervals are told apart by
 * quarter octaves. The caller owns the memory, of which all bytes zero is a role that nothing is known
 * of. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SENSE_PAUSES 96u /* quarter octaves from half a second on */

struct sense_rhythm {
    uint32_t seen[SENSE_PAUSES];
    uint32_t total;
    float bits[SENSE_PAUSES]; /* surprise, once settled */
};

/* The number of an interval, 1 to SENSE_PAUSES - 1; 0 below half a second, which is no interval but one
 * report. For each message: it is cheap. */
uint8_t sense_rhythm_pause(uint64_t ms);

/* The shortest interval of that number, in seconds. */
float sense_rhythm_seconds(uint8_t pause);

/* `pause` is below SENSE_PAUSES, and is not counted when it is 0. */
void sense_rhythm_see(struct sense_rhythm *rhythm, uint8_t pause);

/* After the last sense_rhythm_see(): works out the surprises. */
void sense_rhythm_settle(struct sense_rhythm *rhythm);

/* Whether enough were seen to say anything. */
bool sense_rhythm_is_known(const struct sense_rhythm *rhythm);

/* Bits of surprise: how rare it is that one is as rare as this, its neighbours counted with it, for
 * devices are not all alike. 0 for `pause` 0, and before all is settled. */
float sense_rhythm_surprise(const struct sense_rhythm *rhythm, uint8_t pause);
