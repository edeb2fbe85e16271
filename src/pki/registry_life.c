/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_life.h"

#include "pki/registry_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A change of one identity. Statements see ?1 name, ?2 now, ?3 the reason's word, ?4 the reason
 * with its remark. */
struct change {
    struct registry *registry;
    const char *name;
    const char *word;
    char reason[REGISTRY_REASON_SIZE];
    int64_t now_s;
    struct pki_fault *fault;
};

/* How many rows it changed, or a negative errno. */
static int run(struct change *c, const char *sql)
{
    sqlite3_stmt *s;
    int error = registry_prepare(c->registry, sql, &s, c->fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, c->name);
    /* A statement need not use all of them. */
    if (sqlite3_bind_parameter_count(s) >= 2)
        (void)sqlite3_bind_int64(s, 2, c->now_s);
    if (sqlite3_bind_parameter_count(s) >= 3)
        registry_bind_text(s, 3, c->word);
    if (sqlite3_bind_parameter_count(s) >= 4)
        registry_bind_text(s, 4, c->reason);
    return registry_run(c->registry, s, c->fault);
}

/* One after the other, ended by NULL. */
static int run_all(struct change *c, const char *const *statements)
{
    int changed = 0;

    for (; *statements != NULL && changed >= 0; statements++)
        changed = run(c, *statements);
    return changed < 0 ? changed : 0;
}

/* It stands in messages, lists and logs: one line of text. */
static bool is_remark(const char *remark)
{
    if (strlen(remark) > REGISTRY_REMARK_MAX)
        return false;
    for (; *remark != '\0'; remark++)
        if ((unsigned char)*remark < ' ' || *remark == 0x7f)
            return false;
    return true;
}

static int begin(struct change *c, struct registry *registry, const char *name,
                 enum registry_reason reason, const char *remark, struct pki_fault *fault)
{
    *c = (struct change){ .registry = registry,
                          .name = name,
                          .word = registry_reason_text(reason),
                          .now_s = (int64_t)time(NULL),
                          .fault = fault };
    if (remark != NULL && !is_remark(remark))
        return pki_fail(fault, -EINVAL,
                        "what is said about the reason is one line of at most %d bytes",
                        REGISTRY_REMARK_MAX);
    bool has_remark = remark != NULL && remark[0] != '\0';
    (void)snprintf(c->reason, sizeof(c->reason), "%s%s%s", c->word, has_remark ? ": " : "",
                   has_remark ? remark : "");
    return registry_begin(registry, fault);
}

/* Nothing was changed: there is no such identity, or it has come to its end. */
static int explain(struct change *c, enum registry_status wanted)
{
    struct registry_entry entry;
    int error = registry_find(c->registry, c->name, &entry, c->fault);

    if (error < 0)
        return error;
    return pki_fail(c->fault, -EPERM, "'%s' is %s, and that is final: it cannot be %s; %s", c->name,
                    registry_status_text(entry.status),
                    wanted == REGISTRY_ACTIVE ? "resumed" : registry_status_text(wanted),
                    "it comes back with a new key only, by tacit unrevoke");
}

#define BLOCK_KEY                                                                            \
    "INSERT OR IGNORE INTO blocked_key SELECT key_sha256, 'revoked: ' || ?4, name, ?2 FROM " \
    "identity WHERE name = ?1"
#define VOID_TOKENS "UPDATE token SET expires = ?2 WHERE name = ?1 AND used = 0 AND expires > ?2"
#define REVOKE_CERTIFICATES                                                 \
    "UPDATE certificate SET revoked = ?2, reason = ?3 WHERE name = ?1 AND " \
    "not_after > ?2 AND (revoked = 0 OR reason = 'certificate-hold')"
/* That a key is known to others is worth to be told also of what was revoked before. */
#define TELL_COMPROMISE                                                             \
    "UPDATE certificate SET reason = ?3 WHERE name = ?1 AND ?3 = 'key-compromise' " \
    "AND revoked <> 0 AND key_sha256 = (SELECT key_sha256 FROM identity WHERE name = ?1)"

