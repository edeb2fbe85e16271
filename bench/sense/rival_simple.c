/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, percentiles, and robust z: one feature at a time. */
#include "bench/sense/rival.h"

#include <math.h>
#include <stdlib.h>

#define MINUTE_MS       60000u
#define FIVE_MINUTES_MS 300000u
#define TEN_SECONDS_MS  10000u
#define CONNECTS_MOST   15.0f
#define TOP_PART        0.999
#define MAD_TO_SIGMA    1.4826f
#define SIGMA_LEAST     0.1f

static const char *const keys[RIVAL_FEATURES] = {
    "publishes",     "bytes",       "delivered", "connects",
    "auth_failures", "new_filters", "wildcards", "denied_subscribes",
    "topics",        "size",        "keepalive", "lost",
    "pings",         "reserved",    "takeovers", "strangers",
};

const char *rival_feature_key(enum rival_feature feature)
{
    return keys[feature];
}

static void fit_nothing(void *model, const struct rival_row *rows, size_t count)
{
    (void)model;
    (void)rows;
    (void)count;
}

static float score_static(const void *model, const struct rival_row *row, enum rival_feature *why)
{
    (void)model;
    *why = RIVAL_CONNECTS;
    return expm1f(row->x[RIVAL_CONNECTS]) / CONNECTS_MOST;
}

const struct rival_kind rival_static = { "static", MINUTE_MS, 1, fit_nothing, score_static };

static int ascending(const void *left, const void *right)
{
    float a = *(const float *)left;
    float b = *(const float *)right;

    return a < b ? -1 : a > b;
}

/* The value that `part` of a feature's values do not exceed; 0 without any. `room` holds `count`. */
static float quantile(const struct rival_row *rows, size_t count, unsigned feature, double part,
                      float *room)
{
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        room[i] = rows[i].x[feature];
    qsort(room, count, sizeof(room[0]), ascending);
    return room[(size_t)(part * (double)(count - 1))];
}

struct percentile_model {
    float most[RIVAL_FEATURES];
};

static void fit_percentile(void *model, const struct rival_row *rows, size_t count)
{
    struct percentile_model *percentile = model;
    float *room = calloc(count + 1, sizeof(*room));

    for (unsigned i = 0; room != NULL && i < RIVAL_FEATURES; i++)
        percentile->most[i] = quantile(rows, count, i, TOP_PART, room);
    free(room);
}

static float score_percentile(const void *model, const struct rival_row *row,
                              enum rival_feature *why)
{
    static const uint8_t metrics[] = { RIVAL_SIZE,     RIVAL_PUBLISHES, RIVAL_DELIVERED,
                                       RIVAL_FAILURES, RIVAL_CONNECTS,  RIVAL_LEAVES };
    const struct percentile_model *percentile = model;
    float most = 0;

    *why = RIVAL_PUBLISHES;
    for (unsigned i = 0; i < sizeof(metrics); i++) {
        unsigned at = metrics[i];
        float above = row->x[at] - percentile->most[at];
        if (above > most) {
            most = above;
            *why = (enum rival_feature)at;
        }
    }
    return most > 0 ? 1.0f + most : 0;
}

const struct rival_kind rival_percentile = { "percentile", FIVE_MINUTES_MS,
                                             sizeof(struct percentile_model), fit_percentile,
                                             score_percentile };

struct z_model {
    float middle[RIVAL_FEATURES];
    float sigma[RIVAL_FEATURES];
    float most;
};

static float z_of(const struct z_model *z, const struct rival_row *row, enum rival_feature *why)
{
    float most = 0;

    *why = RIVAL_PUBLISHES;
    for (unsigned i = 0; i < RIVAL_FEATURES; i++) {
        float away = fabsf(row->x[i] - z->middle[i]) / z->sigma[i];
        if (away > most) {
            most = away;
            *why = (enum rival_feature)i;
        }
    }
    return most;
}

static void fit_z(void *model, const struct rival_row *rows, size_t count)
{
    struct z_model *z = model;
    enum rival_feature why;
    float *room = calloc(count + 1, sizeof(*room));

    for (unsigned i = 0; i < RIVAL_FEATURES; i++) {
        z->sigma[i] = SIGMA_LEAST;
        if (room == NULL || count == 0)
            continue;
        z->middle[i] = quantile(rows, count, i, 0.5, room);
        for (size_t at = 0; at < count; at++)
            room[at] = fabsf(rows[at].x[i] - z->middle[i]);
        qsort(room, count, sizeof(room[0]), ascending);
        float sigma = MAD_TO_SIGMA * room[count / 2];
        z->sigma[i] = sigma > SIGMA_LEAST ? sigma : SIGMA_LEAST;
    }
    free(room);
    for (size_t at = 0; at < count; at++)
        z->most = fmaxf(z->most, z_of(z, &rows[at], &why));
}

static float score_z(const void *model, const struct rival_row *row, enum rival_feature *why)
{
    const struct z_model *z = model;

    return z_of(z, row, why) / fmaxf(z->most, 1.0f);
}

const struct rival_kind rival_robust_z = { "robust-z", TEN_SECONDS_MS, sizeof(struct z_model),
                                           fit_z, score_z };
