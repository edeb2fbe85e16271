/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device.h"

#include "base/attrs.h"
#include "tools/device_add.h"
#include "tools/device_release.h"
#include "tools/device_set.h"
#include "tools/device_show.h"
#include "tools/device_status.h"
#include "tools/device_token.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit device add NAME --role ROLE [--tenant T] [--site S] [--host HOST] [--port N]\n"
    "                    [--days N] [--kind device|service|admin] [--out DIR] [--csr FILE]\n"
    "                    [--algorithm p256|ed25519] [--passphrase-file FILE]\n"
    "                    [--token-only] [--expires 24h] [--ek SHA256]\n"
    "       tacit device token NAME [--expires 24h] [--host HOST] [--port N] [--days N]\n"
    "                    [--ek SHA256]\n"
    "       tacit device tokens\n"
    "       tacit device cancel NAME\n"
    "       tacit device list\n"
    "       tacit device show NAME\n"
    "       tacit device set NAME [--role ROLE] [--tenant T | --no-tenant] [--site S | --no-site]\n"
    "       tacit device suspend | retire NAME [--text TEXT]\n"
    "       tacit device resume NAME\n"
    "       tacit device revoke NAME [--reason REASON] [--text TEXT] [--block-key]\n"
    "       tacit device rename NAME NEW-NAME\n"
    "       tacit device release NAME [--reset-ratchet]\n"
    "\n"
    "add      make a key here, sign its certificate, register the device and write a profile, so\n"
    "         that `tacit pub --as NAME` needs no path. Said again, it renews the certificate.\n"
    "         Prints a one-time token too, and the command with which a device makes a key of its\n"
    "         own (tacit-enroll(1)), in place of the one made here.\n"
    "token    such a token for a device that is there: it gets another key\n"
    "tokens   those that can still be used; cancel makes one useless\n"
    "list     all identities of the registry\n"
    "show     one of them, and where its files are\n"
    "set      another role, tenant or site; what is not said stays\n"
    "suspend  refuse it until `resume`; retire and revoke refuse it for good (tacit revoke "
    "--help)\n"
    "rename   another name, with all its rights; it needs a new certificate then\n"
    "release  end a hold that began when its key was seen in two places; with --reset-ratchet the\n"
    "         next one that comes under its name is believed where its ratchet stands\n"
    "\n"
    "  --role ROLE      what it may do: a role of the broker's configuration\n"
    "  --tenant, --site what %{tenant} and %{site} stand for in its role\n"
    "  --host, --port   where it will find the broker (default localhost and 8883)\n"
    "  --days N         how long its certificate is valid (default 90)\n"
    "  --out DIR        where key and certificate go (default: beside the profiles)\n"
    "  --csr FILE       sign this request; the key was made on the device and stays there\n"
    "  --algorithm A    kind of the key that is made here: p256 (default) or ed25519\n"
    "  --passphrase-file FILE  of a sealed CA key; without it the terminal is asked\n"
    "  --token-only     make no key here: the device does, and is registered when it enrols\n"
    "  --expires 1h     how long the token is good (default 24h)\n"
    "  --ek SHA256      the TPM that it has, by its endorsement key (tacit keys tpm on the "
    "device):\n"
    "                   a key in that one is attested, and in no other\n"
    "  --config FILE    the file that tacitd would read, when it is another one\n"
    "  --state DIR      the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json           answer as JSON\n";

#define WHICH "which one? Give the name of the device"

static const struct subcommand rows[] = {
    { "add", "tacit device add",
      "state config json role tenant site kind host port days out csr algorithm passphrase-file "
      "token-only expires ek ",
      1, 1, WHICH, device_add },
    { "token", "tacit device token", "state json config host port days expires ek ", 1, 1, WHICH,
      device_token_make },
    { "tokens", "tacit device tokens", "state json ", 0, 0, NULL, device_token_list },
    { "cancel", "tacit device cancel", "state json ", 1, 1, WHICH, device_token_cancel },
    { "list", "tacit device list", "state json ", 0, 0, NULL, device_show_all },
    { "show", "tacit device show", "state json ", 1, 1, WHICH, device_show },
    { "set", "tacit device set", "state json config role tenant site no-tenant no-site ", 1, 1,
      WHICH, device_set },
    { "suspend", "tacit device suspend", "state json text ", 1, 1, WHICH, device_status_suspend },
    { "resume", "tacit device resume", "state json ", 1, 1, WHICH, device_status_resume },
    { "retire", "tacit device retire", "state json text ", 1, 1, WHICH, device_status_retire },
    { "revoke", "tacit device revoke", "state json reason text block-key ", 1, 1, WHICH,
      device_status_revoke },
    { "rename", "tacit device rename", "state json ", 2, 2,
      "which one, and how is it to be called? Give both names", device_status_rename },
    { "release", "tacit device release", "state json reset-ratchet ", 1, 1, WHICH, device_release },
};

int command_device(int argc, char **argv)
{
    static const struct subcommands all = { "tacit device", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
