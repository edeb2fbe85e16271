/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_syntax.h"

#include "base/invariant.h"
#include "config/settings_lexer.h"
#include "config/settings_words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX 8 /* more than config_keys.def nests */

/* A block that is open. */
struct level {
    size_t block;
    struct settings_token open; /* its brace; none for what is outside of blocks */
};

struct parsing {
    struct settings_lexer lexer;
    struct settings_token token; /* the next one */
    unsigned behind_line;        /* where the one before it ends */
    unsigned behind_column;
    const char *file;
    struct diagnostics *diagnostics;
    struct settings *settings;
    settings_include include;
    void *include_context;
    struct level levels[LEVELS_MAX];
    unsigned depth;
    unsigned missing_closes; /* complained about; as many } too many are no news */
    bool is_unclosed_told;
    int status; /* -ENOMEM, or 0 */
};

/* A key or block whose value or body is being read. */
struct entry {
    char word[SETTINGS_WORD_BYTES];
    unsigned line;
    unsigned column;
    unsigned behind_column; /* of the word */
    size_t block;           /* in which it stands */
    enum settings_kind kind;
};

MQTT_PRINTF(4, 5)
static void complain(struct parsing *p, unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diagnostics_verror(p->diagnostics, p->file, line, column, format, arguments);
    va_end(arguments);
}

static void next(struct parsing *p)
{
    p->behind_line = p->lexer.line;
    p->behind_column = settings_lexer_column(&p->lexer);
    p->token = settings_lexer_next(&p->lexer);
}

static bool is(const struct parsing *p, enum settings_token_kind kind)
{
    return p->token.kind == kind;
}

static bool is_text(const struct parsing *p)
{
    return is(p, SETTINGS_TOKEN_WORD) || is(p, SETTINGS_TOKEN_STRING);
}

static bool is_same_line(const struct parsing *p)
{
    return p->token.line == p->behind_line;
}

/* A word with = behind it is no value. */
static bool is_key(const struct parsing *p)
{
    return is(p, SETTINGS_TOKEN_WORD) && settings_lexer_peek(&p->lexer) == '=';
}

/* A word in a new line that an entry begins with, where a value should be. */
static bool begins_entry(const struct parsing *p)
{
    char behind = settings_lexer_peek(&p->lexer);

    return is_key(p)
           || (is(p, SETTINGS_TOKEN_WORD) && !is_same_line(p)
               && (behind == '{' || behind == '"' || behind == '\''));
}

/* Goes to where the next entry can begin: behind the rest of the line and past braces that
 * belong together. What stands at a place where it may not, unless it is a word, is passed. */
static void recover(struct parsing *p)
{
    bool goes_on = !is(p, SETTINGS_TOKEN_WORD);
    unsigned depth = 0;

    while (!is(p, SETTINGS_TOKEN_END)) {
        bool is_word = is(p, SETTINGS_TOKEN_WORD);
        bool is_rest = is_same_line(p) || (!is_word && goes_on) || is(p, SETTINGS_TOKEN_OPEN);
        if (depth == 0 && (is(p, SETTINGS_TOKEN_CLOSE) || !is_rest))
            return;
        if (is(p, SETTINGS_TOKEN_OPEN))
            depth++;
        if (is(p, SETTINGS_TOKEN_CLOSE))
            depth--;
        goes_on = is(p, SETTINGS_TOKEN_COMMA);
        next(p);
    }
}

/* To behind the brace that closes this one. */
static void skip_braces(struct parsing *p)
{
    unsigned depth = 0;

    do {
        if (is(p, SETTINGS_TOKEN_OPEN))
            depth++;
        if (is(p, SETTINGS_TOKEN_CLOSE))
            depth--;
        next(p);
    } while (depth > 0 && !is(p, SETTINGS_TOKEN_END));
}

static void complain_unclosed(struct parsing *p, const struct settings_token *open)
{
    if (!p->is_unclosed_told)
        complain(p, open->line, open->column, "this { is not closed; add the missing }");
    p->is_unclosed_told = true;
}

/* ---- keys and values ---- */

static bool is_list(const struct entry *entry)
{
    enum settings_kind ignored;

    return settings_words_find(entry->kind, entry->word, &ignored) == SETTINGS_LIST;
}

