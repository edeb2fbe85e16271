/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rulebook.h"

#include "config/rulebook_members.h"
#include "config/testing.h"
#include "pki/grants.h"
#include "pki/groups.h"
#include "pki/registry_sql.h"

#include <ftw.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <unistd.h>

#define NOW_S 1790000000
#define DAY_S 86400

static const char configuration[] = "role \"device\" {\n"
                                    "  publish = { \"d/%{device}\" }\n"
                                    "  subscribe = { \"all/#\" }\n"
                                    "}\n"
                                    "role \"reader\" { subscribe = { \"r/x\" } }\n";

struct world {
    char folder[64];
    char path[96];
    struct registry *registry;
    struct config *config;
    struct policy *policy;
    char doubts[4096];
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    (void)snprintf(world->folder, sizeof(world->folder), "%s/tacit-rulebook-XXXXXX",
                   access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof(world->path), "%s/registry.db", world->folder);
    assert_int_equal(registry_open(world->path, &world->registry, NULL), 0);
    world->config = test_load_good(configuration, NULL);
    *state = world;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    struct world *world = *state;

    policy_unref(world->policy);
    config_unref(world->config);
    registry_close(world->registry);
    (void)nftw(world->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

static void use(struct world *world, const char *text)
{
    config_unref(world->config);
    world->config = test_load_good(text, NULL);
}

static void add(struct world *world, const char *name, const char *role)
{
    static unsigned number;
    struct registry_entry entry = { .kind = IDENTITY_DEVICE, .status = REGISTRY_ACTIVE };

    number++;
    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    (void)snprintf(entry.role, sizeof(entry.role), "%s", role);
    (void)snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%08x", number);
    memcpy(entry.key_sha256, &number, sizeof(number));
    memcpy(entry.certificate.fingerprint, &number, sizeof(number));
    assert_int_equal(registry_add(world->registry, &entry, NULL), 0);
}

static void run_sql(struct world *world, const char *sql)
{
    char *why = NULL;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* One more grant of the registry by what it says. */
static void grant(struct world *world, const char *kind, const char *subject, const char *action,
                  const char *pattern)
{
    char *sql = sqlite3_mprintf("INSERT INTO grants (subject_kind, subject, action, pattern, "
                                "created) VALUES (%Q, %Q, %Q, %Q, 0)",
                                kind, subject, action, pattern);

    run_sql(world, sql);
    sqlite3_free(sql);
}

static void on_doubt(void *context, const char *text)
{
    struct world *world = context;
    size_t used = strlen(world->doubts);

    (void)snprintf(world->doubts + used, sizeof(world->doubts) - used, "%s\n", text);
}

static int build_as(struct world *world, const struct rulebook_basis *basis)
{
    const struct rulebook_doubts doubts = { world, on_doubt };
    struct pki_fault fault = { "" };

    policy_unref(world->policy);
    world->policy = NULL;
    world->doubts[0] = '\0';
    int error = rulebook_build(world->config, basis, &doubts, &world->policy, &fault);
    assert_true(error == 0 || fault.text[0] != '\0');
    return error;
}

static void build(struct world *world)
{
    const struct rulebook_basis basis = { .registry = world->registry, .now_s = NOW_S };

    assert_int_equal(build_as(world, &basis), 0);
}

static const struct role *role_of(struct world *world, const char *device, const char *role)
{
    const struct identity identity = { .device = device, .role = role, .proved = true };

    return policy_find(world->policy, &identity);
}

static bool may(struct world *world, const char *device, enum policy_action action,
                const char *topic)
{
    const struct identity identity = { .device = device, .role = "device", .proved = true };
    const struct role *role = policy_find(world->policy, &identity);

    if (action == POLICY_PUBLISH)
        return policy_decide_publish(role, &identity, span_of(topic)).verdict == POLICY_ALLOW;
    return policy_decide_subscribe(role, &identity, span_of(topic)).verdict == POLICY_ALLOW;
}

#define may_publish(world, device, topic)   may(world, device, POLICY_PUBLISH, topic)
#define may_subscribe(world, device, topic) may(world, device, POLICY_SUBSCRIBE, topic)

static void assert_doubts(const struct world *world, const char *const *parts, size_t count)
{
    size_t lines = 0;

    for (const char *c = world->doubts; *c != '\0'; c++)
        lines += *c == '\n';
    for (size_t i = 0; i < count; i++) {
        if (strstr(world->doubts, parts[i]) == NULL)
            fail_msg("nobody says '%s' but: %s", parts[i], world->doubts);
    }
    if (lines != count)
        fail_msg("%zu doubts, expected %zu: %s", lines, count, world->doubts);
}

#define DOUBTS(world, ...)                                  \
    do {                                                    \
        const char *const parts[] = { __VA_ARGS__ };        \
        assert_doubts(world, parts, MQTT_ARRAY_LEN(parts)); \
    } while (0)

/* ---- what is in it ---- */

static void the_file_alone(void **state)
{
    struct world *world = *state;
    const struct rulebook_basis basis = { .now_s = NOW_S };

    assert_int_equal(build_as(world, &basis), 0);
    assert_int_equal(policy_role_count(world->policy), 2);
    assert_true(may_publish(world, "lamp", "d/lamp"));
    assert_false(may_publish(world, "lamp", "d/door"));
    assert_string_equal(world->doubts, "");
}

static void grants_to_a_device_a_role_a_group(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    add(world, "door", "device");
    grant(world, "device", "lamp", "publish", "lamp/%{device}");
    grant(world, "role", "device", "publish", "role/%{device}");
    grant(world, "group", "hall", "publish", "group/%{device}");
    assert_int_equal(groups_join(world->registry, "hall", "lamp", NULL), 1);
    assert_int_equal(groups_add_role(world->registry, "hall", "reader", NULL), 1);
    build(world);
    assert_string_equal(world->doubts, "");
    assert_true(may_publish(world, "lamp", "d/lamp"));
    assert_true(may_publish(world, "lamp", "lamp/lamp"));
    assert_true(may_publish(world, "lamp", "role/lamp"));
    assert_true(may_publish(world, "lamp", "group/lamp"));
    assert_true(may_subscribe(world, "lamp", "r/x"));
    assert_true(may_publish(world, "door", "role/door"));
    assert_false(may_publish(world, "door", "group/door"));
    assert_false(may_publish(world, "door", "lamp/door"));
    assert_false(may_subscribe(world, "door", "r/x"));
    const struct policy_rule *rule =
        policy_decide_publish(role_of(world, "lamp", "device"),
                              &(struct identity){ .device = "lamp" }, span_of("lamp/lamp"))
            .rule;
    assert_non_null(rule);
    assert_string_equal(rule->origin.file, "registry");
    assert_int_equal(rule->origin.line, 1);
}

static void denials_of_the_registry_win(void **state)
{
    static const char *const kinds[][2] = { { "device", "lamp" },
                                            { "role", "device" },
                                            { "group", "hall" } };
    struct world *world = *state;

    add(world, "lamp", "device");
    assert_int_equal(groups_join(world->registry, "hall", "lamp", NULL), 1);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(kinds); i++) {
        build(world);
        assert_true(may_publish(world, "lamp", "d/lamp"));
        grant(world, kinds[i][0], kinds[i][1], "publish", "d/#");
        run_sql(world, "UPDATE grants SET denies = 1");
        build(world);
        assert_false(may_publish(world, "lamp", "d/lamp"));
        run_sql(world, "DELETE FROM grants");
    }
}

static void what_has_expired_is_left_out(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    grant(world, "device", "lamp", "publish", "a");
    grant(world, "device", "lamp", "publish", "b");
    grant(world, "device", "lamp", "publish", "c");
    run_sql(world, "UPDATE grants SET expires = 1790000001 WHERE pattern = 'a'");
    run_sql(world, "UPDATE grants SET expires = 1790000000 WHERE pattern = 'b'");
    run_sql(world, "UPDATE grants SET expires = -5 WHERE pattern = 'c'");
    build(world);
    assert_true(may_publish(world, "lamp", "a"));
    assert_false(may_publish(world, "lamp", "b"));
    assert_false(may_publish(world, "lamp", "c"));
    assert_int_equal(policy_next_expiry_s(world->policy), 1790000001);
    assert_string_equal(world->doubts, "");
}

static void a_wildcard_grant(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    grant(world, "device", "lamp", "subscribe", "b/c/+");
    build(world);
    assert_false(may_subscribe(world, "lamp", "b/c/+"));
    run_sql(world, "UPDATE grants SET depth = 1, most_topics = 5, owner = 'o', reason = 'r'");
    build(world);
    assert_true(may_subscribe(world, "lamp", "b/c/+"));
    assert_false(may_subscribe(world, "lamp", "b/c/#"));
    assert_false(may_subscribe(world, "lamp", "b/+/d"));
    assert_string_equal(world->doubts, "");
}

/* ---- what is not right ---- */

static void wrong_grants_are_left_out_one_by_one(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    grant(world, "device", "lamp", "publish", "a/#/b");
    grant(world, "device", "lamp", "publish", "a/%{nothing}");
    grant(world, "device", "lamp", "read", "a");
    grant(world, "device", "a/b", "publish", "a");
    grant(world, "device", "nobody", "publish", "a");
    grant(world, "role", "nobody", "publish", "a");
    grant(world, "group", "+", "publish", "a");
    grant(world, "device", "lamp", "publish", "good");
    run_sql(world, "INSERT INTO grants (subject_kind, subject, action, pattern, created) VALUES "
                   "('device', 'lamp', 'publish', x'ff' || 'b', 0)");
    build(world);
    assert_true(may_publish(world, "lamp", "good"));
    assert_false(may_publish(world, "lamp", "a"));
    assert_null(policy_find_role(world->policy, "nobody"));
    DOUBTS(world, "grant 1 of the registry is left out: ", "grant 2 of the registry is left out: ",
           "grant 3 of the registry cannot be read; remove it", "no device 'a/b'",
           "'nobody' is given rights, but there is no such device", "no role 'nobody'",
           "no group '+'", "grant 9 of the registry is left out: ");
}

/* Half a row would be a scope that other grants use. */
static void half_a_wildcard_grant_is_none(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    grant(world, "role", "device", "subscribe", "all/#/x");
    run_sql(world, "UPDATE grants SET depth = 0, most_topics = 5, owner = 'o', reason = 'r'");
    build(world);
    assert_false(may_subscribe(world, "lamp", "all/#"));
    run_sql(world, "UPDATE grants SET pattern = 'b/#', owner = ''");
    build(world);
    assert_false(may_subscribe(world, "lamp", "b/c"));
    run_sql(world, "UPDATE grants SET owner = 'o', depth = NULL");
    build(world);
    assert_false(may_subscribe(world, "lamp", "b/#"));
    run_sql(world, "UPDATE grants SET depth = 0");
    build(world);
    assert_true(may_subscribe(world, "lamp", "b/#"));
}

static void wrong_groups_are_left_out(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    run_sql(world, "INSERT INTO group_role VALUES ('hall', 'gone'), ('hall', 'reader'), "
                   "('a/b', 'reader'), ('x' || char(0), 'reader')");
    run_sql(world, "INSERT INTO membership VALUES ('hall', 'lamp'), ('hall', 'nobody'), "
                   "('+', 'lamp'), ('hall', '#'), ('hall', printf('%.*c', 65536, 'x'))");
    build(world);
    assert_true(may_subscribe(world, "lamp", "r/x"));
    DOUBTS(world, "group 'hall' has role 'gone', which does not exist",
           "'a/b' has role 'reader', but cannot be the name of a group",
           "a role of a group cannot be read",
           "'nobody' is given rights, but there is no such device",
           "'lamp' is a member of '+', but one of them cannot be a name",
           "'#' is a member of 'hall'", "a member of a group cannot be read");
}

/* A row of the registry that is broken does not keep the others from counting. */
static void wrong_devices_have_nothing(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    add(world, "door", "device");
    add(world, "wall", "gone");
    grant(world, "device", "lamp", "publish", "a");
    grant(world, "device", "door", "publish", "a");
    grant(world, "device", "wall", "publish", "a");
    run_sql(world, "UPDATE identity SET site = printf('%.*c', 65536, 'x') WHERE name = 'lamp'");
    build(world);
    assert_false(may_publish(world, "lamp", "a"));
    assert_true(may_publish(world, "door", "a"));
    assert_null(role_of(world, "wall", "gone"));
    DOUBTS(world, "'lamp' is given rights, but its row is not valid",
           "'wall' has role 'gone', which does not exist");
}

/* Neither by the file (config_role_test.c) nor by hand. */
static void hidden_roles_are_nobodys(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    add(world, "thief", "device");
    grant(world, "group", "hall", "publish", "secret");
    grant(world, "device", "lamp", "publish", "mine");
    grant(world, "role", "group:hall", "publish", "more");
    grant(world, "device", "thief", "publish", "own");
    assert_int_equal(groups_join(world->registry, "hall", "lamp", NULL), 1);
    assert_int_equal(groups_add_role(world->registry, "attic", "group:hall", NULL), 1);
    run_sql(world, "UPDATE identity SET role = 'group:hall' WHERE name = 'thief'");
    build(world);
    assert_true(may_publish(world, "lamp", "secret"));
    assert_false(may_publish(world, "lamp", "more"));
    assert_null(role_of(world, "thief", "group:hall"));
    assert_null(role_of(world, "another", "group:hall"));
    assert_null(role_of(world, "another", "device:lamp"));
    assert_null(role_of(world, "another", "group:none"));
    DOUBTS(world, "no role 'group:hall'", "group 'attic' has role 'group:hall'",
           "'thief' has role 'group:hall', which does not exist");
}

/* ---- the bound ---- */

static void fill(struct world *world, unsigned groups)
{
    run_sql(world, "DELETE FROM membership; DELETE FROM grants;");
    for (unsigned i = 0; i < groups; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "g%02u", i);
        grant(world, "group", name, "publish", name);
        assert_int_equal(groups_join(world->registry, name, "lamp", NULL), 1);
    }
}

/* What does not fit could be a denial: one role too many, and there is no right at all. */
static void one_role_too_many(void **state)
{
    struct world *world = *state;

    add(world, "lamp", "device");
    add(world, "door", "device");
    fill(world, MEMBER_ROLES_MAX - 1);
    build(world);
    assert_int_equal(role_part_count(role_of(world, "lamp", "device")), MEMBER_ROLES_MAX);
    assert_true(may_publish(world, "lamp", "g62"));
    assert_true(may_publish(world, "lamp", "d/lamp"));
    assert_string_equal(world->doubts, "");

    grant(world, "device", "lamp", "publish", "own"); /* the 65th */
    build(world);
    assert_false(may_publish(world, "lamp", "own"));
    assert_false(may_publish(world, "lamp", "g00"));
    assert_false(may_publish(world, "lamp", "d/lamp"));
    assert_true(may_publish(world, "door", "d/door"));
    DOUBTS(world, "'lamp' has more than 64 roles");

    fill(world, MEMBER_ROLES_MAX); /* as many, all of them of groups */
    build(world);
    assert_false(may_publish(world, "lamp", "d/lamp"));
    fill(world, MEMBER_ROLES_MAX - 2);
    grant(world, "device", "lamp", "publish", "own");
    build(world);
    assert_true(may_publish(world, "lamp", "own"));
    assert_true(may_publish(world, "lamp", "d/lamp"));
    assert_string_equal(world->doubts, "");
}

/* ---- durations ---- */

#define SCOPE(prefix, lasts)                                                                    \
    "  wildcards { prefix = \"" prefix "\" depth = 1 most-topics = 5 expires = \"" lasts "\"\n" \
    "    owner = \"olga\" reason = \"the fair\" }\n"

static int64_t expires_at(struct world *world, int64_t now_s, bool only_looks)
{
    const struct rulebook_basis basis = { world->registry, now_s, only_looks, NULL };

    assert_int_equal(build_as(world, &basis), 0);
    return policy_next_expiry_s(world->policy);
}

/* Without a registry the process remembers, and nothing prolongs the grant. */
static void a_duration_without_a_registry(void **state)
{
    struct world *world = *state;
    struct anchors anchors;
    struct rulebook_basis basis = { .now_s = NOW_S, .anchors = &anchors };

    anchors_init(&anchors);
    use(world, "role \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d") "}");
    assert_int_equal(build_as(world, &basis), 0);
    assert_int_equal(policy_next_expiry_s(world->policy), NOW_S + DAY_S);
    basis.now_s += DAY_S / 2;
    assert_int_equal(build_as(world, &basis), 0);
    assert_int_equal(policy_next_expiry_s(world->policy), NOW_S + DAY_S);
    basis.now_s += DAY_S / 2;
    assert_int_equal(build_as(world, &basis), 0);
    assert_int_equal(policy_next_expiry_s(world->policy), 0);
    anchors_fini(&anchors);
}

