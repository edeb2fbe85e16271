/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_rewrite.h"

#include "config/settings_outline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    const struct policy_rewrite_wish *wish;
    FILE *out;
    struct mqtt_span text;
    size_t written; /* bytes of the text */
    bool has_roles; /* some file has */
    bool only_roles;
};

static void copy(struct writing *w, size_t until)
{
    if (!w->only_roles && until > w->written)
        (void)fwrite(w->text.data + w->written, 1, until - w->written, w->out);
    w->written = until;
}

static int put(void *context, struct mqtt_span piece)
{
    return fwrite(piece.data, 1, piece.len, context) == piece.len ? 0 : -EIO;
}

/* SIZE_MAX: there is none. */
static size_t find_learned(const struct learned *learned, struct mqtt_span name)
{
    for (size_t i = 0; i < learned_count(learned); i++)
        if (span_equal(name, span_of(learned_at(learned, i)->name)))
            return i;
    return SIZE_MAX;
}

static int write_role(struct writing *w, const struct settings_part *part)
{
    size_t found = find_learned(w->wish->learned, part->title);
    w->has_roles = true;
    if (found == SIZE_MAX && w->wish->kept != NULL)
        w->wish->kept(w->wish->context, part->title);
    if (found == SIZE_MAX)
        (void)fwrite(w->text.data + part->begin, 1, part->end - part->begin, w->out);
    int error = found != SIZE_MAX ? learned_write_role(w->wish->learned, found, put, w->out) : 0;
    if (w->only_roles)
        (void)fputc('\n', w->out);
    return error;
}

static int write_part(void *context, const struct settings_part *part)
{
    struct writing *w = context;
    int error = 0;
    bool is_role = span_equal(part->word, span_of("role"));
    bool is_include = span_equal(part->word, span_of("include"));
    if (!is_role && !is_include)
        return 0;
    copy(w, part->begin);
    if (is_role)
        error = write_role(w, part);
    else
        (void)fputs("# What was included here stands below.\n", w->out);
    w->written = part->end;
    return error;
}

static int write_text(struct writing *w, struct mqtt_span text)
{
    w->text = text;
    w->written = 0;
    int error = settings_outline(text, write_part, w);
    copy(w, text.len);
    if (!w->only_roles && text.len != 0 && text.data[text.len - 1] != '\n')
        (void)fputc('\n', w->out);
    return error;
}

static int write_file(struct writing *w, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    int error = settings_disk.read(settings_disk.context, path, &text, &len);
    if (error == 0)
        error = write_text(w, (struct mqtt_span){ (const uint8_t *)text, len });
    free(text);
    return error;
}

static int fail(const struct policy_book *book, const char *path, int error)
{
    /* It was read a moment ago, and was as it should be. */
    return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "%s: %s", path,
                                 error == -EINVAL ? "it has just been changed; try again"
                                                  : strerror(-error));
}

int policy_rewrite(const struct policy_book *book, const struct policy_rewrite_wish *wish,
                   FILE *out)
{
    struct writing w = { .wish = wish, .out = out };
    const struct settings *settings = &book->config->settings;
    for (size_t i = 0; i < settings->file_count; i++) {
        int error = write_file(&w, settings->files[i]);
        if (error != 0)
            return fail(book, settings->files[i], error);
    }
    /* Roles and listeners of a file take the place of the built-in ones: as soon as one role is
     * written, all have to be. */
    w.only_roles = settings->file_count != 0;
    int error = w.has_roles ? 0 : write_text(&w, span_of(config_builtin));
    return error == 0 ? 0 : fail(book, "the built-in configuration", error);
}
