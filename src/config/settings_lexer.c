/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_lexer.h"

#include "codec/utf8.h"

#include <string.h>

void settings_lexer_init(struct settings_lexer *lexer, char *text, size_t len, const char *file,
                         struct diagnostics *diagnostics)
{
    *lexer = (struct settings_lexer){
        .text = text,
        .len = len,
        .line = 1,
        .file = file,
        .diagnostics = diagnostics,
    };
}

static unsigned column_of(const struct settings_lexer *lexer, size_t at)
{
    return (unsigned)(at - lexer->line_start) + 1;
}

unsigned settings_lexer_column(const struct settings_lexer *lexer)
{
    return column_of(lexer, lexer->at);
}

static void complain(struct settings_lexer *lexer, size_t at, const char *what)
{
    diagnostics_error(lexer->diagnostics, lexer->file, lexer->line, column_of(lexer, at), "%s",
                      what);
}

static char char_at(const struct settings_lexer *lexer, size_t at)
{
    return at < lexer->len ? lexer->text[at] : '\0';
}

static bool is_pair(const struct settings_lexer *lexer, size_t at, char first, char second)
{
    return at + 1 < lexer->len && lexer->text[at] == first && lexer->text[at + 1] == second;
}

/* ---- between tokens ---- */

static void skip_line(struct settings_lexer *lexer)
{
    while (lexer->at < lexer->len && lexer->text[lexer->at] != '\n')
        lexer->at++;
}

static void begin_line(struct settings_lexer *lexer)
{
    lexer->at++;
    lexer->line++;
    lexer->line_start = lexer->at;
}

static void skip_comment(struct settings_lexer *lexer)
{
    unsigned line = lexer->line;
    unsigned column = settings_lexer_column(lexer);

    lexer->at += 2;
    while (lexer->at < lexer->len) {
        if (is_pair(lexer, lexer->at, '*', '/')) {
            lexer->at += 2;
            return;
        }
        if (lexer->text[lexer->at] == '\n')
            begin_line(lexer);
        else
            lexer->at++;
    }
    diagnostics_error(lexer->diagnostics, lexer->file, line, column,
                      "this comment does not end; close it with */");
}

static void skip_blanks(struct settings_lexer *lexer)
{
    while (lexer->at < lexer->len) {
        char c = lexer->text[lexer->at];
        if (c == '\n')
            begin_line(lexer);
        else if (c == '#')
            skip_line(lexer);
        else if (is_pair(lexer, lexer->at, '/', '*'))
            skip_comment(lexer);
        else if (c == ' ' || c == '\t' || c == '\r')
            lexer->at++;
        else
            return;
    }
}

/* ---- strings ---- */

/* The character behind a backslash; '\0' when it may not stand there. */
static char unescaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return c != '\0' && strchr("\"\\'#$%{}/ ", c) != NULL ? c : '\0';
    }
}

/* Reads one character of a string, or two; false after a complaint. */
static bool read_char(struct settings_lexer *lexer, char *out)
{
    size_t at = lexer->at++;
    char c = lexer->text[at];

    *out = c;
    if ((unsigned char)c < 0x20 || c == 0x7f) {
        complain(lexer, at, "control character inside a string; remove it");
        return false;
    }
    if (is_pair(lexer, at, '$', '{')) {
        complain(lexer, at,
                 "${...} is not expanded here; write the value, or %{device}, %{tenant}, "
                 "%{site} in a topic");
        return false;
    }
    if (c != '\\')
        return true;
    *out = unescaped(char_at(lexer, lexer->at));
    if (*out == '\0') {
        complain(lexer, at, "unknown escape in a string; write \\\\ for a backslash");
        return false;
    }
    lexer->at++;
    return true;
}

