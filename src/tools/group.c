/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/group.h"

#include "base/attrs.h"
#include "tools/group_change.h"
#include "tools/group_list.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit group add | remove GROUP DEVICE...\n"
    "       tacit group role | unrole GROUP ROLE\n"
    "       tacit group list [GROUP]\n"
    "\n"
    "add, remove   its members\n"
    "role, unrole  a role that its members have besides their own\n"
    "list          all groups, or one: their roles and members\n"
    "\n"
    "A group is there as long as it has a member or a role. What is granted to a group\n"
    "(tacit grant add --group) is granted to its members. A running tacitd follows at once.\n"
    "\n"
    "  --config FILE  where roles are defined (default: the file that tacitd would read)\n"
    "  --state DIR    the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json         list: answer as JSON\n";

#define WHO  "which? Give the name of the group, and those of devices"
#define WHAT "which? Give the name of the group, and that of a role"

static const struct subcommand rows[] = {
    { "add", "tacit group add", "state ", 2, -1, WHO, group_change_add },
    { "remove", "tacit group remove", "state ", 2, -1, WHO, group_change_remove },
    { "role", "tacit group role", "state config ", 2, 2, WHAT, group_change_role },
    { "unrole", "tacit group unrole", "state ", 2, 2, WHAT, group_change_unrole },
    { "list", "tacit group list", "state json ", 0, 1, NULL, group_list },
};

int command_group(int argc, char **argv)
{
    static const struct subcommands all = { "tacit group", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
