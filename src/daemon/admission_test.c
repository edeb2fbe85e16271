/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission.h"

#include "config/rulebook.h"
#include "config/testing.h"
#include "net/facts.h"
#include "pki/blocked_keys.h"
#include "pki/holds.h"
#include "pki/registry.h"
#include "pki/registry_life.h"
#include "ratchet/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DOMAIN "home.tacit"

static const char configuration[] =
    "role \"device\" { publish = { \"d/%{device}\" } }\n"
    "role \"many\" { publish = { \"d/%{device}\" } clone = allow }\n"
    "role \"guest\" { subscribe = { \"news\" } }\n"
    "role \"pump\" { publish = { \"pumps/%{device}\" } }\n"
    "assign \"north\" { organization = \"Pumps Ltd\" organizational-unit = \"north\"\n"
    "  role = pump tenant = acme site = hall }\n"
    "assign \"pumps\" { organization = \"Pumps Ltd\" role = pump }\n"
    "assign \"one\" { common-name = \"press\" issuer = \"Press CA\" role = pump site = yard }\n"
    "listener \"strict\" { }\n"
    "listener \"free\" { port = 8884 client-ids = any certificate-role = guest }\n"
    "listener \"open\" { port = 1883 tls = off address = localhost anonymous-role = guest }\n";

struct world {
    char folder[64];
    char path[96];
    struct registry *registry;
    struct registry_view *view;
    struct config *config;
    struct policy *policy;
    struct presence presence;
    struct admission_rules rules;
};

/* Every key is its first byte. */
static void add(struct world *world, const char *name, const char *role, uint8_t key,
                enum registry_status status)
{
    struct registry_entry entry = { .kind = IDENTITY_DEVICE, .status = REGISTRY_ACTIVE };
    struct pki_fault fault = { "" };

    snprintf(entry.name, sizeof(entry.name), "%s", name);
    snprintf(entry.role, sizeof(entry.role), "%s", role);
    snprintf(entry.tenant, sizeof(entry.tenant), "%s", key == 1 ? "acme" : "");
    snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%02X", key);
    entry.key_sha256[0] = key;
    entry.certificate.fingerprint[0] = key;
    entry.certificate.not_after_s = INT64_MAX / 2;
    if (registry_add(world->registry, &entry, &fault) != 0)
        fail_msg("%s", fault.text);
    if (status != REGISTRY_ACTIVE)
        assert_int_equal(registry_set_status(world->registry, name, status, NULL), 0);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    snprintf(world->folder, sizeof(world->folder), "/tmp/admission-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/registry.db", world->folder);
    assert_int_equal(registry_open(world->path, &world->registry, NULL), 0);
    add(world, "lamp", "device", 1, REGISTRY_ACTIVE);
    add(world, "gone", "device", 2, REGISTRY_REVOKED);
    add(world, "asleep", "device", 3, REGISTRY_SUSPENDED);
    add(world, "old", "device", 4, REGISTRY_RETIRED);
    add(world, "lost", "no-such-role", 5, REGISTRY_ACTIVE);
    add(world, "lamp-2", "many", 6, REGISTRY_ACTIVE);
    add(world, "twin", "device", 7, REGISTRY_ACTIVE);
    assert_int_equal(holds_begin(world->registry, "twin", "seen twice", NULL), 0);
    assert_int_equal(registry_view_new(world->registry, &world->view, NULL), 0);
    world->config = test_load_good(configuration, NULL);
    const struct rulebook_basis basis = { .registry = world->registry, .now_s = 1 };
    assert_int_equal(rulebook_build(world->config, &basis, NULL, &world->policy, NULL), 0);
    presence_init(&world->presence, &(struct siphash_key){ 1, 2 });
    world->rules = (struct admission_rules){ .config = world->config,
                                             .policy = world->policy,
                                             .registry = world->view,
                                             .trust_domain = DOMAIN,
                                             .presence = &world->presence };
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char path[128];