static const char *shape_of(const struct entry *entry)
{
    return is_list(entry) ? "{ \"...\" }" : "value";
}

static void keep_value(struct parsing *p, struct entry *entry)
{
    struct setting like = { entry->word, NULL, p->file, p->token.line, p->token.column };

    if (p->status != 0)
        return;
    if (strcmp(entry->word, "include") != 0) {
        p->status = settings_add(p->settings, entry->block, &like, p->token.text);
        return;
    }
    like.text = strndup((const char *)p->token.text.data, p->token.text.len);
    p->status = like.text != NULL ? p->include(p->include_context, &like) : -ENOMEM;
    free(like.text);
}

/* The values between the braces; `keep` false: they are only passed over. */
static void parse_list(struct parsing *p, struct entry *entry, bool keep)
{
    struct settings_token open = p->token;
    bool wants_comma = false;

    for (next(p);; next(p)) {
        if (is(p, SETTINGS_TOKEN_CLOSE)) {
            next(p);
            return;
        }
        if (is(p, SETTINGS_TOKEN_END) || begins_entry(p)) {
            complain_unclosed(p, &open);
            p->is_unclosed_told = is(p, SETTINGS_TOKEN_END);
            return;
        }
        if (is_text(p)) {
            if (wants_comma)
                complain(p, p->token.line, p->token.column, "a ',' is missing before '%.*s'",
                         (int)(p->token.text.len < 100 ? p->token.text.len : 100),
                         (const char *)p->token.text.data);
            if (keep)
                keep_value(p, entry);
            wants_comma = true;
        } else if (is(p, SETTINGS_TOKEN_COMMA) && wants_comma) {
            wants_comma = false;
        } else if (is(p, SETTINGS_TOKEN_BAD)) {
            wants_comma = true;
        } else {
            complain(p, p->token.line, p->token.column,
                     "a value in quotes is expected here; write: %s = { \"...\", \"...\" }",
                     entry->word);
            recover(p);
            if (is(p, SETTINGS_TOKEN_CLOSE))
                next(p);
            return;
        }
    }
}

static void parse_value(struct parsing *p, struct entry *entry, bool keep)
{
    unsigned line = p->behind_line;
    unsigned column = p->behind_column;

    if (is(p, SETTINGS_TOKEN_BAD)) {
        next(p);
    } else if (is_text(p) && !begins_entry(p)) {
        if (keep)
            keep_value(p, entry);
        next(p);
        if (is(p, SETTINGS_TOKEN_COMMA)) {
            complain(p, p->token.line, p->token.column,
                     is_list(entry) ? "several values stand in braces; write: %s = { \"...\", "
                                      "\"...\" }"
                                    : "'%s' takes one value; remove the rest",
                     entry->word);
            recover(p);
        }
    } else if (is(p, SETTINGS_TOKEN_OPEN) && is_list(entry)) {
        parse_list(p, entry, keep);
    } else if (is(p, SETTINGS_TOKEN_OPEN)) {
        complain(p, p->token.line, p->token.column, "'%s' takes one value; write it without { }",
                 entry->word);
        recover(p);
    } else {
        complain(p, line, column, "a value is missing; write: %s = %s", entry->word,
                 shape_of(entry));
        recover(p);
    }
}

/* Is it the first time, or += to what is there? */
static bool is_repeated(struct parsing *p, const struct entry *entry)
{
    const struct setting *first = settings_value(&p->settings->blocks[entry->block], entry->word);

    if (first == NULL || is(p, SETTINGS_TOKEN_APPEND))
        return false;
    complain(p, entry->line, entry->column, "'%s' was already set in line %u of %s; %s",
             entry->word, first->line, first->file,
             is_list(entry) ? "write += to add to it" : "remove one of them");
    return true;
}

static void parse_key(struct parsing *p, struct entry *entry)
{
    bool keep = !is_repeated(p, entry);

    if (is(p, SETTINGS_TOKEN_APPEND) && !is_list(entry)) {
        complain(p, p->token.line, p->token.column,
                 "'%s' takes one value; write = instead of +=", entry->word);
        keep = false;
    }
    if (is(p, SETTINGS_TOKEN_EQUALS) || is(p, SETTINGS_TOKEN_APPEND)) {
        next(p);
        parse_value(p, entry, keep);
        return;
    }
    complain(p, entry->line, entry->behind_column, "'=' is missing; write: %s = %s", entry->word,
             shape_of(entry));
    recover(p);
}

