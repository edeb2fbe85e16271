/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bucket.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

static bool is_bounded(const struct policy_rate *rate)
{
    return rate->count != 0 && rate->count != POLICY_NO_LIMIT;
}

static uint64_t lowest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* In how many nanoseconds so many tokens come. What would take longer than anybody waits is cut. */
static uint64_t price_ns(const struct policy_rate *rate, uint64_t count)
{
    uint64_t longest = BUCKET_OWES_MS * NS_PER_MS * 2;
    uint64_t in_a_second = lowest(count, UINT32_MAX) * NS_PER_S / rate->count;

    return in_a_second > longest / rate->seconds ? longest : in_a_second * rate->seconds;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool bucket_take(struct bucket *bucket, const struct policy_rate *rate, uint64_t count,
                 uint64_t now_ms)
{
    if (!is_bounded(rate))
        return true;
    uint64_t now_ns = now_ms * NS_PER_MS;
    uint64_t latest_ns = now_ns + rate->seconds * NS_PER_S;
    uint64_t before = atomic_load_explicit(&bucket->full_ns, memory_order_relaxed);
    uint64_t after;

    do {
        after = later(before, now_ns) + price_ns(rate, count);
        if (after > latest_ns)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&bucket->full_ns, &before, after,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

uint64_t bucket_charge(struct bucket *bucket, const struct policy_rate *rate, uint64_t count,
                       uint64_t now_ms)
{
    if (!is_bounded(rate))
        return 0;
    uint64_t now_ns = now_ms * NS_PER_MS;
    uint64_t latest_ns = now_ns + rate->seconds * NS_PER_S;
    uint64_t most_ns = latest_ns - price_ns(rate, 1) + BUCKET_OWES_MS * NS_PER_MS;
    uint64_t before = atomic_load_explicit(&bucket->full_ns, memory_order_relaxed);
    uint64_t after;

    do {
        after = lowest(later(before, now_ns) + price_ns(rate, count), most_ns);
    } while (!atomic_compare_exchange_weak_explicit(&bucket->full_ns, &before, after,
                                                    memory_order_relaxed, memory_order_relaxed));
    uint64_t next_ns = after + price_ns(rate, 1);
    return next_ns > latest_ns ? (next_ns - latest_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

bool bucket_is_full(const struct bucket *bucket, uint64_t now_ms)
{
    return atomic_load_explicit(&bucket->full_ns, memory_order_relaxed) <= now_ms * NS_PER_MS;
}
