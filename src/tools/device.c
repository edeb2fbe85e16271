/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device.h"

#include "base/attrs.h"
#include "tools/device_add.h"
#include "tools/device_show.h"
#include "tools/device_status.h"
#include "tools/identity_options.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tacit device add NAME --role ROLE [--tenant T] [--site S] [--host HOST] [--port N]\n"
    "                    [--days N] [--kind device|service|admin] [--out DIR] [--csr FILE]\n"
    "       tacit device list\n"
    "       tacit device show NAME\n"
    "       tacit device suspend | resume | retire | revoke NAME\n"
    "\n"
    "add      make a key here, sign its certificate, register the device and write a profile, so\n"
    "         that `tacit pub --as NAME` needs no path. Said again, it renews the certificate.\n"
    "list     all identities of the registry\n"
    "show     one of them, and where its files are\n"
    "suspend  refuse it until `resume`; retire and revoke refuse it for good\n"
    "\n"
    "  --role ROLE      what it may do: a role of the broker's configuration\n"
    "  --tenant, --site what %{tenant} and %{site} stand for in its role\n"
    "  --host, --port   where it will find the broker (default localhost and 8883)\n"
    "  --days N         how long its certificate is valid (default 90)\n"
    "  --out DIR        where key and certificate go (default: beside the profiles)\n"
    "  --csr FILE       sign this request; the key was made on the device and stays there\n"
    "  --state DIR      the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json           answer as JSON\n";

static const struct {
    const char *name;
    const char *command;
    const char *options;
    int operands;
    int (*run)(const struct identity_options *options);
} subcommands[] = {
    { "add", "tacit device add", "state json role tenant site kind host port days out csr ", 1,
      device_add },
    { "list", "tacit device list", "state json ", 0, device_show_all },
    { "show", "tacit device show", "state json ", 1, device_show },
    { "suspend", "tacit device suspend", "state json ", 1, device_status_suspend },
    { "resume", "tacit device resume", "state json ", 1, device_status_resume },
    { "retire", "tacit device retire", "state json ", 1, device_status_retire },
    { "revoke", "tacit device revoke", "state json ", 1, device_status_revoke },
};

static int run(size_t row, int argc, char **argv)
{
    struct identity_options o;
    if (identity_options_parse(argc, argv, subcommands[row].command, subcommands[row].options, &o)
        < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (o.operand_count < subcommands[row].operands)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE,
                                     "which one? Give the name of the device");
    if (o.operand_count > subcommands[row].operands)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                     o.operands[subcommands[row].operands]);
    return subcommands[row].run(&o);
}

int command_device(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < MQTT_ARRAY_LEN(subcommands); i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return run(i, argc - 1, argv + 1);

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (argc > 1)
        (void)fprintf(stderr, "tacit device: there is no '%s'; see tacit device --help\n", argv[1]);
    else
        (void)fputs(usage, stderr);
    return IDENTITY_EXIT_USAGE;
}