/* ---- blocks ---- */

/* Finds or adds the block; SETTINGS_NONE after a complaint or out of memory. */
static size_t open_block(struct parsing *p, const struct entry *entry, char *title)
{
    struct settings_block like = {
        .kind = entry->kind,
        .title = title,
        .parent = entry->block,
        .file = p->file,
        .line = entry->line,
        .column = entry->column,
    };
    enum settings_form form = settings_words_form(entry->kind);
    const struct settings_block *other =
        form == SETTINGS_EACH ? NULL : settings_find(p->settings, entry->kind, title);

    if (other != NULL && form == SETTINGS_JOINED)
        return (size_t)(other - p->settings->blocks);
    if (other != NULL) {
        complain(p, entry->line, entry->column,
                 "there is another %s \"%.100s\" in line %u of %s; join them or rename one",
                 entry->word, title, other->line, other->file);
        like.is_void = true;
    }
    if (p->settings->block_count == SETTINGS_BLOCKS) {
        complain(p, entry->line, entry->column, "more than %d blocks; join some of them",
                 SETTINGS_BLOCKS);
        return SETTINGS_NONE;
    }
    size_t block = settings_add_block(p->settings, &like);
    if (block == SETTINGS_NONE)
        p->status = -ENOMEM;
    return block;
}

/* What a block begins with, up to its brace: its title, "" where it has none; NULL after a
 * complaint or out of memory. */
static char *parse_title(struct parsing *p, const struct entry *entry)
{
    bool is_named = settings_words_form(entry->kind) == SETTINGS_NAMED;
    const char *name = is_named ? " \"name\"" : "";
    struct mqtt_span title = span_of("");

    if (is(p, SETTINGS_TOKEN_EQUALS) || is(p, SETTINGS_TOKEN_APPEND)) {
        complain(p, entry->line, entry->column, "%s is a block; write: %s%s { %s = ... }",
                 entry->word, entry->word, name, settings_words_example(entry->kind));
        return NULL;
    }
    if (is_named && !is_text(p)) {
        if (!is(p, SETTINGS_TOKEN_BAD))
            complain(p, entry->line, entry->behind_column,
                     "a name is missing; write: %s \"name\" { ... }", entry->word);
        return NULL;
    }
    if (is_named) {
        title = p->token.text;
        next(p);
    } else if (is(p, SETTINGS_TOKEN_STRING)) {
        complain(p, p->token.line, p->token.column, "'%s' has no name; write: %s { ... }",
                 entry->word, entry->word);
        next(p);
    }
    if (!is(p, SETTINGS_TOKEN_OPEN)) {
        if (!is(p, SETTINGS_TOKEN_BAD))
            complain(p, p->behind_line, p->behind_column, "'{' is missing; write: %s%s { ... }",
                     entry->word, name);
        return NULL;
    }
    char *copy = strndup((const char *)title.data, title.len);
    if (copy == NULL)
        p->status = -ENOMEM;
    return copy;
}

static void parse_block(struct parsing *p, const struct entry *entry)
{
    char *title = parse_title(p, entry);
    size_t block = title != NULL ? open_block(p, entry, title) : SETTINGS_NONE;

    free(title);
    if (block == SETTINGS_NONE) {
        recover(p);
        return;
    }
    MQTT_INVARIANT(p->depth + 1 < LEVELS_MAX);
    p->levels[++p->depth] = (struct level){ block, p->token };
    next(p);
}

/* ---- entries ---- */

/* Passes the value or the body of a word that may not stand here. */
static void skip_entry(struct parsing *p)
{
    bool is_key = is(p, SETTINGS_TOKEN_EQUALS) || is(p, SETTINGS_TOKEN_APPEND);

    if (is_key)
        next(p);
    bool has_text = is_text(p) && is_same_line(p);
    if (has_text)
        next(p);
    if (is(p, SETTINGS_TOKEN_OPEN) && (!is_key || !has_text))
        skip_braces(p);
    else if (!is_key || !has_text || is(p, SETTINGS_TOKEN_COMMA))
        recover(p);
}

