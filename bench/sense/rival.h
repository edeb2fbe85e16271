/* SPDX-License-Identifier: Apache-2.0 */
/* What the detector is compared with: detectors of others, of a few lines each, that look at the same
 * traces. All learn from the windows of the training, all at once, and give each later window a score,
 * which is odd above RIVAL_ODD.
 *
 * For those that have no threshold of their own, RIVAL_ODD is the highest score of the training. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIVAL_ODD 1.0f

/* Counts and sizes of a window, each as log(1 + x); the keys are those of sense/features.def where
 * both look at the same. */
enum rival_feature {
    RIVAL_PUBLISHES,
    RIVAL_BYTES,
    RIVAL_DELIVERED,
    RIVAL_CONNECTS,
    RIVAL_FAILURES,
    RIVAL_FILTERS,
    RIVAL_WILDCARDS,
    RIVAL_DENIED,
    RIVAL_TOPICS,
    RIVAL_SIZE,
    RIVAL_KEEPALIVE,
    RIVAL_LEAVES,
    RIVAL_PINGS,
    RIVAL_RESERVED,
    RIVAL_ADDRESSES,
    RIVAL_STRANGERS,
    RIVAL_FEATURES,
};

struct rival_row {
    float x[RIVAL_FEATURES];
};

/* `model` is of `bytes`, zero at first. fit() may be given no rows. `why` is the feature that the score
 * is highest for. */
struct rival_kind {
    const char *name;
    uint32_t window_ms;
    size_t bytes;
    void (*fit)(void *model, const struct rival_row *rows, size_t count);
    float (*score)(const void *model, const struct rival_row *row, enum rival_feature *why);
};

extern const struct rival_kind rival_static;     /* 15 connects of a client id in a minute */
extern const struct rival_kind rival_percentile; /* 99.9 % of five minutes, of six metrics */
extern const struct rival_kind rival_robust_z;   /* the most of 16, of logarithms */
extern const struct rival_kind rival_trees;      /* half-space trees, 25 of depth 8 */
extern const struct rival_kind rival_kitnet;     /* an ensemble of autoencoders */

const char *rival_feature_key(enum rival_feature feature);
