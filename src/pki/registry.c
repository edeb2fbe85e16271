/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry.h"

#include "pki/key_use.h"
#include "pki/registry_life.h"
#include "pki/registry_schema.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEX_SIZE 65
#define COLUMNS                                                                             \
    "name, kind, role, tenant, site, status, key_sha256, serial, fingerprint, not_before, " \
    "not_after, created, changed, protection, algorithm, reason"
/* A new identity has proved nothing. */
#define ALL_COLUMNS COLUMNS ", attested"

static const char *const status_names[REGISTRY_STATUS_COUNT] = {
    [REGISTRY_REVOKED] = "revoked",
    [REGISTRY_SUSPENDED] = "suspended",
    [REGISTRY_RETIRED] = "retired",
    [REGISTRY_ACTIVE] = "active",
};

const char *registry_status_text(enum registry_status status)
{
    return (unsigned)status < REGISTRY_STATUS_COUNT ? status_names[status] : "unknown";
}

bool registry_is_attested(const struct registry_entry *entry)
{
    return entry->attested[0] != '\0' && strcmp(entry->protection, "tpm") == 0;
}

/* SQLite would create it 0644 less the umask; its journal takes the mode of the file. A file
 * that exists is not touched: to close any descriptor of it drops the locks that another handle
 * of this process holds (POSIX), and another process would then remove the journal. */
static int create_file(const char *path, struct pki_fault *fault)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0)
        return pki_fail(fault, -errno, "%s: cannot open the registry: %s", path, strerror(errno));
    close(fd);
    return 0;
}