    registry_view_unref(world->view);
    registry_close(world->registry);
    presence_fini(&world->presence);
    policy_unref(world->policy);
    config_unref(world->config);
    unlink(world->path);
    snprintf(path, sizeof(path), "%s-wal", world->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", world->path);
    unlink(path);
    rmdir(world->folder);
    free(world);
    return 0;
}

struct attempt {
    const char *listener;
    const char *uri; /* NULL: no certificate; "": one without */
    const char *common_name;
    uint8_t key;
    const char *method;
    bool has_password;
};

static enum admission ask_with(struct world *world, const struct attempt *attempt,
                               const struct mqtt_connect *connect, struct admission_answer *out)
{
    const char *uris[] = { "https://example.org/", attempt->uri };
    struct tls_peer peer = {
        .common_name = attempt->common_name != NULL ? attempt->common_name : "",
        .organization = "",
        .organizational_unit = "",
        .issuer = "",
        .serial = "",
        .uri_count = attempt->uri != NULL && attempt->uri[0] != '\0' ? 2 : 0,
        .uris = uris,
    };
    struct connection_facts facts = { .listener = attempt->listener,
                                      .address = "192.0.2.1:1",
                                      .peer = attempt->uri != NULL ? &peer : NULL };
    struct admission_request request = { .facts = &facts,
                                         .connect = connect,
                                         .method = span_of(attempt->method) };

    peer.key_fingerprint[0] = attempt->key;
    return admission_decide(&world->rules, &request, out);
}

static enum admission ask_as(struct world *world, const struct attempt *attempt,
                             const char *client_id, struct admission_answer *out)
{
    const struct mqtt_connect connect = { .has_user_name = attempt->has_password,
                                          .has_password = attempt->has_password,
                                          .client_id = span_of(client_id) };

    return ask_with(world, attempt, &connect, out);
}

static enum admission ask(struct world *world, const struct attempt *attempt,
                          struct admission_answer *out)
{
    return ask_as(world, attempt, "", out);
}

#define URI(name) "spiffe://" DOMAIN "/device/" name

static const struct {
    struct attempt attempt;
    uint8_t reason;
    const char *text;
} refused[] = {
    { { "strict", NULL, NULL, 0, NULL, false },
      0x87,
      "this listener lets nobody in without a client certificate" },
    { { "strict", NULL, NULL, 0, NULL, true },
      0x86,
      "user names and passwords are not accepted here; use a client certificate" },
    { { "strict", URI("lamp"), "lamp", 1, "SCRAM-SHA-256", false },
      0x8c,
      "this authentication method is not offered; use a client certificate" },
    { { "strict", URI("nobody"), "nobody", 1, NULL, false },
      0x87,
      "this device is not in the registry; add it with tacit device add" },
    { { "strict", URI("lamp"), "lamp", 2, NULL, false },
      0x87,
      "the certificate's key is not the one registered for this device" },
    { { "strict", "spiffe://" DOMAIN "/admin/lamp", "lamp", 1, NULL, false },
      0x87,
      "the certificate names another kind of identity than the registry" },
    { { "strict", URI("gone"), "gone", 2, NULL, false }, 0x87, "this device has been revoked" },
    { { "strict", URI("asleep"), "asleep", 3, NULL, false }, 0x87, "this device is suspended" },
    { { "strict", URI("old"), "old", 4, NULL, false },
      0x87,
      "this device has been taken out of service" },
    { { "strict", URI("lost"), "lost", 5, NULL, false },
      0x87,
      "the device's role is not defined in the broker's configuration" },
    /* Another trust domain, or none: the common name speaks for nobody here. */
    { { "strict", "spiffe://else/device/lamp", "lamp", 1, NULL, false },
      0x87,
      "the certificate carries no identity of this broker; add the device with tacit device add" },
    { { "strict", "", "lamp", 1, NULL, false },
      0x87,
      "the certificate carries no identity of this broker; add the device with tacit device add" },
    /* What the registry bars is not let in through the door for strangers. */
    { { "free", URI("gone"), "gone", 2, NULL, false }, 0x87, "this device has been revoked" },
    { { "free", URI("nobody"), "nobody", 9, NULL, false },
      0x87,
      "this device is not in the registry; add it with tacit device add" },
    { { "free", "", "a/b", 9, NULL, false },
      0x87,
      "the certificate's common name cannot stand for a device" },
    { { "free", "", "", 9, NULL, false },
      0x87,
      "the certificate's common name cannot stand for a device" },
    { { "removed", URI("lamp"), "lamp", 1, NULL, false },
      0x87,
      "this listener has just been removed" },
};

static void refusals(void **state)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(refused); i++) {
        struct admission_answer answer = { 0 };
        assert_int_equal(ask(*state, &refused[i].attempt, &answer), ADMISSION_REFUSE);
        assert_string_equal(answer.reason_text, refused[i].text);
        assert_int_equal(answer.reason, refused[i].reason);
        assert_null(answer.role);
    }
}

