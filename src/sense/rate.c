/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/rate.h"

#include "sense/bits.h"

#define MEAN_LEAST     1e-6f
#define STRONGEST      360.0f /* windows that the role's mean counts for, at most */
#define WEAKEST        0.2f
#define DISPERSION_AT  60.0f /* windows after which half of the dispersion is the device's own */
#define NARROWEST      0.1f
#define SHAPE_LEAST    0.5f
#define SHAPE_SMALLEST 0.1f /* a few that came together once do not say that all do */
#define SHAPE_POISSON  1e5f
/* A twentieth of the stake is on a rate that is raised eightfold again: a flood is seen sooner by
 * it, and it can cost less than a tenth of a bit. */
#define FAR_FACTOR     8.0f
#define FAR_BITS       -4.32f
#define HALF           0.5f
#define NEARLY_NOTHING 0.1f
#define NEAR_BITS      -0.074f

static float moved(float from, float to, float step, float cap)
{
    float move = (to - from) * step;

    if (cap > 0) {
        float most = cap * (from + 0.01f);
        move = sense_clamp(move, -most, most);
    }
    return from + move;
}

void sense_rate_learn(struct sense_rate *rate, float count, float step, float cap)
{
    float away = count - rate->mean;

    rate->mean = sense_clamp(moved(rate->mean, count, step, cap), 0.0f, 1e6f);
    rate->variance = sense_clamp(moved(rate->variance, away * away, step, cap), 0.0f, 1e12f);
}

void sense_role_rate_learn(struct sense_role_rate *rate, float count, float own, float step)
{
    float away = own - rate->all.mean;

    sense_rate_learn(&rate->all, count, step, 0);
    rate->apart = sense_clamp(rate->apart + (away * away - rate->apart) * step, 0.0f, 1e12f);
}

/* Variance over mean; 1 is Poisson's. */
static float dispersion(const struct sense_rate *rate)
{
    return sense_clamp((rate->variance + 1e-4f) / (rate->mean + 1e-4f), NARROWEST, 1e6f);
}

/* Windows that the role's mean counts for: the fewer, the more unlike its devices are. */
static float prior_of(const struct sense_role_rate *role)
{
    return sense_clamp((role->all.mean + MEAN_LEAST) / (role->apart + 1e-9f), WEAKEST, STRONGEST);
}

float sense_rate_weight(float windows, const struct sense_role_rate *role)
{
    return windows / (prior_of(role) + windows);
}

struct sense_expected sense_rate_expect(const struct sense_rate *own, float windows,
                                        const struct sense_role_rate *role)
{
    float of_role = role->all.mean + MEAN_LEAST;
    float prior = prior_of(role);
    float mean = (prior * of_role + windows * own->mean) / (prior + windows);
    mean = sense_clamp(mean, 0.5f / (STRONGEST + windows), 1e6f);

    float share = windows / (windows + DISPERSION_AT);
    float spread = share * dispersion(own) + (1.0f - share) * dispersion(&role->all);
    float known = mean * (prior + windows); /* shape of the belief about the mean */
    float inverse = 1.0f / (known > SHAPE_LEAST ? known : SHAPE_LEAST);
    if (spread > 1.0f)
        inverse += (spread - 1.0f) / mean;
    if (inverse > 1.0f / SHAPE_SMALLEST)
        inverse = 1.0f / SHAPE_SMALLEST;

    /* A count of 0 or 1 cannot vary less than a coin does. */
    float narrow = spread < 1.0f ? spread : 1.0f;
    if (narrow < 1.0f - mean)
        narrow = sense_clamp(1.0f - mean, NARROWEST, 1.0f);
    return (struct sense_expected){ mean, 1.0f / inverse, narrow };
}

/* log2 of how much likelier the count is when the mean is `factor` times what is expected. */
static float ratio(const struct sense_expected *expected, float count, float factor)
{
    float mean = expected->mean;
    float shape = expected->shape;
    float bits;

    if (shape > SHAPE_POISSON)
        bits = count * sense_log2(factor) - mean * (factor - 1.0f) * SENSE_LOG2_E;
    else
        bits = count * sense_log2(factor)
               + (count + shape) * sense_log2((mean + shape) / (factor * mean + shape));
    return sense_clamp(bits / expected->narrow, -SENSE_BITS_TOP, SENSE_BITS_TOP);
}

float sense_rate_more(const struct sense_expected *expected, float count)
{
    /* The rarer something is, the more times it has to happen to be seen in time at all:
     * 1 + 1/sqrt(mean). */
    float factor = 1.0f + sense_exp2(-0.5f * sense_log2(expected->mean));

    return sense_bits_add(NEAR_BITS + ratio(expected, count, factor),
                          FAR_BITS + ratio(expected, count, FAR_FACTOR * factor));
}

float sense_rate_less(const struct sense_expected *expected, float count)
{
    return sense_bits_add(NEAR_BITS + ratio(expected, count, HALF),
                          FAR_BITS + ratio(expected, count, NEARLY_NOTHING));
}

float sense_rate_usual(const struct sense_expected *expected, float bits)
{
    float variance =
        expected->mean * expected->narrow + expected->mean * expected->mean / expected->shape;
    float sigmas = sense_exp2(0.5f * sense_log2(bits + 1.0f));
    return expected->mean + sigmas * sense_exp2(0.5f * sense_log2(variance));
}
