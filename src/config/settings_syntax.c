/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_syntax.h"

#include "config/suggest.h"
#include "core/limits.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX     64 /* keys of one block, the hidden one and the end included */
#define KEY_NAME_MAX 40

struct parsing {
    const char *file;
    struct diagnostics *diagnostics;
    struct settings *settings;
    settings_include include;
    void *include_context;
    int status; /* -ENOMEM, or 0 */
    char limit_names[KEYS_MAX][KEY_NAME_MAX];
    cfg_opt_t options[SETTINGS_KIND_COUNT][KEYS_MAX];
};

struct key_row {
    enum settings_kind block;
    const char *name;
    bool several;
};

static const struct key_row key_rows[] = {
#define BLOCK(name, text, titled)
#define KEY(block, name, several) { SETTINGS_##block, (name), (several) },
#include "config/config_keys.def"
#undef KEY
#undef BLOCK
};

static const struct {
    enum settings_kind kind;
    bool titled;
} block_rows[] = {
#define BLOCK(name, text, titled) { SETTINGS_##name, (titled) },
#define KEY(block, name, several)
#include "config/config_keys.def"
#undef KEY
#undef BLOCK
};

/* libconfuse hands no context to its callbacks. Every block's first option, which no
 * text can name because its name is empty, carries it. */
static struct parsing *parsing_of(const cfg_t *cfg)
{
    return (struct parsing *)(void *)cfg->opts[0].simple_value.ptr;
}

static enum settings_kind kind_of(const cfg_t *cfg)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(block_rows); i++) {
        if (strcmp(settings_kind_name(block_rows[i].kind), cfg->name) == 0)
            return block_rows[i].kind;
    }
    return SETTINGS_TOP;
}

static struct settings_block *block_of(struct parsing *parsing, const cfg_t *cfg)
{
    struct settings_block *block =
        settings_block_of(parsing->settings, kind_of(cfg), cfg->title != NULL ? cfg->title : "",
                          parsing->file, (unsigned)cfg->line);
    if (block == NULL)
        parsing->status = -ENOMEM;
    return block;
}

/* ---- what libconfuse complains about, in our words ---- */

struct phrase {
    const char *theirs; /* beginning of the format */
    const char *ours;
};

static const struct phrase phrases[] = {
    { "premature end of file", "the file ends where a value or a block is expected; add it" },
    { "missing equal sign after option", "'=' is missing; write: %s = value" },
    { "attempt to append", "'%s' takes one value; write = instead of +=" },
    { "missing opening brace", "'{' is missing; write: %s { ... }" },
    { "missing title", "a name is missing; write: %s \"name\" { ... }" },
    { "found duplicate title", "there is another block named '%s'; join them or rename one" },
    { "unexpected token", "'%s' is out of place; a value, a ',' or a '}' is missing before it" },
};

static void complain_unknown(struct parsing *parsing, const cfg_t *cfg, const char *word)
{
    const char *known[KEYS_MAX];
    size_t count = 0;
    char where[160] = "";

    for (const cfg_opt_t *option = cfg->opts + 1; option->name != NULL; option++)
        known[count++] = option->name;
    const char *nearest = suggest_nearest(word, known, count);
    if (kind_of(cfg) != SETTINGS_TOP)
        snprintf(where, sizeof(where), " in %s", cfg->name);
    if (nearest != NULL && strcmp(nearest, word) == 0)
        diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line,
                          "keys of '%s' stand in its block; write: %s { ... }", word, word);
    else if (nearest != NULL)
        diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line,
                          "unknown word '%.100s'%s; did you mean '%s'?", word, where, nearest);
    else
        diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line,
                          "unknown word '%.100s'%s; see tacit.conf(5) for what may stand here",
                          word, where);
}

static void complain_phrase(struct parsing *parsing, const cfg_t *cfg, const struct phrase *phrase,
                            const char *word)
{
    char text[DIAGNOSTIC_BYTES / 2];
    size_t used = 0;

    for (const char *at = phrase->ours; *at != '\0' && used + 1 < sizeof(text); at++) {
        if (at[0] == '%' && at[1] == 's') {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%.60s", word);
            at++;
        } else {
            text[used++] = *at;
        }
    }
    text[used < sizeof(text) ? used : sizeof(text) - 1] = '\0';
    diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line, "%s", text);
}

static void on_complaint(cfg_t *cfg, const char *format, va_list arguments)
{
    struct parsing *parsing = parsing_of(cfg);
    const char *word = "";

    if (strstr(format, "%s") != NULL) {
        va_list copy;
        va_copy(copy, arguments);
        word = va_arg(copy, const char *);
        va_end(copy);
    }
    if (strncmp(format, "no such option", strlen("no such option")) == 0) {
        complain_unknown(parsing, cfg, word);
        return;
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(phrases); i++) {
        if (strncmp(format, phrases[i].theirs, strlen(phrases[i].theirs)) == 0) {
            complain_phrase(parsing, cfg, &phrases[i], word);
            return;
        }
    }
    diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line,
                      "cannot be read; see tacit.conf(5) for the syntax");
}

/* ---- callbacks ---- */