static void a_registered_device(void **state)
{
    const struct attempt attempt = { "strict", URI("lamp"), "whatever", 1, NULL, true };
    struct admission_answer answer;

    assert_int_equal(ask(*state, &attempt, &answer), ADMISSION_ALLOW);
    assert_string_equal(answer.identity.device, "lamp");
    assert_string_equal(answer.identity.role, "device");
    assert_string_equal(answer.identity.tenant, "acme");
    assert_null(answer.identity.site);
    assert_true(answer.identity.proved);
    assert_true(answer.client_id_is_bound);
    assert_string_equal(role_name(answer.role), "device");
}

static void a_ratchet_that_is_not_kept_here(void **state)
{
    static const struct attempt attempts[] = { { "strict", URI("lamp"), "lamp", 1, NULL, false },
                                               { "free", "", "client7", 7, NULL, false },
                                               { "open", NULL, NULL, 0, NULL, false } };
    const struct mqtt_connect connect = { .version = MQTT_VERSION_3_1_1,
                                          .has_user_name = true,
                                          .user_name = span_of(RATCHET_NAME),
                                          .password = span_of("1") };
    struct admission_answer answer;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(attempts); i++) {
        assert_int_equal(ask(*state, &attempts[i], &answer), ADMISSION_ALLOW);
        assert_int_equal(ask_with(*state, &attempts[i], &connect, &answer), ADMISSION_REFUSE);
        assert_non_null(strstr(answer.reason_text, "none is kept here"));
    }
}

/* ---- one key in two places ---- */

static void keys_are_looked_after(void **state)
{
    const struct attempt lamp = { "strict", URI("lamp"), "lamp", 1, NULL, false };
    const struct attempt many = { "strict", URI("lamp-2"), "lamp-2", 6, NULL, false };
    const struct attempt foreign = { "free", "", "client7", 7, NULL, false };
    struct admission_answer answer;

    assert_int_equal(ask(*state, &lamp, &answer), ADMISSION_ALLOW);
    assert_int_equal(answer.credential.key.len, TLS_FINGERPRINT_BYTES);
    assert_true(span_equal(answer.credential.place, span_of("192.0.2.1")));
    assert_int_equal(answer.credential.rule, POLICY_CLONE_HOLD);
    assert_int_equal(ask(*state, &many, &answer), ADMISSION_ALLOW);
    assert_int_equal(answer.credential.rule, POLICY_CLONE_ALLOW);
    assert_int_equal(ask(*state, &foreign, &answer), ADMISSION_ALLOW);
    assert_int_equal(answer.credential.key.len, 0);
}

static const char *held_by(struct admission_rules *rules, const char *device)
{
    const struct identity identity = {
        .device = device, .tenant = NULL, .role = "device", .proved = true
    };
    struct standing standing;

    admission_find_standing(rules, &identity, &standing);
    assert_null(standing.barred);
    assert_non_null(standing.role);
    return standing.held;
}

static void who_is_held(void **state)
{
    struct world *world = *state;
    const struct attempt twin = { "strict", URI("twin"), "twin", 7, NULL, false };
    const struct attempt other = { "strict", URI("lamp-2"), "lamp-2", 6, NULL, false };
    struct holding *holding = holding_new();
    struct admission_answer answer;

    assert_non_null(holding);
    assert_int_equal(ask(world, &twin, &answer), ADMISSION_ALLOW);
    assert_non_null(answer.held);
    assert_non_null(held_by(&world->rules, "twin"));
    assert_null(held_by(&world->rules, "lamp-2"));
    /* Before the registry knows it. */
    world->rules.holding = holding;
    assert_int_equal(holding_begin(holding, "lamp-2", HOLD_CLONE), 0);
    assert_int_equal(ask(world, &other, &answer), ADMISSION_ALLOW);
    assert_non_null(answer.held);
    assert_non_null(held_by(&world->rules, "lamp-2"));
    holding_settle(holding, "lamp-2", 3, 0);
    world->rules.ruling_number = 3;
    assert_null(held_by(&world->rules, "lamp-2"));
    world->rules.holding = NULL;
    world->rules.ruling_number = 0;
    holding_free(holding);
}

