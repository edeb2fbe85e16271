/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/enrolment.h"
#include "pki/private_file.h"
#include "pki/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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
    struct certificate *root;
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

/* Waits for another preparation of the same folder to end. */
static int take_lock(struct preparation *p, int *out)
{
    char path[STATE_PATH_SIZE + 8];
    (void)snprintf(path, sizeof(path), "%s/lock", p->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return pki_fail(p->fault, -errno, "%s: cannot make the lock: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX) < 0) {
        int error = -errno;
        close(fd);
        return pki_fail(p->fault, error, "%s: cannot lock: %s", path, strerror(-error));
    }
    *out = fd;
    return 0;
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

static int make_root(struct preparation *p)
{
    struct key *key;
    const char *domain = p->options != NULL ? p->options->trust_domain : NULL;
    int error = key_load_or_create(p->path[STATE_CA_KEY], &key, p->fault);
    if (error < 0)
        return error;
    error = ca_make_root(key, domain, p->now_s, &p->root, p->fault);
    key_free(key);
    if (error == 0)
        error = certificate_save(p->root, p->path[STATE_CA_CERTIFICATE], p->fault);
    p->made.ca = error == 0;
    return error;
}

static int prepare_ca(struct preparation *p)
{
    int error = certificate_load(p->path[STATE_CA_CERTIFICATE], &p->root, p->fault);
    if (error == -ENOENT)
        error = make_root(p);
    if (error == 0)
        error = ca_trust_domain_of(p->root, p->made.trust_domain, p->fault);
    return error;
}

static int open_ca(struct preparation *p, const char *purpose)
{
    if (p->ca != NULL)
        return 0;
    int error = ca_open(p->path[STATE_CA_CERTIFICATE], p->path[STATE_CA_KEY], &p->ca, p->fault);
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

static enum certificate_age age_of(const struct preparation *p, enum state_file certificate_file,
                                   const struct key *key)
{
    struct certificate *certificate;
    enum certificate_age age = CERTIFICATE_UNUSABLE;
    if (certificate_load(p->path[certificate_file], &certificate, NULL) < 0)
        return age;
    int64_t soon_s = p->now_s + (int64_t)STATE_RENEW_DAYS * SECONDS_A_DAY;
    if (certificate_matches_key(certificate, key)
        && certificate_is_valid_under(certificate, p->root, p->now_s))
        age = certificate_is_valid_under(certificate, p->root, soon_s) ? CERTIFICATE_FRESH
                                                                       : CERTIFICATE_OLD;
    certificate_free(certificate);
    return age;
}

/* An old certificate still serves where the CA key is kept elsewhere. */
static bool is_good_enough(const struct preparation *p, enum certificate_age age)
{
    return age == CERTIFICATE_FRESH
           || (age == CERTIFICATE_OLD && access(p->path[STATE_CA_KEY], F_OK) < 0);
}

static int make_server(struct preparation *p, const struct key *key)
{
    struct certificate *certificate;
    struct certificate *old = NULL;
    struct ca_server_request request = { .key = key, .now_s = p->now_s };
    if (p->options != NULL) {
        request.names = p->options->server_names;
        request.name_count = p->options->server_name_count;
    }
    /* Names given by hand once are kept for good. */
    if (certificate_load(p->path[STATE_SERVER_CERTIFICATE], &old, NULL) == 0)
        request.predecessor = old;
    int error = open_ca(p, "a server certificate");
    if (error == 0)
        error = ca_issue_server(p->ca, &request, &certificate, p->fault);
    certificate_free(old);
    if (error < 0)
        return error;
    error = certificate_save(certificate, p->path[STATE_SERVER_CERTIFICATE], p->fault);
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
    if (p->options == NULL || !p->options->without_server)
        error = prepare_admin(p, registry);
    registry_close(registry);
    return error;
}

static int prepare_locked(struct preparation *p)
{
    sweep(p);
    int error = prepare_ca(p);
    if (error == 0 && (p->options == NULL || !p->options->without_server))
        error = prepare_server(p);
    if (error == 0)
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
    int lock;
    struct preparation *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return -ENOMEM;
    p->dir = dir;
    p->options = options;
    p->fault = fault;
    p->now_s = (int64_t)time(NULL);

    int error = fill_paths(p);
    if (error == 0)
        error = prepare_folders(p);
    if (error == 0)
        error = take_lock(p, &lock);
    if (error == 0) {
        error = prepare_locked(p);
        close(lock);
    }
    if (error == 0)
        *out = p->made;
    ca_close(p->ca);
    certificate_free(p->root);
    free(p);
    return error;
}
