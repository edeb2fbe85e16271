/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ca.h"

#include "pki/ca.h"
#include "pki/state.h"
#include "pki/state_ca.h"
#include "tools/administration.h"
#include "tools/ca_crl.h"
#include "tools/ca_keys.h"
#include "tools/ca_show.h"
#include "tools/identity_options.h"
#include "tools/signing.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: tacit ca show\n"
    "       tacit ca init [--trust-domain DOMAIN] [--algorithm p256|ed25519]\n"
    "       tacit ca server [--name HOST]... [--days N]\n"
    "       tacit ca renew\n"
    "       tacit ca export [--chain] [--out FILE]\n"
    "       tacit ca crl [--out FILE]\n"
    "       tacit ca seal | unseal\n"
    "\n"
    "show    root, issuing CA and server certificate of a state folder, and where the keys are\n"
    "init    make the CA (and the folder and the registry) without a server certificate\n"
    "crl     make the revocation list anew if it has to be; show it, or copy it\n"
    "server  sign a new server certificate for the same key: with more names, or in good time\n"
    "renew   make the next issuing CA; needs the root's key. A CA of one tier gets its second\n"
    "export  print the certificate that devices are to trust\n"
    "seal    put the CA's keys under a passphrase; unseal takes them out of it\n"
    "\n"
    "  --name HOST            one more host name or address; those of the old one are kept\n"
    "  --days N               how long it is valid (default 365)\n"
    "  --trust-domain DOMAIN  name of the new CA's trust domain (default: a random one)\n"
    "  --algorithm A          kind of the new CA's keys (default p256)\n"
    "  --chain                the issuing CAs, too\n"
    "  --out FILE             write it there; a revocation list as PEM if it ends in .pem, else\n"
    "                         as DER\n"
    "  --passphrase-file FILE the passphrase is its first line (mode 0600); without it, and\n"
    "                         unless the configuration names one, the terminal is asked\n"
    "  --config FILE          the configuration, whose ca block tells where the key is\n"
    "  --state DIR            the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json                 answer as JSON\n";

static int fault_out(const struct identity_options *o, const struct pki_fault *fault)
{
    return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s",
                                 fault->text[0] != '\0' ? fault->text : "out of memory");
}

static int init(const struct identity_options *o)
{
    struct state_made made;
    struct signing signing;
    struct pki_fault fault = { 0 };
    enum key_algorithm algorithm = KEY_P256;
    if (o->algorithm != NULL && key_algorithm_parse(o->algorithm, &algorithm) < 0)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "'%s' is neither p256 nor ed25519",
                                     o->algorithm);
    signing_open(o, &signing);
    const struct state_options options = { .trust_domain = o->trust_domain,
                                           .algorithm = algorithm,
                                           .access = &signing.access,
                                           .without_server = true };
    int error = state_prepare(o->state, &options, &made, &fault);
    signing_close(&signing);
    if (error < 0)
        return fault_out(o, &fault);
    if (!made.ca)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED,
                                     "%s has a CA already (trust domain %s); it was left alone",
                                     o->state, made.trust_domain);
    return ca_show(o);
}

static int issue_server(const struct identity_options *o, const struct ca *ca, const char *path,
                        const struct key *key, struct pki_fault *fault)
{
    struct certificate *old = NULL;
    struct certificate *certificate = NULL;
    struct certificate_list chain = { 0 };
    int absent = certificate_load(path, &old, NULL);
    int error = ca_issue_server(ca,
                                &(struct ca_server_request){ .key = key,
                                                             .names = o->names,
                                                             .name_count = o->name_count,
                                                             .predecessor = absent < 0 ? NULL : old,
                                                             .now_s = (int64_t)time(NULL),
                                                             .days = o->days },
                                &certificate, fault);
    if (error == 0)
        error = ca_chain(ca, certificate, &chain);
    if (error == 0)
        error = certificate_list_save(&chain, path, fault);
    certificate_list_fini(&chain);
    certificate_free(certificate);
    certificate_free(old);
    return error;
}

static int sign_server(const struct identity_options *o, struct pki_fault *fault)
{
    char path[2][STATE_PATH_SIZE];
    struct signing signing;
    struct ca *ca = NULL;
    struct key *key = NULL;
    int error = state_check(o->state, fault);
    if (error == 0)
        error = state_path(o->state, STATE_SERVER_CERTIFICATE, path[0]);
    if (error == 0)
        error = state_path(o->state, STATE_SERVER_KEY, path[1]);
    if (error < 0)
        return error;
    signing_open(o, &signing);
    error = state_ca_open(o->state, &signing.access, &ca, fault);
    signing_close(&signing);
    if (error == 0)
        error = key_load_or_create(path[1], &key, fault);
    if (error == 0)
        error = issue_server(o, ca, path[0], key, fault);
    key_free(key);
    ca_close(ca);
    return error;
}

static int server(const struct identity_options *o)
{
    struct pki_fault fault = { 0 };
    if (sign_server(o, &fault) < 0)
        return fault_out(o, &fault);
    if (!o->json)
        (void)printf("A running tacitd takes it up by itself, and drops nobody.\n");
    return ca_show(o);
}

#define COMMON "state config json "

static const struct {
    const char *name;
    const char *command;
    const char *options;
    int (*run)(const struct identity_options *options);
} subcommands[] = {
    { "show", "tacit ca show", COMMON, ca_show },
    { "init", "tacit ca init", COMMON "trust-domain algorithm passphrase-file ", init },
    { "crl", "tacit ca crl", COMMON "out passphrase-file ", ca_crl },
    { "server", "tacit ca server", COMMON "name days passphrase-file ", server },
    { "renew", "tacit ca renew", COMMON "passphrase-file ", ca_keys_renew },
    { "export", "tacit ca export", COMMON "chain out ", ca_keys_export },
    { "seal", "tacit ca seal", COMMON "passphrase-file ", ca_keys_seal },
    { "unseal", "tacit ca unseal", COMMON "passphrase-file ", ca_keys_unseal },
};

int command_ca(int argc, char **argv)
{
    struct identity_options o = { .command = "tacit ca" };
    const char *name = argc > 1 ? argv[1] : "--help";
    for (size_t i = 0; i < MQTT_ARRAY_LEN(subcommands); i++) {
        if (strcmp(name, subcommands[i].name) != 0)
            continue;
        if (identity_options_parse(argc - 1, argv + 1, subcommands[i].command,
                                   subcommands[i].options, &o)
            < 0)
            return IDENTITY_EXIT_USAGE;
        if (o.help)
            return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
        if (o.operand_count > 0)
            return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' means nothing here",
                                         o.operands[0]);
        return administration_note(&o, subcommands[i].run(&o));
    }
    bool asks_help = argc > 1 && strcmp(name, "--help") == 0;
    if (!asks_help && argc > 1)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE,
                                     "there is no '%s'; see tacit ca --help", name);
    (void)fputs(usage, asks_help ? stdout : stderr);
    return asks_help ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_USAGE;
}