/* The view does not know it yet; the registry does. */
static void a_newcomer_that_is_held(void **state)
{
    struct world *world = *state;
    const struct attempt young = { "strict", URI("young"), "young", 60, NULL, false };
    struct admission_answer answer;

    add(world, "young", "device", 60, REGISTRY_ACTIVE);
    world->rules.newcomers = world->registry;
    assert_int_equal(ask(world, &young, &answer), ADMISSION_ALLOW);
    assert_null(answer.held);
    assert_int_equal(holds_begin(world->registry, "young", "seen twice", NULL), 0);
    assert_int_equal(ask(world, &young, &answer), ADMISSION_ALLOW);
    assert_non_null(answer.held);
    assert_non_null(held_by(&world->rules, "young"));
    world->rules.newcomers = NULL;
}

static void names_of_others_are_not_for_the_taking(void **state)
{
    static const struct {
        struct attempt attempt;
        const char *client_id;
        enum admission admission;
    } rows[] = {
        { { "strict", URI("lamp"), "lamp", 1, NULL, false }, "lamp", ADMISSION_ALLOW },
        { { "strict", URI("lamp"), "lamp", 1, NULL, false }, "lamp-3", ADMISSION_ALLOW },
        { { "strict", URI("lamp"), "lamp", 1, NULL, false }, "lamp-2", ADMISSION_REFUSE },
        { { "strict", URI("lamp-2"), "lamp-2", 6, NULL, false }, "lamp-2", ADMISSION_ALLOW },
        { { "free", URI("lamp"), "lamp", 1, NULL, false }, "lamp-2", ADMISSION_ALLOW },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct admission_answer answer = { 0 };
        assert_int_equal(ask_as(*state, &rows[i].attempt, rows[i].client_id, &answer),
                         rows[i].admission);
        assert_int_equal(answer.reason, rows[i].admission == ADMISSION_REFUSE ? 0x85 : 0);
    }
}

static void a_foreign_certificate(void **state)
{
    const struct attempt attempt = { "free", "", "client7", 7, NULL, false };
    struct admission_answer answer;

    assert_int_equal(ask(*state, &attempt, &answer), ADMISSION_ALLOW);
    assert_string_equal(answer.identity.device, "client7");
    assert_string_equal(role_name(answer.role), "guest");
    assert_true(answer.identity.proved);
    assert_false(answer.client_id_is_bound);
}

static void anonymous(void **state)
{
    const struct attempt attempt = { "open", NULL, NULL, 0, NULL, true };
    struct admission_answer answer;

    assert_int_equal(ask(*state, &attempt, &answer), ADMISSION_ALLOW);
    assert_null(answer.identity.device);
    assert_string_equal(role_name(answer.role), "guest");
    assert_false(answer.identity.proved);
    assert_false(answer.client_id_is_bound);
}

/* ---- certificates of other authorities ---- */

static enum admission ask_foreign(struct world *world, const struct tls_peer *peer,
                                  struct admission_answer *out)
{
    const struct connection_facts facts = { .listener = "free", .address = "here", .peer = peer };
    const struct mqtt_connect connect = { .version = MQTT_VERSION_5 };
    const struct admission_request request = { .facts = &facts, .connect = &connect };

    return admission_decide(&world->rules, &request, out);
}

