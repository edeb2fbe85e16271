/* SPDX-License-Identifier: Apache-2.0 */
/* Half-space trees alone: the forest of sense/, over what it has dimensions for. */
#include "bench/sense/rival.h"
#include "sense/trees.h"

#include <math.h>

#define TEN_SECONDS_MS 10000u

static const uint8_t looked_at[SENSE_DIMENSIONS] = {
    RIVAL_PUBLISHES, RIVAL_BYTES, RIVAL_DELIVERED, RIVAL_CONNECTS,
    RIVAL_FAILURES,  RIVAL_SIZE,  RIVAL_TOPICS,    RIVAL_FILTERS,
};

struct trees_model {
    struct sense_trees trees;
    float most[SENSE_DIMENSIONS]; /* of the training, and half as much again */
    float rarest;
};

static void point_of(const struct trees_model *model, const struct rival_row *row,
                     float point[SENSE_DIMENSIONS])
{
    for (unsigned i = 0; i < SENSE_DIMENSIONS; i++)
        point[i] = fminf(row->x[looked_at[i]] / model->most[i], 1.0f);
}

static void fit(void *model, const struct rival_row *rows, size_t count)
{
    struct trees_model *trees = model;
    float point[SENSE_DIMENSIONS];

    sense_trees_init(&trees->trees);
    for (unsigned i = 0; i < SENSE_DIMENSIONS; i++) {
        trees->most[i] = 1.0f;
        for (size_t at = 0; at < count; at++)
            trees->most[i] = fmaxf(trees->most[i], 1.5f * rows[at].x[looked_at[i]]);
    }
    for (size_t at = 0; at < count; at++) {
        point_of(trees, &rows[at], point);
        sense_trees_learn(&trees->trees, point);
    }
    for (size_t at = 0; at < count; at++) {
        point_of(trees, &rows[at], point);
        trees->rarest = fmaxf(trees->rarest, sense_trees_rarity(&trees->trees, point));
    }
}

static float score(const void *model, const struct rival_row *row, enum rival_feature *why)
{
    const struct trees_model *trees = model;
    float point[SENSE_DIMENSIONS];
    unsigned most = 0;

    point_of(trees, row, point);
    for (unsigned i = 1; i < SENSE_DIMENSIONS; i++)
        if (point[i] > point[most])
            most = i;
    /* A path explains nothing: the dimension that is furthest out is said. */
    *why = (enum rival_feature)looked_at[most];
    return sense_trees_rarity(&trees->trees, point) / fmaxf(trees->rarest, 1.0f);
}

const struct rival_kind rival_trees = { "trees", TEN_SECONDS_MS, sizeof(struct trees_model), fit,
                                        score };
