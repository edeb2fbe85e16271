/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/explain.h"

#include "sense/bits.h"
#include "sense/score.h"

#include <stdio.h>

#define OWN_FROM          360u /* windows, from which the own model outweighs the role's */
#define USUAL_BITS        8.0f
#define ONE_IN_HUNDRED    6.64f /* bits */
#define BYTES_KNOWN_AFTER 12u   /* windows with messages */
#define IN_SENTENCE       3u
#define FAR_WIDTHS        4.0f /* what is called usual, of a value with a location */

const char *sense_model_text(enum sense_model model)
{
    switch (model) {
    case SENSE_OF_RULE:
        break;
    case SENSE_OF_ROLE:
        return "role";
    case SENSE_OF_OWN:
        return "own";
    }
    return "rule";
}

static void around(const struct sense_location *location, float least, struct sense_reason *out)
{
    float width = location->width > least ? location->width : least;

    out->low = sense_exp2(location->middle - FAR_WIDTHS * width);
    out->high = sense_exp2(location->middle + FAR_WIDTHS * width);
}

static void expect_counter(const struct sense_role *role, const struct sense_device *device,
                           unsigned feature, struct sense_reason *out)
{
    unsigned counter = feature == SENSE_STARVED ? SENSE_PUBLISHES : feature;
    struct sense_expected expected = sense_score_expect(role, device, counter);

    out->high = sense_rate_usual(&expected, USUAL_BITS);
    out->low = sense_clamp(2 * expected.mean - out->high, 0, out->high);
}

struct sense_usual sense_device_usual(const struct sense_role *role,
                                      const struct sense_device *device)
{
    struct sense_expected expected = sense_score_expect(role, device, SENSE_PUBLISHES);
    struct sense_usual usual = { .messages = sense_rate_usual(&expected, ONE_IN_HUNDRED) };
    struct sense_reason bytes = { .feature = SENSE_BYTES };

    if (device->active >= BYTES_KNOWN_AFTER) {
        around(&device->bytes, SENSE_BYTES_LEAST, &bytes);
        usual.bytes = bytes.high;
    }
    return usual;
}

static void expect_measured(const struct sense_role *role, const struct sense_device *device,
                            struct sense_reason *out)
{
    if (out->feature == SENSE_SILENT || out->feature == SENSE_EARLY)
        around(&device->interval, sense_interval_least(device), out);
    if (out->feature == SENSE_SIZE)
        around(&device->size, SENSE_SIZE_LEAST, out);
    if (out->feature == SENSE_BYTES || out->feature == SENSE_BYTES_DRIFT)
        around(&device->bytes, SENSE_BYTES_LEAST, out);
    if (out->feature == SENSE_KEEPALIVE)
        around(&role->keepalive, 1.0f, out);
    if (out->feature == SENSE_BACKLOG)
        around(&role->backlog, 1.0f, out);
    if (out->feature == SENSE_VALUE || out->feature == SENSE_JOINT)
        out->high = role->tails[out->feature - SENSE_SILENT].top;
}

void sense_explain_range(const struct sense_role *role, const struct sense_device *device,
                         struct sense_reason *out)
{
    if (out->feature < SENSE_COUNTERS || out->feature == SENSE_STARVED)
        expect_counter(role, device, out->feature, out);
    else
        expect_measured(role, device, out);
}

static enum sense_model model_of(const struct sense_role *role, const struct sense_device *device,
                                 enum sense_feature feature, float observed)
{
    if (sense_score_is_rule(role, feature, observed))
        return SENSE_OF_RULE;
    if (feature == SENSE_JOINT || feature == SENSE_KEEPALIVE || feature == SENSE_BACKLOG)
        return SENSE_OF_ROLE;
    return device->windows >= OWN_FROM ? SENSE_OF_OWN : SENSE_OF_ROLE;
}

static void explain(const struct sense_role *role, const struct sense_device *device,
                    enum sense_feature feature, struct sense_reason *out)
{
    out->feature = feature;
    out->since_s = sense_device_onset_s(device, feature);
    out->model = model_of(role, device, feature, out->observed);
    sense_explain_range(role, device, out);
}

/* The strongest feature that is weaker than `below`, or as strong and later in the list. */
static int strongest(const struct sense_standing *standing, uint32_t told)
{
    int found = -1;

    for (int i = 0; i < SENSE_FEATURES; i++)
        if ((told >> i & 1u) == 0 && standing->bits[i] > 0
            && (found < 0 || standing->bits[i] > standing->bits[found]))
            found = i;
    return found;
}

unsigned sense_explain(const struct sense_role *role, const struct sense_device *device,
                       const struct sense_standing *standing,
                       struct sense_reason out[SENSE_REASONS])
{
    uint32_t told = 0;
    unsigned count = 0;

    while (count < SENSE_REASONS) {
        int feature = strongest(standing, told);
        if (feature < 0)
            break;
        told |= UINT32_C(1) << feature;
        out[count] = (struct sense_reason){ .bits = standing->bits[feature],
                                            .observed = standing->observed[feature] };
        explain(role, device, (enum sense_feature)feature, &out[count]);
        count++;
    }
    return count;
}

void sense_explain_sentence(enum sense_verdict verdict, const struct sense_reason *reasons,
                            unsigned count, char *out)
{
    size_t at = (size_t)snprintf(out, SENSE_SENTENCE_BYTES, "%s", sense_verdict_text(verdict));

    if (count > 0)
        at += (size_t)snprintf(out + at, SENSE_SENTENCE_BYTES - at, " for %u s",
                               (unsigned)reasons[0].since_s);
    for (unsigned i = 0; i < count && i < IN_SENTENCE && at < SENSE_SENTENCE_BYTES; i++) {
        const struct sense_reason *reason = &reasons[i];
        at += (size_t)snprintf(out + at, SENSE_SENTENCE_BYTES - at,
                               "%s %s (%.4g %s, usual %.3g to %.3g, %.0f bits)", i == 0 ? ":" : ";",
                               sense_feature_text(reason->feature), (double)reason->observed,
                               sense_feature_unit(reason->feature), (double)reason->low,
                               (double)reason->high, (double)reason->bits);
    }
}