/* The first block whose attributes all equal decides; where none does, the listener. */
static void assignments(void **state)
{
    static const struct {
        struct tls_peer peer;
        const char *role;
        const char *tenant;
        const char *site;
    } rows[] = {
        { { .common_name = "p1",
            .organization = "Pumps Ltd",
            .organizational_unit = "north",
            .issuer = "x" },
          "pump",
          "acme",
          "hall" },
        { { .common_name = "p2",
            .organization = "Pumps Ltd",
            .organizational_unit = "south",
            .issuer = "x" },
          "pump",
          NULL,
          NULL },
        { { .common_name = "press",
            .organization = "",
            .organizational_unit = "",
            .issuer = "Press CA" },
          "pump",
          NULL,
          "yard" },
        { { .common_name = "press",
            .organization = "",
            .organizational_unit = "",
            .issuer = "Other CA" },
          "guest",
          NULL,
          NULL },
        { { .common_name = "p3",
            .organization = "pumps ltd",
            .organizational_unit = "north",
            .issuer = "x" },
          "guest",
          NULL,
          NULL },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct admission_answer answer;
        assert_int_equal(ask_foreign(*state, &rows[i].peer, &answer), ADMISSION_ALLOW);
        assert_string_equal(answer.identity.device, rows[i].peer.common_name);
        assert_string_equal(answer.identity.role, rows[i].role);
        assert_string_equal(role_name(answer.role), rows[i].role);
        assert_string_equal(answer.identity.tenant != NULL ? answer.identity.tenant : "-",
                            rows[i].tenant != NULL ? rows[i].tenant : "-");
        assert_string_equal(answer.identity.site != NULL ? answer.identity.site : "-",
                            rows[i].site != NULL ? rows[i].site : "-");
    }
}

/* Names that would change the shape of a topic, or be somebody else's. */
static const char *const hostile_names[] = {
    "",  "+",         "#",       "a/b", "$SYS", "a b",  "a+b",      "a#",       "/",
    "%", "%{device}", ".hidden", "\"",  "a\\b", "\x7f", "\xc3\xa9", "\xff\xfe", "a\tb",
};

static void hostile_common_names(void **state)
{
    char *longest = malloc(65536 + 1);

    assert_non_null(longest);
    memset(longest, 'x', 65536);
    longest[65536] = '\0';
    for (size_t i = 0; i <= MQTT_ARRAY_LEN(hostile_names); i++) {
        const char *name = i < MQTT_ARRAY_LEN(hostile_names) ? hostile_names[i] : longest;
        const struct tls_peer peer = { .common_name = name,
                                       .organization = "Pumps Ltd",
                                       .organizational_unit = "",
                                       .issuer = "" };
        struct admission_answer answer;
        assert_int_equal(ask_foreign(*state, &peer, &answer), ADMISSION_REFUSE);
        assert_string_equal(answer.reason_text,
                            "the certificate's common name cannot stand for a device");
        assert_null(answer.role);
    }
    free(longest);
}

/* In a certificate of our own CA such a name is none, and the listener's rule for strangers does
 * not take it either. */
static void hostile_names_in_our_certificates(void **state)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(hostile_names); i++) {
        char uri[128];
        struct admission_answer answer;
        snprintf(uri, sizeof(uri), "spiffe://" DOMAIN "/device/%s", hostile_names[i]);
        const struct attempt attempt = { "free", uri, hostile_names[i], 1, NULL, false };
        assert_int_equal(ask(*state, &attempt, &answer), ADMISSION_REFUSE);
        assert_null(answer.role);
    }
}

/* Nobody gets into the registry, or is moved, under such a name, tenant or site. */
static void hostile_names_in_the_registry(void **state)
{
    struct world *world = *state;

    for (size_t i = 1; i < MQTT_ARRAY_LEN(hostile_names); i++) {
        for (unsigned field = 0; field < 3; field++) {
            struct registry_entry entry = { .name = "fresh",
                                            .role = "device",
                                            .kind = IDENTITY_DEVICE,
                                            .status = REGISTRY_ACTIVE };
            char *fields[] = { entry.name, entry.tenant, entry.site };
            strcpy(fields[field], hostile_names[i]);
            entry.key_sha256[0] = 99;
            assert_int_equal(registry_add(world->registry, &entry, NULL), -EINVAL);
        }
    }
}

