/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/revoke.h"

#include "pki/private_file.h"
#include "pki/rekey.h"
#include "pki/state_ca.h"
#include "tools/administration.h"
#include "tools/device_status.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/publish_crl.h"
#include "tools/signing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OTHER_OPTIONS                                                                         \
    "  --state DIR      the state folder (default: $TACIT_STATE, else the one tacitd uses)\n" \
    "  --json           answer as JSON\n"

static const char revoke_usage[] =
    "usage: tacit revoke NAME --reason REASON [--text TEXT] [--block-key] [--state DIR] [--json]\n"
    "\n"
    "Refuses a device for good: its live sessions end within a second, without their wills and\n"
    "with their queues frozen; its certificates come onto the revocation list. It comes back with\n"
    "a new key only, see tacit unrevoke. For a while: tacit device suspend.\n"
    "\n"
    "  --reason REASON  unspecified, key-compromise, affiliation-changed, superseded,\n"
    "                   cessation-of-operation or privilege-withdrawn\n"
    "  --text TEXT      more about it, for those who ask later\n"
    "  --block-key      nobody may use its key again, under whatever name; always so for\n"
    "                   key-compromise\n" OTHER_OPTIONS;

static const char unrevoke_usage[] =
    "usage: tacit unrevoke NAME [--csr FILE [--out DIR] [--days N]] [--state DIR] [--json]\n"
    "\n"
    "Lets a revoked or retired device come back, with a new key: what was revoked stays so. Role,\n"
    "tenant, site, grants and sessions are those of before. Without a request it says what to do.\n"
    "\n"
    "  --csr FILE       the request for its new key, which was made on the device\n"
    "  --out DIR        where the certificate goes (default: here)\n"
    "  --days N         how long the certificate is valid (default 90)\n"
    "  --passphrase-file FILE  the passphrase of the CA's key\n"
    "  --config FILE    where the broker's configuration says it keeps that key\n" OTHER_OPTIONS;

/* What both have in common. 0: go on; else *out_code is the exit code. */
static int read_command(const char *usage, const struct identity_options *o, int *out_code)
{
    if (o->help) {
        *out_code = fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
        return -1;
    }
    *out_code = IDENTITY_EXIT_USAGE;
    if (o->operand_count == 0)
        (void)identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                    "which one? Give the name of the device");
    else if (o->operand_count > 1)
        (void)identity_options_fail(o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                    o->operands[1]);
    return o->operand_count == 1 ? 0 : -1;
}

int command_revoke(int argc, char **argv)
{
    struct identity_options o;
    int code;
    if (identity_options_parse(argc, argv, "tacit revoke", "state json reason text block-key ", &o)
        < 0)
        return IDENTITY_EXIT_USAGE;
    if (read_command(revoke_usage, &o, &code) < 0)
        return code;
    if (o.reason == NULL)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "why? Write --reason and one of %s",
                                     registry_reason_choices());
    return administration_note(&o, device_status_revoke(&o));
}

/* ---- back with a new key ---- */

/* One who is to come back. */
struct comeback {
    const struct identity_options *options;
    struct ca *ca;
    struct registry *registry;
    struct registry_entry entry;
    struct pki_fault fault;
    char certificate[IDENTITY_OPTIONS_PATH_SIZE];
};

static int find(struct comeback *c)
{
    const char *name = c->options->operands[0];
    int error = identity_registry_open(c->options, &c->registry, &c->fault);
    if (error == 0)
        error = identity_registry_find(c->registry, name, &c->entry, &c->fault);
    if (error == 0 && c->entry.status == REGISTRY_SUSPENDED)
        return pki_fail(&c->fault, -EPERM, "'%s' is suspended; tacit device resume lets it in",
                        name);
    if (error == 0 && c->entry.status == REGISTRY_ACTIVE)
        return pki_fail(&c->fault, -EPERM, "'%s' is active; there is nothing to take back", name);
    return error;
}

static int open_ca(struct comeback *c)
{
    struct signing signing;

    signing_open(c->options, &signing);
    int error = state_ca_open(c->options->state, &signing.access, &c->ca, &c->fault);
    signing_close(&signing);
    return error;
}

static int choose_place(struct comeback *c)
{
    const char *folder = c->options->out != NULL ? c->options->out : ".";
    bool made;
    int error = private_file_make_dir(folder, &made);
    if (error < 0)
        return pki_fail(&c->fault, error, "%s: cannot make the folder: %s", folder,
                        strerror(-error));
    int n = snprintf(c->certificate, sizeof(c->certificate), "%s/%s.crt", folder, c->entry.name);
    return n < (int)sizeof(c->certificate)
               ? 0
               : pki_fail(&c->fault, -ENAMETOOLONG, "%s: the path is too long", folder);
}

static int sign(struct comeback *c)
{
    struct csr *csr;
    struct certificate *certificate;
    const struct rekey request = { .name = c->entry.name,
                                   .days = c->options->days,
                                   .now_s = (int64_t)time(NULL) };
    int error = csr_load(c->options->csr, &csr, &c->fault);
    if (error < 0)
        return error;
    error = rekey_sign(c->ca, c->registry, csr, &request, &certificate, &c->fault);
    csr_free(csr);
    if (error < 0)
        return error;
    error = certificate_save(certificate, c->certificate, &c->fault);
    certificate_free(certificate);
    return error;
}

static int come_back(struct comeback *c)
{
    int error = open_ca(c);
    if (error == 0)
        error = choose_place(c);
    if (error == 0)
        error = sign(c);
    if (error < 0)
        return error;
    publish_crl(c->options, c->registry);
    return registry_find(c->registry, c->entry.name, &c->entry, &c->fault);
}

static int print_advice(const struct comeback *c)
{
    const char *name = c->entry.name;
    if (c->options->json)
        return identity_print_document(identity_print_entry_json(&c->entry));
    (void)printf("%s is %s (%s). It comes back with a new key only:\n"
                 "  on the device  openssl req -new -newkey ec -pkeyopt "
                 "ec_paramgen_curve:P-256 -nodes -keyout %s.key -subj /CN=%s -out %s.csr\n"
                 "  here           tacit unrevoke %s --csr %s.csr\n"
                 "or, when the device enrols by itself:\n"
                 "  here           tacit device token %s\n",
                 name, registry_status_text(c->entry.status), c->entry.reason, name, name, name,
                 name, name, name);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int print_back(const struct comeback *c)
{
    if (c->options->json)
        return identity_print_document(identity_print_entry_json(&c->entry));
    (void)printf("%s is active with its new key\n  certificate  %s\n", c->entry.name,
                 c->certificate);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int command_unrevoke(int argc, char **argv)
{
    struct identity_options o;
    struct comeback c = { .options = &o };
    int code;
    if (identity_options_parse(argc, argv, "tacit unrevoke",
                               "state json csr out days passphrase-file config ", &o)
        < 0)
        return IDENTITY_EXIT_USAGE;
    if (read_command(unrevoke_usage, &o, &code) < 0)
        return code;
    int error = find(&c);
    if (error == 0 && o.csr != NULL)
        error = come_back(&c);
    if (error < 0)
        code = identity_registry_fail(&o, error, &c.fault);
    else
        code = o.csr != NULL ? administration_note(&o, print_back(&c)) : print_advice(&c);
    registry_close(c.registry);
    ca_close(c.ca);
    return code;
}
