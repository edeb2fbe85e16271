/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ratchet_heir.h"

#include "base/wipe.h"
#include "pki/registry_life.h"

#include <errno.h>

struct search {
    struct ratchet_file *file;
    struct ratchet_file_entry *newest;
    struct pki_fault *fault;
    bool is_found;
};

/* Of several, which there are only where a row was put back by hand, the last that was turned. */
static int look_at(void *context, const char *name)
{
    struct search *search = context;
    struct ratchet_file_entry entry = { .since_s = 0 };
    int error = ratchet_file_find(search->file, name, &entry, search->fault);

    if (error == 0 && (!search->is_found || entry.since_s > search->newest->since_s)) {
        *search->newest = entry;
        search->is_found = true;
    }
    wipe_bytes(&entry, sizeof(entry));
    return error == -ENOENT ? 0 : error;
}

int ratchet_heir_find(struct ratchet_file *file, struct registry *registry, const char *name,
                      struct ratchet_file_entry *out, struct pki_fault *fault)
{
    struct search search = { .file = file, .newest = out, .fault = fault };
    int error = look_at(&search, name);

    if (error == 0 && !search.is_found)
        error = registry_each_former_name(registry, name, look_at, &search, fault);
    return error == 0 && !search.is_found ? -ENOENT : error;
}

static int forget(void *context, const char *name)
{
    struct search *search = context;
    int result = ratchet_file_forget(search->file, name, search->fault);

    search->is_found |= result == 1;
    return result < 0 ? result : 0;
}

int ratchet_heir_forget(struct ratchet_file *file, struct registry *registry, const char *name,
                        struct pki_fault *fault)
{
    struct search search = { .file = file, .fault = fault };
    int error = forget(&search, name);

    if (error == 0)
        error = registry_each_former_name(registry, name, forget, &search, fault);
    return error < 0 ? error : search.is_found;
}
