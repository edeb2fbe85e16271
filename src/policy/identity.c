/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/identity.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool is_name_character(char c)
{
    return c > ' ' && c <= '~' && strchr("/+#%\"'`\\", c) == NULL;
}

bool identity_name_is_valid(const char *name)
{
    if (name == NULL || name[0] == '$' || name[0] == '.')
        return false;
    size_t len = 0;
    while (len <= IDENTITY_NAME_BYTES && name[len] != '\0' && is_name_character(name[len]))
        len++;
    return len > 0 && len <= IDENTITY_NAME_BYTES && name[len] == '\0';
}

static size_t name_bytes(const char *name)
{
    return name != NULL ? strlen(name) + 1 : 0;
}

/* Copies `name` to *room and moves it behind. NULL stays NULL. */
static const char *place_name(char **room, const char *name)
{
    if (name == NULL)
        return NULL;
    char *copy = *room;
    size_t bytes = name_bytes(name);
    memcpy(copy, name, bytes);
    *room = copy + bytes;
    return copy;
}

struct identity *identity_new(const struct identity *from)
{
    struct identity *identity =
        malloc(sizeof(*identity) + name_bytes(from->device) + name_bytes(from->tenant)
               + name_bytes(from->site) + name_bytes(from->role));
    if (identity == NULL)
        return NULL;
    char *room = (char *)(identity + 1);
    identity->device = place_name(&room, from->device);
    identity->tenant = place_name(&room, from->tenant);
    identity->site = place_name(&room, from->site);
    identity->role = place_name(&room, from->role);
    identity->proved = from->proved;
    return identity;
}

void identity_free(struct identity *identity)
{
    free(identity);
}

bool identity_name_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    if (a->proved != b->proved || !identity_name_equal(a->device, b->device)
        || !identity_name_equal(a->tenant, b->tenant) || !identity_name_equal(a->site, b->site))
        return false;
    return a->device != NULL || identity_name_equal(a->role, b->role);
}