static int count_anchors(struct world *world)
{
    sqlite3_stmt *s;
    struct registry *r = world->registry;

    assert_int_equal(sqlite3_prepare_v2(r->db, "SELECT count(*) FROM anchor", -1, &s, NULL), 0);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int count = sqlite3_column_int(s, 0);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    return count;
}

static void to_look_begins_nothing(void **state)
{
    struct world *world = *state;

    use(world, "role \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d") "}");
    assert_int_equal(expires_at(world, NOW_S, true), NOW_S + DAY_S);
    assert_int_equal(count_anchors(world), 0);
    assert_int_equal(expires_at(world, NOW_S + 10, false), NOW_S + 10 + DAY_S);
    assert_int_equal(count_anchors(world), 1);
    assert_int_equal(expires_at(world, NOW_S + 20, true), NOW_S + 10 + DAY_S);
    assert_int_equal(expires_at(world, NOW_S + 20, false), NOW_S + 10 + DAY_S);
    assert_true(may_subscribe(world, "lamp", "n/+"));
    assert_int_equal(expires_at(world, NOW_S + 10 + DAY_S, false), 0);
    assert_false(may_subscribe(world, "lamp", "n/+"));
}

static void blocks_with_the_same_words_are_one(void **state)
{
    struct world *world = *state;

    use(world, "role \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d") "}");
    assert_int_equal(expires_at(world, NOW_S, false), NOW_S + DAY_S);
    /* Written again further down it does not last longer. */
    use(world, "role \"other\" { }\nrole \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d")
                   SCOPE("n/", "1d") "}");
    assert_int_equal(expires_at(world, NOW_S + 50, false), NOW_S + DAY_S);
    assert_int_equal(count_anchors(world), 1);
    /* Other words are another grant, and so is another role. */
    use(world, "role \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "2d") "}");
    assert_int_equal(expires_at(world, NOW_S + 50, false), NOW_S + 50 + 2 * DAY_S);
    use(world, "role \"guest\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d") "}");
    assert_int_equal(expires_at(world, NOW_S + 60, false), NOW_S + 60 + DAY_S);
    assert_int_equal(count_anchors(world), 3);
}

