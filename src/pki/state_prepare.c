/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/enrolment.h"
#include "pki/private_file.h"
#include "pki/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADMIN_ROLE    "admin"
#define ADMIN_DAYS    365
#define SECONDS_A_DAY 86400

/* One preparation in progress. Every step asks what is there and makes what is not, so that
 * it does not matter where the last one ended. */
struct preparation {
    const char *dir;
    const struct state_options *options;
    struct state_made made;
    struct pki_fault *fault;
    struct certificate_list authorities; /* that sign, or have signed what is still valid */
    struct ca_keyring ring;
    struct ca *ca; /* opened when something must be signed; its key may be elsewhere else */
    int64_t now_s;
    char path[STATE_FILE_COUNT][STATE_PATH_SIZE];
};

static int prepare_folders(struct preparation *p)
{
    static const char *const inner[] = { "ca", "server", "admin", "store" };
    char path[STATE_PATH_SIZE + 16];
    bool made = false;

    int error = private_file_make_dir(p->dir, &p->made.folder);
    if (error < 0)
        return pki_fail(p->fault, error, "%s: cannot make the state folder: %s", p->dir,
                        strerror(-error));
    error = state_check(p->dir, p->fault);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(inner) && error == 0; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->dir, inner[i]);
        error = private_file_make_dir(path, &made);
        if (error < 0)
            return pki_fail(p->fault, error, "%s: cannot make the folder: %s", path,
                            strerror(-error));
        error = state_check(path, p->fault);
    }
    return error;
}

static void sweep(const struct preparation *p)
{
    static const char *const inner[] = { "ca", "server", "admin" };
    char path[STATE_PATH_SIZE + 16];
    for (size_t i = 0; i < MQTT_ARRAY_LEN(inner); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->dir, inner[i]);
        /* What cannot be swept does no harm either: nothing ever reads it. */
        int error = private_file_sweep(path);
        (void)error;
    }
}

/* The root, found or made. What a preparation that was cut short has made is taken up. */
static int open_root(struct preparation *p, struct ca **out)
{
    struct key *key = NULL;
    struct certificate *root = NULL;
    int error = certificate_load(p->path[STATE_ROOT_CERTIFICATE], &root, p->fault);
    if (error == 0) {
        error = ca_keyring_load(&p->ring, p->path[STATE_ROOT_KEY], &key, p->fault);
    } else if (error == -ENOENT) {
        error =
            key_load_or_create_as(p->path[STATE_ROOT_KEY], p->options->algorithm, &key, p->fault);
        if (error == 0)
            error = ca_make_root(key, p->options->trust_domain, p->now_s, &root, p->fault);
        if (error == 0)
            error = certificate_save(root, p->path[STATE_ROOT_CERTIFICATE], p->fault);
    }
    if (error < 0) {
        certificate_free(root);
        key_free(key);
        return error;
    }
    return ca_new(root, key, out, p->fault);
}

static int find_issuing_key(struct preparation *p, struct key **out)
{
    const char *path = p->path[STATE_CA_KEY];
    if (ca_keyring_has_token(&p->ring))
        return ca_keyring_issuing(&p->ring, path, out, p->fault);
    return key_load_or_create_as(path, p->options->algorithm, out, p->fault);
}

static int make_ca(struct preparation *p)
{
    struct ca *root;
    struct key *key = NULL;
    struct certificate *issuing;
    int error = open_root(p, &root);
    if (error < 0)
        return error;
    error = find_issuing_key(p, &key);
    if (error == 0)
        error = ca_make_issuing(root, key, p->now_s, &issuing, p->fault);
    key_free(key);
    ca_close(root);
    if (error == 0)
        error = certificate_list_add(&p->authorities, issuing);
    if (error == 0)
        error = certificate_list_save(&p->authorities, p->path[STATE_CA_CERTIFICATE], p->fault);
    p->made.ca = error == 0;
    return error;
}

static int prepare_ca(struct preparation *p)
{
    int error = certificate_list_load(p->path[STATE_CA_CERTIFICATE], &p->authorities, p->fault);
    if (error == -ENOENT)
        error = make_ca(p);
    struct certificate_facts facts;
    if (error == 0)
        error = ca_trust_domain_of(p->authorities.all[0], p->made.trust_domain, p->fault);
    if (error == 0)
        error = certificate_facts_of(p->authorities.all[0], &facts, p->fault);
    if (error == 0)
        p->made.ca_not_after_s = facts.registered.not_after_s;
    return error;
}

