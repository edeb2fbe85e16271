/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_device.h"

#include "pki/identity_uri.h"
#include "tools/enroll_attest.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum enroll_exit fail(const struct pki_fault *fault)
{
    return enroll_options_fail(ENROLL_EXIT_FAILED, "%s", fault->text);
}

/* ---- the key ---- */

/* A plain file is worth what whoever reads it is worth. */
static void warn_of(const char *path, enum key_protection protection)
{
    if (protection == KEY_PROTECTION_PLAIN)
        (void)fprintf(
            stderr,
            "tacit enroll: warning: whoever can read %s has this device's key, and a copy "
            "of it works everywhere; --key-store sealed binds it to this machine\n",
            path);
}

/* The store of the next key, unless somebody says otherwise, is that of the present one. */
static int make_key(const struct enroll_files *files, const struct enroll_key *wanted,
                    const char *path, struct pki_fault *fault)
{
    struct device_key_store store = { .protection = KEY_PROTECTION_SEALED };
    char room[DEVICE_KEY_PLACE_SIZE];
    int error = 0;

    if (wanted->store != NULL)
        store = *wanted->store;
    else if (wanted->is_next && access(files->key, F_OK) == 0)
        error = device_key_same_store(files->key, room, &store, fault);
    return error == 0 ? device_key_create(&store, wanted->is_next, path, fault) : error;
}

/* The key that is there stays: an attempt that was interrupted goes on with it. */
static int find_key(const struct enroll_files *files, const struct enroll_key *wanted,
                    const char *path, enum key_protection *out, struct pki_fault *fault)
{
    int error = device_key_protection(path, out, fault);

    if (error == -ENOENT) {
        error = make_key(files, wanted, path, fault);
        if (error == 0)
            error = device_key_protection(path, out, fault);
        if (error == 0)
            warn_of(path, *out);
    }
    if (error == 0 && wanted->store != NULL && wanted->store->protection != *out)
        error = pki_fail(fault, -EEXIST,
                         "%s: there is a key already, which is kept otherwise (%s); say --new-key "
                         "as well",
                         path, identity_extension_protection_text(*out));
    return error;
}

static int make_request(const struct enroll_files *files, const struct enroll_key *wanted,
                        const char *name, struct csr **out, struct pki_fault *fault)
{
    const char *path = wanted->is_next ? files->next_key : files->key;
    enum key_protection protection;
    struct key *key;
    int error = find_key(files, wanted, path, &protection, fault);

    if (error == 0)
        error = device_key_load(path, &key, fault);
    if (error < 0)
        return error;
    error = csr_new_declaring(key, name, protection, out, fault);
    key_free(key);
    return error;
}

static enum enroll_exit get_certificate(const struct enroll_files *files,
                                        const struct enroll_call *call, const char *name,
                                        const struct enroll_key *key)
{
    struct pki_fault fault = { "out of memory" };
    struct csr *csr;
    struct certificate *certificate;

    if (make_request(files, key, name, &csr, &fault) < 0)
        return fail(&fault);
    enum enroll_exit code = enroll_exchange_sign(call, csr, &certificate);
    csr_free(csr);
    if (code != ENROLL_EXIT_DONE)
        return code;
    int error = enroll_files_store(files, certificate, key->is_next, &fault);
    certificate_free(certificate);
    return error < 0 ? fail(&fault) : ENROLL_EXIT_DONE;
}

/* A key that its TPM has proved gets a certificate that says so. One that stays declared is as good as
 * it was: whoever asks for more is told why. */
static enum enroll_exit attest(const struct enroll_files *files, const struct enroll_call *call,
                               const char *name)
{
    static const struct enroll_key same = { .is_next = false };
    struct pki_fault fault = { "" };
    const struct enroll_call again = {
        .host = call->host,
        .port = call->port,
        .operation = "simplereenroll",
        .authority_file = files->authority,
        .certificate_file = files->certificate,
        .key_file = files->key,
    };

    if (enroll_attest(files, call, &fault) == 0)
        return get_certificate(files, &again, name, &same);
    (void)fprintf(stderr, "tacit enroll: note: the key is declared, not attested: %s\n",
                  fault.text);
    return ENROLL_EXIT_DONE;
}

