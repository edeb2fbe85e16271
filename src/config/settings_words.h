/* SPDX-License-Identifier: Apache-2.0 */
/* The words of tacit.conf and where each may stand, from config_keys.def and, inside of
 * "limits", core/limits.def. Pure. */
#pragma once

#include "config/settings.h"

#define SETTINGS_WORD_BYTES   48 /* longest word, NUL included */
#define SETTINGS_ADVICE_BYTES 320

enum settings_form {
    SETTINGS_JOINED, /* without a name; several are one */
    SETTINGS_NAMED,
    SETTINGS_EACH, /* without a name; each counts */
};

/* What a word is, inside of a certain block. Zero is nothing. */
enum settings_word {
    SETTINGS_UNKNOWN = 0,
    SETTINGS_KEY,
    SETTINGS_LIST, /* a key that may have several values */
    SETTINGS_BLOCK,
};

/* When it is a block, *out_kind says which. */
enum settings_word settings_words_find(enum settings_kind inside, const char *word,
                                       enum settings_kind *out_kind);

const char *settings_words_kind(enum settings_kind kind); /* "listener" ...; "" outside of blocks */
enum settings_kind settings_words_parent(enum settings_kind kind);
enum settings_form settings_words_form(enum settings_kind kind);

/* A key of the block, for examples. */
const char *settings_words_example(enum settings_kind kind);

/* Is it a block that may stand around `inside`, or beside what does? */
bool settings_words_is_outer(enum settings_kind inside, const char *word);

/* What is wrong with a word that may not stand there, and which one is right. */
void settings_words_advise(enum settings_kind inside, const char *word,
                           char out[SETTINGS_ADVICE_BYTES]);
