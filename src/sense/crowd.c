/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/crowd.h"

#include <stdlib.h>

#define AGAIN_MS 5000u

float sense_member_evidence(const struct sense_device *device, float attacking, float attacked,
                            enum sense_verdict verdict)
{
    if (device->quiet > SENSE_FRESH_WINDOWS)
        return 0;
    return verdict == SENSE_ATTACKING ? attacking : attacked;
}

/* For qsort(). */
static int by_evidence(const void *left, const void *right)
{
    float a = ((const struct sense_member *)left)->evidence;
    float b = ((const struct sense_member *)right)->evidence;

    return a > b ? -1 : a < b;
}

void sense_crowd_sort(struct sense_member *members, size_t count)
{
    if (count > 1)
        qsort(members, count, sizeof(*members), by_evidence);
}

/* A device of a group is told of by itself only for what it does not share with the others. */
static bool is_own(const struct sense_device *device, const struct sense_member *members,
                   size_t count)
{
    float common = count > 1 ? members[count / 2].evidence : 0;

    for (size_t i = 0; i < count; i++)
        if (members[i].device == device)
            return sense_group_own(members[i].evidence, common) >= SENSE_ALARM_BITS;
    return false;
}

/* Enough of them are new in it: one that was told of is not told of again. */
static bool is_news(const struct sense_member *members, size_t count)
{
    unsigned fresh = 0;

    for (size_t i = 0; i < count && fresh < SENSE_GROUP_LEAST; i++)
        fresh += members[i].device->alarmed ? 0 : 1;
    return fresh == SENSE_GROUP_LEAST;
}

/* Of a group that is open: told again with its new members, but not every moment. */
static bool is_due_again(const struct sense_group *group, uint64_t now_ms)
{
    return now_ms >= group->told_ms + AGAIN_MS;
}

/* How many of them, who are sorted, are surprised. */
static size_t count_surprised(const struct sense_member *members, size_t count)
{
    size_t surprised = 0;

    while (surprised < count && members[surprised].evidence >= SENSE_SURPRISED_BITS)
        surprised++;
    return surprised;
}

static bool has_joined(const struct sense_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!members[i].device->alarmed)
            return true;
    return false;
}

static void mark(struct sense_group *group, const struct sense_member *members, size_t count,
                 uint64_t now_ms)
{
    group->open = true;
    group->quiet = 0;
    for (size_t i = 0; i < count_surprised(members, count); i++)
        members[i].device->alarmed = true;
    group->told_ms = now_ms;
}

bool sense_crowd_is_due(struct sense_device *device, const struct sense_standing *standing)
{
    enum sense_verdict verdict = sense_standing_verdict(standing);
    bool attacks = verdict == SENSE_ATTACKING && standing->attacking >= SENSE_ALARM_BITS;

    if (attacks && !device->accused) {
        device->accused = true;
        device->alarmed = false;
    }
    return verdict != SENSE_QUIET && !device->alarmed;
}

void sense_crowd_accuse(const struct sense_member *members, size_t count,
                        enum sense_verdict verdict)
{
    for (size_t i = 0; i < count && verdict == SENSE_ATTACKING; i++)
        members[i].device->accused = true;
}

enum sense_news sense_crowd_judge(struct sense_group *group, const struct sense_member *members,
                                  size_t count, uint32_t here, struct sense_device *device,
                                  uint64_t now_ms)
{
    bool is_group = sense_group_is(group, (uint32_t)count, here);

    if (is_group && (group->open ? is_due_again(group, now_ms) : is_news(members, count))) {
        mark(group, members, count, now_ms);
        return SENSE_NEWS_OF_GROUP;
    }
    if (is_group && !is_own(device, members, count))
        return SENSE_NO_NEWS;
    device->alarmed = true;
    return SENSE_NEWS_OF_DEVICE;
}

bool sense_crowd_stands_out(const struct sense_group *group, const struct sense_member *members,
                            size_t count, uint32_t here, const struct sense_device *device)
{
    return !sense_group_is(group, (uint32_t)count, here) || is_own(device, members, count);
}

bool sense_crowd_may_tell(const struct sense_group *group, uint32_t surprised, uint32_t here,
                          uint64_t now_ms)
{
    return sense_group_is(group, surprised, here) && (!group->open || is_due_again(group, now_ms));
}

bool sense_crowd_watch(struct sense_group *group, const struct sense_member *members, size_t count,
                       uint32_t here, uint64_t now_ms)
{
    size_t surprised = count_surprised(members, count);

    if (!sense_crowd_may_tell(group, (uint32_t)surprised, here, now_ms)
        || !(group->open ? has_joined(members, surprised) : is_news(members, surprised)))
        return false;
    mark(group, members, count, now_ms);
    return true;
}

bool sense_crowd_was_told(const struct sense_group *group)
{
    return group->open && group->told_ms != 0;
}

void sense_crowd_count(struct sense_group *group, uint32_t surprised, uint32_t here, bool learns)
{
    (void)sense_group_count(group, surprised, here, learns);
    if (!group->open)
        group->told_ms = 0;
}
