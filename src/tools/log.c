/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log.h"

#include "base/attrs.h"
#include "tools/log_follow.h"
#include "tools/log_key.h"
#include "tools/log_show.h"
#include "tools/log_verify.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit log verify [--checkpoint SEQ:HASH] [--since FILE] [--public-key FILE]\n"
    "       tacit log show [--kind KIND] [--device NAME] [--since TIME] [--until TIME]\n"
    "       tacit log follow [--kind KIND] [--device NAME]\n"
    "       tacit log key\n"
    "\n"
    "The audit log: a record of every decision about security, each chained to the one before it\n"
    "and signed from time to time.\n"
    "\n"
    "verify  reads all of it, and names each record that was changed, dropped, moved, repeated or\n"
    "        put in, and what is missing at its ends. Exit code 3: it is not whole\n"
    "show    prints its records\n"
    "follow  prints the last ten, then what comes, until it is interrupted\n"
    "key     prints the public key that its signatures are verified with: keep it elsewhere\n"
    "\n"
    "  --checkpoint SEQ:HASH  a record that the log has to have, as an earlier verify said it\n"
    "  --since FILE           verify: a file with such a line, or a copy of audit/head\n"
    "  --public-key FILE      the key, as it was kept elsewhere (default: the one beside the log)\n"
    "  --kind KIND            only records of that kind\n"
    "  --device NAME          only records about that device\n"
    "  --since, --until TIME  only what is not older, not newer: 2027-01-31, 2027-01-31T12:00\n"
    "                         and so on, UTC\n"
    "  --state DIR            the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json                 answer as JSON; show, follow: the lines as they stand in the log\n";

static const struct subcommand rows[] = {
    { "verify", "tacit log verify", "state json checkpoint since public-key ", 0, 0, NULL,
      log_verify },
    { "show", "tacit log show", "state json kind device since until ", 0, 0, NULL, log_show },
    { "follow", "tacit log follow", "state json kind device ", 0, 0, NULL, log_follow },
    { "key", "tacit log key", "state json ", 0, 0, NULL, log_key },
};

int command_log(int argc, char **argv)
{
    static const struct subcommands all = { "tacit log", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
