/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_add.h"

#include "pki/enrolment.h"
#include "pki/private_file.h"
#include "pki/state.h"
#include "policy/identity.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/profile.h"

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
    struct ca *ca;
    struct registry *registry;
    struct pki_fault fault;
    char key[PATH_SIZE]; /* empty: the key is elsewhere */
    char certificate[PATH_SIZE];
    char authority[PATH_SIZE];
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

    a->request = (struct enrolment){ .name = name,
                                     .kind = kind,
                                     .role = o->role,
                                     .tenant = o->tenant,
                                     .site = o->site,
                                     .days = o->days,
                                     .now_s = (int64_t)time(NULL) };
    return 0;
}

static int open_state(struct addition *a)
{
    char path[3][STATE_PATH_SIZE];
    const char *dir = a->options->state;
    int error = state_check(dir, &a->fault);
    if (error < 0)
        return error;
    if (state_path(dir, STATE_CA_CERTIFICATE, path[0]) < 0
        || state_path(dir, STATE_CA_KEY, path[1]) < 0
        || state_path(dir, STATE_REGISTRY, path[2]) < 0)
        return pki_fail(&a->fault, -ENAMETOOLONG, "%s: the path is too long", dir);
    error = ca_open(path[0], path[1], &a->ca, &a->fault);
    return error == 0 ? registry_open(path[2], &a->registry, &a->fault) : error;
}

/* CONFIGURATION/tacit/profiles/NAME.json -> CONFIGURATION/tacit/devices/TRUST-DOMAIN: devices of
 * two brokers may have the same name. */
static int default_folder(struct addition *a, char out[PATH_SIZE])
{
    char path[PATH_SIZE];
    int error = profile_path(a->request.name, path, sizeof(path));
    if (error < 0)
        return pki_fail(&a->fault, error, "no home folder for key and profile; choose one: --out");
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return pki_fail(&a->fault, -ENOENT, "%s: not an absolute path", path);
        *slash = '\0';
    }
    int n = snprintf(out, PATH_SIZE, "%s/devices/%s", path, ca_trust_domain(a->ca));
    return n < PATH_SIZE ? 0 : pki_fail(&a->fault, -ENAMETOOLONG, "%s: too long", path);
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

static int print_added(const struct addition *a, const struct registry_entry *e)
{
    char to[IDENTITY_PRINT_TIME_SIZE];
    if (a->options->json) {
        json_t *document = identity_print_entry_json(e);
        if (json_object_set_new(document, "files",
                                json_pack("{s:s?, s:s, s:s}", "key",
                                          a->key[0] != '\0' ? a->key : NULL, "certificate",
                                          a->certificate, "ca", a->authority))
            < 0) {
            json_decref(document);
            document = NULL;
        }
        return identity_print_document(document);
    }
    (void)printf("%s may act as %s until %s\n", e->name, e->role,
                 identity_print_time(e->certificate.not_after_s, to));
    if (a->key[0] != '\0')
        (void)printf("  key          %s (readable by you alone)\n", a->key);
    (void)printf("  certificate  %s\n  CA           %s\n", a->certificate, a->authority);
    if (a->key[0] != '\0')
        (void)printf("Use it with: tacit pub --as %s ..., tacit sub --as %s ...\n", e->name,
                     e->name);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int add(struct addition *a, struct registry_entry *out)
{
    int error = open_state(a);
    if (error == 0)
        error = choose_places(a);
    if (error == 0)
        error = enrol(a);
    if (error == 0)
        error = certificate_save(ca_certificate(a->ca), a->authority, &a->fault);
    if (error == 0)
        error = save_profile(a);
    if (error == 0)
        error = registry_find(a->registry, a->request.name, out, &a->fault);
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
    else if (add(a, &entry) < 0)
        result = identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", a->fault.text);
    else
        result = print_added(a, &entry);
    registry_close(a->registry);
    ca_close(a->ca);
    free(a);
    return result;
}