static int open_ca(struct preparation *p, const char *purpose)
{
    struct key *key;
    if (p->ca != NULL)
        return 0;
    int error = ca_keyring_issuing(&p->ring, p->path[STATE_CA_KEY], &key, p->fault);
    if (error == 0)
        error = ca_new_among(&p->authorities, key, &p->ca, p->fault);
    if (error == -ENOENT)
        return pki_fail(p->fault, error,
                        "%s is missing and needed for %s; put it back from your backup",
                        p->path[STATE_CA_KEY], purpose);
    return error;
}

enum certificate_age {
    CERTIFICATE_UNUSABLE = 0, /* missing, expired, of another key or another CA */
    CERTIFICATE_OLD,
    CERTIFICATE_FRESH,
};

static const struct certificate *issuer_of(const struct preparation *p,
                                           const struct certificate *certificate)
{
    for (size_t i = 0; i < p->authorities.count; i++)
        if (certificate_is_valid_under(certificate, p->authorities.all[i], p->now_s))
            return p->authorities.all[i];
    return NULL;
}

/* Is it time for another one, and would it be valid for longer? The newest CA signs it, and no
 * certificate outlives its CA. */
static bool is_due(const struct preparation *p, const struct certificate *certificate)
{
    struct certificate_facts facts;
    struct certificate_facts authority;
    if (certificate_facts_of(certificate, &facts, NULL) < 0
        || certificate_facts_of(p->authorities.all[0], &authority, NULL) < 0)
        return false;
    int64_t third_s = (facts.registered.not_after_s - facts.registered.not_before_s) / 3;
    int64_t limit_s = (int64_t)STATE_RENEW_DAYS * SECONDS_A_DAY;
    int64_t left_s = facts.registered.not_after_s - p->now_s;
    return left_s < (third_s < limit_s ? third_s : limit_s)
           && authority.registered.not_after_s > facts.registered.not_after_s;
}

static enum certificate_age age_of(const struct preparation *p, enum state_file certificate_file,
                                   const struct key *key)
{
    struct certificate *certificate;
    enum certificate_age age = CERTIFICATE_UNUSABLE;
    if (certificate_load(p->path[certificate_file], &certificate, NULL) < 0)
        return age;
    if (certificate_matches_key(certificate, key) && issuer_of(p, certificate) != NULL)
        age = is_due(p, certificate) ? CERTIFICATE_OLD : CERTIFICATE_FRESH;
    certificate_free(certificate);
    return age;
}

/* An old certificate still serves where the CA's key cannot be had. */
static bool is_good_enough(struct preparation *p, enum certificate_age age)
{
    struct pki_fault *fault = p->fault;
    if (age != CERTIFICATE_OLD)
        return age == CERTIFICATE_FRESH;
    p->fault = &p->made.overdue;
    p->made.is_overdue = open_ca(p, "the renewal of a certificate") < 0;
    p->fault = fault;
    return p->made.is_overdue;
}

static int make_server(struct preparation *p, const struct key *key)
{
    struct certificate *certificate;
    struct certificate *old = NULL;
    struct certificate_list chain = { 0 };
    struct ca_server_request request = { .key = key,
                                         .names = p->options->server_names,
                                         .name_count = p->options->server_name_count,
                                         .now_s = p->now_s };
    /* Names given by hand once are kept for good. */
    if (certificate_load(p->path[STATE_SERVER_CERTIFICATE], &old, NULL) == 0)
        request.predecessor = old;
    int error = open_ca(p, "a server certificate");
    if (error == 0)
        error = ca_issue_server(p->ca, &request, &certificate, p->fault);
    certificate_free(old);
    if (error < 0)
        return error;
    error = ca_chain(p->ca, certificate, &chain);
    if (error == 0)
        error = certificate_list_save(&chain, p->path[STATE_SERVER_CERTIFICATE], p->fault);
    certificate_list_fini(&chain);
    certificate_free(certificate);
    p->made.server = error == 0;
    return error;
}