int registry_revoke(struct registry *registry, const char *name,
                    const struct registry_revocation *how, struct pki_fault *fault)
{
    static const char *const rest[] = { REVOKE_CERTIFICATES, TELL_COMPROMISE, VOID_TOKENS, NULL };
    struct change c;

    if (how->reason == REGISTRY_REASON_CERTIFICATE_HOLD)
        return pki_fail(fault, -EINVAL, "'certificate-hold' is no reason to revoke: suspend it");
    int error = begin(&c, registry, name, how->reason, how->remark, fault);
    if (error < 0)
        return error;
    int changed = run(&c, "UPDATE identity SET status = 'revoked', reason = ?4, changed = ?2 "
                          "WHERE name = ?1 AND ?3 <> ''");
    error = changed == 0 ? explain(&c, REGISTRY_REVOKED) : changed;
    if (error > 0)
        error = run_all(&c, rest);
    if (error == 0 && how->blocks_key) {
        changed = run(&c, BLOCK_KEY);
        error = changed < 0 ? changed : 0;
    }
    return registry_end(registry, error, fault);
}

int registry_suspend(struct registry *registry, const char *name, const char *remark,
                     struct pki_fault *fault)
{
    static const char *const rest[] = {
        "UPDATE certificate SET revoked = ?2, reason = ?3 WHERE name = ?1 AND not_after > ?2 AND "
        "revoked = 0",
        NULL,
    };
    struct change c;
    int error = begin(&c, registry, name, REGISTRY_REASON_CERTIFICATE_HOLD, remark, fault);

    if (error < 0)
        return error;
    int changed = run(&c, "UPDATE identity SET status = 'suspended', reason = ?4, changed = ?2 "
                          "WHERE name = ?1 AND ?3 <> '' AND status IN ('active', 'suspended')");
    error = changed == 0 ? explain(&c, REGISTRY_SUSPENDED) : changed;
    return registry_end(registry, error > 0 ? run_all(&c, rest) : error, fault);
}

int registry_resume(struct registry *registry, const char *name, struct pki_fault *fault)
{
    static const char *const rest[] = {
        "UPDATE certificate SET revoked = 0, reason = '' WHERE name = ?1 AND revoked <> 0 AND "
        "reason = 'certificate-hold'",
        NULL,
    };
    struct change c;
    int error = begin(&c, registry, name, REGISTRY_REASON_UNSPECIFIED, NULL, fault);

    if (error < 0)
        return error;
    int changed = run(&c, "UPDATE identity SET status = 'active', reason = '', changed = ?2 "
                          "WHERE name = ?1 AND status IN ('active', 'suspended')");
    error = changed == 0 ? explain(&c, REGISTRY_ACTIVE) : changed;
    return registry_end(registry, error > 0 ? run_all(&c, rest) : error, fault);
}

int registry_retire(struct registry *registry, const char *name, const char *remark,
                    struct pki_fault *fault)
{
    static const char *const rest[] = { REVOKE_CERTIFICATES, VOID_TOKENS, NULL };
    struct change c;
    int error = begin(&c, registry, name, REGISTRY_REASON_CESSATION_OF_OPERATION, remark, fault);

    if (error < 0)
        return error;
    int changed = run(&c, "UPDATE identity SET status = 'retired', reason = ?4, changed = ?2 "
                          "WHERE name = ?1 AND ?3 <> '' AND status <> 'revoked'");
    error = changed == 0 ? explain(&c, REGISTRY_RETIRED) : changed;
    return registry_end(registry, error > 0 ? run_all(&c, rest) : error, fault);
}

int registry_set_status(struct registry *registry, const char *name, enum registry_status status,
                        struct pki_fault *fault)
{
    static const struct registry_revocation unspecified = { REGISTRY_REASON_UNSPECIFIED, NULL,
                                                            false };

    switch (status) {
    case REGISTRY_REVOKED:
        return registry_revoke(registry, name, &unspecified, fault);
    case REGISTRY_SUSPENDED:
        return registry_suspend(registry, name, NULL, fault);
    case REGISTRY_RETIRED:
        return registry_retire(registry, name, NULL, fault);
    case REGISTRY_ACTIVE:
        return registry_resume(registry, name, fault);
    case REGISTRY_STATUS_COUNT:
        break;
    }
    return pki_fail(fault, -EINVAL, "there is no such status");
}
