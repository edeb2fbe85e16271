/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that were issued: contract in registry_life.h and registry.h. */
#include "pki/registry_life.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const struct {
    enum registry_reason reason;
    const char *text;
} reasons[] = {
    { REGISTRY_REASON_UNSPECIFIED, "unspecified" },
    { REGISTRY_REASON_KEY_COMPROMISE, "key-compromise" },
    { REGISTRY_REASON_AFFILIATION_CHANGED, "affiliation-changed" },
    { REGISTRY_REASON_SUPERSEDED, "superseded" },
    { REGISTRY_REASON_CESSATION_OF_OPERATION, "cessation-of-operation" },
    { REGISTRY_REASON_CERTIFICATE_HOLD, "certificate-hold" },
    { REGISTRY_REASON_PRIVILEGE_WITHDRAWN, "privilege-withdrawn" },
};

int registry_reason_parse(const char *text, enum registry_reason *out)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(reasons); i++) {
        if (strcmp(reasons[i].text, text) == 0) {
            *out = reasons[i].reason;
            return 0;
        }
    }
    return -EINVAL;
}

const char *registry_reason_text(enum registry_reason reason)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(reasons); i++) {
        if (reasons[i].reason == reason)
            return reasons[i].text;
    }
    return reasons[0].text;
}

const char *registry_reason_choices(void)
{
    return "unspecified, key-compromise, affiliation-changed, superseded, cessation-of-operation, "
           "privilege-withdrawn";
}

/* ---- writing ---- */

int registry_remember(struct registry *registry, const char *name, int64_t now_s)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(
        registry->db,
        "INSERT INTO certificate"
        " SELECT serial, name, fingerprint, key_sha256, not_before, not_after, ?2,"
        " CASE status WHEN 'active' THEN 0 ELSE ?2 END,"
        " CASE status WHEN 'active' THEN '' WHEN 'suspended' THEN 'certificate-hold'"
        " WHEN 'retired' THEN 'cessation-of-operation' ELSE 'unspecified' END"
        " FROM identity WHERE name = ?1",
        -1, &s, NULL);

    if (code != SQLITE_OK)
        return code;
    registry_bind_text(s, 1, name);
    (void)sqlite3_bind_int64(s, 2, now_s);
    (void)sqlite3_step(s);
    return sqlite3_finalize(s);
}

static int update(struct registry *registry, const char *name,
                  const struct registry_certificate *certificate, int64_t now_s,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "UPDATE identity SET serial = ?1, fingerprint = ?2, "
                                 "not_before = ?3, not_after = ?4, changed = ?5 "
                                 "WHERE name = ?6 AND status = 'active'",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, certificate->serial);
    registry_bind_hash(s, 2, certificate->fingerprint);
    (void)sqlite3_bind_int64(s, 3, certificate->not_before_s);
    (void)sqlite3_bind_int64(s, 4, certificate->not_after_s);
    (void)sqlite3_bind_int64(s, 5, now_s);
    registry_bind_text(s, 6, name);
    return registry_run(registry, s, fault);
}

/* Whoever signs looks whether the identity is active, and then signs: it may be revoked meanwhile,
 * and must not get a certificate any more then. */
static int take_certificate(struct registry *registry, const char *name,
                            const struct registry_certificate *certificate, struct pki_fault *fault)
{
    struct registry_entry entry;
    int64_t now_s = (int64_t)time(NULL);
    int changed = update(registry, name, certificate, now_s, fault);

    if (changed > 0) {
        int code = registry_remember(registry, name, now_s);
        if (code == SQLITE_OK)
            return 0;
        if ((code & 0xff) != SQLITE_CONSTRAINT)
            return registry_fail(registry, code, fault);
        return pki_fail(fault, -ENOTUNIQ, "'%s': this certificate is registered already", name);
    }
    int error = changed < 0 ? changed : registry_find(registry, name, &entry, fault);
    if (error < 0)
        return error;
    return pki_fail(fault, -EPERM, "'%s' is %s and gets no certificate", name,
                    registry_status_text(entry.status));
}

int registry_set_certificate(struct registry *registry, const char *name,
                             const struct registry_certificate *certificate,
                             struct pki_fault *fault)
{
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    return registry_end(registry, take_certificate(registry, name, certificate, fault), fault);
}

/* ---- reading ---- */

#define COLUMNS \
    "serial, name, fingerprint, key_sha256, not_before, not_after, issued, revoked, reason"

static bool decode(sqlite3_stmt *s, struct registry_issued *out)
{
    struct registry_issued issued = { .reason = REGISTRY_REASON_UNSPECIFIED };
    char reason[32];

    if (!registry_column_text(s, 0, issued.certificate.serial, sizeof(issued.certificate.serial))
        || !registry_column_text(s, 1, issued.name, sizeof(issued.name))
        || !registry_column_hash(s, 2, issued.certificate.fingerprint)
        || !registry_column_hash(s, 3, issued.key_sha256))
        return false;
    issued.certificate.not_before_s = sqlite3_column_int64(s, 4);
    issued.certificate.not_after_s = sqlite3_column_int64(s, 5);
    issued.issued_s = sqlite3_column_int64(s, 6);
    issued.revoked_s = sqlite3_column_int64(s, 7);
    /* A word that we do not know is no reason to leave the certificate off the list. */
    if (registry_column_text(s, 8, reason, sizeof(reason)))
        (void)!registry_reason_parse(reason, &issued.reason);
    *out = issued;
    return true;
}

static int list(struct registry *registry, sqlite3_stmt *s, registry_visit_issued visit,
                void *context, struct pki_fault *fault)
{
    struct registry_issued issued;
    int result = 0;

    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        if (decode(s, &issued))
            result = visit(context, &issued);
        else
            result =
                pki_fail(fault, -EBADMSG, "%s: a certificate's row is not valid", registry->path);
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

int registry_list_issued(struct registry *registry, const char *name, registry_visit_issued visit,
                         void *context, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "SELECT " COLUMNS " FROM certificate"
                                 " WHERE ?1 IS NULL OR name = ?1 ORDER BY name, issued, serial",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    return list(registry, s, visit, context, fault);
}

int registry_list_revoked(struct registry *registry, int64_t now_s, registry_visit_issued visit,
                          void *context, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "SELECT " COLUMNS " FROM certificate"
                                 " WHERE revoked <> 0 AND not_after >= ?1 ORDER BY serial",
                                 &s, fault);

    if (error < 0)
        return error;
    (void)sqlite3_bind_int64(s, 1, now_s);
    return list(registry, s, visit, context, fault);
}