/* Nobody prolongs a grant by writing into the registry, and nothing overflows. */
static void anchors_of_other_tools(void **state)
{
    static const struct {
        const char *first_read;
        int64_t expires_s; /* 0: it has expired */
    } rows[] = {
        { "9223372036854775807", NOW_S + DAY_S },
        { "1790000100", NOW_S + DAY_S },
        { "1789999990", NOW_S - 10 + DAY_S },
        { "-9223372036854775808", 0 },
        { "0", 0 },
    };
    struct world *world = *state;

    use(world, "role \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d") "}");
    assert_int_equal(expires_at(world, NOW_S, false), NOW_S + DAY_S);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char sql[96];
        (void)snprintf(sql, sizeof(sql), "UPDATE anchor SET first_read = %s", rows[i].first_read);
        run_sql(world, sql);
        assert_int_equal(expires_at(world, NOW_S, false), rows[i].expires_s);
    }
}

/* ---- a registry that cannot be asked ---- */

static void a_busy_registry(void **state)
{
    struct world *world = *state;
    const struct rulebook_basis basis = { .registry = world->registry, .now_s = NOW_S };
    const struct rulebook_basis looking = { world->registry, NOW_S, .only_looks = true };
    sqlite3 *db;

    use(world, "role \"device\" { subscribe = { \"n/#\" }\n" SCOPE("n/", "1d") "}");
    assert_int_equal(sqlite3_busy_timeout(world->registry->db, 10), SQLITE_OK);
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(build_as(world, &basis), -EBUSY);
    assert_null(world->policy);
    assert_int_equal(build_as(world, &looking), 0);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    build(world);
}

