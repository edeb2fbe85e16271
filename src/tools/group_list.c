/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/group_list.h"

#include "pki/groups.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
    char group[REGISTRY_TEXT_SIZE];
    char name[REGISTRY_TEXT_SIZE];
    bool is_member; /* else the name is that of a role */
};

struct listing {
    const char *only; /* this group; NULL: all */
    bool are_members; /* that are being read */
    struct part *parts;
    size_t count;
    size_t room;
};

static int make_room(struct listing *l)
{
    if (l->count < l->room)
        return 0;
    size_t room = l->room != 0 ? l->room * 2 : 64;
    struct part *parts = realloc(l->parts, room * sizeof(*parts));
    if (parts == NULL)
        return -ENOMEM;
    l->parts = parts;
    l->room = room;
    return 0;
}

static int on_part(void *context, const char *group, const char *name)
{
    struct listing *l = context;
    if (l->only != NULL && strcmp(l->only, group) != 0)
        return 0;
    int error = make_room(l);
    if (error < 0)
        return error;
    struct part *part = &l->parts[l->count++];
    (void)identity_print_text(group, part->group, sizeof(part->group));
    (void)identity_print_text(name, part->name, sizeof(part->name));
    part->is_member = l->are_members;
    return 0;
}

/* By group, then roles before members, then by name. */
static int compare(const void *left, const void *right)
{
    const struct part *a = left;
    const struct part *b = right;
    int order = strcmp(a->group, b->group);
    if (order == 0)
        order = (int)a->is_member - (int)b->is_member;
    return order != 0 ? order : strcmp(a->name, b->name);
}

static int collect(const struct identity_options *options, struct listing *l,
                   struct pki_fault *fault)
{
    struct registry *registry = NULL;
    int error = 0;

    l->only = options->operand_count > 0 ? options->operands[0] : NULL;
    if (l->only != NULL)
        error = identity_registry_check_name("group", l->only, fault);
    if (error == 0)
        error = identity_registry_open(options, &registry, fault);
    if (error == 0)
        error = groups_roles(registry, on_part, l, fault);
    l->are_members = true;
    if (error == 0)
        error = groups_members(registry, on_part, l, fault);
    registry_close(registry);
    if (error == 0 && l->only != NULL && l->count == 0)
        return pki_fail(fault, -ENOENT,
                        "group %s has neither a member nor a role; tacit group list shows all",
                        l->only);
    if (error == 0 && l->count > 0)
        qsort(l->parts, l->count, sizeof(l->parts[0]), compare);
    return error;
}

static int print_people(const struct listing *l)
{
    (void)printf("%-24s %-8s %s\n", "GROUP", "HAS", "NAME");
    for (size_t i = 0; i < l->count; i++)
        (void)printf("%-24s %-8s %s\n", l->parts[i].group,
                     l->parts[i].is_member ? "member" : "role", l->parts[i].name);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* The object of the group at parts[*next], which moves behind it; NULL out of memory. */
static json_t *group_json(const struct listing *l, size_t *next)
{
    const char *group = l->parts[*next].group;
    json_t *object = json_pack("{s:s, s:[], s:[]}", "group", group, "roles", "members");
    int error = object != NULL ? 0 : -1;

    for (; *next < l->count && strcmp(l->parts[*next].group, group) == 0; ++*next) {
        const struct part *part = &l->parts[*next];
        json_t *array = json_object_get(object, part->is_member ? "members" : "roles");
        error |= json_array_append_new(array, json_string(part->name));
    }
    if (error == 0)
        return object;
    json_decref(object);
    return NULL;
}

static int print_json(const struct listing *l)
{
    json_t *array = json_array();
    int error = array != NULL ? 0 : -1;
    size_t next = 0;

    while (error == 0 && next < l->count)
        error = json_array_append_new(array, group_json(l, &next));
    if (error != 0) {
        json_decref(array);
        array = NULL;
    }
    return identity_print_document(array);
}

int group_list(const struct identity_options *options)
{
    struct pki_fault fault = { 0 };
    struct listing l = { 0 };
    int error = collect(options, &l, &fault);
    int result;

    if (error < 0)
        result = identity_registry_fail(options, error, &fault);
    else
        result = options->json ? print_json(&l) : print_people(&l);
    free(l.parts);
    return result;
}
