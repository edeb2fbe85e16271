/* SPDX-License-Identifier: Apache-2.0 */
#include "est/attempts.h"

#include "base/bytes_map.h"
#include "base/list.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define KEY_BYTES 9 /* of which kind, and 8 bytes of address */

/* What has been used of a bucket, and since when it refills. */
struct bucket {
    uint32_t used;
    uint64_t since_ms;
};

struct source {
    struct bytes_node node;
    struct list place; /* among all, who failed last behind */
    struct bucket bucket;
    uint8_t key[KEY_BYTES];
};

struct est_attempts {
    struct est_attempts_options options;
    struct bytes_map sources;
    struct list order;
    uint32_t count;
    struct bucket all;
};

struct est_attempts *est_attempts_new(const struct est_attempts_options *options)
{
    struct siphash_key key;
    struct est_attempts *a = calloc(1, sizeof(*a));

    if (a == NULL || getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        free(a);
        return NULL;
    }
    a->options = *options;
    bytes_map_init(&a->sources, &key);
    list_init(&a->order);
    return a;
}

static void forget(struct est_attempts *a, struct source *source)
{
    bytes_map_remove(&a->sources, &source->node);
    list_unlink(&source->place);
    free(source);
    a->count--;
}

static struct source *oldest(struct est_attempts *a)
{
    return list_is_empty(&a->order) ? NULL : MQTT_CONTAINER_OF(a->order.next, struct source, place);
}

void est_attempts_free(struct est_attempts *attempts)
{
    if (attempts == NULL)
        return;
    for (struct source *s = oldest(attempts); s != NULL; s = oldest(attempts))
        forget(attempts, s);
    bytes_map_fini(&attempts->sources);
    free(attempts);
}

/* ---- buckets ---- */

static void refill(struct bucket *bucket, uint64_t now_ms, uint64_t one_ms)
{
    uint64_t whole = now_ms > bucket->since_ms ? (now_ms - bucket->since_ms) / one_ms : 0;

    if (whole >= bucket->used) {
        *bucket = (struct bucket){ 0, now_ms };
        return;
    }
    bucket->used -= (uint32_t)whole;
    bucket->since_ms += whole * one_ms;
}

/* Seconds until there is one more, rounded up. */
static unsigned wait_of(const struct bucket *bucket, uint64_t now_ms, uint64_t one_ms)
{
    uint64_t then_ms = bucket->since_ms + one_ms;
    uint64_t left_ms = then_ms > now_ms ? then_ms - now_ms : 1;

    return (unsigned)((left_ms + 999) / 1000);
}

/* ---- sources ---- */

/* An IPv4 address as such, also where it stands in an IPv6 one; of IPv6 the first half, which is
 * what one household has. */
static void key_of(const char *address, uint8_t out[KEY_BYTES])
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    uint8_t bytes[16] = { 0 };

    memset(out, 0, KEY_BYTES);
    if (inet_pton(AF_INET, address, bytes) == 1) {
        out[0] = 4;
        memcpy(out + 1, bytes, 4);
    } else if (inet_pton(AF_INET6, address, bytes) == 1) {
        bool is_mapped = memcmp(bytes, mapped, sizeof(mapped)) == 0;
        out[0] = is_mapped ? 4 : 6;
        memcpy(out + 1, is_mapped ? bytes + 12 : bytes, is_mapped ? 4 : 8);
    }
}

static struct source *find(struct est_attempts *a, const uint8_t key[KEY_BYTES])
{
    struct bytes_node *node = bytes_map_find(&a->sources, (struct mqtt_span){ key, KEY_BYTES });

    return node != NULL ? MQTT_CONTAINER_OF(node, struct source, node) : NULL;
}

static struct source *find_or_add(struct est_attempts *a, const uint8_t key[KEY_BYTES],
                                  uint64_t now_ms)
{
    struct source *source = find(a, key);

    if (source != NULL)
        return source;
    struct source *longest_untouched = a->count >= a->options.sources ? oldest(a) : NULL;
    if (longest_untouched != NULL)
        forget(a, longest_untouched);
    source = calloc(1, sizeof(*source));
    if (source == NULL)
        return NULL;
    memcpy(source->key, key, KEY_BYTES);
    source->node.key = (struct mqtt_span){ source->key, KEY_BYTES };
    source->bucket.since_ms = now_ms;
    if (bytes_map_insert(&a->sources, &source->node) != 0) {
        free(source);
        return NULL;
    }
    list_init(&source->place);
    a->count++;
    return source;
}

unsigned est_attempts_wait_s(struct est_attempts *attempts, const char *address, uint64_t now_ms)
{
    uint8_t key[KEY_BYTES];

    key_of(address, key);
    struct source *source = find(attempts, key);
    if (source == NULL)
        return 0;
    refill(&source->bucket, now_ms, EST_ATTEMPTS_REFILL_MS);
    if (source->bucket.used == 0) {
        forget(attempts, source);
        return 0;
    }
    if (source->bucket.used >= attempts->options.failures)
        return wait_of(&source->bucket, now_ms, EST_ATTEMPTS_REFILL_MS);
    refill(&attempts->all, now_ms, EST_ATTEMPTS_REFILL_ALL_MS);
    if (attempts->all.used >= attempts->options.failures_all)
        return wait_of(&attempts->all, now_ms, EST_ATTEMPTS_REFILL_ALL_MS);
    return 0;
}

void est_attempts_book(struct est_attempts *attempts, const char *address, uint64_t now_ms)
{
    uint8_t key[KEY_BYTES];

    refill(&attempts->all, now_ms, EST_ATTEMPTS_REFILL_ALL_MS);
    if (attempts->all.used < attempts->options.failures_all)
        attempts->all.used++;
    key_of(address, key);
    struct source *source = find_or_add(attempts, key, now_ms);
    if (source == NULL)
        return;
    refill(&source->bucket, now_ms, EST_ATTEMPTS_REFILL_MS);
    if (source->bucket.used < attempts->options.failures)
        source->bucket.used++;
    list_unlink(&source->place);
    list_push_back(&attempts->order, &source->place);
}

uint32_t est_attempts_count(const struct est_attempts *attempts)
{
    return attempts->count;
}
