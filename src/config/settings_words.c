/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_words.h"

#include "base/invariant.h"
#include "config/suggest.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 128 /* of one block */

struct key_row {
    enum settings_kind block;
    const char *name;
    bool several;
};

static const struct key_row key_rows[] = {
#define BLOCK(name, text, inside, form)
#define KEY(block, name, several) { SETTINGS_##block, (name), (several) },
#include "config/config_keys.def"
#undef KEY
#undef BLOCK
};

static const struct {
    const char *name;
    enum settings_kind parent;
    enum settings_form form;
} block_rows[] = {
#define BLOCK(name, text, inside, form) \
    [SETTINGS_##name] = { (text), SETTINGS_##inside, SETTINGS_##form },
#define KEY(block, name, several)
#include "config/config_keys.def"
#undef KEY
#undef BLOCK
};

const char *settings_words_kind(enum settings_kind kind)
{
    MQTT_INVARIANT(kind < SETTINGS_KIND_COUNT);
    return block_rows[kind].name;
}

enum settings_kind settings_words_parent(enum settings_kind kind)
{
    return block_rows[kind].parent;
}

enum settings_form settings_words_form(enum settings_kind kind)
{
    return block_rows[kind].form;
}

/* As limits are written here: - for _. */
static void spell_limit(const struct limit_row *row, char out[SETTINGS_WORD_BYTES])
{
    snprintf(out, SETTINGS_WORD_BYTES, "%s", row->name);
    for (char *at = out; *at != '\0'; at++)
        *at = *at == '_' ? '-' : *at;
}

static bool is_limit(const char *word)
{
    char name[SETTINGS_WORD_BYTES];

    for (size_t i = 0; i < limits_count(); i++) {
        spell_limit(limits_row(i), name);
        if (strcmp(name, word) == 0)
            return true;
    }
    return false;
}

static bool is_block_inside(size_t kind, enum settings_kind inside)
{
    return kind != SETTINGS_TOP && block_rows[kind].parent == inside;
}

enum settings_word settings_words_find(enum settings_kind inside, const char *word,
                                       enum settings_kind *out_kind)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(key_rows); i++) {
        if (key_rows[i].block == inside && strcmp(key_rows[i].name, word) == 0)
            return key_rows[i].several ? SETTINGS_LIST : SETTINGS_KEY;
    }
    if (inside == SETTINGS_LIMITS && is_limit(word))
        return SETTINGS_KEY;
    for (size_t kind = 0; kind < SETTINGS_KIND_COUNT; kind++) {
        if (is_block_inside(kind, inside) && strcmp(block_rows[kind].name, word) == 0) {
            *out_kind = (enum settings_kind)kind;
            return SETTINGS_BLOCK;
        }
    }
    return SETTINGS_UNKNOWN;
}

const char *settings_words_example(enum settings_kind kind)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(key_rows); i++) {
        if (key_rows[i].block == kind)
            return key_rows[i].name;
    }
    return "connections";
}

/* The word of that block that was probably meant: copied to `out`, or false. */
static bool find_nearest(enum settings_kind inside, const char *word, char out[SETTINGS_WORD_BYTES])
{
    const char *words[WORDS_MAX];
    char limits[WORDS_MAX][SETTINGS_WORD_BYTES];
    size_t count = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(key_rows) && count < WORDS_MAX; i++) {
        if (key_rows[i].block == inside)
            words[count++] = key_rows[i].name;
    }
    for (size_t kind = 0; kind < SETTINGS_KIND_COUNT && count < WORDS_MAX; kind++) {
        if (is_block_inside(kind, inside))
            words[count++] = block_rows[kind].name;
    }
    for (size_t i = 0; inside == SETTINGS_LIMITS && i < limits_count() && count < WORDS_MAX; i++) {
        spell_limit(limits_row(i), limits[i]);
        words[count++] = limits[i];
    }
    const char *nearest = suggest_nearest(word, words, count);
    if (nearest != NULL)
        snprintf(out, SETTINGS_WORD_BYTES, "%s", nearest);
    return nearest != NULL;
}

/* Where the word may stand, as in "in role or in grant"; false when nowhere. */
static bool find_homes(const char *word, char *out, size_t size)
{
    enum settings_kind ignored;
    bool is_first = true;
    size_t used = 0;

    out[0] = '\0';
    for (size_t kind = 0; kind < SETTINGS_KIND_COUNT && used < size; kind++) {
        if (settings_words_find((enum settings_kind)kind, word, &ignored) == SETTINGS_UNKNOWN)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s%s", is_first ? "" : " or ",
                                 kind == SETTINGS_TOP ? "outside of blocks" : "in ",
                                 block_rows[kind].name);
        is_first = false;
    }
    return !is_first;
}

bool settings_words_is_outer(enum settings_kind inside, const char *word)
{
    enum settings_kind ignored;

    while (inside != SETTINGS_TOP) {
        inside = block_rows[inside].parent;
        if (settings_words_find(inside, word, &ignored) == SETTINGS_BLOCK)
            return true;
    }
    return false;
}

void settings_words_advise(enum settings_kind inside, const char *word,
                           char out[SETTINGS_ADVICE_BYTES])
{
    char other[SETTINGS_WORD_BYTES];
    char homes[160];
    const char *name = block_rows[inside].name;
    const char *in = inside == SETTINGS_TOP ? "" : " in ";

    if (find_homes(word, homes, sizeof(homes)))
        snprintf(out, SETTINGS_ADVICE_BYTES, "'%s' does not belong%s%s but %s", word,
                 inside == SETTINGS_TOP ? " outside of blocks" : in, name, homes);
    else if (find_nearest(inside, word, other))
        snprintf(out, SETTINGS_ADVICE_BYTES, "unknown word '%s'%s%s; did you mean '%s'?", word, in,
                 name, other);
    else
        snprintf(out, SETTINGS_ADVICE_BYTES,
                 "unknown word '%s'%s%s; see tacit.conf(5) for what may stand here", word, in,
                 name);
}
