/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_bounds.h"

#include "base/attrs.h"
#include "tools/policy_print.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_BYTES 64

/* As they stand in a role; a rate each. */
static const struct {
    const char *key;
    const char *name; /* in JSON */
    size_t at;
} rates[] = {
    { "max-messages", "max_messages", offsetof(struct policy_bounds, messages) },
    { "max-bytes", "max_bytes", offsetof(struct policy_bounds, bytes) },
    { "max-connects", "max_connects", offsetof(struct policy_bounds, connects) },
    { "max-subscribes", "max_subscribes", offsetof(struct policy_bounds, subscribes) },
    { "max-messages-all", "max_messages_all", offsetof(struct policy_bounds, all.messages) },
    { "max-bytes-all", "max_bytes_all", offsetof(struct policy_bounds, all.bytes) },
    { "max-connects-all", "max_connects_all", offsetof(struct policy_bounds, all.connects) },
    { "max-subscribes-all", "max_subscribes_all", offsetof(struct policy_bounds, all.subscribes) },
};

static const struct policy_rate *rate_at(const struct policy_bounds *bounds, size_t index)
{
    return (const struct policy_rate *)(const void *)((const char *)bounds + rates[index].at);
}

static void print_rate(const char *key, const struct policy_rate *rate)
{
    char text[TEXT_BYTES];

    if (rate->count == 0)
        return;
    if (rate->count == POLICY_NO_LIMIT)
        (void)snprintf(text, sizeof(text), "%s unlimited", key);
    else if (rate->seconds == 1)
        (void)snprintf(text, sizeof(text), "%s %" PRIu32 " a second", key, rate->count);
    else
        (void)snprintf(text, sizeof(text), "%s %" PRIu32 " in %" PRIu32 " seconds", key,
                       rate->count, rate->seconds);
    policy_print_fact("bounds", text);
}

void policy_bounds_print(const struct policy_bounds *bounds)
{
    char text[TEXT_BYTES];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rates); i++)
        print_rate(rates[i].key, rate_at(bounds, i));
    if (bounds->has_retained_bytes) {
        (void)snprintf(text, sizeof(text), "max-retained %" PRIu64 " bytes",
                       bounds->retained_bytes);
        policy_print_fact("bounds", bounds->retained_bytes != 0 ? text : "max-retained unlimited");
    }
    if (bounds->all.retained_bytes == 0)
        return;
    (void)snprintf(text, sizeof(text), "max-retained-all %" PRIu64 " bytes",
                   bounds->all.retained_bytes);
    policy_print_fact("bounds", text);
}

static json_t *rate_json(const struct policy_rate *rate)
{
    if (rate->count == 0)
        return json_null();
    if (rate->count == POLICY_NO_LIMIT)
        return json_string("unlimited");
    return json_pack("{s:I, s:I}", "count", (json_int_t)rate->count, "seconds",
                     (json_int_t)rate->seconds);
}

static json_t *retained_json(const struct policy_bounds *bounds)
{
    if (!bounds->has_retained_bytes)
        return json_null();
    return bounds->retained_bytes != 0 ? json_integer((json_int_t)bounds->retained_bytes)
                                       : json_string("unlimited");
}

static json_t *retained_all_json(const struct policy_bounds *bounds)
{
    return bounds->all.retained_bytes != 0 ? json_integer((json_int_t)bounds->all.retained_bytes)
                                           : json_null();
}

json_t *policy_bounds_json(const struct policy_bounds *bounds)
{
    json_t *object = json_object();
    bool is_whole = policy_print_set(object, "max_retained", retained_json(bounds))
                    && policy_print_set(object, "max_retained_all", retained_all_json(bounds));

    for (size_t i = 0; is_whole && i < MQTT_ARRAY_LEN(rates); i++)
        is_whole = policy_print_set(object, rates[i].name, rate_json(rate_at(bounds, i)));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}
