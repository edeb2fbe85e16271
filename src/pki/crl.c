/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crl.h"

#include "pki/crl_list.h"
#include "pki/private_file.h"
#include "pki/state.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- reading ---- */

static int load(const char *path, X509_CRL **out, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len;
    int error = private_file_read(path, CRL_MAX_BYTES, &bytes, &len);

    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the revocation list: %s", path,
                        strerror(-error));
    X509_CRL *list = crl_list_decode((struct mqtt_span){ bytes, len });
    free(bytes);
    if (list == NULL)
        return pki_fail_crypto(fault, -EBADMSG, "%s is no revocation list", path);
    *out = list;
    return 0;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out)
{
    struct tm parts;

    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    *out = (int64_t)timegm(&parts);
    return true;
}

static bool facts_of(X509_CRL *list, struct crl_facts *out)
{
    struct crl_facts facts = { .number = crl_list_number(list) };
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list);

    facts.count = entries != NULL ? (size_t)sk_X509_REVOKED_num(entries) : 0;
    if (!seconds_of(X509_CRL_get0_lastUpdate(list), &facts.this_update_s)
        || !seconds_of(X509_CRL_get0_nextUpdate(list), &facts.next_update_s))
        return false;
    *out = facts;
    return true;
}

int crl_read(const char *path, struct crl_facts *out, struct pki_fault *fault)
{
    X509_CRL *list;
    int error = load(path, &list, fault);

    if (error < 0)
        return error;
    if (!facts_of(list, out))
        error = pki_fail(fault, -EBADMSG, "%s: the revocation list has no valid times", path);
    X509_CRL_free(list);
    return error;
}

int crl_lists(const char *path, const char *serial, bool *out, struct pki_fault *fault)
{
    X509_CRL *list;
    X509_REVOKED *entry = NULL;
    int error = load(path, &list, fault);

    if (error < 0)
        return error;
    ASN1_INTEGER *number = crl_list_serial(serial);
    if (number == NULL)
        error = pki_fail(fault, -EINVAL, "'%.60s' is no serial number", serial);
    else
        *out = X509_CRL_get0_by_serial(list, &entry, number) != 0;
    ASN1_INTEGER_free(number);
    X509_CRL_free(list);
    return error;
}

/* ---- gathering ---- */

static int add_entry(void *context, const struct registry_issued *issued)
{
    struct crl_entry entry = { .reason = issued->reason,
                               .revoked_s = issued->revoked_s,
                               .not_after_s = issued->certificate.not_after_s };

    memcpy(entry.serial, issued->certificate.serial, sizeof(entry.serial));
    return crl_entries_add(context, &entry);
}

/* The list to be, as the registry says, and the same as OpenSSL has it. */
static int gather(struct registry *registry, int64_t now_s, struct crl_entries *entries,
                  X509_CRL **out, struct pki_fault *fault)
{
    int error = registry_list_revoked(registry, now_s - CRL_KEEP_S, add_entry, entries, fault);

    if (error == -ENOMEM)
        (void)pki_fail(fault, error, "out of memory");
    if (error == 0)
        error = crl_list_make(entries, out, fault);
    if (error < 0)
        crl_entries_fini(entries);
    return error;
}

/* ---- in the state folder ---- */

struct places {
    char der[STATE_PATH_SIZE];
    char pem[STATE_PATH_SIZE];
    char folder[STATE_PATH_SIZE];
};

static int find_places(const char *dir, struct places *out, struct pki_fault *fault)
{
    if (state_path(dir, STATE_CRL, out->der) < 0 || state_path(dir, STATE_CRL_PEM, out->pem) < 0)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", dir);
    memcpy(out->folder, out->der, sizeof(out->folder));
    *strrchr(out->folder, '/') = '\0';
    return 0;
}

static bool encode(X509_CRL *list, bool as_pem, BIO **out, struct mqtt_span *out_bytes)
{
    char *bytes;
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL
        || (as_pem ? PEM_write_bio_X509_CRL(bio, list) : i2d_X509_CRL_bio(bio, list)) != 1) {
        BIO_free(bio);
        return false;
    }
    long len = BIO_get_mem_data(bio, &bytes);
    *out = bio;
    *out_bytes = (struct mqtt_span){ (const uint8_t *)bytes, (size_t)len };
    return true;
}

static int write_one(X509_CRL *list, bool as_pem, const char *path, struct pki_fault *fault)
{
    BIO *bio;
    struct mqtt_span bytes;

    if (!encode(list, as_pem, &bio, &bytes))
        return pki_fail_crypto(fault, -EIO, "cannot encode the revocation list");
    int error = private_file_write(path, bytes, PRIVATE_FILE_REPLACE);
    BIO_free(bio);
    return error == 0 ? 0
                      : pki_fail(fault, error, "%s: cannot write the revocation list: %s", path,
                                 strerror(-error));
}

