/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy.h"

#include "base/attrs.h"
#include "tools/identity_options.h"
#include "tools/policy_check.h"
#include "tools/policy_explain.h"
#include "tools/policy_reach.h"
#include "tools/policy_replay.h"
#include "tools/policy_share.h"
#include "tools/policy_suggest.h"
#include "tools/policy_unused.h"

#include <stdio.h>
#include <string.h>

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

static const struct {
    const char *name;
    const char *command;
    const char *options;
    const char *operand; /* what to ask for where one is missing; NULL: there need be none */
    int most;            /* operands */
    int (*run)(const struct identity_options *options);
} subcommands[] = {
    { "check", "tacit policy check", "state config json ", NULL, 1, policy_check },
    { "explain", "tacit policy explain",
      "state config json device role tenant site publish subscribe qos retain max-payload ", NULL,
      0, policy_explain },
    { "reach", "tacit policy reach", "state config json ",
      "which topic? Name one as it is called in the broker", 1, policy_reach },
    { "share", "tacit policy share", "state config json role tenant site ",
      "whose? Give the name of the device", 1, policy_share },
    { "unused", "tacit policy unused", "state config json days ", NULL, 0, policy_unused },
    { "replay", "tacit policy replay", "state config json days ",
      "which change? Give the file of the other configuration", 1, policy_replay },
    { "suggest", "tacit policy suggest", "state config json days role ", NULL, 0, policy_suggest },
};

static int run(size_t row, int argc, char **argv)
{
    struct identity_options o;
    if (identity_options_parse(argc, argv, subcommands[row].command, subcommands[row].options, &o)
        < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (o.operand_count == 0 && subcommands[row].operand != NULL)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "%s", subcommands[row].operand);
    if (o.operand_count > subcommands[row].most)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                     o.operands[subcommands[row].most]);
    return subcommands[row].run(&o);
}

int command_policy(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < MQTT_ARRAY_LEN(subcommands); i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return run(i, argc - 1, argv + 1);

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (argc > 1)
        (void)fprintf(stderr, "tacit policy: there is no '%s'; see tacit policy --help\n", argv[1]);
    else
        (void)fputs(usage, stderr);
    return IDENTITY_EXIT_USAGE;
}
