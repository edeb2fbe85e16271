/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/state_ca.h"

#include "pki/private_file.h"
#include "pki/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The places of one folder. */
struct places {
    char path[STATE_FILE_COUNT][STATE_PATH_SIZE];
};

static int find_places(const char *dir, struct places **out, struct pki_fault *fault)
{
    struct places *places = calloc(1, sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < STATE_FILE_COUNT; i++) {
        int error = state_path(dir, (enum state_file)i, places->path[i]);
        if (error < 0) {
            free(places);
            return pki_fail(fault, error, "%s: the path is too long", dir);
        }
    }
    *out = places;
    return 0;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- looking ---- */

static int look_at_key(const char *path, bool *out_there, bool *is_sealed, struct pki_fault *fault)
{
    bool sealed = false;
    int error = key_is_sealed(path, &sealed, fault);
    if (error < 0 && error != -ENOENT)
        return error;
    *out_there = error == 0;
    *is_sealed = *is_sealed || sealed;
    return 0;
}

int state_ca_look(const char *dir, struct state_ca_keys *out, struct pki_fault *fault)
{
    struct places *places;
    struct state_ca_keys keys = { 0 };
    int error = find_places(dir, &places, fault);
    if (error < 0)
        return error;
    keys.has_root = is_there(places->path[STATE_ROOT_CERTIFICATE]);
    error = look_at_key(places->path[STATE_ROOT_KEY], &keys.has_root_key, &keys.is_sealed, fault);
    if (error == 0)
        error = look_at_key(places->path[STATE_CA_KEY], &keys.has_key, &keys.is_sealed, fault);
    if (error == 0)
        error =
            look_at_key(places->path[STATE_NEXT_KEY], &keys.is_unfinished, &keys.is_sealed, fault);
    free(places);
    if (error == 0)
        *out = keys;
    return error;
}

static int load_issuing_key(const struct places *places, struct ca_keyring *ring, struct key **out,
                            struct pki_fault *fault)
{
    const char *path = places->path[STATE_CA_KEY];
    int error = ca_keyring_issuing(ring, path, out, fault);
    if (error == -ENOENT && !is_there(path))
        return pki_fail(fault, error, "%s is kept elsewhere; put it back to sign certificates",
                        path);
    return error;
}

int state_ca_open(const char *dir, const struct ca_access *access, struct ca **out,
                  struct pki_fault *fault)
{
    struct places *places;
    struct ca_keyring ring = { .access = access };
    struct certificate_list list = { 0 };
    struct key *key = NULL;
    int error = find_places(dir, &places, fault);
    if (error < 0)
        return error;
    /* The key before the certificates, as no lock is held: a renewal writes them the other way
     * round, so the certificate of whichever key was found is there. */
    error = load_issuing_key(places, &ring, &key, fault);
    if (error == 0)
        error = certificate_list_load(places->path[STATE_CA_CERTIFICATE], &list, fault);
    if (error < 0) {
        key_free(key);
    } else {
        error = ca_new_among(&list, key, out, fault);
        if (error == -EBADMSG)
            (void)pki_fail(fault, error, "the key of the CA belongs to no certificate in %s",
                           places->path[STATE_CA_CERTIFICATE]);
    }
    certificate_list_fini(&list);
    ca_keyring_fini(&ring);
    free(places);
    return error;
}

/* Where there is no root of its own, one of the issuing CAs is it. */
static int root_among(const char *path, struct certificate **out, struct pki_fault *fault)
{
    struct certificate_list list = { 0 };
    int error = certificate_list_load(path, &list, fault);
    if (error < 0)
        return error;
    size_t which = 0;
    for (size_t i = 0; i < list.count; i++)
        if (certificate_is_self_signed(list.all[i]))
            which = i;
    struct certificate *root = certificate_copy(list.all[which]);
    certificate_list_fini(&list);
    if (root == NULL)
        return -ENOMEM;
    *out = root;
    return 0;
}

int state_ca_root(const char *dir, struct certificate **out, struct pki_fault *fault)
{
    struct places *places;
    int error = find_places(dir, &places, fault);
    if (error < 0)
        return error;
    error = certificate_load(places->path[STATE_ROOT_CERTIFICATE], out, fault);
    if (error == -ENOENT)
        error = root_among(places->path[STATE_CA_CERTIFICATE], out, fault);
    free(places);
    return error;
}

/* ---- the next one ---- */

struct renewal {
    const struct places *places;
    struct ca_keyring ring;
    struct certificate_list before;
    struct ca *root;
    struct key *next;
    bool is_sealed; /* so the next key is sealed, too */
    int64_t now_s;
    struct pki_fault *fault;
};

/* Saves a key as the others are. */
static int save_key(struct renewal *r, const struct key *key, const char *path)
{
    const struct passphrase *passphrase = NULL;
    int error = r->is_sealed ? ca_keyring_passphrase(&r->ring, path, &passphrase, r->fault) : 0;
    return error == 0 ? key_save_with(key, passphrase, path, r->fault) : error;
}

/* Of a folder of before: what issues there becomes the root. The certificate comes last, since it
 * tells that there are two tiers. */
static int promote_root(struct renewal *r)
{
    const struct places *places = r->places;
    struct key *key;
    const struct certificate *root = r->before.all[r->before.count - 1];
    if (!certificate_is_self_signed(root))
        return pki_fail(r->fault, -ENOENT, "%s is missing; put it back from your backup",
                        places->path[STATE_ROOT_CERTIFICATE]);
    int error = 0;
    if (!is_there(places->path[STATE_ROOT_KEY])) {
        error = ca_keyring_load(&r->ring, places->path[STATE_CA_KEY], &key, r->fault);
        if (error < 0)
            return error;
        error = save_key(r, key, places->path[STATE_ROOT_KEY]);
        key_free(key);
    }
    return error == 0 ? certificate_save(root, places->path[STATE_ROOT_CERTIFICATE], r->fault)
                      : error;
}

static int open_root(struct renewal *r)
{
    const char *certificate_path = r->places->path[STATE_ROOT_CERTIFICATE];
    const char *key_path = r->places->path[STATE_ROOT_KEY];
    struct certificate *certificate;
    struct key *key;
    int error = is_there(certificate_path) ? 0 : promote_root(r);
    if (error == 0)
        error = ca_keyring_load(&r->ring, key_path, &key, r->fault);
    if (error == -ENOENT)
        return pki_fail(r->fault, error,
                        "%s is kept elsewhere; put it back for as long as the renewal takes",
                        key_path);
    if (error < 0)
        return error;
    error = certificate_load(certificate_path, &certificate, r->fault);
    if (error < 0) {
        key_free(key);
        return error;
    }
    error = ca_new(certificate, key, &r->root, r->fault);
    if (error == -EBADMSG)
        (void)pki_fail(r->fault, error, "%s is not the key of %s", key_path, certificate_path);
    return error;
}

/* The key for the next one: that of the token stays; a file is made now, or was by a renewal that
 * was cut short. */
static int find_next_key(struct renewal *r)
{
    const char *path = r->places->path[STATE_NEXT_KEY];
    if (ca_keyring_has_token(&r->ring))
        return ca_keyring_issuing(&r->ring, path, &r->next, r->fault);
    int error = ca_keyring_load(&r->ring, path, &r->next, r->fault);
    if (error != -ENOENT)
        return error;
    struct certificate_facts facts;
    error = certificate_facts_of(ca_certificate(r->root), &facts, r->fault);
    if (error == 0)
        error = key_generate_as(facts.algorithm == KEY_ED25519 ? KEY_ED25519 : KEY_P256, &r->next,
                                r->fault);
    return error == 0 ? save_key(r, r->next, path) : error;
}

static bool is_worth_keeping(const struct renewal *r, const struct certificate *certificate)
{
    struct certificate_facts facts;
    return !certificate_matches_key(certificate, r->next)
           && certificate_facts_of(certificate, &facts, NULL) == 0
           && facts.registered.not_after_s > r->now_s;
}

/* The next certificate before those that are still valid. */
static int write_certificates(struct renewal *r)
{
    struct certificate_list list = { 0 };
    struct certificate *made = NULL;
    int error = ca_make_issuing(r->root, r->next, r->now_s, &made, r->fault);
    if (error < 0)
        return error;
    error = certificate_list_add(&list, made);
    for (size_t i = 0; i < r->before.count && error == 0; i++)
        if (is_worth_keeping(r, r->before.all[i]))
            error = certificate_list_add(&list, certificate_copy(r->before.all[i]));
    if (error == -E2BIG)
        error = pki_fail(r->fault, error, "%s holds %d CAs that are still valid; that is enough",
                         r->places->path[STATE_CA_CERTIFICATE], CERTIFICATE_LIST_MAX);
    if (error == 0)
        error = certificate_list_save(&list, r->places->path[STATE_CA_CERTIFICATE], r->fault);
    certificate_list_fini(&list);
    return error;
}

/* The key of the CA before has no use any more. */
static int put_key_in_force(const struct renewal *r)
{
    const char *path = r->places->path[STATE_CA_KEY];
    int old = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    int error = rename(r->places->path[STATE_NEXT_KEY], path) < 0 ? -errno : 0;
    if (error == 0)
        error = private_file_sync_parent(path);
    if (error == 0 && old >= 0)
        private_file_scrub(old);
    if (old >= 0)
        close(old);
    return error < 0
               ? pki_fail(r->fault, error, "%s: cannot replace the key: %s", path, strerror(-error))
               : 0;
}

static int renew(struct renewal *r, const char *dir)
{
    struct state_ca_keys keys;
    int error = state_ca_look(dir, &keys, r->fault);
    if (error == 0) {
        r->is_sealed = keys.is_sealed;
        error = certificate_list_load(r->places->path[STATE_CA_CERTIFICATE], &r->before, r->fault);
    }
    if (error == 0)
        error = open_root(r);
    if (error == 0)
        error = find_next_key(r);
    if (error < 0)
        return error;
    bool has_token = ca_keyring_has_token(&r->ring);
    /* Cut short after the certificates were written: only the key's name is missing. */
    if (has_token || !certificate_matches_key(r->before.all[0], r->next))
        error = write_certificates(r);
    return error == 0 && !has_token ? put_key_in_force(r) : error;
}

int state_ca_renew(const char *dir, const struct ca_access *access, int64_t now_s,
                   struct pki_fault *fault)
{
    struct places *places;
    int lock;
    int error = state_check(dir, fault);
    if (error == 0)
        error = find_places(dir, &places, fault);
    if (error < 0)
        return error;
    struct renewal r = {
        .places = places, .ring = { .access = access }, .now_s = now_s, .fault = fault
    };
    error = state_lock(dir, true, &lock, fault);
    if (error == 0) {
        error = renew(&r, dir);
        close(lock);
    }
    key_free(r.next);
    ca_close(r.root);
    certificate_list_fini(&r.before);
    ca_keyring_fini(&r.ring);
    free(places);
    return error;
}

/* ---- under a passphrase ---- */

static const enum state_file sealable[] = { STATE_CA_KEY, STATE_ROOT_KEY, STATE_NEXT_KEY };

typedef int (*key_change)(const char *path, void *context, struct pki_fault *fault);

/* Each by itself is done or not; who is cut short says it again. */
static int change_keys(const char *dir, key_change change, void *context, struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    unsigned found = 0;
    int lock;
    int error = state_check(dir, fault);
    if (error == 0)
        error = state_lock(dir, true, &lock, fault);
    if (error < 0)
        return error;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(sealable) && error == 0; i++) {
        error = state_path(dir, sealable[i], path);
        if (error == 0 && is_there(path)) {
            error = change(path, context, fault);
            found++;
        }
    }
    close(lock);
    if (error == 0 && found == 0)
        return pki_fail(fault, -ENOENT, "there is no key of a CA in %s", dir);
    return error;
}

