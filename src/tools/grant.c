/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant.h"

#include "base/attrs.h"
#include "tools/grant_add.h"
#include "tools/grant_list.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit grant add (--device D | --role R | --group G)\n"
    "                   (--publish P | --subscribe P | --deny-publish P | --deny-subscribe P)\n"
    "                   [--qos N] [--retain on|off] [--max-payload SIZE] [--rate N/s|N/m|N/h]\n"
    "                   [--expires WHEN] [--owner TEXT] [--reason TEXT]\n"
    "                   [--wildcards --depth N|any --most-topics N]\n"
    "       tacit grant list [--device D | --role R | --group G]\n"
    "       tacit grant remove ID...\n"
    "\n"
    "add      grant or deny something besides what tacit.conf says; P is a topic or a pattern as\n"
    "         in tacit.conf. A denial wins over every grant. A running tacitd follows at once.\n"
    "list     all grants of the registry, or those of one device, role or group\n"
    "remove   by their numbers\n"
    "\n"
    "  --qos N          at most this quality of service\n"
    "  --retain on      retained messages may be published\n"
    "  --max-payload S  longest payload that may be published, such as 4KiB\n"
    "  --rate N/s       messages that may be published per client: 10/s, 60/m, 100/h\n"
    "  --expires WHEN   8h or 30d from now, 2026-12-24, 2026-12-24T10:00:00Z, or never (default)\n"
    "  --owner, --reason  who answers for it, and why it has to be\n"
    "  --wildcards      filters with + and # may be subscribed to, too, up to N levels (--depth)\n"
    "                   below the literal prefix of P, served at most --most-topics topics each;\n"
    "                   needs --owner, --reason and --expires\n"
    "  --config FILE    where roles are defined (default: the file that tacitd would read)\n"
    "  --state DIR      the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json           answer as JSON\n";

static const struct subcommand rows[] = {
    { "add", "tacit grant add",
      "state json config device role group publish subscribe deny-publish deny-subscribe qos "
      "retain max-payload rate expires owner reason wildcards depth most-topics ",
      0, 0, NULL, grant_add },
    { "list", "tacit grant list", "state json device role group ", 0, 0, NULL, grant_list },
    { "remove", "tacit grant remove", "state ", 1, -1,
      "which ones? Give their numbers; see tacit grant list", grant_list_remove },
};

int command_grant(int argc, char **argv)
{
    static const struct subcommands all = { "tacit grant", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
