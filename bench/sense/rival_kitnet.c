/* SPDX-License-Identifier: Apache-2.0 */
/* After Kitsune's KitNET: features that hang together have an autoencoder each, and what these get wrong has
 * one more. Weights are tied; one pass of stochastic gradient descent. */
#include "bench/sense/rival.h"

#include <math.h>

#define TEN_SECONDS_MS 10000u
#define GROUP_MOST     10u
#define HIDDEN_PART    0.75f
#define RATE           0.1f
#define SEED           UINT64_C(0x9e3779b97f4a7c15)

struct coder {
    float weight[RIVAL_FEATURES][RIVAL_FEATURES]; /* hidden by visible */
    float hidden_bias[RIVAL_FEATURES];
    float visible_bias[RIVAL_FEATURES];
    float most[RIVAL_FEATURES]; /* of what it has learned from, to be between 0 and 1 */
    unsigned visible;
    unsigned hidden;
};

struct kitnet_model {
    struct coder parts[RIVAL_FEATURES];
    struct coder whole;
    uint8_t group[RIVAL_FEATURES]; /* of each feature */
    unsigned groups;
    float most; /* error in the training */
};

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static void coder_init(struct coder *coder, unsigned visible, uint64_t *random)
{
    *coder = (struct coder){ .visible = visible };
    coder->hidden = (unsigned)ceilf(HIDDEN_PART * (float)visible);
    for (unsigned i = 0; i < coder->hidden; i++)
        for (unsigned j = 0; j < visible; j++) {
            *random = *random * UINT64_C(6364136223846793005) + 1;
            float unit = (float)(*random >> 40) / (float)(1u << 24);
            coder->weight[i][j] = (2 * unit - 1) / (float)visible;
        }
}

static void scaled(const struct coder *coder, const float *x, float *out)
{
    for (unsigned j = 0; j < coder->visible; j++)
        out[j] = coder->most[j] > 0 ? x[j] / coder->most[j] : x[j];
}

/* What it makes of `in`; `hidden` on the way. */
static void guess(const struct coder *coder, const float *in, float *hidden, float *out)
{
    for (unsigned i = 0; i < coder->hidden; i++) {
        float sum = coder->hidden_bias[i];
        for (unsigned j = 0; j < coder->visible; j++)
            sum += coder->weight[i][j] * in[j];
        hidden[i] = sigmoid(sum);
    }
    for (unsigned j = 0; j < coder->visible; j++) {
        float sum = coder->visible_bias[j];
        for (unsigned i = 0; i < coder->hidden; i++)
            sum += coder->weight[i][j] * hidden[i];
        out[j] = sigmoid(sum);
    }
}

static float coder_error(const struct coder *coder, const float *x)
{
    float in[RIVAL_FEATURES] = { 0 };
    float hidden[RIVAL_FEATURES];
    float out[RIVAL_FEATURES];
    float sum = 0;

    scaled(coder, x, in);
    guess(coder, in, hidden, out);
    for (unsigned j = 0; j < coder->visible; j++)
        sum += (in[j] - out[j]) * (in[j] - out[j]);
    return sqrtf(sum / (float)coder->visible);
}

static void coder_learn(struct coder *coder, const float *x)
{
    float in[RIVAL_FEATURES] = { 0 };
    float hidden[RIVAL_FEATURES];
    float out[RIVAL_FEATURES];

    for (unsigned j = 0; j < coder->visible; j++)
        coder->most[j] = fmaxf(coder->most[j], x[j]);
    scaled(coder, x, in);
    guess(coder, in, hidden, out);
    for (unsigned i = 0; i < coder->hidden; i++) {
        float back = 0;
        for (unsigned j = 0; j < coder->visible; j++)
            back += coder->weight[i][j] * (in[j] - out[j]);
        back *= hidden[i] * (1 - hidden[i]);
        coder->hidden_bias[i] += RATE * back;
        for (unsigned j = 0; j < coder->visible; j++)
            coder->weight[i][j] += RATE * (back * in[j] + hidden[i] * (in[j] - out[j]));
    }
    for (unsigned j = 0; j < coder->visible; j++)
        coder->visible_bias[j] += RATE * (in[j] - out[j]);
}

/* |correlation| of two features; 0 for what never varies. */
static float correlation(const struct rival_row *rows, size_t count, unsigned a, unsigned b)
{
    double sums[5] = { 0 };

    for (size_t i = 0; i < count; i++) {
        double x = (double)rows[i].x[a];
        double y = (double)rows[i].x[b];
        sums[0] += x;
        sums[1] += y;
        sums[2] += x * x;
        sums[3] += y * y;
        sums[4] += x * y;
    }
    double n = (double)count;
    double across = (n * sums[2] - sums[0] * sums[0]) * (n * sums[3] - sums[1] * sums[1]);
    return across > 0 ? (float)fabs((n * sums[4] - sums[0] * sums[1]) / sqrt(across)) : 0;
}

