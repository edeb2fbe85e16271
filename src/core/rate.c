/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rate.h"

#include <stdlib.h>

/* Tokens are counted so finely that a millisecond gives rate_messages of them: nothing is ever
 * rounded. */
static uint64_t price(const struct policy_rule *grant)
{
    return grant->terms.rate_seconds * UINT64_C(1000);
}

static uint64_t capacity(const struct policy_rule *grant)
{
    return grant->terms.rate_messages * price(grant);
}

struct bucket {
    const struct policy_rule *grant;
    uint64_t tokens;
    uint64_t filled_ms;
};

struct rates {
    uint32_t count;
    struct bucket buckets[];
};

static struct bucket *find(struct rates *rates, const struct policy_rule *grant)
{
    for (uint32_t i = 0; rates != NULL && i < rates->count; i++) {
        if (rates->buckets[i].grant == grant)
            return &rates->buckets[i];
    }
    return NULL;
}

static struct bucket *add(struct rates **rates, const struct policy_rule *grant, uint64_t now_ms)
{
    uint32_t count = *rates != NULL ? (*rates)->count : 0;
    struct rates *bigger =
        realloc(*rates, sizeof(*bigger) + (count + 1) * sizeof(bigger->buckets[0]));

    if (bigger == NULL)
        return NULL;
    *rates = bigger;
    bigger->count = count + 1;
    bigger->buckets[count] = (struct bucket){ grant, capacity(grant), now_ms };
    return &bigger->buckets[count];
}

static void fill(struct bucket *bucket, uint64_t now_ms)
{
    uint64_t full = capacity(bucket->grant);
    uint64_t elapsed_ms = now_ms - bucket->filled_ms;
    uint64_t gained =
        elapsed_ms >= price(bucket->grant) ? full : elapsed_ms * bucket->grant->terms.rate_messages;

    bucket->tokens = gained < full - bucket->tokens ? bucket->tokens + gained : full;
    bucket->filled_ms = now_ms;
}

bool rates_take(struct rates **rates, const struct policy_rule *grant, uint64_t now_ms)
{
    struct bucket *bucket = find(*rates, grant);

    if (bucket == NULL)
        bucket = add(rates, grant, now_ms);
    if (bucket == NULL)
        return false;
    fill(bucket, now_ms);
    if (bucket->tokens < price(grant))
        return false;
    bucket->tokens -= price(grant);
    return true;
}

void rates_clear(struct rates **rates)
{
    free(*rates);
    *rates = NULL;
}
