/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_add.h"

#include "pki/enrolment.h"
#include "pki/private_file.h"
#include "pki/state.h"
#include "pki/state_ca.h"
#include "policy/identity.h"
#include "tools/device_token.h"
#include "tools/enrolment_offer.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/profile.h"
#include "tools/signing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH_SIZE    IDENTITY_OPTIONS_PATH_SIZE
#define DEFAULT_HOST "localhost"
#define DEFAULT_PORT 8883

/* One device being added. */
struct addition {
    const struct identity_options *options;
    struct enrolment request;
    struct signing signing;
    struct ca *ca;
    struct registry *registry;
    struct pki_fault fault;
    char key[PATH_SIZE]; /* empty: the key is elsewhere */
    char certificate[PATH_SIZE];
    char authority[PATH_SIZE];
    bool has_offer; /* for a device that makes its key itself */
    struct enrolment_offer offer;
};

static bool is_name_or_none(const char *name)
{
    return name == NULL || identity_name_is_valid(name);
}

static int check_names(struct addition *a)
{
    const struct identity_options *o = a->options;
    const char *name = o->operands[0];
    if (!identity_uri_name_is_valid(name) || !identity_name_is_valid(name))
        return pki_fail(&a->fault, -EINVAL,
                        "'%.80s' cannot be the name of a device: 1 to 64 letters, digits, '.', '_' "
                        "and '-', starting with a letter or digit",
                        name);
    if (o->token_only && (o->csr != NULL || o->out != NULL))
        return pki_fail(&a->fault, -EINVAL,
                        "--token-only makes no files; leave out --csr and --out");
    if (o->role == NULL)
        return pki_fail(&a->fault, -EINVAL,
                        "which role? For example --role device; roles are those of tacit.conf");
    if (!identity_name_is_valid(o->role) || !is_name_or_none(o->tenant)
        || !is_name_or_none(o->site))
        return pki_fail(&a->fault, -EINVAL,
                        "role, tenant and site are 1 to %d printable characters without space, "
                        "'/', '+', '#', '%%' and quotes",
                        IDENTITY_NAME_BYTES);
    enum identity_kind kind = IDENTITY_DEVICE;
    if (o->kind != NULL && identity_uri_kind_parse(o->kind, &kind) < 0)
        return pki_fail(&a->fault, -EINVAL, "'%s' is none of device, service, admin", o->kind);
    enum key_algorithm algorithm = KEY_P256;
    if (o->algorithm != NULL && key_algorithm_parse(o->algorithm, &algorithm) < 0)
        return pki_fail(&a->fault, -EINVAL, "'%s' is neither p256 nor ed25519", o->algorithm);

    a->request = (struct enrolment){ .name = name,
                                     .kind = kind,
                                     .role = o->role,
                                     .tenant = o->tenant,
                                     .site = o->site,
                                     .algorithm = algorithm,
                                     .days = o->days,
                                     .now_s = (int64_t)time(NULL) };
    return 0;
}

static int open_state(struct addition *a)
{
    char path[STATE_PATH_SIZE];
    const char *dir = a->options->state;
    int error = state_check(dir, &a->fault);
    if (error < 0)
        return error;
    if (state_path(dir, STATE_REGISTRY, path) < 0)
        return pki_fail(&a->fault, -ENAMETOOLONG, "%s: the path is too long", dir);
    signing_open(a->options, &a->signing);
    error = state_ca_open(dir, &a->signing.access, &a->ca, &a->fault);
    return error == 0 ? registry_open(path, &a->registry, &a->fault) : error;
}

static int default_folder(struct addition *a, char out[PATH_SIZE])
{
    int error = profile_device_folder(ca_trust_domain(a->ca), out, PATH_SIZE);
    if (error == -ENAMETOOLONG)
        return pki_fail(&a->fault, error, "the path of the home folder is too long");
    return error < 0
               ? pki_fail(&a->fault, error, "no home folder for key and profile; choose one: --out")
               : 0;
}

/* Makes the folder and fills in the places of the files. */
static int choose_places(struct addition *a)
{
    char folder[PATH_SIZE];
    char absolute[PATH_SIZE];
    bool made;
    int error = 0;
    if (a->options->out != NULL)
        (void)snprintf(folder, sizeof(folder), "%s", a->options->out);
    else if (a->options->csr != NULL)
        (void)snprintf(folder, sizeof(folder), ".");
    else
        error = default_folder(a, folder);
    if (error < 0)
        return error;

    error = private_file_make_dir(folder, &made);
    if (error == 0 && realpath(folder, absolute) == NULL)
        error = -errno;
    if (error < 0)
        return pki_fail(&a->fault, error, "%s: cannot make the folder: %s", folder,
                        strerror(-error));
    const char *name = a->request.name;
    if (a->options->csr == NULL
        && snprintf(a->key, PATH_SIZE, "%s/%s.key", absolute, name) >= PATH_SIZE)
        error = -ENAMETOOLONG;
    if (snprintf(a->certificate, PATH_SIZE, "%s/%s.crt", absolute, name) >= PATH_SIZE
        || snprintf(a->authority, PATH_SIZE, "%s/ca.crt", absolute) >= PATH_SIZE)
        error = -ENAMETOOLONG;
    return error < 0 ? pki_fail(&a->fault, error, "%s: the path is too long", folder) : 0;
}