static int prepare_server(struct preparation *p)
{
    struct key *key;
    int error = key_load_or_create(p->path[STATE_SERVER_KEY], &key, p->fault);
    if (error < 0)
        return error;
    if (!is_good_enough(p, age_of(p, STATE_SERVER_CERTIFICATE, key)))
        error = make_server(p, key);
    key_free(key);
    return error;
}

/* Is the admin complete, or taken out of service on purpose? */
static int admin_is_settled(struct preparation *p, struct registry *registry, bool *out)
{
    struct key *key;
    struct registry_entry entry;
    int error = registry_find(registry, STATE_ADMIN_NAME, &entry, p->fault);
    if (error < 0 && error != -ENOENT)
        return error;
    bool is_known = error == 0;
    if (is_known && entry.status != REGISTRY_ACTIVE) {
        *out = true;
        return 0;
    }
    error = key_load(p->path[STATE_ADMIN_KEY], &key, p->fault);
    if (error == -ENOENT) {
        /* Registered, and the key is kept elsewhere: as it should be in the long run. */
        *out = is_known;
        return 0;
    }
    if (error < 0)
        return error;
    *out = is_known && is_good_enough(p, age_of(p, STATE_ADMIN_CERTIFICATE, key));
    key_free(key);
    return 0;
}

static int prepare_admin(struct preparation *p, struct registry *registry)
{
    bool is_settled = false;
    int error = admin_is_settled(p, registry, &is_settled);
    if (error < 0 || is_settled)
        return error;
    error = open_ca(p, "the admin's certificate");
    if (error == 0)
        error = enrolment_create(
            p->ca, registry,
            &(struct enrolment){ .name = STATE_ADMIN_NAME,
                                 .kind = IDENTITY_ADMIN,
                                 .role = ADMIN_ROLE,
                                 .days = ADMIN_DAYS,
                                 .now_s = p->now_s },
            &(struct enrolment_paths){ .key_path = p->path[STATE_ADMIN_KEY],
                                       .certificate_path = p->path[STATE_ADMIN_CERTIFICATE] },
            p->fault);
    p->made.admin = error == 0;
    return error;
}

static int prepare_identities(struct preparation *p)
{
    struct registry *registry;
    bool was_there = access(p->path[STATE_REGISTRY], F_OK) == 0;
    int error = registry_open(p->path[STATE_REGISTRY], &registry, p->fault);
    if (error < 0)
        return error;
    p->made.registry = !was_there;
    if (!p->options->without_server)
        error = prepare_admin(p, registry);
    registry_close(registry);
    return error;
}

static int prepare_locked(struct preparation *p)
{
    if (!p->options->only_server)
        sweep(p);
    int error = prepare_ca(p);
    if (error == 0 && (!p->options->without_server))
        error = prepare_server(p);
    if (error == 0 && !p->options->only_server)
        error = prepare_identities(p);
    return error;
}

static int fill_paths(struct preparation *p)
{
    for (unsigned i = 0; i < STATE_FILE_COUNT; i++) {
        int error = state_path(p->dir, (enum state_file)i, p->path[i]);
        if (error < 0)
            return pki_fail(p->fault, error, "%s: the path is too long", p->dir);
    }
    return 0;
}

int state_prepare(const char *dir, const struct state_options *options, struct state_made *out,
                  struct pki_fault *fault)
{
    static const struct state_options none = { 0 };
    int lock;
    struct preparation *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return -ENOMEM;
    p->dir = dir;
    p->options = options != NULL ? options : &none;
    p->fault = fault;
    p->ring.access = p->options->access;
    p->now_s = p->options->now_s != 0 ? p->options->now_s : (int64_t)time(NULL);

    int error = fill_paths(p);
    if (error == 0)
        error = prepare_folders(p);
    if (error == 0)
        error = state_lock(p->dir, !p->options->only_server, &lock, p->fault);
    if (error == 0) {
        error = prepare_locked(p);
        close(lock);
    }
    if (error == 0)
        *out = p->made;
    ca_close(p->ca);
    ca_keyring_fini(&p->ring);
    certificate_list_fini(&p->authorities);
    free(p);
    return error;
}