/* Do both name the same certificates, with time and reason, in the same order? */
static bool has_same_entries(X509_CRL *a, X509_CRL *b)
{
    STACK_OF(X509_REVOKED) *left = X509_CRL_get_REVOKED(a);
    STACK_OF(X509_REVOKED) *right = X509_CRL_get_REVOKED(b);
    int count = left != NULL ? sk_X509_REVOKED_num(left) : 0;
    bool is_same = count == (right != NULL ? sk_X509_REVOKED_num(right) : 0);

    for (int i = 0; i < count && is_same; i++) {
        uint8_t *one = NULL;
        uint8_t *other = NULL;
        int len = i2d_X509_REVOKED(sk_X509_REVOKED_value(left, i), &one);
        is_same = len > 0 && i2d_X509_REVOKED(sk_X509_REVOKED_value(right, i), &other) == len
                  && memcmp(one, other, (size_t)len) == 0;
        OPENSSL_free(one);
        OPENSSL_free(other);
    }
    return is_same;
}

/* Is the one in PEM the same list? An interruption may have come between the two. */
static bool is_same_file(X509_CRL *list, const char *pem)
{
    X509_CRL *other;

    if (load(pem, &other, NULL) < 0)
        return false;
    bool is_same = X509_CRL_match(list, other) == 0;
    X509_CRL_free(other);
    return is_same;
}

static bool is_fresh(const struct crl_facts *facts, int64_t now_s)
{
    return facts->this_update_s <= now_s
           && now_s < facts->this_update_s + (facts->next_update_s - facts->this_update_s) / 2;
}

/* `*out_number` is that of the list that is there; 0: there is none. */
static bool is_current(const struct places *places, X509_CRL *wanted, int64_t now_s,
                       uint64_t *out_number)
{
    struct crl_facts facts;
    X509_CRL *list;

    *out_number = 0;
    /* One that cannot be read is replaced. */
    if (load(places->der, &list, NULL) < 0)
        return false;
    bool is_good = facts_of(list, &facts);
    if (is_good)
        *out_number = facts.number;
    is_good = is_good && is_fresh(&facts, now_s) && has_same_entries(list, wanted)
              && is_same_file(list, places->pem);
    X509_CRL_free(list);
    return is_good;
}

int crl_is_current(const char *dir, struct registry *registry, int64_t now_s, bool *out,
                   struct pki_fault *fault)
{
    struct places places;
    struct crl_entries entries = { 0 };
    X509_CRL *wanted;
    uint64_t number;
    int error = find_places(dir, &places, fault);

    if (error == 0)
        error = gather(registry, now_s, &entries, &wanted, fault);
    if (error < 0)
        return error;
    *out = is_current(&places, wanted, now_s, &number);
    X509_CRL_free(wanted);
    crl_entries_fini(&entries);
    return 0;
}

/* The numbers never go back, even when the file was lost or the clock was. */
static uint64_t next_number(uint64_t before, int64_t now_s)
{
    return before < (uint64_t)now_s ? (uint64_t)now_s : before + 1;
}

static int write_signed(const struct places *places, const struct ca *ca,
                        const struct crl_entries *entries, int64_t now_s, struct pki_fault *fault)
{
    X509_CRL *list;
    int error = crl_list_sign(entries, ca, now_s, &list, fault);

    if (error < 0)
        return error;
    error = write_one(list, true, places->pem, fault);
    if (error == 0)
        error = write_one(list, false, places->der, fault);
    X509_CRL_free(list);
    return error;
}

static int publish_locked(const struct places *places, const struct ca *ca,
                          struct registry *registry, int64_t now_s, bool *out_made,
                          struct pki_fault *fault)
{
    struct crl_entries entries = { 0 };
    X509_CRL *wanted;
    uint64_t before;
    int error = gather(registry, now_s, &entries, &wanted, fault);

    if (error < 0)
        return error;
    bool is_needed = !is_current(places, wanted, now_s, &before);
    X509_CRL_free(wanted);
    entries.number = next_number(before, now_s);
    if (is_needed)
        error = write_signed(places, ca, &entries, now_s, fault);
    crl_entries_fini(&entries);
    if (error == 0 && out_made != NULL)
        *out_made = is_needed;
    return error;
}

int crl_publish(const char *dir, const struct ca *ca, struct registry *registry, int64_t now_s,
                bool *out_made, struct pki_fault *fault)
{
    struct places places;
    bool is_new;
    int error = find_places(dir, &places, fault);

    if (error < 0)
        return error;
    error = private_file_make_dir(places.folder, &is_new);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot make the folder: %s", places.folder,
                        strerror(-error));
    /* Whoever holds the lock reads the registry after those before have written. */
    int lock = open(places.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX) < 0) {
        error = pki_fail(fault, -errno, "%s: cannot lock: %s", places.folder, strerror(errno));
    } else {
        error = publish_locked(&places, ca, registry, now_s, out_made, fault);
    }
    if (lock >= 0)
        close(lock);
    return error;
}
