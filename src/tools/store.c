/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store.h"

#include "base/attrs.h"
#include "tools/store_check.h"
#include "tools/store_dump.h"
#include "tools/store_repair.h"
#include "tools/store_stat.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit store check\n"
    "       tacit store stat\n"
    "       tacit store dump [--all] [--payloads]\n"
    "       tacit store repair\n"
    "\n"
    "What tacitd keeps on disk: sessions, subscriptions, messages on their way, retained "
    "messages.\n"
    "\n"
    "check   reads every byte of the log, and says where it is damaged. Exit code 1: it is\n"
    "stat    how big it is, how much of it lives, and what\n"
    "dump    what lives, a line for each thing\n"
    "repair  writes what can be read into a new log, puts what is damaged aside, and says what\n"
    "        was lost; tacitd must be stopped\n"
    "\n"
    "All but repair change nothing, and work beside a running tacitd.\n"
    "\n"
    "  --all        every operation of the log in its order, and where it stands\n"
    "  --payloads   what the messages say, too: other people's data\n"
    "  --state DIR  the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json       answer as JSON; dump: an object a line\n";

static const struct subcommand rows[] = {
    { "check", "tacit store check", "state json ", 0, 0, NULL, store_check },
    { "stat", "tacit store stat", "state json ", 0, 0, NULL, store_stat },
    { "dump", "tacit store dump", "state json all payloads ", 0, 0, NULL, store_dump },
    { "repair", "tacit store repair", "state json ", 0, 0, NULL, store_repair },
};

int command_store(int argc, char **argv)
{
    static const struct subcommands all = { "tacit store", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