static void copy_word(const struct parsing *p, char out[SETTINGS_WORD_BYTES])
{
    snprintf(out, SETTINGS_WORD_BYTES, "%.*s",
             (int)(p->token.text.len < SETTINGS_WORD_BYTES ? p->token.text.len
                                                           : SETTINGS_WORD_BYTES - 1),
             (const char *)p->token.text.data);
}

/* One key, or a block up to its brace. */
static void parse_entry(struct parsing *p)
{
    const struct level *level = &p->levels[p->depth];
    enum settings_kind inside = p->settings->blocks[level->block].kind;
    char advice[SETTINGS_ADVICE_BYTES];
    struct entry entry = {
        .line = p->token.line,
        .column = p->token.column,
        .behind_column = settings_lexer_column(&p->lexer),
        .block = level->block,
        .kind = inside,
    };

    copy_word(p, entry.word);
    enum settings_word what = settings_words_find(inside, entry.word, &entry.kind);
    /* A block that only fits further out means that this one should have ended. */
    if (what == SETTINGS_UNKNOWN && settings_words_is_outer(inside, entry.word)
        && settings_lexer_peek(&p->lexer) != '=') {
        complain(p, entry.line, entry.column,
                 "'%s' does not belong in %s; a } is missing before it, for the { of line %u",
                 entry.word, settings_words_kind(inside), level->open.line);
        p->missing_closes++;
        p->depth--;
        return;
    }
    next(p);
    if (what == SETTINGS_BLOCK) {
        parse_block(p, &entry);
    } else if (what == SETTINGS_UNKNOWN) {
        settings_words_advise(inside, entry.word, advice);
        complain(p, entry.line, entry.column, "%s", advice);
        skip_entry(p);
    } else {
        parse_key(p, &entry);
    }
}

static void complain_sign(struct parsing *p)
{
    if (is(p, SETTINGS_TOKEN_STRING))
        complain(p, p->token.line, p->token.column,
                 "a key or a block is expected here; they stand without quotes");
    else if (!is(p, SETTINGS_TOKEN_BAD))
        complain(p, p->token.line, p->token.column, "a key or a block is expected here");
}

static void parse_close(struct parsing *p)
{
    if (p->depth > 0)
        p->depth--;
    else if (p->missing_closes > 0)
        p->missing_closes--;
    else
        complain(p, p->token.line, p->token.column, "this } closes nothing; remove it");
    next(p);
}

static void parse_all(struct parsing *p)
{
    while (p->status == 0 && !diagnostics_are_full(p->diagnostics)) {
        switch (p->token.kind) {
        case SETTINGS_TOKEN_END:
            if (p->depth > 0)
                complain_unclosed(p, &p->levels[p->depth].open);
            return;
        case SETTINGS_TOKEN_CLOSE:
            parse_close(p);
            break;
        case SETTINGS_TOKEN_WORD:
            parse_entry(p);
            break;
        case SETTINGS_TOKEN_STRING:
        case SETTINGS_TOKEN_OPEN:
        case SETTINGS_TOKEN_EQUALS:
        case SETTINGS_TOKEN_APPEND:
        case SETTINGS_TOKEN_COMMA:
        case SETTINGS_TOKEN_BAD:
            complain_sign(p);
            recover(p);
            break;
        }
    }
}

int settings_syntax_parse(const struct settings_source *source, struct diagnostics *diagnostics,
                          struct settings *settings, settings_include include,
                          void *include_context)
{
    struct parsing p = {
        .file = source->file,
        .diagnostics = diagnostics,
        .settings = settings,
        .include = include,
        .include_context = include_context,
    };
    const struct entry top = { .block = SETTINGS_NONE, .kind = SETTINGS_TOP, .line = 1 };
    char no_title[] = "";
    size_t block = open_block(&p, &top, no_title);

    if (block == SETTINGS_NONE)
        return p.status;
    settings_lexer_init(&p.lexer, source->text, source->len, source->file, diagnostics);
    p.levels[0].block = block;
    next(&p);
    parse_all(&p);
    return p.status;
}
