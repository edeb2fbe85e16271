/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/holds.h"

#include "pki/registry_life.h"
#include "pki/registry_view.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[64];
    char path[96];
    struct registry *registry;
};

static void add(struct place *place, const char *name, uint8_t key)
{
    struct registry_entry entry = { .status = REGISTRY_ACTIVE };

    snprintf(entry.name, sizeof(entry.name), "%s", name);
    snprintf(entry.role, sizeof(entry.role), "device");
    snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%02x", key);
    entry.key_sha256[0] = key;
    entry.certificate.fingerprint[0] = key;
    assert_int_equal(registry_add(place->registry, &entry, NULL), 0);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    snprintf(place->folder, sizeof(place->folder), "/tmp/holds-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof(place->path), "%s/registry.db", place->folder);
    assert_int_equal(registry_open(place->path, &place->registry, NULL), 0);
    add(place, "lamp", 1);
    add(place, "pump", 2);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    char path[128];

    registry_close(place->registry);
    unlink(place->path);
    snprintf(path, sizeof(path), "%s-wal", place->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", place->path);
    unlink(path);
    rmdir(place->folder);
    free(place);
    return 0;
}

static uint64_t version(struct place *place)
{
    uint64_t number = 0;

    assert_int_equal(registry_policy_version(place->registry, &number), 0);
    return number;
}

static bool is_held(struct place *place, const char *name)
{
    struct registry_view *view;
    struct registry_hold hold;

    assert_int_equal(registry_view_new(place->registry, &view, NULL), 0);
    bool result = registry_view_find(view, span_of(name))->is_held;
    registry_view_unref(view);
    assert_int_equal(holds_find(place->registry, name, &hold, NULL), result ? 0 : -ENOENT);
    return result;
}

static int count(void *context, const struct registry_hold *hold)
{
    assert_true(hold->since_s > 0);
    ++*(unsigned *)context;
    return 0;
}

static void it_begins_and_ends(void **state)
{
    struct place *place = *state;
    struct registry_hold hold;
    unsigned holds = 0;
    uint64_t before = version(place);

    assert_false(is_held(place, "lamp"));
    assert_int_equal(holds_begin(place->registry, "lamp", "seen twice", NULL), 0);
    assert_int_equal(version(place), before + 1);
    assert_true(is_held(place, "lamp"));
    assert_false(is_held(place, "pump"));
    assert_int_equal(holds_find(place->registry, "lamp", &hold, NULL), 0);
    assert_string_equal(hold.why, "seen twice");
    assert_int_equal(holds_list(place->registry, count, &holds, NULL), 0);
    assert_int_equal(holds, 1);
    assert_int_equal(holds_end(place->registry, "lamp", NULL), 1);
    assert_int_equal(version(place), before + 2);
    assert_int_equal(holds_end(place->registry, "lamp", NULL), 0);
    assert_false(is_held(place, "lamp"));
}

/* Who waits for the change has to see one. */
static void again_is_a_change_too(void **state)
{
    struct place *place = *state;
    struct registry_hold hold;
    uint64_t before = version(place);
    char longer[2 * HOLDS_WHY_SIZE];

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(holds_begin(place->registry, "lamp", "a", NULL), 0);
    assert_int_equal(holds_begin(place->registry, "lamp", longer, NULL), 0);
    assert_int_equal(version(place), before + 2);
    assert_int_equal(holds_find(place->registry, "lamp", &hold, NULL), 0);
    assert_int_equal(strlen(hold.why), HOLDS_WHY_SIZE - 1);
}

static void it_ends_with_the_identity(void **state)
{
    struct place *place = *state;

    assert_int_equal(holds_begin(place->registry, "lamp", "a", NULL), 0);
    assert_int_equal(holds_begin(place->registry, "pump", "a", NULL), 0);
    assert_int_equal(registry_set_status(place->registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_true(is_held(place, "lamp"));
    assert_int_equal(registry_set_status(place->registry, "lamp", REGISTRY_REVOKED, NULL), 0);
    assert_int_equal(registry_set_status(place->registry, "pump", REGISTRY_RETIRED, NULL), 0);
    assert_false(is_held(place, "lamp"));
    assert_false(is_held(place, "pump"));
}

static void it_goes_with_a_new_name(void **state)
{
    struct place *place = *state;

    assert_int_equal(holds_begin(place->registry, "lamp", "a", NULL), 0);
    assert_int_equal(registry_rename(place->registry, "lamp", "light", NULL), 0);
    assert_true(is_held(place, "light"));
    assert_int_equal(holds_end(place->registry, "lamp", NULL), 0);
}

static void a_hold_of_nobody_harms_nobody(void **state)
{
    struct place *place = *state;

    assert_int_equal(holds_begin(place->registry, "nobody", "a", NULL), 0);
    assert_false(is_held(place, "lamp"));
}

static int put(struct place *place, const char *name, enum hold_kind kind, int64_t until_s)
{
    struct registry_hold hold = { .kind = kind, .until_s = until_s };

    snprintf(hold.name, sizeof(hold.name), "%s", name);
    snprintf(hold.why, sizeof(hold.why), "floods");
    return holds_put(place->registry, &hold, NULL);
}

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static void one_because_of_behaviour_has_its_time(void **state)
{
    struct place *place = *state;
    struct registry_hold hold;
    int64_t until_s = now_s() + 1000;

    assert_int_equal(put(place, "lamp", HOLD_BEHAVIOUR, until_s), 1);
    assert_true(is_held(place, "lamp"));
    assert_int_equal(holds_check(place->registry, "lamp", NULL), -EPERM);
    assert_int_equal(holds_find(place->registry, "lamp", &hold, NULL), 0);
    assert_int_equal(hold.kind, HOLD_BEHAVIOUR);
    assert_int_equal(hold.until_s, until_s);
    assert_int_equal(holds_expire(place->registry, until_s - 1, NULL), 0);
    assert_int_equal(holds_expire(place->registry, until_s, NULL), 1);
    assert_false(is_held(place, "lamp"));
}

/* It is over at its time, whether it is taken away or not. */
static void what_is_over_does_not_count(void **state)
{
    struct place *place = *state;
    struct registry_hold hold;

    assert_int_equal(put(place, "lamp", HOLD_BEHAVIOUR, now_s()), 1);
    assert_false(is_held(place, "lamp"));
    assert_int_equal(holds_find(place->registry, "lamp", &hold, NULL), -ENOENT);
    assert_int_equal(holds_check(place->registry, "lamp", NULL), 0);
}

static void what_is_stronger_stays(void **state)
{
    struct place *place = *state;
    struct registry_hold hold;

    assert_int_equal(put(place, "lamp", HOLD_BEHAVIOUR, now_s() + 1000), 1);
    assert_int_equal(put(place, "lamp", HOLD_PARDON, now_s() + 1000), 1);
    assert_false(is_held(place, "lamp"));
    assert_int_equal(holds_end(place->registry, "lamp", NULL), 0);
    assert_int_equal(put(place, "lamp", HOLD_BEHAVIOUR, now_s() + 1000), 0);
    assert_false(is_held(place, "lamp"));
    assert_int_equal(holds_end_pardon(place->registry, "lamp", NULL), 1);
    assert_int_equal(holds_end_pardon(place->registry, "lamp", NULL), 0);
    assert_int_equal(holds_begin(place->registry, "lamp", "seen twice", NULL), 0);
    assert_int_equal(put(place, "lamp", HOLD_PARDON, now_s() + 1000), 0);
    assert_int_equal(put(place, "lamp", HOLD_BEHAVIOUR, now_s() + 1000), 0);
    assert_int_equal(holds_find(place->registry, "lamp", &hold, NULL), 0);
    assert_int_equal(hold.kind, HOLD_CLONE);
    assert_int_equal(put(place, "pump", HOLD_PARDON, now_s()), 1);
    assert_int_equal(put(place, "pump", HOLD_BEHAVIOUR, 0), 1); /* the pardon was over */
    assert_true(is_held(place, "pump"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_begins_and_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(again_is_a_change_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_with_the_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_goes_with_a_new_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hold_of_nobody_harms_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_because_of_behaviour_has_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_over_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_stronger_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
