/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/profile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".json"

/* What is stored under which key; `port` stands apart because it is a number. */
static const struct {
    const char *key;
    size_t offset;
    size_t size;
} fields[] = {
#define FIELD(member)                                                                  \
    {                                                                                  \
#member, offsetof(struct profile, member), sizeof((struct profile *)0)->member \
    }
    FIELD(host),     FIELD(ca_file),   FIELD(certificate_file),
    FIELD(key_file), FIELD(client_id), FIELD(enrolment),
#undef FIELD
};

bool profile_name_is_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= PROFILE_NAME_SIZE || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("._:-", name[i]) == NULL)
            return false;
    return true;
}

/* base + tail, or -ENAMETOOLONG. */
static int join(char *out, size_t size, const char *base, const char *tail)
{
    int len = snprintf(out, size, "%s%s", base, tail);
    return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

static int config_path(const char *tail, char *out, size_t size)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *middle = "/tacit";
    if (base == NULL || base[0] != '/') {
        base = getenv("HOME");
        middle = "/.config/tacit";
    }
    if (base == NULL || base[0] != '/')
        return -ENOENT;
    char folder[PATH_MAX];
    int error = join(folder, sizeof(folder), base, middle);
    return error < 0 ? error : join(out, size, folder, tail);
}

int profile_path(const char *name, char *out, size_t size)
{
    char tail[PROFILE_NAME_SIZE + sizeof("/profiles/" SUFFIX)];
    if (!profile_name_is_valid(name))
        return -EINVAL;
    (void)snprintf(tail, sizeof(tail), "/profiles/%s" SUFFIX, name);
    return config_path(tail, out, size);
}

int profile_device_folder(const char *trust_domain, char *out, size_t size)
{
    char tail[PATH_MAX];
    int error = join(tail, sizeof(tail), "/devices/", trust_domain);
    return error < 0 ? error : config_path(tail, out, size);
}

/* Creates every folder of `path` (which ends in a file name) that is missing. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0700);
        int error = errno;
        *slash = '/';
        if (made < 0 && error != EEXIST)
            return -error;
    }
    return 0;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t wrote = write(fd, text, left);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        if (wrote > 0) {
            text += wrote;
            left -= (size_t)wrote;
        }
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* Whole or not at all: a neighbour is written and renamed over the old file. */
static int replace_file(char *path, const char *text)
{
    char temporary[PATH_MAX];
    int error = make_folders(path);
    if (error == 0)
        error = join(temporary, sizeof(temporary), path, ".XXXXXX");
    if (error < 0)
        return error;
    int fd = mkstemp(temporary); /* mode 0600 */
    if (fd < 0)
        return -errno;
    error = write_all(fd, text);
    if (close(fd) < 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(temporary, path) < 0)
        error = -errno;
    if (error < 0)
        (void)unlink(temporary);
    return error;
}

static char *profile_text(const struct profile *profile)
{
    json_t *object = json_object();
    int failed = object == NULL;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(fields); i++) {
        const char *value = (const char *)profile + fields[i].offset;
        if (value[0] != '\0')
            failed |= json_object_set_new(object, fields[i].key, json_string(value)) != 0;
    }
    if (profile->port != 0)
        failed |= json_object_set_new(object, "port", json_integer(profile->port)) != 0;
    char *text = failed ? NULL : json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(object);
    return text;
}

int profile_save(const struct profile *profile)
{
    char path[PATH_MAX];
    char first[PROFILE_NAME_SIZE];
    if (!profile_name_is_valid(profile->name) || profile->host[0] == '\0')
        return -EINVAL;
    int error = profile_path(profile->name, path, sizeof(path));
    if (error < 0)
        return error;
    bool is_first = profile_default(first) == -ENOENT;
    char *text = profile_text(profile);
    if (text == NULL)
        return -EINVAL; /* a string is not UTF-8 */
    error = replace_file(path, text);
    free(text);
    return error == 0 && is_first ? profile_make_default(profile->name) : error;
}

