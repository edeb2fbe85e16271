/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense.h"

#include "base/attrs.h"
#include "tools/sense_events.h"
#include "tools/sense_explain.h"
#include "tools/sense_export.h"
#include "tools/sense_hold.h"
#include "tools/sense_import.h"
#include "tools/sense_status.h"
#include "tools/sense_train.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit sense status\n"
    "       tacit sense explain NAME\n"
    "       tacit sense explain --role ROLE\n"
    "       tacit sense export FILE|- [--role ROLE[=AS],...] [--devices]\n"
    "       tacit sense import FILE|- [--role ROLE[=AS],...] [--devices]\n"
    "       tacit sense import --undo\n"
    "       tacit sense train ROLE --again|--for TIME|--finish [--force]\n"
    "       tacit sense train --forget NAME\n"
    "       tacit sense events|dry-run [--device NAME] [--since TIME] [--until TIME]\n"
    "       tacit sense undo NAME|ADDRESS [--for TIME]\n"
    "       tacit sense quarantine NAME [--for TIME] [--reason TEXT]\n"
    "       tacit sense release NAME\n"
    "\n"
    "How tacitd takes the behaviour of devices, what it has found, and what is done about it.\n"
    "\n"
    "status      the roles: what is learned of each, how far that has come, and of how many\n"
    "            devices; as of when tacitd last wrote it, which is every five minutes and at its\n"
    "            end; and the addresses that are blocked\n"
    "explain     a device: what is usual for it and how much of that is its own, the evidence "
    "that\n"
    "            there is, and why it was told of the last time; or a role\n"
    "export      what was learned of roles, for other brokers; with --devices of devices, too\n"
    "import      it takes the place of what was learned here; --undo puts that back\n"
    "train       the role is learned anew; or for so long; or watched from now on; or what is a\n"
    "            device's own is learned anew\n"
    "events      what was found, and what was done about it, from the audit log\n"
    "dry-run     what would have been done: sense { mode = dry-run } in tacit.conf\n"
    "undo        takes back what was done about a device or an address, and lets nothing be done\n"
    "            about how it behaves for a day, or --for so long\n"
    "quarantine  nothing is taken from it or given to it, for ever or --for so long\n"
    "release     ends a quarantine, and lets the next one begin\n"
    "\n"
    "  --device NAME          only what was found about that device, or most of all about it\n"
    "  --since, --until TIME  only what is not older, not newer: 2027-01-31, 2027-01-31T12:00\n"
    "                         and so on, UTC\n"
    "  --for TIME             30m, 12h, 7d\n"
    "  --reason TEXT          why, for those who look it up (tacit device show)\n"
    "  --state DIR            the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json                 answer as JSON; events and dry-run: the lines as they stand in the\n"
    "                         log\n";

#define WHICH "which device?"

static const struct subcommand rows[] = {
    { "status", "tacit sense status", "state json ", 0, 0, NULL, sense_status },
    { "explain", "tacit sense explain", "state json role ", 0, 1, NULL, sense_explain_what },
    { "export", "tacit sense export", "state json role devices ", 1, 1, "to which file?",
      sense_export },
    { "import", "tacit sense import", "state json config role devices undo ", 0, 1, NULL,
      sense_import },
    { "train", "tacit sense train", "state json again for finish force forget ", 0, 1, NULL,
      sense_train },
    { "events", "tacit sense events", "state json device since until ", 0, 0, NULL, sense_events },
    { "dry-run", "tacit sense dry-run", "state json device since until ", 0, 0, NULL,
      sense_dry_run },
    { "undo", "tacit sense undo", "state json for ", 1, 1, WHICH, sense_undo },
    { "quarantine", "tacit sense quarantine", "state json for reason ", 1, 1, WHICH,
      sense_quarantine },
    { "release", "tacit sense release", "state json ", 1, 1, WHICH, sense_release },
};

int command_sense(int argc, char **argv)
{
    static const struct subcommands all = { "tacit sense", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
