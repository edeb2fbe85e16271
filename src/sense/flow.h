/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that follow each other: most of those of a device that has much to say.
 *
 * One like others of its window, soon behind the last, changes a few numbers that lie side by side and
 * asks for no look. These functions book it in the place of sense_on_publish() and
 * sense_on_delivered(), with the same outcome, or say that it is for those: then nothing was done. They
 * are for callers that handle millions of messages in a second; others do without. */
#pragma once

#include "base/attrs.h"
#include "sense/device.h"

#include <stdbool.h>
#include <stdint.h>

/* The bit of a topic in sense_window.topics. */
static inline uint64_t sense_flow_topic_bit(uint32_t topic)
{
    return UINT64_C(1) << ((topic * 2654435761u) >> 26);
}

/* One more, up to the top. */
static inline uint16_t sense_flow_next(uint16_t count)
{
    return (uint16_t)(count + (count < UINT16_MAX));
}

/* What counts are looked at again: powers of two. `count` is above 0. */
static inline bool sense_flow_is_step(unsigned count)
{
    return (count & (count - 1)) == 0;
}

/* A message without a value, neither retained nor reserved, on a topic with that bit. */
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
    uint16_t count = sense_flow_next(window->counts[SENSE_PUBLISHES]);
    uint32_t sum = window->bytes + bytes;
    if (sense_flow_is_step(count) || sum < bytes)
        return false;
    window->counts[SENSE_PUBLISHES] = count;
    window->bytes = sum;
    device->published_ms = now_ms;
    return true;
}

/* A message that the device is sent: as sense_on_delivered(). */
static MQTT_INLINED bool sense_flow_delivered(struct sense_device *device, bool is_echo)
{
    struct sense_window *window = &device->window;
    uint16_t count = sense_flow_next(window->counts[SENSE_DELIVERED]);

    if (window->start_ms == 0 || sense_flow_is_step(count))
        return false;
    window->counts[SENSE_DELIVERED] = count;
    if (device->owed == 0 && !is_echo)
        device->owed = 1;
    return true;
}
