/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_outline.h"

#include "config/settings_lexer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void say_nothing(void *context, const char *text)
{
    (void)context;
    (void)text;
}

/* From behind the brace that opens to behind the one that closes; false: none does. */
static bool skip_braces(struct settings_lexer *lexer)
{
    size_t depth = 1;

    while (depth > 0) {
        enum settings_token_kind kind = settings_lexer_next(lexer).kind;
        if (kind == SETTINGS_TOKEN_END || kind == SETTINGS_TOKEN_BAD)
            return false;
        depth += kind == SETTINGS_TOKEN_OPEN;
        depth -= kind == SETTINGS_TOKEN_CLOSE;
    }
    return true;
}

static bool is_text(const struct settings_token *token)
{
    return token->kind == SETTINGS_TOKEN_WORD || token->kind == SETTINGS_TOKEN_STRING;
}

static bool read_value(struct settings_lexer *lexer)
{
    struct settings_token token = settings_lexer_next(lexer);

    return token.kind == SETTINGS_TOKEN_OPEN ? skip_braces(lexer) : is_text(&token);
}

/* What follows the word; false: nothing that may. */
static bool read_rest(struct settings_lexer *lexer, struct settings_part *part)
{
    struct settings_token token = settings_lexer_next(lexer);

    if (token.kind == SETTINGS_TOKEN_EQUALS || token.kind == SETTINGS_TOKEN_APPEND)
        return read_value(lexer);
    if (is_text(&token)) {
        part->title = token.text;
        token = settings_lexer_next(lexer);
    }
    return token.kind == SETTINGS_TOKEN_OPEN && skip_braces(lexer);
}

static int read_parts(struct settings_lexer *lexer, settings_part_visit visit, void *context)
{
    for (;;) {
        struct settings_token token = settings_lexer_next(lexer);
        struct settings_part part = { .word = token.text };
        if (token.kind == SETTINGS_TOKEN_END)
            return 0;
        /* A word is as long as what it means. */
        part.begin = lexer->at - token.text.len;
        if (token.kind != SETTINGS_TOKEN_WORD || !read_rest(lexer, &part))
            return -EINVAL;
        part.end = lexer->at;
        int result = visit(context, &part);
        if (result != 0)
            return result;
    }
}

int settings_outline(struct mqtt_span text, settings_part_visit visit, void *context)
{
    struct diagnostics diagnostics = { say_nothing, NULL, 0 };
    struct settings_lexer lexer;
    char *copy = malloc(text.len + 1); /* the lexer writes into it */

    if (copy == NULL)
        return -ENOMEM;
    if (text.len != 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    settings_lexer_init(&lexer, copy, text.len, "", &diagnostics);
    int result = read_parts(&lexer, visit, context);
    if (result == 0 && diagnostics.errors != 0)
        result = -EINVAL;
    free(copy);
    return result;
}