enum enroll_exit enroll_device_get(const struct enroll_files *files, const struct enroll_call *call,
                                   const char *name, const struct enroll_key *key)
{
    enum enroll_exit code = get_certificate(files, call, name, key);

    return code == ENROLL_EXIT_DONE && enroll_attest_is_wanted(files) ? attest(files, call, name)
                                                                      : code;
}

static bool is_for(const struct certificate *certificate, const char *name)
{
    struct certificate_facts facts;
    struct identity_uri uri;

    return certificate_facts_of(certificate, &facts, NULL) == 0
           && identity_uri_parse(span_of(facts.uri), &uri) == 0 && strcmp(uri.name, name) == 0;
}

bool enroll_device_is_signed(const struct certificate *certificate, const char *authority,
                             int64_t now_s)
{
    struct bundle *bundle;
    bool is_good = false;

    if (bundle_load(authority, &bundle, NULL) < 0)
        return false;
    for (size_t i = 0; i < bundle_count(bundle); i++)
        is_good = is_good || certificate_is_valid_under(certificate, bundle_at(bundle, i), now_s);
    bundle_free(bundle);
    return is_good;
}

bool enroll_device_has(const struct enroll_files *files, const char *name, int64_t now_s)
{
    struct certificate *certificate;
    struct key *key;

    if (certificate_load(files->certificate, &certificate, NULL) < 0)
        return false;
    bool has =
        is_for(certificate, name) && enroll_device_is_signed(certificate, files->authority, now_s);
    if (has && device_key_load(files->key, &key, NULL) == 0) {
        has = certificate_matches_key(certificate, key);
        key_free(key);
    } else {
        has = false;
    }
    certificate_free(certificate);
    return has;
}

static const char *protection_of(const struct enroll_files *files)
{
    enum key_protection protection = KEY_PROTECTION_UNKNOWN;

    return device_key_protection(files->key, &protection, NULL) == 0
               ? identity_extension_protection_text(protection)
               : "unknown";
}

static bool is_attested(const struct certificate *certificate)
{
    struct identity_extension extension;

    return certificate_extension_of(certificate, &extension) == 0 && extension.is_attested;
}

static json_t *describe(const struct enroll_files *files, const struct certificate *certificate,
                        const char *name, bool is_new)
{
    json_t *facts = identity_print_certificate_json(certificate);

    return json_pack("{s:s, s:b, s:s, s:b, s:o, s:{s:s, s:s, s:s}}", "name", name, "new",
                     (int)is_new, "key_store", protection_of(files), "attested",
                     (int)is_attested(certificate), "certificate",
                     facts != NULL ? facts : json_null(), "files", "key", files->key, "certificate",
                     files->certificate, "ca", files->authority);
}

enum enroll_exit enroll_device_print(const struct enroll_files *files, const char *name,
                                     bool is_new, bool json)
{
    char to[IDENTITY_PRINT_TIME_SIZE];
    struct pki_fault fault = { "" };
    struct certificate_facts facts;
    struct certificate *certificate;

    if (certificate_load(files->certificate, &certificate, &fault) < 0)
        return fail(&fault);
    int error = certificate_facts_of(certificate, &facts, &fault);
    json_t *document = json ? describe(files, certificate, name, is_new) : NULL;
    const char *proof = is_attested(certificate) ? ", attested" : "";
    certificate_free(certificate);
    if (json)
        return identity_print_document(document) == 0 ? ENROLL_EXIT_DONE : ENROLL_EXIT_FAILED;
    if (error < 0)
        return fail(&fault);
    (void)printf("%s %s a certificate until %s\n", name, is_new ? "has" : "has already",
                 identity_print_time(facts.registered.not_after_s, to));
    (void)printf("  key          %s (made here; %s%s)\n  certificate  %s\n"
                 "  CA           %s\nUse it with: tacit pub --as %s ..., tacit sub --as %s ...\n",
                 files->key, protection_of(files), proof, files->certificate, files->authority,
                 name, name);
    return fflush(stdout) == 0 ? ENROLL_EXIT_DONE : ENROLL_EXIT_FAILED;
}
