/* SPDX-License-Identifier: Apache-2.0 */
/* Half-space trees: how many of the windows of a role fell into the same corner of the space of
 * features as this one. Joint oddness, of windows that are odd in no feature by itself.
 *
 * The trees are the same in every process: where they split is made from numbers that are fixed. */
#pragma once

#include <stdint.h>

#define SENSE_TREES      25
#define SENSE_TREE_DEPTH 8
#define SENSE_TREE_NODES (1 << SENSE_TREE_DEPTH)
#define SENSE_DIMENSIONS 8

struct sense_trees {
    float split[SENSE_TREES][SENSE_TREE_NODES];
    uint16_t mass[SENSE_TREES][SENSE_TREE_NODES]; /* windows in each leaf */
    uint8_t dimension[SENSE_TREES][SENSE_TREE_NODES];
    uint32_t windows;
};

void sense_trees_init(struct sense_trees *trees);

/* A point has SENSE_DIMENSIONS coordinates in 0..1. */
void sense_trees_learn(struct sense_trees *trees, const float *point);

/* -log2 of the part of the windows that fell where the point falls, 0 to 31. */
float sense_trees_rarity(const struct sense_trees *trees, const float *point);
