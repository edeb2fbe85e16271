/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/known.h"

#include "sense/bits.h"
#include "sense/explain.h"
#include "sense/score.h"

/* What a feature is measured by, besides counting. */
struct measure {
    const struct sense_location *own; /* NULL: nothing of the device */
    const struct sense_location *role;
    unsigned own_seen; /* so often the device's was learned from */
    float less;        /* to be taken away from the power of two */
};

static bool is_learned(const struct sense_location *location)
{
    return location != NULL && location->width > 0;
}

static struct measure measure_of(const struct sense_role *role, const struct sense_device *device,
                                 enum sense_feature feature)
{
    if (feature == SENSE_SILENT || feature == SENSE_EARLY)
        return (struct measure){ &device->interval, &role->usual[SENSE_POINT_INTERVAL],
                                 device->intervals, 0 };
    if (feature == SENSE_SIZE)
        return (struct measure){ &device->size, &role->usual[SENSE_POINT_SIZE], device->active, 0 };
    if (feature == SENSE_BYTES || feature == SENSE_BYTES_DRIFT)
        return (struct measure){ &device->bytes, &role->usual[SENSE_POINT_BYTES], device->active,
                                 1 };
    if (feature == SENSE_KEEPALIVE)
        return (struct measure){ NULL, &role->keepalive, 0, 1 };
    if (feature == SENSE_BACKLOG)
        return (struct measure){ NULL, &role->backlog, 0, 1 };
    return (struct measure){ NULL, NULL, 0, 0 };
}

static void range(const struct sense_role *role, const struct sense_device *device,
                  enum sense_feature feature, struct sense_known *out)
{
    struct sense_reason reason = { .feature = feature };

    sense_explain_range(role, device, &reason);
    out->low = reason.low;
    out->high = reason.high;
    out->has_range = reason.high > 0; /* of what was never measured it is 0 */
}

static void count(const struct sense_role *role, const struct sense_device *device,
                  enum sense_feature feature, struct sense_known *out)
{
    unsigned counter = feature == SENSE_STARVED ? SENSE_PUBLISHES : feature;

    out->has_own = device->windows > 0;
    out->own = device->rates[counter].mean;
    out->has_role = role->windows > 0;
    out->of_role = role->rates[counter].all.mean;
    out->weight = sense_rate_weight((float)device->windows, &role->rates[counter]);
    if (out->has_role)
        range(role, device, feature, out);
}

static void measure(const struct sense_role *role, const struct sense_device *device,
                    enum sense_feature feature, struct sense_known *out)
{
    struct measure of = measure_of(role, device, feature);

    out->has_own = of.own_seen > 0;
    if (out->has_own)
        out->own = sense_clamp(sense_exp2(of.own->middle) - of.less, 0, 1e12f);
    out->has_role = is_learned(of.role);
    if (out->has_role)
        out->of_role = sense_clamp(sense_exp2(of.role->middle) - of.less, 0, 1e12f);
    out->weight = out->has_own ? 1 : 0;
    bool is_of_role = of.own == NULL && (out->has_role || of.role == NULL);
    if (out->has_own || (is_of_role && role->windows > 0))
        range(role, device, feature, out);
}

void sense_known_of(const struct sense_role *role, const struct sense_device *device,
                    enum sense_feature feature, struct sense_known *out)
{
    *out = (struct sense_known){ .has_own = false };
    if (feature < SENSE_COUNTERS || feature == SENSE_STARVED)
        count(role, device, feature, out);
    else
        measure(role, device, feature, out);
}