static int prepare(struct registry *r)
{
    /* FULL: what `device add` has answered survives a power cut. */
    static const char settings[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                   "PRAGMA trusted_schema=OFF;";
    int code = sqlite3_busy_timeout(r->db, REGISTRY_BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(r->db, settings, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = registry_schema_migrate(r->db);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(r->db, "PRAGMA data_version", -1, SQLITE_PREPARE_PERSISTENT,
                                  &r->version, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(r->db, "SELECT counter FROM policy_version", -1,
                                  SQLITE_PREPARE_PERSISTENT, &r->policy_version, NULL);
    return code;
}

int registry_open(const char *path, struct registry **out, struct pki_fault *fault)
{
    int error = create_file(path, fault);
    if (error < 0)
        return error;
    struct registry *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    (void)snprintf(r->path, sizeof(r->path), "%s", path);

    int code = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = prepare(r);
    if (code != SQLITE_OK) {
        error = registry_fail(r, code, fault);
        registry_close(r);
        return error;
    }
    *out = r;
    return 0;
}

void registry_close(struct registry *registry)
{
    if (registry == NULL)
        return;
    (void)sqlite3_finalize(registry->version);
    (void)sqlite3_finalize(registry->policy_version);
    (void)sqlite3_close(registry->db);
    free(registry);
}

static bool is_name_character(char c)
{
    return c > ' ' && c <= '~' && strchr("/+#%\"'`\\", c) == NULL;
}

bool registry_name_is_valid(const char *name)
{
    size_t len = 0;

    if (name == NULL || name[0] == '$' || name[0] == '.')
        return false;
    while (len < REGISTRY_TEXT_SIZE && name[len] != '\0' && is_name_character(name[len]))
        len++;
    return len > 0 && len < REGISTRY_TEXT_SIZE && name[len] == '\0';
}

static void hex_encode(const uint8_t bytes[32], char out[HEX_SIZE])
{
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_decode(const char *text, uint8_t out[32])
{
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text[64] == '\0';
}

bool registry_column_hash(sqlite3_stmt *s, int column, uint8_t out[32])
{
    char hex[HEX_SIZE];
    return registry_column_text(s, column, hex, sizeof(hex)) && hex_decode(hex, out);
}

static bool column_status(sqlite3_stmt *s, int column, enum registry_status *out)
{
    char text[16];
    if (!registry_column_text(s, column, text, sizeof(text)))
        return false;
    for (unsigned i = 0; i < REGISTRY_STATUS_COUNT; i++)
        if (strcmp(text, status_names[i]) == 0) {
            *out = (enum registry_status)i;
            return true;
        }
    return false;
}

/* A row in the order of ALL_COLUMNS. People look into this file with other tools, and write. */
static bool row_decode(sqlite3_stmt *s, struct registry_entry *out)
{
    struct registry_entry e = { 0 };
    char kind[16];
    if (!registry_column_text(s, 0, e.name, sizeof(e.name))
        || !registry_column_text(s, 1, kind, sizeof(kind))
        || identity_uri_kind_parse(kind, &e.kind) < 0
        || !registry_column_text(s, 2, e.role, sizeof(e.role))
        || !registry_column_text(s, 3, e.tenant, sizeof(e.tenant))
        || !registry_column_text(s, 4, e.site, sizeof(e.site)) || !column_status(s, 5, &e.status)
        || !registry_column_hash(s, 6, e.key_sha256)
        || !registry_column_text(s, 7, e.certificate.serial, sizeof(e.certificate.serial))
        || !registry_column_hash(s, 8, e.certificate.fingerprint))
        return false;
    e.certificate.not_before_s = sqlite3_column_int64(s, 9);
    e.certificate.not_after_s = sqlite3_column_int64(s, 10);
    e.created_s = sqlite3_column_int64(s, 11);
    e.changed_s = sqlite3_column_int64(s, 12);
    /* Only for people: what is too long for us is as good as unknown. */
    (void)registry_column_text(s, 13, e.protection, sizeof(e.protection));
    (void)registry_column_text(s, 14, e.algorithm, sizeof(e.algorithm));
    (void)registry_column_text(s, 15, e.reason, sizeof(e.reason));
    (void)registry_column_text(s, 16, e.attested, sizeof(e.attested));
    *out = e;
    return true;
}

void registry_bind_hash(sqlite3_stmt *s, int index, const uint8_t hash[32])
{
    char hex[HEX_SIZE];
    hex_encode(hash, hex);
    registry_bind_text(s, index, hex);
}

static void bind_entry(sqlite3_stmt *s, const struct registry_entry *e, int64_t now_s)
{
    registry_bind_text(s, 1, e->name);
    registry_bind_text(s, 2, identity_uri_kind_text(e->kind));
    registry_bind_text(s, 3, e->role);
    registry_bind_text(s, 4, e->tenant);
    registry_bind_text(s, 5, e->site);
    registry_bind_text(s, 6, registry_status_text(e->status));
    registry_bind_hash(s, 7, e->key_sha256);
    registry_bind_text(s, 8, e->certificate.serial);
    registry_bind_hash(s, 9, e->certificate.fingerprint);
    (void)sqlite3_bind_int64(s, 10, e->certificate.not_before_s);
    (void)sqlite3_bind_int64(s, 11, e->certificate.not_after_s);
    (void)sqlite3_bind_int64(s, 12, now_s);
    (void)sqlite3_bind_int64(s, 13, now_s);
    registry_bind_text(s, 14, e->protection[0] != '\0' ? e->protection : "unknown");
    registry_bind_text(s, 15, e->algorithm);
    registry_bind_text(s, 16, e->reason);
}

/* Who is in the way? Asked after a constraint has refused. */
static int explain_conflict(struct registry *r, const struct registry_entry *entry,
                            struct pki_fault *fault)
{
    struct registry_entry other;
    if (registry_find(r, entry->name, &other, NULL) == 0)
        return pki_fail(fault, -EEXIST, "'%s' exists already (%s, role %s)", other.name,
                        registry_status_text(other.status), other.role);
    int error = key_use_check(r, entry->key_sha256, entry->name, fault);
    if (error < 0)
        return error;
    error = registry_check_unused(r, entry->name, fault);
    if (error < 0)
        return error;
    return pki_fail(fault, -ENOTUNIQ, "'%s': this certificate is registered already", entry->name);
}

int registry_check_names(const char *name, const struct registry_place *place,
                         struct pki_fault *fault)
{
    const char *role = place->role;
    const char *tenant = place->tenant;
    const char *site = place->site;

    if (!identity_uri_name_is_valid(name))
        return pki_fail(fault, -EINVAL,
                        "'%.80s' cannot be the name of a device: write letters, digits and . _ -, "
                        "beginning with a letter or a digit",
                        name);
    if (!registry_name_is_valid(role))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a role", role);
    if (tenant[0] != '\0' && !registry_name_is_valid(tenant))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a tenant", tenant);
    if (site[0] != '\0' && !registry_name_is_valid(site))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a site", site);
    return 0;
}

/* Both rows, or an SQLite result that says why not. */
static int insert(struct registry *r, const struct registry_entry *entry, int64_t now_s)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(
        r->db, "INSERT INTO identity (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
        &s, NULL);
    if (code != SQLITE_OK)
        return code;
    bind_entry(s, entry, now_s);
    (void)sqlite3_step(s);
    code = sqlite3_finalize(s);
    return code == SQLITE_OK ? registry_remember(r, entry->name, now_s) : code;
}

int registry_add(struct registry *registry, const struct registry_entry *entry,
                 struct pki_fault *fault)
{
    int error = registry_check_names(
        entry->name, &(struct registry_place){ entry->role, entry->tenant, entry->site }, fault);
    if (error < 0)
        return error;
    if ((unsigned)entry->kind >= IDENTITY_KIND_COUNT
        || (unsigned)entry->status >= REGISTRY_STATUS_COUNT)
        return pki_fail(fault, -EINVAL, "'%s' cannot be registered: no such kind or status",
                        entry->name);
    error = registry_begin(registry, fault);
    if (error < 0)
        return error;
    int code = insert(registry, entry, (int64_t)time(NULL));
    if (code != SQLITE_OK)
        error = (code & 0xff) == SQLITE_CONSTRAINT ? explain_conflict(registry, entry, fault)
                                                   : registry_fail(registry, code, fault);
    return registry_end(registry, error, fault);
}

/* The one row that `query` finds for `text`. */
static int find(struct registry *r, const char *query, const char *text, struct registry_entry *out,
                struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(r->db, query, -1, &s, NULL);
    if (code != SQLITE_OK)
        return registry_fail(r, code, fault);
    registry_bind_text(s, 1, text);
    int error = 0;
    bool is_found = sqlite3_step(s) == SQLITE_ROW;
    if (is_found && !row_decode(s, out))
        error = pki_fail(fault, -EBADMSG, "%s: a row is not valid: %s", r->path, text);
    code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(r, code, fault);
    return is_found ? error : pki_fail(fault, -ENOENT, "there is no '%s' in the registry", text);
}

int registry_find(struct registry *registry, const char *name, struct registry_entry *out,
                  struct pki_fault *fault)
{
    return find(registry, "SELECT " ALL_COLUMNS " FROM identity WHERE name = ?", name, out, fault);
}

int registry_find_by_key(struct registry *registry, const uint8_t *key_sha256,
                         struct registry_entry *out, struct pki_fault *fault)
{
    char hex[HEX_SIZE];
    hex_encode(key_sha256, hex);
    return find(registry, "SELECT " ALL_COLUMNS " FROM identity WHERE key_sha256 = ?", hex, out,
                fault);
}

int registry_find_by_fingerprint(struct registry *registry, const uint8_t *fingerprint,
                                 struct registry_entry *out, struct pki_fault *fault)
{
    char hex[HEX_SIZE];
    hex_encode(fingerprint, hex);
    return find(registry, "SELECT " ALL_COLUMNS " FROM identity WHERE fingerprint = ?", hex, out,
                fault);
}

/* For a row that row_decode() refuses. */
typedef int (*on_spoiled)(const struct registry *r, sqlite3_stmt *s, registry_visit visit,
                          void *context, struct pki_fault *fault);

static int end_at(const struct registry *r, sqlite3_stmt *s, registry_visit visit, void *context,
                  struct pki_fault *fault)
{
    (void)visit, (void)context;
    return pki_fail(fault, -EBADMSG, "%s: the row of '%.80s' is not valid", r->path,
                    (const char *)sqlite3_column_text(s, 0));
}

static int show_revoked(const struct registry *r, sqlite3_stmt *s, registry_visit visit,
                        void *context, struct pki_fault *fault)
{
    struct registry_entry entry = { .status = REGISTRY_REVOKED };

    (void)r, (void)fault;
    return registry_column_text(s, 0, entry.name, sizeof(entry.name)) ? visit(context, &entry) : 0;
}

static int each_row(struct registry *registry, registry_visit visit, on_spoiled spoiled,
                    void *context, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct registry_entry entry;
    int result =
        registry_prepare(registry, "SELECT " ALL_COLUMNS " FROM identity ORDER BY name", &s, fault);

    if (result < 0)
        return result;
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW)
        result = row_decode(s, &entry) ? visit(context, &entry)
                                       : spoiled(registry, s, visit, context, fault);
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

int registry_list(struct registry *registry, registry_visit visit, void *context,
                  struct pki_fault *fault)
{
    return each_row(registry, visit, end_at, context, fault);
}

int registry_survey(struct registry *registry, registry_visit visit, void *context,
                    struct pki_fault *fault)
{
    return each_row(registry, visit, show_revoked, context, fault);
}

int registry_set_place(struct registry *registry, const char *name,
                       const struct registry_place *place, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_check_names(name, place, fault);
    if (error == 0)
        error = registry_prepare(registry,
                                 "UPDATE identity SET role = ?1, tenant = ?2, site = ?3, "
                                 "changed = ?4 WHERE name = ?5",
                                 &s, fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, place->role);
    registry_bind_text(s, 2, place->tenant);
    registry_bind_text(s, 3, place->site);
    (void)sqlite3_bind_int64(s, 4, (int64_t)time(NULL));
    registry_bind_text(s, 5, name);
    int changed = registry_run(registry, s, fault);
    if (changed == 0)
        return pki_fail(fault, -ENOENT, "there is no '%s' in the registry", name);
    return changed < 0 ? changed : 0;
}

int registry_version(struct registry *registry, uint64_t *out)
{
    /* data_version counts the commits of the others, total_changes our own. */
    if (sqlite3_step(registry->version) != SQLITE_ROW) {
        int code = sqlite3_reset(registry->version);
        return registry_fail(registry, code, NULL);
    }
    uint32_t others = (uint32_t)sqlite3_column_int64(registry->version, 0);
    (void)sqlite3_reset(registry->version);
    *out = (uint64_t)others << 32 | (uint32_t)sqlite3_total_changes(registry->db);
    return 0;
}

int registry_policy_version(struct registry *registry, uint64_t *out)
{
    int step = sqlite3_step(registry->policy_version);
    if (step == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(registry->policy_version, 0);
    int code = sqlite3_reset(registry->policy_version);
    if (step == SQLITE_ROW)
        return 0;
    return registry_fail(registry, code != SQLITE_OK ? code : SQLITE_CORRUPT, NULL);
}
