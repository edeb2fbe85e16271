/* SPDX-License-Identifier: Apache-2.0 */
/* The words of tacit.conf and where each may stand, from config_keys.def and, inside of
 * "limits", core/limits.def. Pure. */
#pragma once

#include "config/settings.h"

#define SETTINGS_WORD_BYTES 48 /* longest word, NUL included */

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

/* The word of that block that was probably meant: copied to `out`, or false. */
bool settings_words_nearest(enum settings_kind inside, const char *word,
                            char out[SETTINGS_WORD_BYTES]);

/* Where the word may stand, as in "role or grant"; false when nowhere. */
bool settings_words_homes(const char *word, char *out, size_t size);
