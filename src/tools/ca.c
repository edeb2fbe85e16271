/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ca.h"

#include "pki/ca.h"
#include "pki/state.h"
#include "tools/ca_crl.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: tacit ca show [--state DIR] [--json]\n"
    "       tacit ca init [--trust-domain DOMAIN] [--state DIR] [--json]\n"
    "       tacit ca crl [--out FILE] [--state DIR] [--json]\n"
    "       tacit ca server [--name HOST]... [--days N] [--state DIR] [--json]\n"
    "\n"
    "show    the CA and the server certificate of a state folder\n"
    "init    make the CA (and the folder and the registry) without a server certificate\n"
    "crl     make the revocation list anew if it has to be; show it, or copy it\n"
    "server  sign a new server certificate for the same key: with more names, or in good time\n"
    "\n"
    "  --name HOST            one more host name or address; those of the old one are kept\n"
    "  --days N               how long it is valid (default 365)\n"
    "  --trust-domain DOMAIN  name of the new CA's trust domain (default: a random one)\n"
    "  --out FILE             where the copy of the revocation list goes, for a web server; PEM "
    "if\n"
    "                         it ends in .pem, else DER\n"
    "  --state DIR            the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json                 answer as JSON\n";

static int fault_out(const struct identity_options *o, const struct pki_fault *fault)
{
    return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s",
                                 fault->text[0] != '\0' ? fault->text : "out of memory");
}

static int load(const struct identity_options *o, enum state_file file, struct certificate **out,
                struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = state_path(o->state, file, path);
    if (error < 0)
        return pki_fail(fault, error, "%s: the path is too long", o->state);
    return certificate_load(path, out, fault);
}

static void print_certificate(const char *title, const struct certificate *certificate)
{
    struct certificate_facts facts;
    char names[1024];
    char to[IDENTITY_PRINT_TIME_SIZE];
    if (certificate_facts_of(certificate, &facts, NULL) < 0)
        return;
    certificate_names(certificate, names, sizeof(names));
    (void)printf("%s\n  subject      %s\n  names        %s\n  serial       %s\n", title,
                 facts.common_name, names, facts.registered.serial);
    (void)printf("  SHA-256      ");
    for (size_t i = 0; i < sizeof(facts.registered.fingerprint); i++)
        (void)printf("%02x", facts.registered.fingerprint[i]);
    (void)printf("\n  valid until  %s\n", identity_print_time(facts.registered.not_after_s, to));
}

/* `server` may be NULL: `tacit ca init` makes none. */
static int print_both(const struct identity_options *o, const struct certificate *root,
                      const struct certificate *server)
{
    char domain[IDENTITY_URI_DOMAIN_SIZE];
    struct pki_fault fault = { 0 };
    if (ca_trust_domain_of(root, domain, &fault) < 0)
        return fault_out(o, &fault);
    if (o->json)
        return identity_print_document(
            json_pack("{s:s, s:s, s:o, s:o?}", "state", o->state, "trust_domain", domain, "ca",
                      identity_print_certificate_json(root), "server",
                      server != NULL ? identity_print_certificate_json(server) : NULL));
    (void)printf("trust domain   %s\n", domain);
    print_certificate("CA", root);
    if (server != NULL)
        print_certificate("server", server);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int show(const struct identity_options *o)
{
    struct certificate *root = NULL;
    struct certificate *server = NULL;
    struct pki_fault fault = { 0 };
    if (state_check(o->state, &fault) < 0 || load(o, STATE_CA_CERTIFICATE, &root, &fault) < 0)
        return fault_out(o, &fault);
    int absent = load(o, STATE_SERVER_CERTIFICATE, &server, NULL);
    int result = print_both(o, root, absent < 0 ? NULL : server);
    certificate_free(server);
    certificate_free(root);
    return result;
}

static int init(const struct identity_options *o)
{
    struct state_made made;
    struct pki_fault fault = { 0 };
    const struct state_options options = { .trust_domain = o->trust_domain,
                                           .without_server = true };
    if (state_prepare(o->state, &options, &made, &fault) < 0)
        return fault_out(o, &fault);
    if (!made.ca)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED,
                                     "%s has a CA already (trust domain %s); it was left alone",
                                     o->state, made.trust_domain);
    return show(o);
}

static int sign_server(const struct identity_options *o, struct pki_fault *fault)
{
    char path[STATE_FILE_COUNT][STATE_PATH_SIZE];
    struct ca *ca = NULL;
    struct key *key = NULL;
    struct certificate *old = NULL;
    struct certificate *certificate = NULL;
    int error = state_check(o->state, fault);
    for (unsigned i = 0; i < STATE_FILE_COUNT && error == 0; i++)
        error = state_path(o->state, (enum state_file)i, path[i]);
    if (error == 0)
        error = ca_open(path[STATE_CA_CERTIFICATE], path[STATE_CA_KEY], &ca, fault);
    if (error == 0)
        error = key_load_or_create(path[STATE_SERVER_KEY], &key, fault);
    if (error == 0) {
        int absent = certificate_load(path[STATE_SERVER_CERTIFICATE], &old, NULL);
        error = ca_issue_server(ca,
                                &(struct ca_server_request){ .key = key,
                                                             .names = o->names,
                                                             .name_count = o->name_count,
                                                             .predecessor = absent < 0 ? NULL : old,
                                                             .now_s = (int64_t)time(NULL),
                                                             .days = o->days },
                                &certificate, fault);
    }
    if (error == 0)
        error = certificate_save(certificate, path[STATE_SERVER_CERTIFICATE], fault);
    certificate_free(certificate);
    certificate_free(old);
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
        (void)printf("A running tacitd takes it with SIGHUP (kill -HUP, systemctl reload).\n");
    return show(o);
}

static const struct {
    const char *name;
    const char *command;
    const char *options;
    int (*run)(const struct identity_options *options);
} subcommands[] = {
    { "show", "tacit ca show", "state json ", show },
    { "init", "tacit ca init", "state json trust-domain ", init },
    { "crl", "tacit ca crl", "state json out ", ca_crl },
    { "server", "tacit ca server", "state json name days ", server },
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
        return subcommands[i].run(&o);
    }
    bool asks_help = argc > 1 && strcmp(name, "--help") == 0;
    if (!asks_help && argc > 1)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE,
                                     "'%s' is none of show, init, crl, server; see tacit ca --help",
                                     name);
    (void)fputs(usage, asks_help ? stdout : stderr);
    return asks_help ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_USAGE;
}
