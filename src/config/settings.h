/* SPDX-License-Identifier: Apache-2.0 */
/* What tacit.conf says, before anybody asks what it means: blocks of keys and
 * values, each with the place where it stands.
 *
 *   file    = { KEY "=" value | BLOCK [ title ] "{" { KEY "=" value } "}" }
 *   value   = string | "{" [ string { "," string } ] "}"
 *
 * Blocks and keys are the rows of config_keys.def; words and strings are those of
 * config_text.h. The key "include" names more files, relative to the file in which it stands;
 * their order does not matter.
 *
 * Owner: the thread that reads the configuration. */
#pragma once

#include "base/attrs.h"
#include "config/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

#define SETTINGS_FILE_BYTES 1048576 /* longest file */
#define SETTINGS_FILES      64      /* most files, the first included */

enum settings_kind {
#define BLOCK(name, text, titled) SETTINGS_##name,
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
    unsigned line;
};

struct settings_block {
    enum settings_kind kind;
    char *title; /* "" where the kind has none */
    const char *file;
    unsigned line; /* of its first value, or of its end */
    struct setting *items;
    size_t count;
};

struct settings {
    struct settings_block *blocks;
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

/* The block of that kind and title, NULL if there is none. */
const struct settings_block *settings_find(const struct settings *settings, enum settings_kind kind,
                                           const char *title);

/* The value of a key that has one, or NULL. A second one is complained about. */
const struct setting *settings_value(const struct settings_block *block, const char *key,
                                     struct diagnostics *diagnostics);

/* "listener", "role" and so on; "" for what stands outside of blocks. */
const char *settings_kind_name(enum settings_kind kind);

/* ---- building, for settings_syntax.c ---- */

/* Finds or adds; NULL out of memory. `file` is borrowed and lives as long as *settings. The
 * block is valid until the next call. */
struct settings_block *settings_block_of(struct settings *settings, enum settings_kind kind,
                                         const char *title, const char *file, unsigned line);
MQTT_NODISCARD int settings_add(struct settings_block *block, const char *key, const char *text,
                                const char *file, unsigned line);

/* Remembers a file name: the owned copy, or NULL at SETTINGS_FILES or out of memory. */
const char *settings_add_file(struct settings *settings, const char *path);
