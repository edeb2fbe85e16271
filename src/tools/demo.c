/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/demo.h"

#include "base/attrs.h"
#include "tools/demo_botnet.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit demo botnet [--json]\n"
    "\n"
    "Shows what tacitd does, on this machine and with nothing of yours: a broker in a temporary\n"
    "folder, on a port of 127.0.0.1. It ends by itself, in less than two minutes, and leaves\n"
    "nothing behind.\n"
    "\n"
    "botnet  fifty sensors report; when the broker has learned how, three of them are recruited,\n"
    "        one after the other: they flood, and ask for what is not theirs. What an operator\n"
    "        would see is shown: the finding with its reasons, what is done, and how to undo it\n"
    "\n"
    "  --json  answer as JSON, at the end\n";

static const struct subcommand rows[] = {
    { "botnet", "tacit demo botnet", "json ", 0, 0, NULL, demo_botnet },
};

int command_demo(int argc, char **argv)
{
    static const struct subcommands all = { "tacit demo", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
