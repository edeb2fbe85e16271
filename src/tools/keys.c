/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys.h"

#include "base/attrs.h"
#include "tools/keys_list.h"
#include "tools/keys_migrate.h"
#include "tools/keys_tpm.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit keys list [--dir DIR]\n"
    "       tacit keys migrate --to sealed|tpm|pkcs11:URI [--as NAME] [--new-key]\n"
    "       tacit keys tpm\n"
    "\n"
    "On a device: where its keys are, and how to get one to a better place.\n"
    "\n"
    "list     every key: how it is kept, which key it is, its certificate, who can read the file.\n"
    "         What cannot be opened is listed with the reason. Exit code 3: there is something "
    "wrong\n"
    "migrate  seals the key that is there to this machine, or, where hardware makes keys itself, "
    "has\n"
    "         it make another one and the broker take it instead. The old key is wiped when the "
    "new\n"
    "         one works, not before. Said again, it goes on where it was stopped\n"
    "tpm      which TPM this machine has: what tacit device token --ek asks for\n"
    "\n"
    "  --dir DIR   only the keys in this folder (default: what enroll wrote and profiles name)\n"
    "  --to STORE  sealed: a file that opens on this machine only, by its TPM if it has one;\n"
    "              tpm: made in the TPM; pkcs11:token=...;object=...?pin-source=file:...: in a "
    "token\n"
    "  --as NAME   the key of this profile (default: the default profile)\n"
    "  --new-key   another key also where the one that is there could be sealed: copies of that "
    "are\n"
    "              worth nothing then\n"
    "  --json      answer as JSON\n"
    "\n"
    "Exit codes: 0 done; 1 this machine said no; 2 wrong options; 3 list: something is wrong,\n"
    "migrate: the server said no; 4 migrate: no server, or not the right one.\n";

static const struct subcommand rows[] = {
    { "list", "tacit keys list", "dir json ", 0, 0, NULL, keys_list },
    { "migrate", "tacit keys migrate", "to as new-key json ", 0, 0, NULL, keys_migrate },
    { "tpm", "tacit keys tpm", "json ", 0, 0, NULL, keys_tpm },
};

int command_keys(int argc, char **argv)
{
    static const struct subcommands all = { "tacit keys", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
