/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense.h"

#include "base/attrs.h"
#include "tools/sense_events.h"
#include "tools/sense_status.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit sense status\n"
    "       tacit sense events [--device NAME] [--since TIME] [--until TIME]\n"
    "\n"
    "How tacitd takes the behaviour of devices, and what it has found.\n"
    "\n"
    "status  the roles: what is learned of each, how far that has come, and of how many devices;\n"
    "        as of when tacitd last wrote it, which is every five minutes and at its end\n"
    "events  what was found, from the audit log\n"
    "\n"
    "  --device NAME          only what was found about that device, or most of all about it\n"
    "  --since, --until TIME  only what is not older, not newer: 2027-01-31, 2027-01-31T12:00\n"
    "                         and so on, UTC\n"
    "  --state DIR            the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json                 answer as JSON; events: the lines as they stand in the log\n";

static const struct subcommand rows[] = {
    { "status", "tacit sense status", "state json ", 0, 0, NULL, sense_status },
    { "events", "tacit sense events", "state json device since until ", 0, 0, NULL, sense_events },
};

int command_sense(int argc, char **argv)
{
    static const struct subcommands all = { "tacit sense", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
