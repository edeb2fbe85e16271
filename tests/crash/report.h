/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers count into, and what they say about a failure. The memory is shared by the
 * processes. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_LOST = 0,
    FAULT_DUPLICATED,
    FAULT_REORDERED,
    FAULT_WRONG, /* any other answer that no broker may give, or none */
    FAULT_COUNT,
};

struct report {
    uint64_t crashes;
    uint64_t early;        /* of them: before the first CONNACK */
    uint64_t acknowledged; /* publications */
    uint64_t delivered;
    uint64_t owed; /* deliveries that an acknowledgement has promised for certain */
    uint64_t faults[FAULT_COUNT];
    uint32_t next_series;
    uint32_t told; /* failures that were printed */
    uint32_t most_told;
    uint32_t shards; /* of every life; 0: one to three, as the seed says */
    /* SIGTERM in the place of SIGKILL: to try the judge on one who keeps its word. */
    bool is_gentle;
};

/* Where a failure happened, and how to see it again. */
struct place {
    struct report *report;
    uint64_t seed; /* of the series */
    unsigned life; /* counted from 1 */
    unsigned lives;
};

struct report *report_new(void); /* NULL: no memory */
void report_add(uint64_t *counter, uint64_t by);

/* Counts it; true: it is to be told, and report_end() follows. */
bool report_begin(const struct place *place, enum fault fault, unsigned count);
MQTT_PRINTF(1, 2) void report_say(const char *format, ...);
void report_end(const struct place *place);

/* For a failure that needs no more than a line. */
MQTT_PRINTF(3, 4)
void report_fault(const struct place *place, enum fault fault, const char *format, ...);
