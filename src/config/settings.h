/* SPDX-License-Identifier: Apache-2.0 */
/* What tacit.conf says, before anybody asks what it means: blocks of keys and
 * values, each with the place where it stands.
 *
 *   file  = { entry }
 *   entry = KEY ( "=" | "+=" ) value | BLOCK [ title ] "{" { entry } "}"
 *   value = text | "{" [ text { "," text } [ "," ] ] "}"
 *   text  = word | string          title = text
 *
 * Blocks and keys are the rows of config_keys.def; words and strings are those of
 * settings_lexer.h. += adds to a list; = starts it, once. The key "include" names more files,
 * relative to the file in which it stands; they are read behind it.
 *
 * Owner: the thread that reads the configuration. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "config/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_FILE_BYTES 1048576 /* longest file */
#define SETTINGS_FILES      64      /* most files, the first included */
#define SETTINGS_BLOCKS     16384   /* most blocks of all files */
#define SETTINGS_NONE       SIZE_MAX

enum settings_kind {
#define BLOCK(name, text, inside, form) SETTINGS_##name,
#define KEY(block, name, several)
#include "config/config_keys.def"
#undef KEY
#undef BLOCK
    SETTINGS_KIND_COUNT,
};

/* One value; a list is several of the same key. */
struct setting {
    char *key;
    char *text;
    const char *file;
    unsigned line; /* of the value */
    unsigned column;
};

struct settings_block {
    enum settings_kind kind;
    bool is_void;  /* complained about already: for its place only, not to be understood */
    char *title;   /* "" where the kind has none */
    size_t parent; /* index of the block around it; SETTINGS_NONE: of what is outside of blocks */
    const char *file;
    unsigned line; /* of its first word */
    unsigned column;
    struct setting *items;
    size_t count;
};

struct settings {
    struct settings_block *blocks; /* in the order of the files; a block's own behind it */
    size_t block_count;
    char **files; /* names of all files read */
    size_t file_count;
};

/* How files are read; a test hands in its own. `out_text` is malloc'ed. Returns 0 or a
 * negative errno. */
struct settings_files {
    void *context;
    int (*read)(void *context, const char *path, char **out_text, size_t *out_len);
};

/* From the file system: regular files up to SETTINGS_FILE_BYTES. */
extern const struct settings_files settings_disk;

/* Reads `path` and what it includes. Complaints go to `diagnostics`; what could be read
 * is in *out all the same, so that more can be found wrong with it. -ENOMEM, else 0;
 * *out is to be freed in both cases. */
MQTT_NODISCARD int settings_read(const char *path, const struct settings_files *files,
                                 struct diagnostics *diagnostics, struct settings *out);
void settings_free(struct settings *settings);

/* The block of that kind and title (the first where titles do not tell them apart), NULL if there
 * is none. */
const struct settings_block *settings_find(const struct settings *settings, enum settings_kind kind,
                                           const char *title);

/* The first value of a key, or NULL; also when `block` is. */
const struct setting *settings_value(const struct settings_block *block, const char *key);

/* Complaints at the place of a value or of a block. */
void settings_complain(const struct setting *item, struct diagnostics *diagnostics,
                       const char *format, ...) __attribute__((format(printf, 3, 4)));
void settings_complain_block(const struct settings_block *block, struct diagnostics *diagnostics,
                             const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- building, for settings_syntax.c ---- */

/* Index of the new block, which has the kind, parent and place of `like` and its title copied;
 * SETTINGS_NONE out of memory. `like->file` is borrowed and lives as long as *settings. */
size_t settings_add_block(struct settings *settings, const struct settings_block *like);

/* Adds a value with the place of `like`, and its key; the text is the bytes of `text`. 0 or
 * -ENOMEM. */
MQTT_NODISCARD int settings_add(struct settings *settings, size_t block, const struct setting *like,
                                struct mqtt_span text);

/* Remembers a file name: the owned copy, or NULL at SETTINGS_FILES or out of memory. */
const char *settings_add_file(struct settings *settings, const char *path);
