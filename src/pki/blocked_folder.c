/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/blocked_folder.h"

#include "pki/private_file.h"
#include "pki/registry_sql.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE      (sizeof(((struct registry *)NULL)->path) + 512)
#define SUFFIX         ".list"
#define NAME_MAX_BYTES 100

/* "blocked-keys" where the registry is, and a file in it unless that is "". */
static void make_path(const struct registry *registry, const char *file, char out[PATH_SIZE])
{
    const char *slash = strrchr(registry->path, '/');
    int len = slash != NULL ? (int)(slash - registry->path) + 1 : 0;

    (void)snprintf(out, PATH_SIZE, "%.*sblocked-keys%s%s", len, registry->path,
                   file[0] != '\0' ? "/" : "", file);
}

static int is_list(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > sizeof(SUFFIX) - 1
           && strcmp(entry->d_name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0;
}

/* ---- reading ---- */

struct reading {
    const struct blocked_folder_doubts *doubts;
    blocked_folder_visit visit;
    void *context;
    const char *path;
    const char *file;
};

static int on_line(void *context, size_t number, const struct blocked_line *line)
{
    const struct reading *reading = context;
    char text[PATH_SIZE + 300];

    switch (line->kind) {
    case BLOCKED_LINE_KEY:
    case BLOCKED_LINE_MODULUS:
        return reading->visit(reading->context, reading->file, line);
    case BLOCKED_LINE_EMPTY:
        return 0;
    case BLOCKED_LINE_WRONG:
        break;
    }
    if (reading->doubts != NULL && reading->doubts->say != NULL) {
        (void)snprintf(text, sizeof(text), "%s:%zu: %s; the line is left out", reading->path,
                       number, line->why);
        reading->doubts->say(reading->doubts->context, text);
    }
    return 0;
}

static int read_list(const struct reading *reading, struct pki_fault *fault)
{
    struct reading copy = *reading;
    uint8_t *bytes;
    size_t len;
    int status = private_file_read(reading->path, BLOCKED_FOLDER_LIST_MAX, &bytes, &len);

    /* Somebody has just removed it. */
    if (status == -ENOENT)
        return 0;
    if (status < 0)
        return pki_fail(fault, status, "%s: cannot read the list of blocked keys: %s",
                        reading->path, strerror(-status));
    status = blocked_list_read((struct mqtt_span){ bytes, len }, on_line, &copy);
    free(bytes);
    if (status < 0)
        return pki_fail(fault, status, "%s: %s", reading->path, strerror(-status));
    return status;
}

int blocked_folder_read(const struct registry *registry, const struct blocked_folder_doubts *doubts,
                        blocked_folder_visit visit, void *context, struct pki_fault *fault)
{
    char path[PATH_SIZE];
    struct dirent **files = NULL;
    int result = 0;

    make_path(registry, "", path);
    int count = scandir(path, &files, is_list, alphasort);
    if (count < 0 && errno == ENOENT)
        return 0;
    if (count < 0)
        return pki_fail(fault, -errno, "%s: cannot read the folder: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        make_path(registry, files[i]->d_name, path);
        const struct reading reading = { doubts, visit, context, path, files[i]->d_name };
        if (result == 0)
            result = read_list(&reading, fault);
        free(files[i]);
    }
    free(files);
    return result;
}

/* ---- writing ---- */

static void make_name(const char *wanted, char out[NAME_MAX_BYTES + sizeof(SUFFIX)])
{
    size_t len = 0;

    for (const char *c = wanted; *c != '\0' && len < NAME_MAX_BYTES; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')
                        || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-'
                        || (*c == '.' && len > 0);
        if (is_plain)
            out[len++] = *c;
    }
    if (len == 0)
        out[len++] = '_';
    memcpy(out + len, SUFFIX, sizeof(SUFFIX));
}

static int compose(const char *source, const struct id_array *tags, char **out, size_t *out_len)
{
    FILE *file = open_memstream(out, out_len);

    if (file == NULL)
        return -ENOMEM;
    (void)fprintf(file, "# tacit: RSA moduli that are blocked; from %s\n", source);
    for (size_t i = 0; i < tags->count; i++) {
        const uint8_t *tag = id_array_at(tags, i);
        (void)fputs("modulus-sha1:", file);
        for (size_t b = 0; b < tags->width; b++)
            (void)fprintf(file, "%02x", tag[b]);
        (void)fputc('\n', file);
    }
    bool is_whole = ferror(file) == 0;
    if (fclose(file) == 0 && is_whole)
        return 0;
    free(*out);
    return -ENOMEM;
}

int blocked_folder_write(const struct registry *registry, const char *name, const char *source,
                         const struct id_array *tags, struct pki_fault *fault)
{
    char file[NAME_MAX_BYTES + sizeof(SUFFIX)];
    char path[PATH_SIZE];
    char *text = NULL;
    size_t len = 0;
    bool is_made;

    make_path(registry, "", path);
    int status = private_file_make_dir(path, &is_made);
    if (status == 0)
        status = compose(source, tags, &text, &len);
    if (status == 0) {
        make_name(name, file);
        make_path(registry, file, path);
        status = private_file_write(path, (struct mqtt_span){ (const uint8_t *)text, len },
                                    PRIVATE_FILE_REPLACE);
        free(text);
    }
    if (status < 0)
        return pki_fail(fault, status, "%s: cannot write the list: %s", path, strerror(-status));
    return 0;
}

uint64_t blocked_folder_stamp(const struct registry *registry)
{
    char path[PATH_SIZE];
    struct stat status;

    make_path(registry, "", path);
    if (stat(path, &status) != 0)
        return 0;
    return (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec + 1;
}
