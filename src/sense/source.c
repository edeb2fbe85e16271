/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/source.h"

#include "base/invariant.h"
#include "sense/bits.h"
#include "sense/evidence.h"

#include <string.h>

#define UNITS        256.0f
#define EVIDENCE_TOP 100.0f
#define STAKE_BITS   2.322f /* log2(SENSE_SOURCE_FEATURES) */
#define CALM_WINDOWS 60u
#define LEARNED_MOST 100000u
/* What is believed of sources before anything was learned: such a thing once in forty minutes, from
 * one in a few; as strong as an hour of them. */
#define PRIOR_MEAN    0.002f
#define PRIOR_WINDOWS 720.0f

static const char *const keys[SENSE_SOURCE_FEATURES] = { "auth_failures", "strangers", "reconnects",
                                                         "protocol_errors", "half_open" };
static const char *const texts[SENSE_SOURCE_FEATURES] = {
    "failed to log in",
    "connected as clients that are new",
    "connected the same clients again and again",
    "broke the protocol before logging in",
    "left connections half open",
};

const char *sense_source_key(enum sense_source_feature feature)
{
    MQTT_INVARIANT((unsigned)feature < SENSE_SOURCE_FEATURES);
    return keys[feature];
}

const char *sense_source_text(enum sense_source_feature feature)
{
    MQTT_INVARIANT((unsigned)feature < SENSE_SOURCE_FEATURES);
    return texts[feature];
}

static unsigned held(const struct sense_source *source)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++)
        sum += source->evidence[i];
    return sum;
}

/* Whether `a` is to be given up before `b`. */
static bool is_less(const struct sense_source *a, const struct sense_source *b)
{
    if (a->key == 0 || b->key == 0)
        return a->key == 0;
    if (held(a) != held(b))
        return held(a) < held(b);
    return a->start_ms < b->start_ms;
}

struct sense_source *sense_source_at(struct sense_sources *sources, uint64_t key, uint64_t now_ms)
{
    unsigned first = (unsigned)(key % (SENSE_SOURCES / SENSE_SOURCE_BUCKET)) * SENSE_SOURCE_BUCKET;
    struct sense_source *least = &sources->table[first];

    for (unsigned i = 0; i < SENSE_SOURCE_BUCKET; i++) {
        struct sense_source *source = &sources->table[first + i];
        if (source->key == key)
            return source;
        if (is_less(source, least))
            least = source;
    }
    *least = (struct sense_source){ .key = key, .start_ms = now_ms };
    return least;
}

static void add(struct sense_source *source, uint64_t now_ms, enum sense_source_feature feature)
{
    if (source->start_ms == 0)
        source->start_ms = now_ms;
    if (source->counts[feature] < UINT16_MAX)
        source->counts[feature]++;
}

void sense_source_count(struct sense_sources *sources, struct sense_source *source, uint64_t now_ms,
                        enum sense_source_feature feature)
{
    struct sense_source_standing standing;

    /* What is left of an older window is closed before it is added to. */
    sense_source_look(sources, source, now_ms, &standing);
    sense_source_look(sources, &sources->listener, now_ms, &standing);
    add(source, now_ms, feature);
    add(&sources->listener, now_ms, feature);
}

static struct sense_expected expect(const struct sense_sources *sources, bool is_listener,
                                    unsigned feature)
{
    const struct sense_role_rate *learned =
        is_listener ? &sources->of_listener[feature] : &sources->of_source[feature];
    float windows = (float)sources->windows;
    struct sense_role_rate rate = *learned;
    struct sense_rate none = { 0, 0 };

    rate.all.mean =
        (PRIOR_MEAN * PRIOR_WINDOWS + windows * learned->all.mean) / (PRIOR_WINDOWS + windows);
    rate.apart = rate.all.mean;
    if (rate.all.variance < rate.all.mean)
        rate.all.variance = rate.all.mean;
    return sense_rate_expect(&none, 0, &rate);
}

