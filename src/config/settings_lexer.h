/* SPDX-License-Identifier: Apache-2.0 */
/* The lexical rules of tacit.conf.
 *
 *   text    = { blank | comment | string | word | "{" | "}" | "=" | "+=" | "," }
 *   comment = "#" to the end of the line, not inside a word | "/ *" ... "* /"
 *   string  = '"' ... '"' or "'" ... "'" on one line, UTF-8 without control characters; \ makes
 *             the next character literal, \n \t \r stand for what they do in C
 *   word    = one or more of A-Z a-z 0-9 _ - . / : % without // */
#pragma once

#include "base/span.h"
#include "config/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum settings_token_kind {
    SETTINGS_TOKEN_END = 0,
    SETTINGS_TOKEN_WORD,
    SETTINGS_TOKEN_STRING,
    SETTINGS_TOKEN_OPEN,
    SETTINGS_TOKEN_CLOSE,
    SETTINGS_TOKEN_EQUALS,
    SETTINGS_TOKEN_APPEND,
    SETTINGS_TOKEN_COMMA,
    SETTINGS_TOKEN_BAD, /* complained about already */
};

struct settings_token {
    enum settings_token_kind kind;
    struct mqtt_span text; /* of words and strings: what it means, borrowed from the lexer's text */
    unsigned line;         /* of its first byte, from 1 */
    unsigned column;
};

struct settings_lexer {
    char *text;
    size_t len;
    size_t at;
    size_t line_start;
    unsigned line;
    unsigned told_line; /* where a character out of place was complained about */
    const char *file;
    struct diagnostics *diagnostics;
};

/* Strings are unescaped in place, in `text`, which is borrowed as all else. */
void settings_lexer_init(struct settings_lexer *lexer, char *text, size_t len, const char *file,
                         struct diagnostics *diagnostics);

/* Behind the last one: SETTINGS_TOKEN_END, for ever. */
struct settings_token settings_lexer_next(struct settings_lexer *lexer);

/* The character in this line that the next token begins with, '\0' when there is none. */
char settings_lexer_peek(const struct settings_lexer *lexer);

/* The column behind the token read last. */
unsigned settings_lexer_column(const struct settings_lexer *lexer);
