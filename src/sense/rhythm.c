/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/rhythm.h"

#include "sense/bits.h"

#include <string.h>

#define LEAST_MS 512u
#define MOST_MS  0x7fffffffu
#define LEAST_QUARTER \
    ((127u + 9u) << 2) /* of a float that is LEAST_MS: exponent and two more bits */
#define QUARTER_SHIFT 21u
#define ENOUGH        200u

uint8_t sense_rhythm_pause(uint64_t ms)
{
    if (ms < LEAST_MS)
        return 0;
    float value = (float)(uint32_t)(ms < MOST_MS ? ms : MOST_MS);
    uint32_t raw;
    memcpy(&raw, &value, sizeof(raw));
    uint32_t pause = (raw >> QUARTER_SHIFT) - LEAST_QUARTER + 1;
    return (uint8_t)(pause < SENSE_PAUSES ? pause : SENSE_PAUSES - 1);
}

float sense_rhythm_seconds(uint8_t pause)
{
    if (pause == 0)
        return 0;
    unsigned quarters = pause - 1u;
    float part = 1.0f + (float)(quarters & 3u) / 4;

    return part * sense_exp2((float)(quarters >> 2)) * (LEAST_MS / 1000.0f);
}

void sense_rhythm_see(struct sense_rhythm *rhythm, uint8_t pause)
{
    if (pause == 0 || rhythm->total == UINT32_MAX)
        return;
    rhythm->seen[pause]++;
    rhythm->total++;
}

/* Of an interval and its neighbours. */
static uint32_t near(const struct sense_rhythm *rhythm, unsigned pause)
{
    uint32_t sum = rhythm->seen[pause] + rhythm->seen[pause - 1];

    return pause + 1 < SENSE_PAUSES ? sum + rhythm->seen[pause + 1] : sum;
}

void sense_rhythm_settle(struct sense_rhythm *rhythm)
{
    for (unsigned i = 1; i < SENSE_PAUSES; i++) {
        uint32_t as_rare = 0;
        for (unsigned j = 1; j < SENSE_PAUSES; j++)
            if (near(rhythm, j) <= near(rhythm, i))
                as_rare += rhythm->seen[j];
        rhythm->bits[i] = sense_log2(((float)rhythm->total + 1.0f) / ((float)as_rare + 1.0f));
    }
}

bool sense_rhythm_is_known(const struct sense_rhythm *rhythm)
{
    return rhythm->total >= ENOUGH;
}

float sense_rhythm_surprise(const struct sense_rhythm *rhythm, uint8_t pause)
{
    return rhythm->bits[pause];
}