/* It would be given what the registry grants to its owner. */
static void a_foreign_certificate_with_a_registered_name(void **state)
{
    const struct attempt attempt = { "free", "", "lamp", 1, NULL, false };
    struct admission_answer answer;

    assert_int_equal(ask(*state, &attempt, &answer), ADMISSION_REFUSE);
    assert_string_equal(answer.reason_text,
                        "the registry has a device of this name, with another certificate");
}

/* ---- after a change ---- */

#define GONE     "this device is not in the registry any more"
#define MOVED    "this device was moved to another tenant or site; connect again"
#define OTHERS   "the certificate's key is not the one registered for this device"
#define NO_RULE  "no certificate is given this role any more; connect again"
#define NOT_OPEN "nobody is let in without a client certificate any more"

enum where { AWAY, OURS, FOREIGN };

static const struct {
    struct identity identity;
    enum where where; /* how it is connected, with key `key` */
    uint8_t key;
    const char *barred; /* NULL: it is not */
    const char *role;   /* NULL: none */
} standings[] = {
    { { "lamp", "acme", NULL, "device", true }, OURS, 1, NULL, "device" },
    { { "lamp", "acme", NULL, "device", true }, AWAY, 0, NULL, "device" },
    /* The role is that of the registry, whatever the session began with. */
    { { "lamp", "acme", NULL, "guest", true }, OURS, 1, NULL, "device" },
    { { "lost", NULL, NULL, "device", true }, OURS, 5, NULL, NULL },
    { { "gone", NULL, NULL, "device", true }, OURS, 2, "this device has been revoked", NULL },
    { { "asleep", NULL, NULL, "device", true }, AWAY, 0, "this device is suspended", NULL },
    { { "old", NULL, NULL, "device", true },
      OURS,
      4,
      "this device has been taken out of service",
      NULL },
    { { "lamp", NULL, NULL, "device", true }, OURS, 1, MOVED, NULL },
    { { "lamp", "other", NULL, "device", true }, AWAY, 0, MOVED, NULL },
    { { "lamp", "acme", "hall", "device", true }, OURS, 1, MOVED, NULL },
    { { "lamp", "acme", NULL, "device", true }, OURS, 7, OTHERS, NULL },
    /* The name was added to the registry while a stranger was using it. */
    { { "lamp", "acme", NULL, "guest", true }, FOREIGN, 1, OTHERS, NULL },
    { { "vanished", NULL, NULL, "guest", true }, OURS, 9, GONE, NULL },
    { { "client7", NULL, NULL, "guest", true }, FOREIGN, 7, NULL, "guest" },
    { { "client7", NULL, NULL, "guest", true }, AWAY, 0, NULL, "guest" },
    { { "p1", "acme", "hall", "pump", true }, FOREIGN, 7, NULL, "pump" },
    { { "p1", "acme", "yard", "pump", true }, FOREIGN, 7, NO_RULE, NULL },
    { { "press", NULL, "yard", "pump", true }, FOREIGN, 7, NULL, "pump" },
    { { "client7", NULL, "yard", "pump", true }, FOREIGN, 7, NO_RULE, NULL },
    { { "client7", NULL, NULL, "device", true }, FOREIGN, 7, NO_RULE, NULL },
    { { NULL, NULL, NULL, "guest", false }, AWAY, 0, NULL, "guest" },
    { { NULL, NULL, NULL, "device", false }, AWAY, 0, NOT_OPEN, NULL },
    { { NULL, NULL, NULL, NULL, false }, AWAY, 0, NOT_OPEN, NULL },
};

static void standing_after_a_change(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(standings); i++) {
        const struct identity *identity = &standings[i].identity;
        struct tls_peer peer = { .common_name = "" };
        struct standing standing = { 0 };
        bool is_here = standings[i].where != AWAY;

        peer.key_fingerprint[0] = standings[i].key;
        if (is_here)
            presence_add(
                &world->presence, identity->device,
                &(struct presence_proof){ .peer = &peer, .is_ours = standings[i].where == OURS });
        admission_find_standing(&world->rules, identity, &standing);
        if (is_here)
            presence_remove(&world->presence, identity->device);
        assert_string_equal(standing.barred != NULL ? standing.barred : "let in",
                            standings[i].barred != NULL ? standings[i].barred : "let in");
        assert_string_equal(standing.role != NULL ? role_name(standing.role) : "none",
                            standings[i].role != NULL ? standings[i].role : "none");
    }
}