static int take_fields(const json_t *object, struct profile *out)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(fields); i++) {
        const json_t *value = json_object_get(object, fields[i].key);
        if (value == NULL)
            continue;
        if (!json_is_string(value) || json_string_length(value) >= fields[i].size)
            return -EBADMSG;
        memcpy((char *)out + fields[i].offset, json_string_value(value),
               json_string_length(value) + 1);
    }
    const json_t *port = json_object_get(object, "port");
    if (port != NULL
        && (!json_is_integer(port) || json_integer_value(port) < 1
            || json_integer_value(port) > UINT16_MAX))
        return -EBADMSG;
    out->port = (uint16_t)json_integer_value(port);
    return out->host[0] == '\0' ? -EBADMSG : 0;
}

int profile_load(const char *name, struct profile *out)
{
    char path[PATH_MAX];
    int error = profile_path(name, path, sizeof(path));
    if (error < 0)
        return error;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    json_t *object = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
    (void)fclose(file);

    struct profile profile = { 0 };
    memcpy(profile.name, name, strlen(name) + 1);
    error = json_is_object(object) ? take_fields(object, &profile) : -EBADMSG;
    json_decref(object);
    if (error == 0)
        *out = profile;
    return error;
}

/* The name in the file that remembers the default; false if there is none. */
static bool remembered_default(char *out_name)
{
    char path[PATH_MAX];
    char line[PROFILE_NAME_SIZE + 1] = "";
    if (config_path("/default-profile", path, sizeof(path)) < 0)
        return false;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    line[strcspn(line, "\n")] = '\0';
    if (!got || profile_path(line, path, sizeof(path)) < 0 || access(path, F_OK) < 0)
        return false;
    memcpy(out_name, line, strlen(line) + 1);
    return true;
}

int profile_make_default(const char *name)
{
    char path[PATH_MAX];
    char line[PROFILE_NAME_SIZE + 1];
    int error = profile_path(name, path, sizeof(path));
    if (error == 0 && access(path, F_OK) < 0)
        error = -errno;
    if (error == 0)
        error = config_path("/default-profile", path, sizeof(path));
    if (error < 0)
        return error;
    (void)snprintf(line, sizeof(line), "%s\n", name);
    return replace_file(path, line);
}

int profile_remove(const char *name)
{
    char path[PATH_MAX];
    int error = profile_path(name, path, sizeof(path));
    if (error < 0)
        return error;
    return unlink(path) < 0 ? -errno : 0;
}

static int is_profile(const struct dirent *entry)
{
    char name[PROFILE_NAME_SIZE];
    size_t len = strlen(entry->d_name);
    if (len <= strlen(SUFFIX) || len - strlen(SUFFIX) >= sizeof(name)
        || strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) != 0)
        return 0;
    memcpy(name, entry->d_name, len - strlen(SUFFIX));
    name[len - strlen(SUFFIX)] = '\0';
    return profile_name_is_valid(name);
}

int profile_list(void (*visit)(void *context, const char *name), void *context)
{
    char folder[PATH_MAX];
    struct dirent **entries = NULL;
    int error = config_path("/profiles", folder, sizeof(folder));
    if (error < 0)
        return error;
    int count = scandir(folder, &entries, is_profile, alphasort);
    if (count < 0)
        return errno == ENOENT ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - strlen(SUFFIX)] = '\0';
        visit(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

struct only {
    unsigned count;
    char name[PROFILE_NAME_SIZE];
};

static void count_one(void *context, const char *name)
{
    struct only *only = context;
    only->count++;
    memcpy(only->name, name, strlen(name) + 1);
}

int profile_default(char *out_name)
{
    struct only only = { 0 };
    if (remembered_default(out_name))
        return 0;
    int error = profile_list(count_one, &only);
    if (error < 0)
        return error;
    if (only.count != 1)
        return only.count == 0 ? -ENOENT : -ENOTUNIQ;
    memcpy(out_name, only.name, sizeof(only.name));
    return 0;
}
