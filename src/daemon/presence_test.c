/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/presence.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key hash_key = { 1, 2 };

static struct tls_peer with_key(uint8_t first)
{
    struct tls_peer peer = { .common_name = "" };

    peer.key_fingerprint[0] = first;
    return peer;
}

static void an_entry_lives_as_long_as_a_connection(void **state)
{
    struct presence presence;
    struct tls_peer peer = with_key(7);

    (void)state;
    presence_init(&presence, &hash_key);
    assert_null(presence_find(&presence, "lamp"));
    presence_remove(&presence, "lamp");
    presence_add(&presence, "lamp", &(struct presence_proof){ .peer = &peer, .is_ours = true });
    presence_add(&presence, "lamp", &(struct presence_proof){ .peer = &peer, .is_ours = true });
    presence_remove(&presence, "lamp");
    const struct presence_entry *entry = presence_find(&presence, "lamp");
    assert_non_null(entry);
    assert_int_equal(entry->key[0], 7);
    assert_true(entry->is_ours);
    assert_false(entry->is_mixed);
    presence_remove(&presence, "lamp");
    assert_null(presence_find(&presence, "lamp"));
    assert_int_equal(presence.map.count, 0);
    presence_fini(&presence);
}

static void two_keys_under_one_name_are_noticed(void **state)
{
    static const struct {
        uint8_t key;
        bool is_ours;
        bool is_mixed;
    } seconds[] = { { 1, true, false }, { 2, true, true }, { 1, false, true } };
    const struct tls_peer first = with_key(1);

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(seconds); i++) {
        struct presence presence;
        struct tls_peer second = with_key(seconds[i].key);

        presence_init(&presence, &hash_key);
        presence_add(&presence, "lamp",
                     &(struct presence_proof){ .peer = &first, .is_ours = true });
        presence_add(&presence, "lamp",
                     &(struct presence_proof){ .peer = &second, .is_ours = seconds[i].is_ours });
        assert_int_equal(presence_find(&presence, "lamp")->is_mixed, seconds[i].is_mixed);
        assert_int_equal(presence_find(&presence, "lamp")->key_count,
                         seconds[i].key == first.key_fingerprint[0] ? 1 : 2);
        presence_fini(&presence);
    }
}

static void many_devices_do_not_mix(void **state)
{
    struct presence presence;
    char name[16];

    (void)state;
    presence_init(&presence, &hash_key);
    for (unsigned i = 0; i < 200; i++) {
        struct tls_peer peer = with_key((uint8_t)i);
        snprintf(name, sizeof(name), "d%u", i);
        presence_add(&presence, name, &(struct presence_proof){ .peer = &peer, .is_ours = false });
    }
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        assert_int_equal(presence_find(&presence, name)->key[0], i);
        presence_remove(&presence, name);
        assert_null(presence_find(&presence, name));
    }
    presence_fini(&presence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_lives_as_long_as_a_connection),
        cmocka_unit_test(two_keys_under_one_name_are_noticed),
        cmocka_unit_test(many_devices_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
