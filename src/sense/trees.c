/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/trees.h"

#include "sense/bits.h"

#include <string.h>

#define SEED UINT64_C(0x9e3779b97f4a7c15)

static uint32_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

/* The part of the space that the node `at` halves; the root is 1, the children 2n and 2n + 1. */
static void range_of(const struct sense_trees *trees, unsigned tree, unsigned at,
                     unsigned dimension, float range[2])
{
    for (unsigned child = at; child > 1; child /= 2) {
        unsigned parent = child / 2;
        float split = trees->split[tree][parent];
        if (trees->dimension[tree][parent] != dimension)
            continue;
        if (child % 2 == 0 && split < range[1])
            range[1] = split;
        if (child % 2 == 1 && split > range[0])
            range[0] = split;
    }
}

void sense_trees_init(struct sense_trees *trees)
{
    uint64_t state = SEED;

    memset(trees, 0, sizeof(*trees));
    for (unsigned tree = 0; tree < SENSE_TREES; tree++) {
        float low[SENSE_DIMENSIONS];
        for (unsigned i = 0; i < SENSE_DIMENSIONS; i++)
            low[i] = -(float)(next(&state) % 1024) / 4096;
        for (unsigned at = 1; at < SENSE_TREE_NODES; at++) {
            unsigned dimension = next(&state) % SENSE_DIMENSIONS;
            float range[2] = { low[dimension], low[dimension] + 1.25f };
            range_of(trees, tree, at, dimension, range);
            trees->dimension[tree][at] = (uint8_t)dimension;
            trees->split[tree][at] = (range[0] + range[1]) / 2;
        }
    }
}

static unsigned leaf_of(const struct sense_trees *trees, unsigned tree, const float *point)
{
    unsigned at = 1;

    while (at < SENSE_TREE_NODES) {
        float here = point[trees->dimension[tree][at]];
        at = 2 * at + (here >= trees->split[tree][at] ? 1 : 0);
    }
    return at - SENSE_TREE_NODES;
}

/* Old windows fade: every count is halved before one of them could run over. */
static void fade(struct sense_trees *trees)
{
    for (unsigned tree = 0; tree < SENSE_TREES; tree++)
        for (unsigned leaf = 0; leaf < SENSE_TREE_NODES; leaf++)
            trees->mass[tree][leaf] /= 2;
    trees->windows /= 2;
}

void sense_trees_learn(struct sense_trees *trees, const float *point)
{
    if (trees->windows >= UINT16_MAX)
        fade(trees);
    for (unsigned tree = 0; tree < SENSE_TREES; tree++)
        trees->mass[tree][leaf_of(trees, tree, point)]++;
    trees->windows++;
}

float sense_trees_rarity(const struct sense_trees *trees, const float *point)
{
    uint32_t sum = 0;

    for (unsigned tree = 0; tree < SENSE_TREES; tree++)
        sum += trees->mass[tree][leaf_of(trees, tree, point)];
    float share = ((float)sum / SENSE_TREES + 0.5f) / ((float)trees->windows + 1.0f);
    return sense_clamp(-sense_log2(share), 0.0f, 31.0f);
}
