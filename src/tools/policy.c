/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy.h"

#include "base/attrs.h"
#include "tools/policy_check.h"
#include "tools/policy_explain.h"
#include "tools/policy_reach.h"
#include "tools/policy_replay.h"
#include "tools/policy_share.h"
#include "tools/policy_suggest.h"
#include "tools/policy_unused.h"
#include "tools/subcommand.h"

/* One literal a subcommand, in the order of the table below. */
static const char usage[] =
    "usage: tacit policy check [FILE]\n"
    "       tacit policy explain --device D | --role R [--tenant T] [--site S]\n"
    "                    --publish TOPIC [--qos N] [--retain on] [--max-payload BYTES]\n"
    "                    | --subscribe FILTER [--qos N]\n"
    "       tacit policy reach TOPIC\n"
    "       tacit policy share DEVICE [--role ROLE] [--tenant T] [--site S]\n"
    "       tacit policy unused [--days N]\n"
    "       tacit policy replay FILE [--days N]\n"
    "       tacit policy suggest [--role ROLE] [--days N]\n"
    "\n"
    "check    read the configuration as tacitd would, and say what is wrong or odd about it\n"
    "explain  may it, by which rule, and if not: what is missing\n"
    "reach    who can read and who can write a topic of the broker, and by which rule\n"
    "share    the client's part of the topic space: its rules with its names in them\n"
    "unused   grants that nothing recorded in the last N days (30) has used\n"
    "replay   what this configuration would have refused of what was recorded in N days (7)\n"
    "suggest  the configuration with roles that grant what was recorded in N days (30)\n"
    "\n"
    "  --config FILE    the configuration (default: the one that tacitd would read)\n"
    "  --state DIR      the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json           answer as JSON\n";

static const struct subcommand rows[] = {
    { "check", "tacit policy check", "state config json ", 0, 1, NULL, policy_check },
    { "explain", "tacit policy explain",
      "state config json device role tenant site publish subscribe qos retain max-payload ", 0, 0,
      NULL, policy_explain },
    { "reach", "tacit policy reach", "state config json ", 1, 1,
      "which topic? Name one as it is called in the broker", policy_reach },
    { "share", "tacit policy share", "state config json role tenant site ", 1, 1,
      "whose? Give the name of the device", policy_share },
    { "unused", "tacit policy unused", "state config json days ", 0, 0, NULL, policy_unused },
    { "replay", "tacit policy replay", "state config json days ", 1, 1,
      "which change? Give the file of the other configuration", policy_replay },
    { "suggest", "tacit policy suggest", "state config json days role ", 0, 0, NULL,
      policy_suggest },
};

int command_policy(int argc, char **argv)
{
    static const struct subcommands all = { "tacit policy", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
