/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/confine_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* FOLDER/live/server.crt is a link to FOLDER/archive/server1.crt. */
struct stand {
    char folder[64];
    char live[96];
    char archive[96];
    char certificate[128];
};

static int make_stand(void **state)
{
    struct stand *stand = calloc(1, sizeof(*stand));
    char target[128];

    assert_non_null(stand);
    (void)snprintf(stand->folder, sizeof(stand->folder), "/tmp/tacit-plan-XXXXXX");
    assert_non_null(mkdtemp(stand->folder));
    (void)snprintf(stand->live, sizeof(stand->live), "%s/live", stand->folder);
    (void)snprintf(stand->archive, sizeof(stand->archive), "%s/archive", stand->folder);
    (void)snprintf(stand->certificate, sizeof(stand->certificate), "%s/server.crt", stand->live);
    (void)snprintf(target, sizeof(target), "%s/server1.crt", stand->archive);
    assert_int_equal(mkdir(stand->live, 0700) + mkdir(stand->archive, 0700), 0);
    int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(symlink("../archive/server1.crt", stand->certificate), 0);
    *state = stand;
    return 0;
}

static int remove_stand(void **state)
{
    struct stand *stand = *state;
    char target[128];

    (void)snprintf(target, sizeof(target), "%s/server1.crt", stand->archive);
    unlink(stand->certificate);
    unlink(target);
    rmdir(stand->live);
    rmdir(stand->archive);
    rmdir(stand->folder);
    free(stand);
    return 0;
}

static bool has(const struct confine_plan *plan, const char *path, enum confine_access access)
{
    for (size_t i = 0; i < plan->path_count; i++) {
        if (strcmp(plan->paths[i].path, path) == 0 && plan->paths[i].access == access)
            return true;
    }
    return false;
}

static void names_all(void **state)
{
    struct stand *stand = *state;
    char extra_read[] = "/srv/extra";
    char extra_write[] = "/srv/tokens";
    char *readable[] = { extra_read };
    char *writable[] = { extra_write };
    char socket_path[] = "/run/tacit/mqtt.sock";
    char token_key[] = "/etc/tokens/key.pem";
    char *files[] = { token_key };
    char authority[] = "/etc/works/ca.pem";
    char passphrase[] = "/etc/secret/passphrase";
    char module[] = "pkcs11:token=t;object=o?pin-source=file:/etc/pin/it";
    struct config_tokens tokens = { .key = token_key };
    struct config_listener listeners[] = {
        { .certificate = stand->certificate, .tokens = &tokens, .token_count = 1 },
        { .path = socket_path },
    };
    struct config_manufacturer manufacturer = { .ca = authority };
    const struct config config = {
        .listeners = listeners,
        .listener_count = 2,
        .ca = { .key = module, .passphrase_file = passphrase },
        .sandbox = { .readable = { readable, 1 }, .writable = { writable, 1 } },
        .enrolment = { .manufacturers = &manufacturer, .manufacturer_count = 1 },
        .settings = { .files = files, .file_count = 1 },
    };
    struct confine_plan_made made;

    assert_int_equal(confine_plan_make(&config, "/var/lib/tacit", &made), 0);
    const struct confine_plan *plan = &made.plan;
    assert_true(has(plan, "/var/lib/tacit/store", CONFINE_WRITE));
    assert_true(has(plan, stand->certificate, CONFINE_READ));
    assert_true(has(plan, stand->live, CONFINE_READ));
    assert_true(has(plan, stand->archive, CONFINE_READ));
    assert_false(has(plan, stand->folder, CONFINE_READ));
    assert_true(has(plan, "/run/tacit", CONFINE_SOCKETS));
    assert_true(has(plan, token_key, CONFINE_READ));
    assert_true(has(plan, authority, CONFINE_READ));
    assert_false(has(plan, passphrase, CONFINE_READ));
    assert_false(has(plan, "/etc/pin/it", CONFINE_READ));
    assert_true(has(plan, extra_read, CONFINE_READ));
    assert_true(has(plan, extra_write, CONFINE_WRITE));
    assert_false(has(plan, "/etc", CONFINE_READ));
    assert_false(plan->loads_modules);
    assert_true(plan->has_network);
    confine_plan_fini(&made);

    assert_int_equal(confine_plan_make_steward(&config, "/var/lib/tacit", &made), 0);
    assert_true(has(plan, "/var/lib/tacit/ca", CONFINE_READ));
    assert_true(has(plan, passphrase, CONFINE_READ));
    assert_true(has(plan, "/etc/pin/it", CONFINE_READ));
    assert_true(has(plan, token_key, CONFINE_READ));
    assert_false(has(plan, stand->certificate, CONFINE_READ));
    assert_false(has(plan, "/var/lib/tacit/store", CONFINE_WRITE));
    assert_true(plan->loads_modules);
    assert_false(plan->has_network);
    confine_plan_fini(&made);
}