static int on_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
    struct parsing *parsing = parsing_of(cfg);
    bool is_here = false;

    *(void **)result = NULL;
    /* A quoted name such as "log|level" reaches into another block. */
    for (const cfg_opt_t *own = cfg->opts; own->name != NULL; own++)
        is_here = is_here || own == option;
    if (!is_here) {
        diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line,
                          "'%s' belongs into a block of its own; write it there", option->name);
        return -1;
    }
    if (strcmp(option->name, "include") == 0) {
        parsing->status =
            parsing->include(parsing->include_context, value, parsing->file, (unsigned)cfg->line);
        return parsing->status;
    }
    struct settings_block *block = block_of(parsing, cfg);
    if (block == NULL)
        return -1;
    parsing->status = settings_add(block, option->name, value, parsing->file, (unsigned)cfg->line);
    return parsing->status;
}

/* Makes sure that an empty block is known, too. */
static int on_block_end(cfg_t *cfg, cfg_opt_t *option)
{
    unsigned count = cfg_opt_size(option);
    const cfg_t *block = count == 0 ? NULL : cfg_opt_getnsec(option, count - 1);

    (void)cfg;
    if (block == NULL)
        return 0;
    return block_of(parsing_of(block), block) != NULL ? 0 : -1;
}

/* ---- the tables of libconfuse, made from ours ---- */

static cfg_opt_t value_option(const char *name, bool several)
{
    return (cfg_opt_t){
        .name = name,
        .type = CFGT_PTR,
        .flags = CFGF_NODEFAULT | (several ? CFGF_LIST : CFGF_NONE),
        .parsecb = on_value,
    };
}

static size_t fill_limits(struct parsing *parsing, cfg_opt_t *options, size_t used)
{
    for (size_t i = 0; i < limits_count() && used + 1 < KEYS_MAX; i++) {
        char *name = parsing->limit_names[i];
        snprintf(name, KEY_NAME_MAX, "%s", limits_row(i)->name);
        for (char *at = name; *at != '\0'; at++)
            *at = *at == '_' ? '-' : *at;
        options[used++] = value_option(name, false);
    }
    return used;
}

static size_t fill_top(struct parsing *parsing, cfg_opt_t *options, size_t used)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(block_rows); i++) {
        if (block_rows[i].kind == SETTINGS_TOP)
            continue;
        options[used++] = (cfg_opt_t){
            .name = settings_kind_name(block_rows[i].kind),
            .type = CFGT_SEC,
            .flags = block_rows[i].titled ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
                                          : CFGF_NODEFAULT,
            .subopts = parsing->options[block_rows[i].kind],
            .validcb = on_block_end,
        };
    }
    return used;
}

static void fill_options(struct parsing *parsing)
{
    for (size_t kind = 0; kind < SETTINGS_KIND_COUNT; kind++) {
        cfg_opt_t *options = parsing->options[kind];
        size_t used = 0;

        options[used++] = (cfg_opt_t){
            .name = "",
            .type = CFGT_PTR,
            .flags = CFGF_NODEFAULT,
            .simple_value.ptr = (void **)parsing,
        };
        for (size_t i = 0; i < MQTT_ARRAY_LEN(key_rows); i++) {
            if (key_rows[i].block == kind)
                options[used++] = value_option(key_rows[i].name, key_rows[i].several);
        }
        if (kind == SETTINGS_LIMITS)
            used = fill_limits(parsing, options, used);
        if (kind == SETTINGS_TOP)
            used = fill_top(parsing, options, used);
        options[used] = (cfg_opt_t){ .name = NULL };
    }
}

static int parse(struct parsing *parsing, const char *text)
{
    cfg_t *cfg = cfg_init(parsing->options[SETTINGS_TOP], CFGF_NONE);
    if (cfg == NULL)
        return -ENOMEM;
    cfg_set_error_function(cfg, on_complaint);
    cfg->filename = strdup(parsing->file);

    /* A stream over no bytes cannot be opened; a blank more does no harm. */
    char *padded = NULL;
    int len = asprintf(&padded, "%s\n", text);
    FILE *stream = len < 0 ? NULL : fmemopen(padded, (size_t)len, "r");
    unsigned before = parsing->diagnostics->errors;
    int verdict = stream == NULL ? CFG_SUCCESS : cfg_parse_fp(cfg, stream);
    if (stream == NULL)
        parsing->status = -ENOMEM;
    else if (verdict != CFG_SUCCESS && parsing->status == 0
             && parsing->diagnostics->errors == before)
        diagnostics_error(parsing->diagnostics, parsing->file, (unsigned)cfg->line,
                          "cannot be read; see tacit.conf(5) for the syntax");
    if (stream != NULL)
        fclose(stream);
    if (len >= 0)
        free(padded);
    cfg_free(cfg);
    return parsing->status;
}

int settings_syntax_parse(const char *text, const char *file, struct diagnostics *diagnostics,
                          struct settings *settings, settings_include include,
                          void *include_context)
{
    struct parsing *parsing = calloc(1, sizeof(*parsing));
    if (parsing == NULL)
        return -ENOMEM;
    parsing->file = file;
    parsing->diagnostics = diagnostics;
    parsing->settings = settings;
    parsing->include = include;
    parsing->include_context = include_context;
    fill_options(parsing);
    int status = parse(parsing, text);
    free(parsing);
    return status;
}
