/* SPDX-License-Identifier: Apache-2.0 */
/* The words of what is learned; for learn*.c. Nothing that was observed gets out of its quotes or
 * its comment: control characters are escaped, or do not appear. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/learn.h"

#include <stdbool.h>
#include <stdint.h>

struct learn_writing {
    learned_put put;
    void *context;
    int result; /* other than 0: it has ended, and nothing more is put */
};

void learn_words_put(struct learn_writing *w, const char *text);

/* Of short things: names, numbers, words. */
MQTT_PRINTF(2, 3) void learn_words_format(struct learn_writing *w, const char *format, ...);

/* Can a string of tacit.conf say it? */
bool learn_words_are_quotable(struct mqtt_span text);

/* A string of tacit.conf. What none can say comes out as '?': for texts that only people read. */
void learn_words_quoted(struct learn_writing *w, const char *text);

/* As a part of a comment. */
void learn_words_shown(struct learn_writing *w, const char *text);

/* A day, and a day or second, both of UTC. What lies outside of those that tacit.conf knows
 * becomes the nearest one. */
void learn_words_date(struct learn_writing *w, int64_t seconds);
void learn_words_moment(struct learn_writing *w, int64_t seconds);

const char *learn_words_plural(uint64_t count); /* "s", or "" for one */

/* "2 devices, 40 times, last 2026-11-20" */
void learn_words_use(struct learn_writing *w, const struct learned_use *use);