static void weigh(const struct sense_sources *sources, const struct sense_source *source,
                  float bits[SENSE_SOURCE_FEATURES])
{
    bool is_listener = source == &sources->listener;

    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++) {
        struct sense_expected expected = expect(sources, is_listener, i);
        bits[i] = sense_rate_more(&expected, source->counts[i]);
    }
}

static void learn(struct sense_sources *sources, struct sense_source *source)
{
    bool is_listener = source == &sources->listener;
    struct sense_role_rate *rates = is_listener ? sources->of_listener : sources->of_source;
    float step = 1.0f / (float)(sources->windows + 1);

    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++)
        sense_rate_learn(&rates[i].all, source->counts[i], step, 0);
    if (is_listener && sources->windows < LEARNED_MOST)
        sources->windows++;
}

static void commit(struct sense_source *source, const float bits[SENSE_SOURCE_FEATURES])
{
    bool grew = false;

    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++) {
        float before = source->evidence[i] / UNITS;
        float after = sense_clamp(before + bits[i], 0, EVIDENCE_TOP);
        source->onset[i] = before <= 0 ? 0 : (uint16_t)(source->onset[i] + 1);
        if (before <= 0 || source->counts[i] > source->peak[i])
            source->peak[i] = source->counts[i];
        source->evidence[i] = (uint16_t)(after * UNITS);
        grew = grew || bits[i] > 1.0f;
    }
    source->quiet = grew ? 0 : (uint16_t)(source->quiet + (source->quiet < UINT16_MAX));
}

static void close_window(struct sense_sources *sources, struct sense_source *source)
{
    float bits[SENSE_SOURCE_FEATURES];

    weigh(sources, source, bits);
    if (sources->learns)
        learn(sources, source);
    else
        commit(source, bits);
    if (source->alarmed && source->quiet >= CALM_WINDOWS) {
        memset(source->evidence, 0, sizeof(source->evidence));
        source->alarmed = false;
    }
    memset(source->counts, 0, sizeof(source->counts));
}

static void stand(const struct sense_sources *sources, const struct sense_source *source,
                  struct sense_source_standing *out)
{
    float bits[SENSE_SOURCE_FEATURES];
    float together = 0;

    weigh(sources, source, bits);
    *out = (struct sense_source_standing){ .bits = 0 };
    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++) {
        float all = source->evidence[i] / UNITS + (bits[i] > 0 ? bits[i] : 0);
        together = all > 0 ? sense_bits_add(together, all) : together;
        if (all > out->bits) {
            out->bits = all;
            out->feature = (enum sense_source_feature)i;
        }
    }
    unsigned most = out->feature;
    struct sense_expected expected = expect(sources, source == &sources->listener, most);
    out->expected = sense_rate_usual(&expected, SENSE_NOTE_BITS);
    out->observed =
        source->counts[most] > source->peak[most] ? source->counts[most] : source->peak[most];
    out->since_s = source->onset[most] * (SENSE_WINDOW_MS / 1000u);
    out->evidence = together > STAKE_BITS && !sources->learns ? together - STAKE_BITS : 0;
}

void sense_source_look(struct sense_sources *sources, struct sense_source *source, uint64_t now_ms,
                       struct sense_source_standing *out)
{
    unsigned windows = 0;

    if (source->start_ms == 0)
        source->start_ms = now_ms;
    while (now_ms >= source->start_ms + SENSE_WINDOW_MS) {
        /* After so long a silence nothing is left to be counted down. */
        if (++windows > 2 * CALM_WINDOWS) {
            source->start_ms = now_ms;
            break;
        }
        close_window(sources, source);
        source->start_ms += SENSE_WINDOW_MS;
    }
    stand(sources, source, out);
}

void sense_source_rest(struct sense_source *source)
{
    *source = (struct sense_source){ .key = source->key };
}

void sense_sources_rest(struct sense_sources *sources)
{
    sense_source_rest(&sources->listener);
    for (unsigned i = 0; i < SENSE_SOURCES; i++)
        sense_source_rest(&sources->table[i]);
}
