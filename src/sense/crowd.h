/* SPDX-License-Identifier: Apache-2.0 */
/* What is told when a device is at an alarm: of it alone, of many that are surprised together, or
 * nothing that has not been told already.
 *
 * The caller gathers the members of a role; nothing here allocates. Owner: that of the devices. */
#pragma once

#include "sense/device.h"
#include "sense/evidence.h"
#include "sense/group.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device among those of its role, as far as one verdict goes. */
struct sense_member {
    struct sense_device *device; /* borrowed */
    float evidence;              /* bits: sense_member_evidence() */
    void *owner;                 /* the caller's, not looked at */
};

enum sense_news {
    SENSE_NO_NEWS = 0,
    SENSE_NEWS_OF_DEVICE,
    SENSE_NEWS_OF_GROUP,
};

/* The bits that speak for one of the verdicts, `attacking` and `attacked` being those of its last
 * standing; 0 when none of it is new: a common cause has one moment. */
float sense_member_evidence(const struct sense_device *device, float attacking, float attacked,
                            enum sense_verdict verdict);

/* Strongest first, those with the same evidence as they came. */
void sense_crowd_sort(struct sense_member *members, size_t count);

/* Whether its standing is to be judged: it is an alarm, and not told of yet. Whoever was told of as
 * attacked, as when all are held up together, is not safe from being told of as attacking. */
bool sense_crowd_is_due(struct sense_device *device, const struct sense_standing *standing);

/* A group was told of, with that verdict: its members are not told of for that once more. */
void sense_crowd_accuse(const struct sense_member *members, size_t count,
                        enum sense_verdict verdict);

/* `device` is due. `members` are those with SENSE_STIRRED_BITS or more for its verdict, sorted, of so
 * many that are here; NULL and 0 when there was no memory for them: then it is told alone. Marks as
 * alarmed whom the news is of. */
enum sense_news sense_crowd_judge(struct sense_group *group, const struct sense_member *members,
                                  size_t count, uint32_t here, struct sense_device *device,
                                  uint64_t now_ms);

/* Whether `device`, of which was told with others, has so much more than they by now that it would have
 * been told of alone. Members as above. */
bool sense_crowd_stands_out(const struct sense_group *group, const struct sense_member *members,
                            size_t count, uint32_t here, const struct sense_device *device);

/* Each second: whether it is worth gathering members for sense_crowd_watch() when so many have
 * SENSE_SURPRISED_BITS or more. */
bool sense_crowd_may_tell(const struct sense_group *group, uint32_t surprised, uint32_t here,
                          uint64_t now_ms);

/* With members as for sense_crowd_judge(). true: a group is to be told, as soon as there is one, and of
 * one that is open, when devices have joined it. Marks as alarmed whom the news is of. */
bool sense_crowd_watch(struct sense_group *group, const struct sense_member *members, size_t count,
                       uint32_t here, uint64_t now_ms);

/* Whether the group was told of and is not over: what is told now is of those who have joined. */
bool sense_crowd_was_told(const struct sense_group *group);

/* Once in a window, with the number of those that have SENSE_SURPRISED_BITS or more. `learns`: the
 * traffic is known to be good. */
void sense_crowd_count(struct sense_group *group, uint32_t surprised, uint32_t here, bool learns);
