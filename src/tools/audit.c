/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/audit.h"

#include "base/attrs.h"
#include "tools/audit_devices.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit audit devices [--days N] [--state DIR] [--json]\n"
    "\n"
    "devices  what is wrong, or will soon be, with the identities of the registry: certificates\n"
    "         that have or will run out, devices never seen or not for long, keys that are "
    "shared,\n"
    "         blocked or can be copied, old algorithms, revoked certificates that the published\n"
    "         list does not name, tokens that wait\n"
    "\n"
    "  --days N     how soon is soon, and how long is long (default 30)\n"
    "  --state DIR  the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json       answer as JSON\n"
    "\n"
    "Exit code 3 when something was found.\n";

static const struct subcommand rows[] = {
    { "devices", "tacit audit devices", "state json days ", 0, 0, NULL, audit_devices },
};

int command_audit(int argc, char **argv)
{
    static const struct subcommands all = { "tacit audit", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
