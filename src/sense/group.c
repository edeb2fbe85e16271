/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/group.h"

#include "sense/bits.h"
#include "sense/evidence.h"

#define PART_OF       5u /* more than one in so many is a group whatever was learned */
#define EVIDENCE_TOP  100.0f
#define OVER_AFTER    12u    /* windows */
#define PRIOR_MEAN    0.005f /* of one device, in a window */
#define PRIOR_WINDOWS 720.0f
#define APART         0.1f /* how well the mean is known: as from ten windows */

static struct sense_expected expect(const struct sense_group *group, uint32_t here)
{
    float windows = (float)group->windows;
    struct sense_rate none = { 0, 0 };
    float part =
        (PRIOR_MEAN * PRIOR_WINDOWS + windows * group->rate.all.mean) / (PRIOR_WINDOWS + windows);
    float mean = part * (float)here;
    struct sense_role_rate rate = { .all = { mean, mean }, .apart = mean * APART };

    return sense_rate_expect(&none, 0, &rate);
}

bool sense_group_is(const struct sense_group *group, uint32_t surprised, uint32_t here)
{
    if (surprised < SENSE_GROUP_LEAST)
        return false;
    if (surprised * PART_OF > here)
        return true;
    struct sense_expected expected = expect(group, here);
    return group->evidence + sense_rate_more(&expected, (float)surprised) >= SENSE_ALARM_BITS;
}

bool sense_group_count(struct sense_group *group, uint32_t surprised, uint32_t here, bool learns)
{
    struct sense_expected expected = expect(group, here);

    if (learns) {
        float part = here == 0 ? 0 : (float)surprised / (float)here;
        sense_rate_learn(&group->rate.all, part, 1.0f / (float)(group->windows + 1), 0);
        group->windows++;
        return false;
    }
    bool is = sense_group_is(group, surprised, here);
    float bits = sense_rate_more(&expected, (float)surprised);
    group->evidence = sense_clamp(group->evidence + bits, 0, EVIDENCE_TOP);
    group->quiet = is ? 0 : (uint16_t)(group->quiet + (group->quiet < UINT16_MAX));
    if (group->open && group->quiet >= OVER_AFTER) {
        group->open = false;
        group->evidence = 0;
    }
    if (!is || group->open)
        return false;
    group->open = true;
    return true;
}

float sense_group_own(float evidence, float common)
{
    return sense_clamp(evidence - common, 0, EVIDENCE_TOP);
}

void sense_group_rest(struct sense_group *group)
{
    group->evidence = 0;
    group->told_ms = 0;
    group->quiet = 0;
    group->open = false;
}
