/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY ".key"

/* While it is looked for. */
struct search {
    struct keys_found found;
    int error;
};

void keys_find_fini(struct keys_found *found)
{
    free(found->all);
    *found = (struct keys_found){ .all = NULL };
}

static void add(struct search *search, const struct profile *one)
{
    size_t count = search->found.count;

    for (size_t i = 0; i < count; i++)
        if (strcmp(search->found.all[i].key_file, one->key_file) == 0)
            return;
    struct profile *all = reallocarray(search->found.all, count + 1, sizeof(*all));
    if (all == NULL) {
        search->error = -ENOMEM;
        return;
    }
    all[count] = *one;
    search->found.all = all;
    search->found.count = count + 1;
}

static void visit_profile(void *context, const char *name)
{
    struct search *search = context;
    struct profile *one = calloc(1, sizeof(*one));

    if (one == NULL)
        search->error = -ENOMEM;
    else if (profile_load(name, one) == 0 && one->key_file[0] != '\0')
        add(search, one);
    free(one);
}

/* ---- folders ---- */

/* How long the name is without what ends it; 0: this is no file of a key. */
static size_t stem_of(const char *name, bool *out_is_whole)
{
    static const char *const endings[] = { KEY, KEY KEYS_FIND_NEXT, KEY KEYS_FIND_OLD,
                                           KEY KEYS_FIND_SEALING };
    size_t len = strlen(name);

    for (size_t i = 0; i < MQTT_ARRAY_LEN(endings); i++) {
        size_t ending = strlen(endings[i]);
        if (len > ending && strcmp(name + len - ending, endings[i]) == 0) {
            *out_is_whole = i == 0;
            return len - ending;
        }
    }
    return 0;
}

static int is_key(const struct dirent *entry)
{
    bool is_whole;

    return stem_of(entry->d_name, &is_whole) > 0 ? 1 : 0;
}

static bool fill(char out[PATH_MAX], const char *folder, const char *name, size_t len,
                 const char *ending)
{
    int written = snprintf(out, PATH_MAX, "%s/%.*s%s", folder, (int)len, name, ending);

    return written > 0 && written < PATH_MAX;
}

static void visit_file(struct search *search, const char *folder, const char *name)
{
    bool is_whole = false;
    size_t stem = stem_of(name, &is_whole);
    struct profile *one = calloc(1, sizeof(*one));

    if (one == NULL) {
        search->error = -ENOMEM;
        return;
    }
    (void)snprintf(one->name, sizeof(one->name), "%.*s", (int)stem, name);
    if (fill(one->key_file, folder, name, strlen(name), "")
        && (!is_whole
            || (fill(one->certificate_file, folder, name, stem, ".crt")
                && fill(one->ca_file, folder, "ca", 2, ".crt"))))
        add(search, one);
    free(one);
}

static void visit_folder(struct search *search, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_key, alphasort);

    if (count < 0) {
        search->error = -errno;
        return;
    }
    for (int i = 0; i < count; i++) {
        visit_file(search, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' ? 1 : 0;
}

/* Where enroll puts them: a folder for each trust domain. */
static void visit_devices(struct search *search)
{
    char below[PATH_MAX];
    char devices[PATH_MAX];
    char folder[PATH_MAX];
    struct dirent **entries = NULL;

    /* As enroll writes it into profiles. */
    if (profile_device_folder(".", below, sizeof(below)) < 0 || realpath(below, devices) == NULL)
        return;
    int count = scandir(devices, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        if (fill(folder, devices, entries[i]->d_name, strlen(entries[i]->d_name), ""))
            visit_folder(search, folder);
        free(entries[i]);
    }
    free(entries);
}

int keys_find(const char *folder, struct keys_found *out, struct pki_fault *fault)
{
    struct search search = { .error = 0 };

    if (folder != NULL)
        visit_folder(&search, folder);
    else
        search.error = profile_list(visit_profile, &search);
    if (folder == NULL && search.error == 0)
        visit_devices(&search);
    if (search.error == 0) {
        *out = search.found;
        return 0;
    }
    keys_find_fini(&search.found);
    return pki_fail(fault, search.error, "%s: %s", folder != NULL ? folder : "keys",
                    strerror(-search.error));
}