static void read_string(struct settings_lexer *lexer, struct settings_token *token)
{
    size_t begin = lexer->at++;
    char quote = lexer->text[begin];
    char *out = lexer->text + lexer->at;
    bool is_good = true;

    token->kind = SETTINGS_TOKEN_STRING;
    token->text.data = (const uint8_t *)out;
    while (lexer->at < lexer->len && lexer->text[lexer->at] != '\n'
           && lexer->text[lexer->at] != quote) {
        char c = '\0';
        is_good = read_char(lexer, &c) && is_good;
        *out++ = c;
    }
    token->text.len = (size_t)((const uint8_t *)out - token->text.data);
    if (char_at(lexer, lexer->at) != quote) {
        complain(lexer, begin,
                 "this string ends with its line; close it with the quote it began "
                 "with");
        is_good = false;
    } else {
        lexer->at++;
        if (is_good && !mqtt_utf8_is_valid(token->text)) {
            complain(lexer, begin, "this string is not UTF-8; write the file in UTF-8");
            is_good = false;
        }
    }
    if (!is_good)
        token->kind = SETTINGS_TOKEN_BAD;
}

/* ---- words and signs ---- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("_-./:%", c) != NULL);
}

static bool ends_word(const struct settings_lexer *lexer, size_t at)
{
    char c = lexer->text[at];

    return (c != '\0' && strchr(" \t\r\n{}=,\"'", c) != NULL) || is_pair(lexer, at, '/', '*')
           || is_pair(lexer, at, '+', '=');
}

/* Once a line: where one stands, more follow. */
static void complain_char(struct settings_lexer *lexer, size_t at)
{
    char c = lexer->text[at];
    char what[] = "'?' must stand inside quotes";

    if (lexer->told_line == lexer->line)
        return;
    lexer->told_line = lexer->line;
    what[1] = c;
    complain(lexer, at,
             (unsigned char)c > 0x20 && (unsigned char)c < 0x7f
                 ? what
                 : "a character that only a quoted string may hold");
}

/* A run without blanks, good or bad, is one word. */
static void read_word(struct settings_lexer *lexer, struct settings_token *token)
{
    size_t begin = lexer->at;

    token->kind = SETTINGS_TOKEN_WORD;
    for (; lexer->at < lexer->len && !ends_word(lexer, lexer->at); lexer->at++) {
        if (is_pair(lexer, lexer->at, '/', '/')) {
            complain(lexer, lexer->at, "comments begin with #; a path with // goes into quotes");
            token->kind = SETTINGS_TOKEN_BAD;
            skip_line(lexer);
            return;
        }
        if (!is_word_char(lexer->text[lexer->at])) {
            complain_char(lexer, lexer->at);
            token->kind = SETTINGS_TOKEN_BAD;
        }
    }
    token->text = (struct mqtt_span){ (const uint8_t *)lexer->text + begin, lexer->at - begin };
}

static enum settings_token_kind sign_of(const struct settings_lexer *lexer)
{
    switch (lexer->text[lexer->at]) {
    case '{':
        return SETTINGS_TOKEN_OPEN;
    case '}':
        return SETTINGS_TOKEN_CLOSE;
    case '=':
        return SETTINGS_TOKEN_EQUALS;
    case ',':
        return SETTINGS_TOKEN_COMMA;
    case '+':
        return is_pair(lexer, lexer->at, '+', '=') ? SETTINGS_TOKEN_APPEND : SETTINGS_TOKEN_END;
    default:
        return SETTINGS_TOKEN_END;
    }
}

struct settings_token settings_lexer_next(struct settings_lexer *lexer)
{
    skip_blanks(lexer);
    struct settings_token token = {
        .kind = SETTINGS_TOKEN_END,
        .line = lexer->line,
        .column = settings_lexer_column(lexer),
    };
    if (lexer->at >= lexer->len)
        return token;
    char c = lexer->text[lexer->at];
    token.kind = sign_of(lexer);
    if (token.kind != SETTINGS_TOKEN_END)
        lexer->at += token.kind == SETTINGS_TOKEN_APPEND ? 2 : 1;
    else if (c == '"' || c == '\'')
        read_string(lexer, &token);
    else
        read_word(lexer, &token);
    return token;
}

char settings_lexer_peek(const struct settings_lexer *lexer)
{
    size_t at = lexer->at;

    while (at < lexer->len && (lexer->text[at] == ' ' || lexer->text[at] == '\t'))
        at++;
    if (char_at(lexer, at) == '\n' || char_at(lexer, at) == '#')
        return '\0';
    return is_pair(lexer, at, '+', '=') ? '=' : char_at(lexer, at);
}
