/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/canary.h"

#include "base/attrs.h"
#include "tools/canary_add.h"
#include "tools/canary_remove.h"
#include "tools/canary_show.h"
#include "tools/subcommand.h"

static const char usage[] =
    "usage: tacit canary add NAME [--role ROLE] [--tenant T] [--site S] [--out DIR] [--days N]\n"
    "                    [--host HOST] [--port N] [--algorithm p256|ed25519]\n"
    "                    [--passphrase-file FILE] [--text NOTE]\n"
    "       tacit canary add NAME --account [--role ROLE] [--generate | --password-file FILE]\n"
    "       tacit canary add NAME --token-only [--role ROLE] [--expires 24h]\n"
    "       tacit canary add NAME --topic TOPIC\n"
    "       tacit canary list\n"
    "       tacit canary show NAME\n"
    "       tacit canary remove NAME\n"
    "\n"
    "Bait for intruders. Nobody uses a canary, so whoever does is one: tacitd says so in its log\n"
    "within a second, with the address, lets them in where nobody else is, and writes down what\n"
    "they do. Leave one in firmware, in a backup, in a wiki.\n"
    "\n"
    "add      without more: a key, a certificate and a profile, as tacit device add makes them\n"
    "list     all of them, and when they were used last\n"
    "show     one of them: who used it, from where, and what they did. Exit code 3: it was used\n"
    "remove   nothing can be done with it any more; what was written down stays\n"
    "\n"
    "  --account        a user name and a password instead, as tacit passwd makes them\n"
    "  --token-only     a one-time token for enrolment instead; what it gives is a canary, too\n"
    "  --topic TOPIC    a decoy instead: whoever publishes there, or subscribes to just that, is\n"
    "                   told of, whatever their rights; they notice nothing. TOPIC/# is all below\n"
    "  --role ROLE      what it seems to be good for (default: device); rights it has none\n"
    "  --text NOTE      where the bait lies\n"
    "  --out DIR        where key and certificate go (default: beside the profiles)\n"
    "  --generate       make up the password and print it, once; else it is asked for, or the\n"
    "                   first line of --password-file\n"
    "  --host, --port, --days, --algorithm, --expires, --passphrase-file: see tacit device "
    "--help\n"
    "  --config FILE    the file that tacitd would read, when it is another one\n"
    "  --state DIR      the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json           answer as JSON\n";

#define WHICH "which one? Give the name of the canary"

static const struct subcommand rows[] = {
    { "add", "tacit canary add",
      "state config json role tenant site host port days out algorithm passphrase-file token-only "
      "expires account generate password-file topic text ",
      1, 1, WHICH, canary_add },
    { "list", "tacit canary list", "state json ", 0, 0, NULL, canary_list },
    { "show", "tacit canary show", "state json ", 1, 1, WHICH, canary_show },
    { "remove", "tacit canary remove", "state json ", 1, 1, WHICH, canary_remove },
};

int command_canary(int argc, char **argv)
{
    static const struct subcommands all = { "tacit canary", usage, rows, MQTT_ARRAY_LEN(rows) };
    return subcommand_run(&all, argc, argv);
}