/* A device that the view does not have yet is asked for, not thrown out. */
static void standing_of_a_newcomer(void **state)
{
    struct world *world = *state;
    const struct identity identity = { "fresh", NULL, NULL, "device", true };
    struct tls_peer peer = { .common_name = "" };
    struct standing standing;

    add(world, "fresh", "device", 50, REGISTRY_ACTIVE);
    peer.key_fingerprint[0] = 50;
    presence_add(&world->presence, "fresh",
                 &(struct presence_proof){ .peer = &peer, .is_ours = true });
    admission_find_standing(&world->rules, &identity, &standing);
    assert_string_equal(standing.barred, GONE);
    world->rules.newcomers = world->registry;
    admission_find_standing(&world->rules, &identity, &standing);
    assert_null(standing.barred);
    assert_string_equal(role_name(standing.role), "device");
    world->rules.newcomers = NULL;
    presence_remove(&world->presence, "fresh");
}

/* ---- keys that nobody may use ---- */

static void block(struct world *world, uint8_t key_byte)
{
    struct blocked_key key = { .reason = "test" };
    struct pki_fault fault = { "" };

    key.key_sha256[0] = key_byte;
    if (blocked_keys_add(world->registry, &key, &fault) != 0)
        fail_msg("%s", fault.text);
}

static void expect_refusal(struct world *world, const char *listener, const struct tls_peer *peer,
                           const char *text)
{
    struct connection_facts facts = { .listener = listener, .address = "[::1]:1", .peer = peer };
    struct mqtt_connect connect = { 0 };
    const struct admission_request request = { .facts = &facts, .connect = &connect };
    struct admission_answer answer;

    assert_int_equal(admission_decide(&world->rules, &request, &answer), ADMISSION_REFUSE);
    assert_int_equal(answer.reason, 0x87);
    assert_string_equal(answer.reason_text, text);
}

static void weak_and_blocked_keys(void **state)
{
    static const char blocked[] = "the certificate's key is blocked; the device needs a new one";
    struct world *world = *state;
    const char *uris[] = { URI("lamp") };
    struct tls_peer ours = { .common_name = "lamp", .uri_count = 1, .uris = uris };
    struct tls_peer foreign = {
        .common_name = "guest", .organization = "", .issuer = "", .organizational_unit = ""
    };
    struct blocked_set *set = NULL;

    ours.key_fingerprint[0] = 1;
    foreign.key_fingerprint[0] = 60;
    ours.weakness = foreign.weakness = "it is weak";
    expect_refusal(world, "strict", &ours, "it is weak");
    expect_refusal(world, "free", &foreign, "it is weak");
    ours.weakness = foreign.weakness = NULL;
    block(world, 1);
    block(world, 60);
    assert_int_equal(blocked_set_new(world->registry, NULL, &set, NULL), 0);
    world->rules.blocked = set;
    expect_refusal(world, "strict", &ours, blocked);
    expect_refusal(world, "free", &foreign, blocked);
    world->rules.blocked = NULL;
    blocked_set_unref(set);
    assert_int_equal(blocked_keys_remove(world->registry, ours.key_fingerprint, NULL), 0);
    assert_int_equal(blocked_keys_remove(world->registry, foreign.key_fingerprint, NULL), 0);
}

/* Also when it is the second key of those that are there under one name. */
static void standing_of_a_blocked_key(void **state)
{
    struct world *world = *state;
    const struct identity identity = { "guest", NULL, NULL, "guest", true };
    struct tls_peer first = { .common_name = "guest" };
    struct tls_peer second = { .common_name = "guest" };
    struct blocked_set *set = NULL;
    struct standing standing;

    first.key_fingerprint[0] = 70;
    second.key_fingerprint[0] = 71;
    presence_add(&world->presence, "guest",
                 &(struct presence_proof){ .peer = &first, .is_ours = false });
    presence_add(&world->presence, "guest",
                 &(struct presence_proof){ .peer = &second, .is_ours = false });
    admission_find_standing(&world->rules, &identity, &standing);
    assert_null(standing.barred);
    block(world, 71);
    assert_int_equal(blocked_set_new(world->registry, NULL, &set, NULL), 0);
    world->rules.blocked = set;
    admission_find_standing(&world->rules, &identity, &standing);
    assert_non_null(standing.barred);
    assert_non_null(strstr(standing.barred, "blocked"));
    world->rules.blocked = NULL;
    blocked_set_unref(set);
    assert_int_equal(blocked_keys_remove(world->registry, second.key_fingerprint, NULL), 0);
    presence_remove(&world->presence, "guest");
    presence_remove(&world->presence, "guest");
}

