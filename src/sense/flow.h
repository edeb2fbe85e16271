/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that follow each other: most of those of a device that has much to say.
 *
 * One like others of its window, soon behind the last, changes a few numbers that lie side by side and
 * asks for no look. These functions book it in the place of sense_on_publish() and
 * sense_on_delivered(), with the same outcome, or say that it is for those: then nothing was done.
 * Of messages that come at once, a run: those behind the first one are added up and booked together.
 * They are for callers that handle millions of messages in a second; others do without. */
#pragma once

#include "base/attrs.h"
#include "sense/device.h"

#include <stdbool.h>
#include <stdint.h>

#define SENSE_COUNT_TOP_STEP 0x8000u /* the last power of two that a count comes to */

/* The bit of a topic in sense_window.topics. */
static inline uint64_t sense_flow_topic_bit(uint32_t topic)
{
    return UINT64_C(1) << ((topic * 2654435761u) >> 26);
}

/* So many more, up to the top. */
static inline uint16_t sense_flow_sum(uint16_t count, unsigned by)
{
    unsigned sum = count + by;

    return (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

/* Whether a count that grows so far comes to where it is looked at again: at powers of two. */
static inline bool sense_flow_passes_step(unsigned before, unsigned after)
{
    return (before ^ after) > before;
}

/* The first of them above the count, which is below SENSE_COUNT_TOP_STEP. */
static inline uint32_t sense_flow_next_step(uint32_t count)
{
    return count == 0 ? 1 : 2u << (31 - __builtin_clz(count));
}

/* A message, neither retained nor reserved, on a topic with that bit. When it is a number, sense_on_value()
 * follows. */
static MQTT_INLINED bool sense_flow_publish(struct sense_device *device, uint64_t now_ms,
                                            uint64_t topic_bit, uint32_t bytes)
{
    struct sense_window *window = &device->window;

    if (!device->flows || now_ms - device->published_ms >= SENSE_SAME_REPORT_MS
        || (window->topics & topic_bit) == 0 || bytes < window->size_least
        || bytes > window->size_most || bytes >= SENSE_SIZE_EXACT)
        return false;
    if (device->owed != 0) { /* it was held back, or is an answer */
        device->owed--;
        device->published_ms = now_ms;
        return true;
    }
    uint16_t before = window->counts[SENSE_PUBLISHES];
    uint16_t count = sense_flow_sum(before, 1);
    uint32_t sum = window->bytes + bytes;
    if (sense_flow_passes_step(before, count) || sum < bytes)
        return false;
    window->counts[SENSE_PUBLISHES] = count;
    window->bytes = sum;
    device->published_ms = now_ms;
    return true;
}

/* Messages that the device is sent: as sense_on_delivered(). */
static MQTT_INLINED bool sense_flow_delivered(struct sense_device *device, unsigned messages,
                                              bool is_echo)
{
    struct sense_window *window = &device->window;
    uint16_t before = window->counts[SENSE_DELIVERED];
    uint16_t count = sense_flow_sum(before, messages);

    if (window->start_ms == 0 || sense_flow_passes_step(before, count))
        return false;
    window->counts[SENSE_DELIVERED] = count;
    if (device->owed == 0 && !is_echo)
        device->owed = 1;
    return true;
}

/* ---- a run ---- */

/* Messages behind one that sense_flow_publish() has booked, of the same moment. Nothing else may happen to the
 * device before sense_run_end(). */
struct sense_run {
    uint64_t topics;     /* the window's */
    uint32_t size_least; /* likewise, of a message */
    uint32_t size_span;  /* from the least to the most */
    uint32_t room;       /* so many more are taken; 0: there is no run */
    uint32_t given;      /* room when it began */
    uint32_t bytes;      /* of those that were taken */
};

static MQTT_INLINED void sense_run_begin(struct sense_run *run, const struct sense_device *device)
{
    const struct sense_window *window = &device->window;
    uint32_t count = window->counts[SENSE_PUBLISHES];
    uint32_t most = window->size_most < SENSE_SIZE_EXACT ? window->size_most : SENSE_SIZE_EXACT - 1;
    /* Up to the next power of two, at which it pays to look; the top is none. */
    uint32_t room =
        count < SENSE_COUNT_TOP_STEP ? sense_flow_next_step(count) - count - 1 : UINT16_MAX;
    uint32_t fits = (UINT32_MAX - window->bytes) / SENSE_SIZE_EXACT;

    run->topics = window->topics;
    run->size_least = window->size_least;
    run->size_span = most - window->size_least;
    run->room = run->given = device->owed == 0 ? (room < fits ? room : fits) : 0;
    run->bytes = 0;
}

/* A message as sense_flow_publish() takes it. False: it is for sense_flow_publish(), after
 * sense_run_end(). */
static MQTT_INLINED bool sense_run_take(struct sense_run *run, uint64_t topic_bit, uint32_t bytes)
{
    if (run->room == 0 || (run->topics & topic_bit) == 0
        || bytes - run->size_least > run->size_span)
        return false;
    run->room--;
    run->bytes += bytes;
    return true;
}

static MQTT_INLINED void sense_run_end(struct sense_run *run, struct sense_device *device)
{
    struct sense_window *window = &device->window;

    window->counts[SENSE_PUBLISHES] =
        sense_flow_sum(window->counts[SENSE_PUBLISHES], run->given - run->room);
    window->bytes += run->bytes;
    run->room = 0;
    run->given = 0;
    run->bytes = 0;
}
