/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the devices of one role together, and in which phase the learning is.
 *
 * The caller owns the memory; everything here is plain bytes that may be copied and compared.
 * A role learns until it watches, and not after: what was commissioned is the copy that later
 * behaviour is measured against. Owner: one thread. */
#pragma once

#include "sense/feature.h"
#include "sense/rate.h"
#include "sense/rhythm.h"
#include "sense/tail.h"
#include "sense/trees.h"

#include <assert.h>
#include <stdint.h>

#define SENSE_WINDOW_MS       5000u
#define SENSE_WINDOWS_PER_DAY 17280.0f
#define SENSE_ROLE_BYTES      (128u << 10)

enum sense_phase {
    SENSE_LEARN, /* means and widths, of devices and of the role; no evidence is kept */
    SENSE_SHAPE, /* how odd windows are: the tails, and the trees */
    SENSE_PROVE, /* how much evidence there is in traffic that is known to be good */
    SENSE_WATCH, /* devices go on learning from quiet windows, slowly; the role does not */
};

#define SENSE_GAPS           8u
#define SENSE_LATELY_WINDOWS 360u /* half an hour */
#define SENSE_LATELY         1u   /* counters that are followed for half an hour: the first */
#define SENSE_TAILS          (SENSE_FEATURES - SENSE_SILENT) /* tail i is of feature SENSE_SILENT + i */

struct sense_role {
    enum sense_phase phase;
    uint32_t features; /* bit i: feature i is looked at */
    uint32_t windows;  /* learned from */
    struct sense_role_rate rates[SENSE_COUNTERS];
    struct sense_location usual[SENSE_DIMENSIONS]; /* what the trees look at */
    struct sense_location keepalive;               /* log2 of seconds */
    struct sense_location backlog;                 /* log2 of bytes */
    struct sense_tail tails[SENSE_TAILS];
    struct sense_trees trees;
    struct sense_rhythm rhythm;
    float clumps[SENSE_LATELY]; /* mean square of how far half hours are from the device's mean */
    uint32_t shaped;            /* windows that this was learned from */
    uint16_t most[SENSE_COUNTERS];     /* of any device in a window */
    float busiest[SENSE_LATELY];       /* the most of any device in half an hour, a window */
    uint8_t worst[SENSE_FEATURES];     /* bits: the most evidence while proving */
    uint16_t episodes[SENSE_FEATURES]; /* while proving: so often evidence became worth a note */
    uint32_t reports;                  /* of devices that report like clockwork */
    uint32_t
        gaps[SENSE_GAPS]; /* and so often one was missing: 1.5 intervals passed at least, 3, ... */
};

static_assert(sizeof(struct sense_role) <= SENSE_ROLE_BYTES, "a role fits");

/* A role that knows nothing and learns. */
void sense_role_init(struct sense_role *role);

/* Enters a later phase; leaving SENSE_SHAPE settles the tails. Devices are given
 * sense_device_rest() by the caller: evidence of one phase means nothing in the next. */
void sense_role_enter(struct sense_role *role, enum sense_phase phase);
