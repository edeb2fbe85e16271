/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include "config/settings_syntax.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- building ---- */

/* Arrays double when `count` is a power of two, so a count is all there is to keep. */
static bool is_full(size_t count)
{
    return (count & (count - 1)) == 0;
}

static void *grow(void *array, size_t count, size_t size)
{
    return is_full(count) ? reallocarray(array, count == 0 ? 1 : 2 * count, size) : array;
}

size_t settings_add_block(struct settings *settings, const struct settings_block *like)
{
    struct settings_block *blocks =
        grow(settings->blocks, settings->block_count, sizeof(settings->blocks[0]));
    if (blocks == NULL)
        return SETTINGS_NONE;
    settings->blocks = blocks;
    struct settings_block *block = &blocks[settings->block_count];
    *block = *like;
    block->items = NULL;
    block->count = 0;
    block->title = strdup(like->title);
    return block->title != NULL ? settings->block_count++ : SETTINGS_NONE;
}

int settings_add(struct settings *settings, size_t which, const struct setting *like,
                 struct mqtt_span text)
{
    struct settings_block *block = &settings->blocks[which];
    struct setting *items = grow(block->items, block->count, sizeof(block->items[0]));
    if (items == NULL)
        return -ENOMEM;
    block->items = items;

    struct setting item = *like;
    item.key = strdup(like->key);
    item.text = strndup((const char *)text.data, text.len);
    if (item.key == NULL || item.text == NULL) {
        free(item.key);
        free(item.text);
        return -ENOMEM;
    }
    items[block->count++] = item;
    return 0;
}

const char *settings_add_file(struct settings *settings, const char *path)
{
    if (settings->file_count == SETTINGS_FILES)
        return NULL;
    char **files = reallocarray(settings->files, settings->file_count + 1, sizeof(files[0]));
    if (files == NULL)
        return NULL;
    settings->files = files;
    char *copy = strdup(path);
    if (copy != NULL)
        files[settings->file_count++] = copy;
    return copy;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->block_count; i++) {
        struct settings_block *block = &settings->blocks[i];
        for (size_t j = 0; j < block->count; j++) {
            free(block->items[j].key);
            free(block->items[j].text);
        }
        free(block->items);
        free(block->title);
    }
    for (size_t i = 0; i < settings->file_count; i++)
        free(settings->files[i]);
    free(settings->blocks);
    free(settings->files);
    *settings = (struct settings){ 0 };
}

/* ---- asking ---- */

const struct settings_block *settings_find(const struct settings *settings, enum settings_kind kind,
                                           const char *title)
{
    for (size_t i = 0; i < settings->block_count; i++) {
        const struct settings_block *block = &settings->blocks[i];
        if (block->kind == kind && !block->is_void && strcmp(block->title, title) == 0)
            return block;
    }
    return NULL;
}

const struct setting *settings_value(const struct settings_block *block, const char *key)
{
    for (size_t i = 0; block != NULL && i < block->count; i++) {
        if (strcmp(block->items[i].key, key) == 0)
            return &block->items[i];
    }
    return NULL;
}

void settings_complain(const struct setting *item, struct diagnostics *diagnostics,
                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diagnostics_verror(diagnostics, item->file, item->line, item->column, format, arguments);
    va_end(arguments);
}

void settings_complain_block(const struct settings_block *block, struct diagnostics *diagnostics,
                             const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diagnostics_verror(diagnostics, block->file, block->line, block->column, format, arguments);
    va_end(arguments);
}

/* ---- files ---- */

static int read_whole(int fd, size_t size, char **out_text, size_t *out_len)
{
    char *text = malloc(size + 1);
    size_t len = 0;

    if (text == NULL)
        return -ENOMEM;
    while (len < size) {
        ssize_t got = read(fd, text + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = -errno;
            free(text);
            return error;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    text[len] = '\0';
    *out_text = text;
    *out_len = len;
    return 0;
}

static int read_from_disk(void *context, const char *path, char **out_text, size_t *out_len)
{
    struct stat about;
    int status;

    (void)context;
    /* Not to hang on a pipe that somebody put there. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &about) != 0)
        status = -errno;
    else if (S_ISDIR(about.st_mode))
        status = -EISDIR;
    else if (!S_ISREG(about.st_mode))
        status = -EINVAL;
    else if (about.st_size > SETTINGS_FILE_BYTES)
        status = -EFBIG;
    else
        status = read_whole(fd, (size_t)about.st_size, out_text, out_len);
    close(fd);
    return status;
}

const struct settings_files settings_disk = { NULL, read_from_disk };

struct reading {
    const struct settings_files *files;
    struct diagnostics *diagnostics;
    struct settings *settings;
};

static bool is_known_file(const struct settings *settings, const char *path)
{
    for (size_t i = 0; i < settings->file_count; i++) {
        if (strcmp(settings->files[i], path) == 0)
            return true;
    }
    return false;
}

/* Only notes the file: it is read when the one that names it is done. */
static int on_include(void *context, const struct setting *name)
{
    struct reading *reading = context;
    const char *slash = strrchr(name->file, '/');
    int folder = name->text[0] == '/' || slash == NULL ? 0 : (int)(slash - name->file) + 1;
    char *path = NULL;

    if (asprintf(&path, "%.*s%s", folder, name->file, name->text) < 0)
        return -ENOMEM;
    if (is_known_file(reading->settings, path))
        settings_complain(name, reading->diagnostics, "%s is read already; remove this include",
                          path);
    else if (reading->settings->file_count == SETTINGS_FILES)
        settings_complain(name, reading->diagnostics, "more than %d files; join some of them",
                          SETTINGS_FILES);
    else if (settings_add_file(reading->settings, path) == NULL) {
        free(path);
        return -ENOMEM;
    }
    free(path);
    return 0;
}

static const char *advice_for(int error)
{
    switch (error) {
    case -ENOENT:
        return "no such file; check the name";
    case -EACCES:
        return "may not be read; let this user read it";
    case -EISDIR:
        return "is a folder; name a file in it";
    case -EFBIG:
        return "is larger than 1 MiB; this is no configuration";
    case -EINVAL:
        return "is not a regular file; name one";
    default:
        return strerror(-error);
    }
}

static int read_one(struct reading *reading, const char *file)
{
    char *text = NULL;
    size_t len = 0;
    int status = reading->files->read(reading->files->context, file, &text, &len);

    if (status == -ENOMEM)
        return status;
    if (status != 0) {
        diagnostics_error(reading->diagnostics, file, 0, 0, "%s", advice_for(status));
        return 0;
    }
    const struct settings_source source = { text, len, file };
    status = settings_syntax_parse(&source, reading->diagnostics, reading->settings, on_include,
                                   reading);
    free(text);
    return status;
}

int settings_read(const char *path, const struct settings_files *files,
                  struct diagnostics *diagnostics, struct settings *out)
{
    struct reading reading = { files, diagnostics, out };

    *out = (struct settings){ 0 };
    if (settings_add_file(out, path) == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < out->file_count; i++) {
        int status = read_one(&reading, out->files[i]);
        if (status != 0)
            return status;
    }
    return 0;
}