static void a_registry_without_its_tables(void **state)
{
    static const char *const tables[] = { "membership", "group_role", "grants" };
    struct world *world = *state;
    const struct rulebook_basis basis = { .registry = world->registry, .now_s = NOW_S };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(tables); i++) {
        char sql[64];
        run_sql(world, "DROP TRIGGER IF EXISTS identity_awaited");
        (void)snprintf(sql, sizeof(sql), "DROP TABLE %s", tables[i]);
        run_sql(world, sql);
        assert_true(build_as(world, &basis) < 0);
        assert_null(world->policy);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_file_alone),
        TEST(grants_to_a_device_a_role_a_group),
        TEST(denials_of_the_registry_win),
        TEST(what_has_expired_is_left_out),
        TEST(a_wildcard_grant),
        TEST(wrong_grants_are_left_out_one_by_one),
        TEST(half_a_wildcard_grant_is_none),
        TEST(wrong_groups_are_left_out),
        TEST(wrong_devices_have_nothing),
        TEST(hidden_roles_are_nobodys),
        TEST(one_role_too_many),
        TEST(a_duration_without_a_registry),
        TEST(to_look_begins_nothing),
        TEST(blocks_with_the_same_words_are_one),
        TEST(anchors_of_other_tools),
        TEST(a_busy_registry),
        TEST(a_registry_without_its_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