static int seal_key(const char *path, void *context, struct pki_fault *fault)
{
    const struct passphrase *passphrase = context;
    struct key *key;
    bool is_sealed = false;
    int error = key_is_sealed(path, &is_sealed, fault);
    if (error == 0)
        error = key_load_with(path, passphrase, &key, fault);
    if (error == -EKEYREJECTED)
        return pki_fail(fault, error, "%s is sealed with another passphrase; unseal it first",
                        path);
    if (error < 0)
        return error;
    if (!is_sealed)
        error = key_replace(key, passphrase, path, fault);
    key_free(key);
    return error;
}

static int unseal_key(const char *path, void *context, struct pki_fault *fault)
{
    struct ca_keyring *ring = context;
    struct key *key;
    bool is_sealed = false;
    int error = key_is_sealed(path, &is_sealed, fault);
    if (error < 0 || !is_sealed)
        return error;
    error = ca_keyring_load(ring, path, &key, fault);
    if (error < 0)
        return error;
    error = key_replace(key, NULL, path, fault);
    key_free(key);
    return error;
}

int state_ca_seal(const char *dir, const struct passphrase *passphrase, struct pki_fault *fault)
{
    int error = passphrase_check_new(passphrase, fault);
    if (error < 0)
        return error;
    struct passphrase copy = *passphrase;
    error = change_keys(dir, seal_key, &copy, fault);
    passphrase_fini(&copy);
    return error;
}

int state_ca_unseal(const char *dir, const struct ca_access *access, struct pki_fault *fault)
{
    struct ca_keyring ring = { .access = access };
    int error = change_keys(dir, unseal_key, &ring, fault);
    ca_keyring_fini(&ring);
    return error;
}
