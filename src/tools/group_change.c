/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/group_change.h"

#include "pki/groups.h"
#include "tools/identity_options.h"
#include "tools/identity_registry.h"
#include "tools/known_role.h"

#include <errno.h>
#include <stdio.h>

/* One command at work: operands[0] is the group. */
struct change {
    const struct identity_options *options;
    const char *group;
    struct registry *registry;
    struct pki_fault fault;
};

static int begin(struct change *c)
{
    c->group = c->options->operands[0];
    int error = identity_registry_check_name("group", c->group, &c->fault);
    return error == 0 ? identity_registry_open(c->options, &c->registry, &c->fault) : error;
}

static int end(struct change *c, int error)
{
    registry_close(c->registry);
    if (error < 0)
        return identity_registry_fail(c->options, error, &c->fault);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- members ---- */

/* All have to be there before one of them joins. */
static int find_devices(struct change *c)
{
    struct registry_entry entry;
    int error = 0;
    for (int i = 1; error == 0 && i < c->options->operand_count; i++)
        error = identity_registry_find(c->registry, c->options->operands[i], &entry, &c->fault);
    return error;
}

static int join(struct change *c)
{
    for (int i = 1; i < c->options->operand_count; i++) {
        const char *device = c->options->operands[i];
        int changed = groups_join(c->registry, c->group, device, &c->fault);
        if (changed < 0)
            return changed;
        (void)printf("%s %s a member of group %s\n", device, changed > 0 ? "is now" : "was already",
                     c->group);
    }
    return 0;
}

int group_change_add(const struct identity_options *options)
{
    struct change c = { .options = options };
    int error = begin(&c);
    if (error == 0)
        error = find_devices(&c);
    if (error == 0)
        error = join(&c);
    return end(&c, error);
}

static int check_devices(struct change *c)
{
    int error = 0;
    for (int i = 1; error == 0 && i < c->options->operand_count; i++)
        error = identity_registry_check_device(c->options->operands[i], &c->fault);
    return error;
}

/* Each by itself: that one is no member does not keep the others in. */
static int leave(struct change *c)
{
    int result = 0;
    for (int i = 1; i < c->options->operand_count; i++) {
        const char *device = c->options->operands[i];
        int changed = groups_leave(c->registry, c->group, device, &c->fault);
        if (changed < 0)
            return changed;
        if (changed > 0)
            (void)printf("%s is no member of group %s any more\n", device, c->group);
        else
            result = pki_fail(&c->fault, -ENOENT,
                              "'%s' is no member of group %s; see tacit group list %s", device,
                              c->group, c->group);
    }
    return result;
}

int group_change_remove(const struct identity_options *options)
{
    struct change c = { .options = options };
    int error = begin(&c);
    if (error == 0)
        error = check_devices(&c);
    if (error == 0)
        error = leave(&c);
    return end(&c, error);
}

/* ---- roles ---- */

int group_change_role(const struct identity_options *options)
{
    struct change c = { .options = options };
    const char *role = options->operands[1];
    int error = begin(&c);
    if (error == 0)
        error = known_role_find(options, role, NULL, &c.fault);
    if (error == 0)
        error = groups_add_role(c.registry, c.group, role, &c.fault);
    if (error >= 0)
        (void)printf("group %s %s role %s\n", c.group, error > 0 ? "now has" : "already had", role);
    return end(&c, error);
}

int group_change_unrole(const struct identity_options *options)
{
    struct change c = { .options = options };
    const char *role = options->operands[1];
    int error = begin(&c);
    if (error == 0)
        error = identity_registry_check_name("role", role, &c.fault);
    if (error == 0) {
        error = groups_remove_role(c.registry, c.group, role, &c.fault);
        if (error == 0)
            error = pki_fail(&c.fault, -ENOENT,
                             "group %s does not have role '%s'; see tacit group list %s", c.group,
                             role, c.group);
    }
    if (error > 0)
        (void)printf("group %s does not have role %s any more\n", c.group, role);
    return end(&c, error);
}
