/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define COMPLAINTS_MAX 20
#define DEPTH_MAX      2 /* a list in a block */

struct scan {
    char *text;
    size_t len;
    size_t at;
    unsigned line;
    const char *file;
    struct diagnostics *diagnostics;
    unsigned complaints;
    unsigned depth;
    unsigned opened[DEPTH_MAX]; /* lines of the braces that are open */
};

static void complain(struct scan *s, unsigned line, const char *what)
{
    s->complaints++;
    diagnostics_error(s->diagnostics, s->file, line, "%s", what);
}

static char next_char(const struct scan *s)
{
    return s->at + 1 < s->len ? s->text[s->at + 1] : '\0';
}

static void skip_line_comment(struct scan *s)
{
    while (s->at < s->len && s->text[s->at] != '\n')
        s->text[s->at++] = ' ';
}

static void skip_block_comment(struct scan *s)
{
    unsigned begun = s->line;

    for (; s->at < s->len; s->at++) {
        if (s->text[s->at] == '*' && next_char(s) == '/') {
            s->text[s->at] = ' ';
            s->text[s->at + 1] = ' ';
            s->at += 2;
            return;
        }
        if (s->text[s->at] == '\n')
            s->line++;
        else
            s->text[s->at] = ' ';
    }
    complain(s, begun, "this comment does not end; close it with */");
}

static bool is_plain_escape(char c)
{
    return c != '\0' && strchr("\"\\ntr'#$%{}/ ", c) != NULL;
}

/* Leaves s->at behind the closing quote, or at the end of the line. */
static void skip_string(struct scan *s)
{
    char quote = s->text[s->at++];

    for (; s->at < s->len && s->text[s->at] != '\n'; s->at++) {
        char c = s->text[s->at];
        if (c == quote) {
            s->at++;
            return;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            complain(s, s->line, "control character inside a string; remove it");
        if (c == '$' && next_char(s) == '{')
            complain(s, s->line,
                     "${...} is not expanded here; write the value, or %{device}, %{tenant}, "
                     "%{site} in a topic");
        if (c != '\\')
            continue;
        if (!is_plain_escape(next_char(s))) {
            complain(s, s->line, "unknown escape in a string; write \\\\ for a backslash");
            continue;
        }
        s->at++;
    }
    complain(s, s->line, "a string ends with its line; close it with the quote it began with");
}

/* libconfuse takes the end of the file for the end of a block. */
static void scan_brace(struct scan *s)
{
    if (s->text[s->at++] == '{') {
        if (s->depth == DEPTH_MAX)
            complain(s, s->line, "'{' too many; lists and blocks do not nest deeper");
        else
            s->opened[s->depth++] = s->line;
        return;
    }
    if (s->depth == 0)
        complain(s, s->line, "} closes nothing; remove it");
    else
        s->depth--;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("_-./:%", c) != NULL);
}

static void scan_other(struct scan *s)
{
    char c = s->text[s->at];

    if (c == '+' && next_char(s) == '=') {
        s->at += 2;
        return;
    }
    if (!is_word_char(c) && (c == '\0' || strchr("=, \t\r", c) == NULL)) {
        char what[] = "'?' must stand inside quotes";
        what[1] = c;
        bool is_shown = (unsigned char)c > 0x20 && (unsigned char)c < 0x7f;
        complain(s, s->line, is_shown ? what : "a character that only a quoted string may hold");
    }
    s->at++;
}

static void scan_one(struct scan *s)
{
    switch (s->text[s->at]) {
    case '\n':
        s->line++;
        s->at++;
        break;
    case '#':
        skip_line_comment(s);
        break;
    case '{':
    case '}':
        scan_brace(s);
        break;
    case '"':
    case '\'':
        skip_string(s);
        break;
    case '/':
        if (next_char(s) == '*') {
            skip_block_comment(s);
            break;
        }
        if (next_char(s) == '/')
            complain(s, s->line, "comments begin with #; a path with // goes into quotes");
        s->at += next_char(s) == '/' ? 2 : 1;
        break;
    default:
        scan_other(s);
    }
}

int config_text_check(char *text, size_t len, const char *file, struct diagnostics *diagnostics)
{
    struct scan s = {
        .text = text,
        .len = len,
        .line = 1,
        .file = file,
        .diagnostics = diagnostics,
    };

    while (s.at < s.len && s.complaints < COMPLAINTS_MAX)
        scan_one(&s);
    if (s.complaints == 0 && s.depth > 0)
        complain(&s, s.opened[s.depth - 1], "the { of this line is not closed; add the missing }");
    return s.complaints == 0 ? 0 : -EINVAL;
}
