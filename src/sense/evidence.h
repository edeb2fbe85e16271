/* SPDX-License-Identifier: Apache-2.0 */
/* Weighing: what a window says about a device, and when all of it together is an alarm.
 *
 * Each feature has an e-detector of its own: the product of the e-values of its windows, never below
 * 1. They start with equal parts of one stake, and the alarm is at a product of
 * SENSE_ALARM_BITS. Whatever the features have to do with each other, the mean time between false
 * alarms of a device is then at least 2^SENSE_ALARM_BITS windows, that is 1 / SENSE_ALARMS_PER_DAY
 * days, where the models are right. What models get wrong about good traffic was seen while proving,
 * and is asked for on top. */
#pragma once

#include "sense/device.h"
#include "sense/feature.h"
#include "sense/role.h"

#include <stdbool.h>
#include <stdint.h>

#define SENSE_ALARMS_PER_DAY 0.01f
#define SENSE_ALARM_BITS     20.72f /* log2(SENSE_WINDOWS_PER_DAY / SENSE_ALARMS_PER_DAY) */
#define SENSE_NOTE_BITS      8.0f
#define SENSE_SURPRISED_BITS 8.0f
#define SENSE_STIRRED_BITS   4.0f /* enough to share an alarm that another device raises */

/* How a device stands. */
struct sense_standing {
    float bits[SENSE_FEATURES];     /* evidence above what was proved to be usual, 0 or more */
    float observed[SENSE_FEATURES]; /* the most since it began; of what is missing, the least */
    float score;     /* their sum: without a feature it is less by exactly its bits */
    float evidence;  /* log2 of the e-value of all together: compare SENSE_ALARM_BITS */
    float attacking; /* bits of the features that say so */
    float attacked;
};

/* Closes the window when it is over, and weighs it; else, of a role that is watched, weighs what there
 * is so far. To be called at least once in a second for each device that is present, and when an event says so. Learns, as
 * the phase of the role demands. true: the standing has been filled in. false: there was nothing to
 * look at. */
bool sense_device_look(struct sense_role *role, struct sense_device *device, uint64_t now_ms,
                       struct sense_standing *out);

/* How it stood when its last window was closed. */
void sense_device_standing(const struct sense_role *role, const struct sense_device *device,
                           struct sense_standing *out);

/* The verdict of a standing: SENSE_QUIET below SENSE_ALARM_BITS of evidence. */
enum sense_verdict sense_standing_verdict(const struct sense_standing *standing);

/* Seconds since the evidence for the feature began, about. */
uint32_t sense_device_onset_s(const struct sense_device *device, enum sense_feature feature);
