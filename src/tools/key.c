/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/key.h"

#include "base/attrs.h"
#include "tools/key_block.h"
#include "tools/key_check.h"
#include "tools/subcommand.h"

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

#define WHICH "which one? See tacit key --help for what to give"

static const struct subcommand rows[] = {
    { "check", "tacit key check", "state json ", 1, -1, WHICH, key_check },
    { "block", "tacit key block", "state json sha256 reason ", 0, -1, NULL, key_block },
    { "unblock", "tacit key unblock", "state json ", 1, 1, WHICH, key_block_undo },
    { "import", "tacit key import", "state json source ", 1, 1, WHICH, key_block_import },
    { "list", "tacit key list", "state json ", 0, 0, NULL, key_block_list },
};

int command_key(int argc, char **argv)
{
    static const struct subcommands all = { "tacit key", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
