/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: repeatable random numbers, and inputs in heap blocks of exactly
 * their size, so that AddressSanitizer sees a read past the end. */
#pragma once

#include "base/span.h"

#include <stdlib.h>

/* xorshift64*; the seed is not 0. */
struct test_random {
    uint64_t state;
};

static inline uint64_t test_random_next(struct test_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1du;
}

/* 0..bound-1, bound > 0. */
static inline size_t test_random_below(struct test_random *random, size_t bound)
{
    return (size_t)(test_random_next(random) >> 16) % bound;
}

/* A copy to be given to test_span_free(). An empty one has no block. */
static inline struct mqtt_span test_span_new(const char *text)
{
    struct mqtt_span from = span_of(text);
    if (from.len == 0)
        return (struct mqtt_span){ NULL, 0 };
    uint8_t *copy = malloc(from.len);
    if (copy == NULL)
        abort();
    memcpy(copy, from.data, from.len);
    return (struct mqtt_span){ copy, from.len };
}

static inline void test_span_free(struct mqtt_span span)
{
    /* The span borrows as const what test_span_new() allocated. */
    free((void *)(uintptr_t)span.data);
}