static int sign_request(struct addition *a)
{
    struct csr *csr;
    struct certificate *certificate;
    int error = csr_load(a->options->csr, &csr, &a->fault);
    if (error < 0)
        return error;
    error = enrolment_sign(a->ca, a->registry, csr, &a->request, &certificate, &a->fault);
    csr_free(csr);
    if (error < 0)
        return error;
    error = certificate_save(certificate, a->certificate, &a->fault);
    certificate_free(certificate);
    return error;
}

static int enrol(struct addition *a)
{
    if (a->options->csr != NULL)
        return sign_request(a);
    return enrolment_create(
        a->ca, a->registry, &a->request,
        &(struct enrolment_paths){ .key_path = a->key, .certificate_path = a->certificate },
        &a->fault);
}

static int save_profile(struct addition *a)
{
    const struct identity_options *o = a->options;
    struct profile profile = { .port = o->port != 0 ? o->port : DEFAULT_PORT };
    if (a->key[0] == '\0')
        return 0;
    (void)snprintf(profile.name, sizeof(profile.name), "%s", a->request.name);
    (void)snprintf(profile.client_id, sizeof(profile.client_id), "%s", a->request.name);
    (void)snprintf(profile.host, sizeof(profile.host), "%s",
                   o->host != NULL ? o->host : DEFAULT_HOST);
    (void)snprintf(profile.ca_file, sizeof(profile.ca_file), "%s", a->authority);
    (void)snprintf(profile.certificate_file, sizeof(profile.certificate_file), "%s",
                   a->certificate);
    (void)snprintf(profile.key_file, sizeof(profile.key_file), "%s", a->key);
    int error = profile_save(&profile);
    if (error < 0)
        return pki_fail(&a->fault, error,
                        "%s is added, but its profile could not be written: %s; say it again",
                        a->request.name, strerror(-error));
    return 0;
}

/* Where devices cannot enrol, what was made here is all there is. */
static int make_offer(struct addition *a, const struct registry_entry *e)
{
    struct token token = { .kind = e->kind, .days = a->options->days, .replaces = true };
    if (a->key[0] == '\0' || a->options->is_bait)
        return 0;
    (void)snprintf(token.name, sizeof(token.name), "%s", e->name);
    (void)snprintf(token.role, sizeof(token.role), "%s", e->role);
    (void)snprintf(token.tenant, sizeof(token.tenant), "%s", e->tenant);
    (void)snprintf(token.site, sizeof(token.site), "%s", e->site);
    int error = enrolment_offer_make(a->options, a->registry, &token, false, &a->offer, &a->fault);
    a->has_offer = error == 0;
    return error == -ENOTSUP ? 0 : error;
}

/* NULL out of memory. */
static json_t *describe_added(const struct addition *a, const struct registry_entry *e)
{
    json_t *document = identity_print_entry_json(e);
    int error =
        json_object_set_new(document, "files",
                            json_pack("{s:s?, s:s, s:s}", "key", a->key[0] != '\0' ? a->key : NULL,
                                      "certificate", a->certificate, "ca", a->authority));
    if (error == 0 && a->has_offer)
        error = json_object_set_new(document, "enrolment", enrolment_offer_json(&a->offer));
    if (error == 0)
        return document;
    json_decref(document);
    return NULL;
}

static int print_added(const struct addition *a, const struct registry_entry *e)
{
    char to[IDENTITY_PRINT_TIME_SIZE];
    if (a->options->json)
        return identity_print_document(describe_added(a, e));
    (void)printf("%s may act as %s until %s\n", e->name, e->role,
                 identity_print_time(e->certificate.not_after_s, to));
    if (a->key[0] != '\0')
        (void)printf("  key          %s (readable by you alone)\n", a->key);
    (void)printf("  certificate  %s\n  CA           %s\n", a->certificate, a->authority);
    if (a->key[0] != '\0')
        (void)printf("Use it with: tacit pub --as %s ..., tacit sub --as %s ...\n", e->name,
                     e->name);
    if (a->has_offer) {
        (void)fputs("Better: let the device make a key of its own, in place of this one.\n",
                    stdout);
        enrolment_offer_print(&a->offer);
    }
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* What the device is to trust: the root, which outlives the CA that signs now. */
static int save_authority(struct addition *a)
{
    struct certificate *root;
    int error = state_ca_root(a->options->state, &root, &a->fault);
    if (error < 0)
        return error;
    error = certificate_save(root, a->authority, &a->fault);
    certificate_free(root);
    return error;
}

static int add(struct addition *a, struct registry_entry *out)
{
    int error = open_state(a);
    if (error == 0)
        error = choose_places(a);
    if (error == 0)
        error = enrol(a);
    if (error == 0)
        error = save_authority(a);
    if (error == 0)
        error = save_profile(a);
    if (error == 0)
        error = registry_find(a->registry, a->request.name, out, &a->fault);
    if (error == 0)
        error = make_offer(a, out);
    return error;
}

int device_add(const struct identity_options *options)
{
    struct registry_entry entry = { 0 };
    struct addition *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    a->options = options;

    int result = IDENTITY_EXIT_DONE;
    if (check_names(a) < 0)
        result = identity_options_fail(options, IDENTITY_EXIT_USAGE, "%s", a->fault.text);
    else if (options->token_only)
        result = device_token_introduce(options);
    else if (add(a, &entry) < 0)
        result = identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", a->fault.text);
    else
        result = print_added(a, &entry);
    registry_close(a->registry);
    ca_close(a->ca);
    signing_close(&a->signing);
    free(a);
    return result;
}
