/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission.h"

#include "net/facts.h"
#include "pki/registry.h"

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
    "role \"guest\" { subscribe = { \"news\" } }\n"
    "listener \"strict\" { }\n"
    "listener \"free\" { port = 8884 client-ids = any certificate-role = guest }\n"
    "listener \"open\" { port = 1883 tls = off address = localhost anonymous-role = guest }\n";

struct world {
    char folder[64];
    char path[96];
    struct registry *registry;
    struct registry_view *view;
    struct config *config;
    struct admission_rules rules;
};

static int read_text(void *context, const char *path, char **out_text, size_t *out_len)
{
    (void)context;
    (void)path;
    *out_text = strdup(configuration);
    *out_len = strlen(configuration);
    return *out_text != NULL ? 0 : -ENOMEM;
}

static void on_line(void *context, const char *line)
{
    (void)context;
    fail_msg("%s", line);
}

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
    static const struct settings_files files = { NULL, read_text };
    struct diagnostics diagnostics = { on_line, NULL, 0 };
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
    assert_int_equal(registry_view_new(world->registry, &world->view, NULL), 0);
    assert_int_equal(config_load("t.conf", &files, NULL, &diagnostics, &world->config), 0);
    world->rules = (struct admission_rules){ .config = world->config,
                                             .registry = world->view,
                                             .trust_domain = DOMAIN };
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char path[128];

    registry_view_unref(world->view);
    registry_close(world->registry);
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

static enum admission ask(struct world *world, const struct attempt *attempt,
                          struct admission_answer *out)
{
    const char *uris[] = { "https://example.org/", attempt->uri };
    struct tls_peer peer = {
        .common_name = attempt->common_name != NULL ? attempt->common_name : "",
        .issuer = "",
        .serial = "",
        .uri_count = attempt->uri != NULL && attempt->uri[0] != '\0' ? 2 : 0,
        .uris = uris,
    };
    struct connection_facts facts = { .listener = attempt->listener,
                                      .address = "192.0.2.1:1",
                                      .peer = attempt->uri != NULL ? &peer : NULL };
    struct mqtt_connect connect = { .has_user_name = attempt->has_password,
                                    .has_password = attempt->has_password };
    struct admission_request request = { .facts = &facts,
                                         .connect = &connect,
                                         .method = span_of(attempt->method) };

    peer.key_fingerprint[0] = attempt->key;
    return admission_decide(&world->rules, &request, out);
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

/* A reload asks for the role again: what the registry bars has none any more. */
static void roles_after_a_change(void **state)
{
    struct world *world = *state;
    struct identity identity = { .device = "lamp", .role = "device", .proved = true };

    assert_string_equal(role_name(admission_find_role(&world->rules, &identity)), "device");
    identity.device = "gone";
    assert_null(admission_find_role(&world->rules, &identity));
    identity.role = "no-such-role";
    assert_null(admission_find_role(&world->rules, &identity));
    identity = (struct identity){ .role = "guest" };
    assert_string_equal(role_name(admission_find_role(&world->rules, &identity)), "guest");
    identity.role = NULL;
    assert_null(admission_find_role(&world->rules, &identity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_registered_device),
        cmocka_unit_test(anonymous),
        cmocka_unit_test(a_foreign_certificate),
        cmocka_unit_test(roles_after_a_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