static void needs_little(void **state)
{
    const struct config config = { .listener_count = 0 };
    struct confine_plan_made made;

    (void)state;
    assert_int_equal(confine_plan_make(&config, "/var/lib/tacit", &made), 0);
    assert_false(made.plan.loads_modules);
    assert_false(has(&made.plan, "/usr", CONFINE_READ));
    for (size_t i = 0; i < made.plan.path_count; i++) {
        const struct confine_path *path = &made.plan.paths[i];
        assert_true(path->access == CONFINE_READ || strcmp(path->path, "/dev/null") == 0
                    || strncmp(path->path, "/var/lib/tacit/", 15) == 0);
        assert_false(confine_plan_is_shared(path->path));
    }
    confine_plan_fini(&made);
}

/* FOLDER is the state folder here: whatever is named in it, its keys stay closed. */
static void keys_stay_closed(void **state)
{
    struct stand *stand = *state;
    char ca[96];
    char authority[128];
    char beside[128];
    struct config_listener listeners[] = { { .client_ca = authority, .crl = beside } };
    char *files[] = { stand->certificate };
    char *revealing[] = { stand->folder };
    struct config config = {
        .listeners = listeners,
        .listener_count = 1,
        .settings = { .files = files, .file_count = 1 },
    };
    struct confine_plan_made made;

    (void)snprintf(ca, sizeof(ca), "%s/ca", stand->folder);
    (void)snprintf(authority, sizeof(authority), "%s/ca.crt", ca);
    (void)snprintf(beside, sizeof(beside), "%s/list.crl", stand->folder);
    assert_int_equal(mkdir(ca, 0700), 0);
    assert_int_equal(confine_plan_make(&config, stand->folder, &made), 0);
    assert_true(has(&made.plan, authority, CONFINE_READ));
    assert_true(has(&made.plan, beside, CONFINE_READ));
    assert_true(has(&made.plan, stand->live, CONFINE_READ));
    assert_false(has(&made.plan, ca, CONFINE_READ));
    assert_false(has(&made.plan, stand->folder, CONFINE_READ));
    assert_null(made.revealed);
    confine_plan_fini(&made);

    /* Unless the operator says so by hand. */
    config.sandbox.readable.all = revealing;
    config.sandbox.readable.count = 1;
    assert_int_equal(confine_plan_make(&config, stand->live, &made), 0);
    assert_ptr_equal(made.revealed, stand->folder);
    confine_plan_fini(&made);
    rmdir(ca);
}

static void shared_folders(void **state)
{
    static const char *const shared[] = { "/", "/etc", "/tmp", "/home", "/root", "/etc/ssl" };
    static const char *const own[] = { "/etc/tacit", "/srv/tacit", "/tmp/tacit", "/homes/x" };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(shared); i++)
        assert_true(confine_plan_is_shared(shared[i]));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(own); i++)
        assert_false(confine_plan_is_shared(own[i]));
    assert_true(confine_plan_is_shared("/home"
                                       "/somebody"));
    assert_false(confine_plan_is_shared("/home"
                                        "/somebody/tacit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_all, make_stand, remove_stand),
        cmocka_unit_test(needs_little),
        cmocka_unit_test_setup_teardown(keys_stay_closed, make_stand, remove_stand),
        cmocka_unit_test(shared_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