/* ---- accounts ---- */

static const char *standing_of(struct world *world, const char *name, const char *tenant)
{
    const struct identity identity = { name, tenant, NULL, "guest", true };
    struct standing standing = { 0 };

    admission_find_standing(&world->rules, &identity, &standing);
    assert_int_equal(standing.role != NULL, standing.barred == NULL);
    return standing.barred != NULL ? standing.barred : "let in";
}

/* With the view, and without it for those it does not know yet. */
static void judge_accounts(struct world *world)
{
    assert_string_equal(standing_of(world, "anna", NULL), "let in");
    assert_string_equal(standing_of(world, "anna", "acme"),
                        "this account was moved to another tenant or site; connect again");
    assert_string_equal(standing_of(world, "berta", NULL), "this account is suspended or revoked");
    assert_string_equal(standing_of(world, "clara", NULL),
                        "the password of this account was seen in the clear; set a new one with "
                        "tacit passwd");
}

static void standing_of_accounts(void **state)
{
    struct world *world = *state;
    struct account account = { .role = "guest", .status = REGISTRY_ACTIVE };
    struct account_view *view = NULL;
    struct tls_peer peer = { .common_name = "" };

    for (const char *const *name = (const char *const[]){ "anna", "berta", "clara", NULL };
         *name != NULL; name++) {
        snprintf(account.name, sizeof(account.name), "%s", *name);
        assert_int_equal(accounts_add(world->registry, &account, NULL), 0);
    }
    assert_int_equal(accounts_set_status(world->registry, "berta", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(accounts_burn(world->registry, "clara", "", "192.0.2.1", NULL), 1);
    world->rules.newcomers = world->registry;
    judge_accounts(world);
    world->rules.newcomers = NULL;
    assert_int_equal(account_view_new(world->registry, &view, NULL), 0);
    world->rules.accounts = view;
    judge_accounts(world);

    /* Whoever came in without a certificate is no stranger's device. */
    presence_add(&world->presence, "dora",
                 &(struct presence_proof){ .peer = NULL, .is_ours = false });
    assert_string_equal(standing_of(world, "dora", NULL), "this account does not exist any more");
    presence_remove(&world->presence, "dora");
    presence_add(&world->presence, "anna",
                 &(struct presence_proof){ .peer = &peer, .is_ours = false });
    assert_string_equal(standing_of(world, "anna", NULL),
                        "an account has the name that this certificate stands for");
    presence_remove(&world->presence, "anna");
    world->rules.accounts = NULL;
    account_view_unref(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_registered_device),
        cmocka_unit_test(a_ratchet_that_is_not_kept_here),
        cmocka_unit_test(keys_are_looked_after),
        cmocka_unit_test(who_is_held),
        cmocka_unit_test(a_newcomer_that_is_held),
        cmocka_unit_test(names_of_others_are_not_for_the_taking),
        cmocka_unit_test(anonymous),
        cmocka_unit_test(a_foreign_certificate),
        cmocka_unit_test(assignments),
        cmocka_unit_test(hostile_common_names),
        cmocka_unit_test(hostile_names_in_our_certificates),
        cmocka_unit_test(hostile_names_in_the_registry),
        cmocka_unit_test(a_foreign_certificate_with_a_registered_name),
        cmocka_unit_test(standing_after_a_change),
        cmocka_unit_test(standing_of_a_newcomer),
        cmocka_unit_test(weak_and_blocked_keys),
        cmocka_unit_test(standing_of_a_blocked_key),
        cmocka_unit_test(standing_of_accounts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