static unsigned size_of(const struct kitnet_model *kitnet, unsigned group)
{
    unsigned size = 0;

    for (unsigned i = 0; i < RIVAL_FEATURES; i++)
        size += kitnet->group[i] == group ? 1 : 0;
    return size;
}

static void merge(struct kitnet_model *kitnet, unsigned into, unsigned from)
{
    for (unsigned i = 0; i < RIVAL_FEATURES; i++)
        if (kitnet->group[i] == from)
            kitnet->group[i] = (uint8_t)into;
}

/* The two groups with the strongest link that fit together. false: there are none. */
static bool strongest(const struct kitnet_model *kitnet, float near[][RIVAL_FEATURES],
                      unsigned found[2])
{
    float most = 0;

    for (unsigned a = 0; a < RIVAL_FEATURES; a++)
        for (unsigned b = 0; b < a; b++) {
            unsigned one = kitnet->group[a];
            unsigned other = kitnet->group[b];
            if (one == other || near[a][b] <= most
                || size_of(kitnet, one) + size_of(kitnet, other) > GROUP_MOST)
                continue;
            most = near[a][b];
            found[0] = one;
            found[1] = other;
        }
    return most > 0;
}

static void find_groups(struct kitnet_model *kitnet, const struct rival_row *rows, size_t count)
{
    float near[RIVAL_FEATURES][RIVAL_FEATURES];
    unsigned found[2];

    for (unsigned a = 0; a < RIVAL_FEATURES; a++) {
        kitnet->group[a] = (uint8_t)a;
        for (unsigned b = 0; b < a; b++)
            near[a][b] = correlation(rows, count, a, b);
    }
    while (strongest(kitnet, near, found))
        merge(kitnet, found[0], found[1]);
}

static unsigned part_of(const struct kitnet_model *kitnet, const struct rival_row *row,
                        unsigned group, float *out)
{
    unsigned count = 0;

    for (unsigned i = 0; i < RIVAL_FEATURES; i++)
        if (kitnet->group[i] == group)
            out[count++] = row->x[i];
    return count;
}

static void learn_parts(struct kitnet_model *kitnet, const struct rival_row *row)
{
    float part[RIVAL_FEATURES];

    for (unsigned group = 0; group < RIVAL_FEATURES; group++)
        if (part_of(kitnet, row, group, part) > 0)
            coder_learn(&kitnet->parts[group], part);
}

/* How wrong each part is; groups[at] is which. */
static void errors_of(const struct kitnet_model *kitnet, const struct rival_row *row,
                      float errors[RIVAL_FEATURES], uint8_t groups[RIVAL_FEATURES])
{
    float part[RIVAL_FEATURES];
    unsigned at = 0;

    for (unsigned group = 0; group < RIVAL_FEATURES; group++) {
        if (part_of(kitnet, row, group, part) == 0)
            continue;
        groups[at] = (uint8_t)group;
        errors[at++] = coder_error(&kitnet->parts[group], part);
    }
}

static void fit(void *model, const struct rival_row *rows, size_t count)
{
    struct kitnet_model *kitnet = model;
    float errors[RIVAL_FEATURES];
    uint8_t groups[RIVAL_FEATURES];
    uint64_t random = SEED;

    find_groups(kitnet, rows, count);
    for (unsigned group = 0; group < RIVAL_FEATURES; group++) {
        unsigned size = size_of(kitnet, group);
        if (size > 0)
            coder_init(&kitnet->parts[group], size, &random);
        kitnet->groups += size > 0 ? 1 : 0;
    }
    coder_init(&kitnet->whole, kitnet->groups, &random);
    for (size_t i = 0; i < count; i++)
        learn_parts(kitnet, &rows[i]);
    for (size_t i = 0; i < count; i++) {
        errors_of(kitnet, &rows[i], errors, groups);
        coder_learn(&kitnet->whole, errors);
    }
    for (size_t i = 0; i < count; i++) {
        errors_of(kitnet, &rows[i], errors, groups);
        kitnet->most = fmaxf(kitnet->most, coder_error(&kitnet->whole, errors));
    }
}

static float score(const void *model, const struct rival_row *row, enum rival_feature *why)
{
    const struct kitnet_model *kitnet = model;
    float errors[RIVAL_FEATURES];
    uint8_t groups[RIVAL_FEATURES];
    unsigned most = 0;

    errors_of(kitnet, row, errors, groups);
    for (unsigned at = 1; at < kitnet->groups; at++)
        if (errors[at] > errors[most])
            most = at;
    *why = (enum rival_feature)groups[most]; /* one of those that hang together */
    return coder_error(&kitnet->whole, errors) / fmaxf(kitnet->most, 1e-3f);
}

const struct rival_kind rival_kitnet = { "kitnet", TEN_SECONDS_MS, sizeof(struct kitnet_model), fit,
                                         score };
