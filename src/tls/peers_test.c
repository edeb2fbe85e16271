/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/peers.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define THREADS 4u
#define ROUNDS  5000u

static EVP_PKEY *key;

static X509 *certificate_of(const char *name)
{
    X509 *made = X509_new();
    assert_non_null(made);
    X509_NAME *subject = X509_get_subject_name(made);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(made, subject), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made), 3600));
    assert_int_equal(X509_set_pubkey(made, key), 1);
    assert_true(X509_sign(made, key, NULL) > 0);
    return made;
}

static void who_comes_again_shares_the_peer(void **state)
{
    (void)state;
    struct tls_peers *peers = tls_peers_new();
    X509 *lamp = certificate_of("lamp");
    X509 *door = certificate_of("door");
    assert_non_null(peers);
    const struct tls_peer *first = tls_peers_get(peers, lamp, NULL);
    const struct tls_peer *second = tls_peers_get(peers, lamp, NULL);
    const struct tls_peer *other = tls_peers_get(peers, door, NULL);
    assert_non_null(first);
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    assert_string_equal(first->common_name, "lamp");
    assert_string_equal(other->common_name, "door");
    assert_int_equal(tls_peers_count(peers), 2);
    tls_peer_unref(first);
    assert_int_equal(tls_peers_count(peers), 2);
    assert_string_equal(second->common_name, "lamp");
    tls_peer_unref(tls_peer_ref(second));
    tls_peer_unref(second);
    assert_int_equal(tls_peers_count(peers), 1);
    second = tls_peers_get(peers, lamp, NULL);
    assert_string_equal(second->common_name, "lamp");
    /* They outlive the table. */
    tls_peers_unref(peers);
    tls_peer_unref(other);
    assert_string_equal(second->common_name, "lamp");
    tls_peer_unref(second);
    tls_peer_unref(NULL);
    X509_free(lamp);
    X509_free(door);
}

struct visit {
    struct tls_peers *peers;
    X509 *certificates[2];
    unsigned strange;
};

static void *come_and_go(void *context)
{
    struct visit *visit = context;
    static const char *const names[] = { "lamp", "door" };
    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct tls_peer *peer = tls_peers_get(visit->peers, visit->certificates[i % 2], NULL);
        visit->strange += peer == NULL || strcmp(peer->common_name, names[i % 2]) != 0 ? 1 : 0;
        tls_peer_unref(peer);
    }
    return NULL;
}

/* The last one lets go while others look for it. */
static void threads_come_and_go(void **state)
{
    (void)state;
    struct tls_peers *peers = tls_peers_new();
    struct visit visits[THREADS];
    pthread_t threads[THREADS];
    X509 *lamp = certificate_of("lamp");
    X509 *door = certificate_of("door");
    for (unsigned i = 0; i < THREADS; i++) {
        visits[i] = (struct visit){ peers, { X509_dup(lamp), X509_dup(door) }, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &visits[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(visits[i].strange, 0);
        X509_free(visits[i].certificates[0]);
        X509_free(visits[i].certificates[1]);
    }
    assert_int_equal(tls_peers_count(peers), 0);
    tls_peers_unref(peers);
    X509_free(lamp);
    X509_free(door);
}

static int make_key(void **state)
{
    (void)state;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return key != NULL ? 0 : -1;
}

static int drop_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_again_shares_the_peer),
        cmocka_unit_test(threads_come_and_go),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
