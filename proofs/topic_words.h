/* SPDX-License-Identifier: Apache-2.0 */
/* Topics and filters drawn level by level: the oracle judges the levels that were
 * drawn and never takes a text apart. */
#pragma once

#include "base/span.h"
#include "proof.h"

#define MOST_LEVELS 4

struct words {
    const char *level[MOST_LEVELS];
    unsigned count;
    char text[40];
    size_t len;
};

static inline void words_join(struct words *w, const char *level)
{
    size_t len = strlen(level);

    if (w->count > 0)
        w->text[w->len++] = '/';
    memcpy(w->text + w->len, level, len);
    w->len += len;
    w->level[w->count++] = level;
}

/* One to `most` levels out of `alphabet`. */
static inline struct words words_choose(const char *const *alphabet, unsigned letters,
                                        unsigned most)
{
    struct words w = { .count = 0 };
    unsigned count = 1 + proof_choose(most);

    for (unsigned i = 0; i < count; i++)
        words_join(&w, alphabet[proof_choose(letters)]);
    return w;
}

static inline struct mqtt_span words_span(const struct words *w)
{
    return (struct mqtt_span){ (const uint8_t *)w->text, w->len };
}

static inline bool word_is(const char *word, const char *other)
{
    return strcmp(word, other) == 0;
}

/* [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] */
static inline bool words_are_filter(const struct words *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        bool wild = strpbrk(w->level[i], "+#") != NULL;
        bool alone = word_is(w->level[i], "+") || (word_is(w->level[i], "#") && i + 1 == w->count);
        if (wild && !alone)
            return false;
    }
    return w->len > 0;
}
