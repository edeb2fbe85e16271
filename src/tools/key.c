/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/key.h"

#include "base/attrs.h"
#include "tools/identity_options.h"
#include "tools/key_block.h"
#include "tools/key_check.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tacit key check FILE...\n"
    "       tacit key block FILE... | --sha256 HEX [--reason TEXT]\n"
    "       tacit key unblock HEX\n"
    "       tacit key import LIST [--source TEXT]\n"
    "       tacit key list\n"
    "\n"
    "check    is the key weak, blocked, or a device's already? Exit code 3: weak or blocked\n"
    "block    nobody may use the key any more; who is connected with it is thrown out\n"
    "unblock  take it off the list again\n"
    "import   block all keys of a list: a line for each, SHA-256 in hex and the reason; or "
    "Debian's\n"
    "         lists of weak RSA keys (openssl-blacklist)\n"
    "list     all keys that are blocked, and the lists\n"
    "\n"
    "FILE is a certificate, a certificate request, a public or a private key, in PEM or DER. A\n"
    "private key is read for its public half only: whoever published it, that one is meant.\n"
    "\n"
    "  --sha256 HEX   the SHA-256 of the key (of its SubjectPublicKeyInfo in DER)\n"
    "  --reason TEXT  why; whoever tries to enrol the key is told (default: blocked by hand)\n"
    "  --source TEXT  where the list is from (default: the name of the file)\n"
    "  --state DIR    the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json         answer as JSON\n";

static const struct {
    const char *name;
    const char *command;
    const char *options;
    int least; /* operands */
    int most;
    int (*run)(const struct identity_options *options);
} subcommands[] = {
    { "check", "tacit key check", "state json ", 1, INT_MAX, key_check },
    { "block", "tacit key block", "state json sha256 reason ", 0, INT_MAX, key_block },
    { "unblock", "tacit key unblock", "state json ", 1, 1, key_block_undo },
    { "import", "tacit key import", "state json source ", 1, 1, key_block_import },
    { "list", "tacit key list", "state json ", 0, 0, key_block_list },
};

static int run(size_t row, int argc, char **argv)
{
    struct identity_options o;
    if (identity_options_parse(argc, argv, subcommands[row].command, subcommands[row].options, &o)
        < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (o.operand_count < subcommands[row].least)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE,
                                     "which one? See tacit key --help for what to give");
    if (o.operand_count > subcommands[row].most)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                     o.operands[subcommands[row].most]);
    return subcommands[row].run(&o);
}

int command_key(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < MQTT_ARRAY_LEN(subcommands); i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return run(i, argc - 1, argv + 1);

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (argc > 1)
        (void)fprintf(stderr, "tacit key: there is no '%s'; see tacit key --help\n", argv[1]);
    else
        (void)fputs(usage, stderr);
    return IDENTITY_EXIT_USAGE;
}
