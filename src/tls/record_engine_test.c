/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_engine.h"

#include "base/testing.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 8448, section 3: "derive write traffic keys for application data". */
static const uint8_t client_secret[] = {
    0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8, 0x88, 0x9b, 0xce, 0x65, 0x52,
    0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf, 0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5,
};
static const uint8_t server_secret[] = {
    0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11, 0x6b, 0x45, 0xa9, 0x50, 0x32,
    0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb, 0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43,
};

/* How often OpenSSL has asked for memory. */
static size_t allocations;

static void *count_malloc(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(bytes);
}

static void *count_realloc(void *block, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(block, bytes);
}

static void count_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

static struct tls_record_direction direction_of(struct tls_record_engine *engine,
                                                enum tls_suite suite, uint8_t fill)
{
    struct tls_record_direction direction = { 0 };
    memset(direction.secret, fill, tls_suite_secret_bytes(suite));
    assert_int_equal(tls_direction_derive(&direction, engine, suite), 0);
    return direction;
}

static void keys_are_those_of_rfc_8448(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *secret;
        uint8_t key[16];
        uint8_t nonce[TLS_NONCE_BYTES];
    } rows[] = {
        { client_secret,
          { 0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9, 0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f,
            0x50, 0x51 },
          { 0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08, 0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9 } },
        { server_secret,
          { 0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef, 0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92,
            0xe3, 0x56 },
          { 0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84 } },
    };
    struct tls_record_engine *engine = tls_record_engine_new(1);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct tls_record_direction direction = { 0 };
        memcpy(direction.secret, rows[i].secret, 32);
        assert_int_equal(tls_direction_derive(&direction, engine, TLS_SUITE_AES_128_GCM_SHA256), 0);
        assert_memory_equal(direction.key, rows[i].key, sizeof(rows[i].key));
        assert_memory_equal(direction.nonce, rows[i].nonce, sizeof(rows[i].nonce));
    }
    tls_record_engine_free(engine);
}

static void suites_have_the_numbers_of_the_standard(void **state)
{
    (void)state;
    assert_int_equal(tls_suite_of(0x1301), TLS_SUITE_AES_128_GCM_SHA256);
    assert_int_equal(tls_suite_of(0x1302), TLS_SUITE_AES_256_GCM_SHA384);
    assert_int_equal(tls_suite_of(0x1303), TLS_SUITE_CHACHA20_POLY1305_SHA256);
    /* CCM has no place here, and TLS 1.2 neither. */
    assert_int_equal(tls_suite_of(0x1304), TLS_SUITE_NONE);
    assert_int_equal(tls_suite_of(0xc02b), TLS_SUITE_NONE);
    assert_int_equal(tls_suite_of(0), TLS_SUITE_NONE);
    assert_int_equal(tls_suite_secret_bytes(TLS_SUITE_NONE), 0);
    assert_int_equal(tls_suite_secret_bytes(TLS_SUITE_AES_256_GCM_SHA384), 48);
    assert_int_equal(tls_suite_secret_bytes(TLS_SUITE_COUNT), 0);
}

/* RFC 8446, section 5.3, once more and by hand: the counter, padded on the left, over the nonce. */
static void nonce_is_the_counter_over_the_keys_own(void **state)
{
    (void)state;
    struct tls_record_engine *engine = tls_record_engine_new(1);
    struct tls_record_direction direction =
        direction_of(engine, TLS_SUITE_AES_128_GCM_SHA256, 0x31);
    uint8_t record[TLS_HEAD_BYTES + 4 + TLS_TAG_BYTES];
    uint8_t nonce[TLS_NONCE_BYTES];
    uint8_t plain[4];
    int len = 0;

    direction.sequence = 0x00abcdef;
    tls_record_head_encode(4 + TLS_TAG_BYTES, record);
    memcpy(record + TLS_HEAD_BYTES, "abc\x17", 4);
    assert_int_equal(
        tls_direction_seal(&direction, engine, TLS_SUITE_AES_128_GCM_SHA256, record, 4),
        TLS_FAULT_NONE);
    assert_int_equal(direction.sequence, 0x00abcdf0);

    memcpy(nonce, direction.nonce, sizeof(nonce));
    nonce[9] ^= 0xab;
    nonce[10] ^= 0xcd;
    nonce[11] ^= 0xef;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, direction.key, nonce), 1);
    assert_int_equal(EVP_DecryptUpdate(context, NULL, &len, record, (int)TLS_HEAD_BYTES), 1);
    assert_int_equal(EVP_DecryptUpdate(context, plain, &len, record + TLS_HEAD_BYTES, 4), 1);
    assert_int_equal(
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, record + TLS_HEAD_BYTES + 4), 1);
    assert_int_equal(EVP_DecryptFinal_ex(context, plain + len, &len), 1);
    assert_memory_equal(plain, "abc\x17", 4);
    EVP_CIPHER_CTX_free(context);
    tls_record_engine_free(engine);
}

/* A record from one end to the other, in place. */
static bool pass(struct tls_record_direction *from, struct tls_record_direction *to,
                 struct tls_record_engine *from_engine, struct tls_record_engine *to_engine,
                 enum tls_suite suite)
{
    uint8_t record[TLS_HEAD_BYTES + 6 + TLS_TAG_BYTES];
    uint8_t plain[6];
    tls_record_head_encode(6 + TLS_TAG_BYTES, record);
    memcpy(record + TLS_HEAD_BYTES, "hello\x17", 6);
    assert_int_equal(tls_direction_seal(from, from_engine, suite, record, 6), TLS_FAULT_NONE);
    assert_memory_not_equal(record + TLS_HEAD_BYTES, "hello\x17", 6);
    enum tls_fault fault = tls_direction_open(to, to_engine, suite,
                                              (struct mqtt_span){ record, sizeof(record) }, plain);
    return fault == TLS_FAULT_NONE && memcmp(plain, "hello\x17", 6) == 0;
}

#define CONNECTIONS 7u

/* Each with a suite of its own and all with the same few places, in an order that always misses, one
 * that hits, and one by chance. */
static void more_connections_than_places_keep_their_keys(void **state)
{
    (void)state;
    struct tls_record_engine *few = tls_record_engine_new(4);
    /* In this one nobody gets a place that another has had. */
    struct tls_record_engine *many = tls_record_engine_new(1024);
    struct tls_record_direction from[CONNECTIONS];
    struct tls_record_direction to[CONNECTIONS];
    struct test_random random = { 99 };
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        from[i] = direction_of(few, (enum tls_suite)(1 + i % 3), (uint8_t)(i + 1));
        to[i] = from[i];
    }
    for (unsigned i = 0; i < 600; i++) {
        size_t who = i < 200   ? i % CONNECTIONS
                     : i < 400 ? i / 50 % CONNECTIONS
                               : test_random_below(&random, CONNECTIONS);
        assert_true(pass(&from[who], &to[who], few, many, (enum tls_suite)(1 + who % 3)));
    }
    tls_record_engine_free(few);
    tls_record_engine_free(many);
}

static void connections_may_change_engines(void **state)
{
    (void)state;
    const enum tls_suite suite = TLS_SUITE_AES_128_GCM_SHA256;
    struct tls_record_engine *engines[] = { tls_record_engine_new(2), tls_record_engine_new(2) };
    struct tls_record_direction from = direction_of(engines[0], suite, 1);
    struct tls_record_direction to = from;
    for (unsigned i = 0; i < 40; i++) {
        assert_true(pass(&from, &to, engines[i / 2 % 2], engines[i / 4 % 2], suite));
        tls_direction_forget(&from, engines[i / 2 % 2]);
        tls_direction_forget(&to, engines[i / 4 % 2]);
    }
    tls_record_engine_free(engines[0]);
    tls_record_engine_free(engines[1]);
}

/* Two engines that counted alike would take the key of somebody else for that of one who has come
 * without being forgotten. */
static void nobody_gets_the_key_of_another_engine(void **state)
{
    (void)state;
    const enum tls_suite suite = TLS_SUITE_AES_128_GCM_SHA256;
    struct tls_record_engine *one = tls_record_engine_new(2);
    struct tls_record_engine *other = tls_record_engine_new(2);
    struct tls_record_direction from = direction_of(one, suite, 1);
    struct tls_record_direction to = from;
    struct tls_record_direction native_from = direction_of(one, suite, 2);
    struct tls_record_direction native_to = native_from;
    assert_true(pass(&from, &to, one, one, suite));
    assert_true(pass(&native_from, &native_to, other, other, suite));
    assert_true(pass(&from, &to, other, one, suite));
    assert_true(pass(&native_from, &native_to, other, other, suite));
    tls_record_engine_free(one);
    tls_record_engine_free(other);
}

static void a_forgotten_key_is_made_again(void **state)
{
    (void)state;
    const enum tls_suite suite = TLS_SUITE_CHACHA20_POLY1305_SHA256;
    struct tls_record_engine *engine = tls_record_engine_new(2);
    struct tls_record_direction from = direction_of(engine, suite, 5);
    struct tls_record_direction to = from;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(pass(&from, &to, engine, engine, suite));
        assert_int_not_equal(from.ticket, 0);
        tls_direction_forget(&from, engine);
        assert_int_equal(from.ticket, 0);
    }
    tls_record_engine_free(engine);
}

static void a_renewed_key_is_another_and_counts_anew(void **state)
{
    (void)state;
    struct tls_record_engine *engine = tls_record_engine_new(2);
    for (int i = TLS_SUITE_NONE + 1; i < TLS_SUITE_COUNT; i++) {
        const enum tls_suite suite = (enum tls_suite)i;
        struct tls_record_direction from = direction_of(engine, suite, 5);
        struct tls_record_direction to = from;
        const struct tls_record_direction before = from;
        assert_true(pass(&from, &to, engine, engine, suite));
        assert_int_equal(tls_direction_renew(&from, engine, suite), 0);
        assert_int_equal(from.sequence, 0);
        assert_memory_not_equal(from.secret, before.secret, 32);
        assert_memory_not_equal(from.key, before.key, 16);
        assert_memory_not_equal(from.nonce, before.nonce, sizeof(before.nonce));
        /* The other end has the old one still. */
        assert_false(pass(&from, &to, engine, engine, suite));
        assert_int_equal(tls_direction_renew(&to, engine, suite), 0);
        from.sequence = 0;
        assert_true(pass(&from, &to, engine, engine, suite));
    }
    tls_record_engine_free(engine);
}

static void what_is_forged_leaves_nothing(void **state)
{
    (void)state;
    static const uint8_t zeros[6];
    const enum tls_suite suite = TLS_SUITE_AES_128_GCM_SHA256;
    struct tls_record_engine *engine = tls_record_engine_new(2);
    struct tls_record_direction from = direction_of(engine, suite, 5);
    uint8_t record[TLS_HEAD_BYTES + 6 + TLS_TAG_BYTES];
    uint8_t plain[6];
    tls_record_head_encode(6 + TLS_TAG_BYTES, record);
    memcpy(record + TLS_HEAD_BYTES, "hello\x17", 6);
    struct tls_record_direction to = from;
    assert_int_equal(tls_direction_seal(&from, engine, suite, record, 6), TLS_FAULT_NONE);
    /* Every bit counts, those of the head too. */
    for (size_t i = 0; i < 8 * sizeof(record); i++) {
        memset(plain, 1, sizeof(plain));
        record[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(tls_direction_open(&to, engine, suite,
                                            (struct mqtt_span){ record, sizeof(record) }, plain),
                         TLS_FAULT_FORGED);
        record[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_memory_equal(plain, zeros, sizeof(plain));
        assert_int_equal(to.sequence, 0);
    }
    assert_int_equal(
        tls_direction_open(&to, engine, suite, (struct mqtt_span){ record, sizeof(record) }, plain),
        TLS_FAULT_NONE);
    tls_record_engine_free(engine);
}

static void a_key_is_not_used_too_often(void **state)
{
    (void)state;
    const enum tls_suite suite = TLS_SUITE_AES_256_GCM_SHA384;
    struct tls_record_engine *engine = tls_record_engine_new(2);
    struct tls_record_direction from = direction_of(engine, suite, 5);
    uint8_t record[TLS_HEAD_BYTES + 1 + TLS_TAG_BYTES] = { 0x17, 3, 3, 0, 17, 0x17 };
    struct tls_record_direction to = from;
    from.sequence = TLS_KEY_MOST_RECORDS - 1;
    to.sequence = TLS_KEY_MOST_RECORDS;
    assert_int_equal(tls_direction_seal(&from, engine, suite, record, 1), TLS_FAULT_NONE);
    assert_int_equal(tls_direction_seal(&from, engine, suite, record, 1), TLS_FAULT_WORN);
    assert_int_equal(tls_direction_open(&to, engine, suite,
                                        (struct mqtt_span){ record, sizeof(record) }, record),
                     TLS_FAULT_WORN);
    tls_record_engine_free(engine);
}

static void records_of_known_keys_need_no_memory(void **state)
{
    (void)state;
    struct tls_record_engine *engine = tls_record_engine_new(4);
    for (int i = TLS_SUITE_NONE + 1; i < TLS_SUITE_COUNT; i++) {
        struct tls_record_direction from = direction_of(engine, (enum tls_suite)i, 5);
        struct tls_record_direction to = from;
        assert_true(pass(&from, &to, engine, engine, (enum tls_suite)i));
        size_t before = allocations;
        assert_int_not_equal(before, 0);
        for (unsigned k = 0; k < 100; k++)
            assert_true(pass(&from, &to, engine, engine, (enum tls_suite)i));
        assert_int_equal(allocations, before);
    }
    tls_record_engine_free(engine);
}

/* A record for each in turn, and that as often; what was sealed is opened elsewhere. How many found
 * their place in the last round. */
static unsigned take_turns(struct tls_record_engine *engine, unsigned count, unsigned rounds)
{
    const enum tls_suite suite = TLS_SUITE_AES_128_GCM_SHA256;
    struct tls_record_engine *other = tls_record_engine_new(1);
    struct tls_record_direction *from = calloc(count, sizeof(*from));
    struct tls_record_direction *to = calloc(count, sizeof(*to));
    unsigned found = 0;
    assert_true(other != NULL && from != NULL && to != NULL);
    for (unsigned i = 0; i < count; i++)
        from[i] = to[i] = direction_of(engine, suite, (uint8_t)i);
    for (unsigned round = 0; round < rounds; round++) {
        found = 0;
        for (unsigned i = 0; i < count; i++) {
            uint64_t ticket = from[i].ticket;
            assert_true(pass(&from[i], &to[i], engine, other, suite));
            found += ticket != 0 && ticket == from[i].ticket ? 1 : 0;
        }
    }
    free(from);
    free(to);
    tls_record_engine_free(other);
    return found;
}

/* Where all have room they get it; where they do not, some places are as good as many. */
static void there_are_as_many_places_as_help(void **state)
{
    (void)state;
    static const unsigned fitting[] = { 1, 64, 65, 200, 1024 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(fitting); i++) {
        struct tls_record_engine *engine = tls_record_engine_new(1024);
        assert_non_null(engine);
        assert_int_equal(take_turns(engine, fitting[i], 3), fitting[i]);
        tls_record_engine_free(engine);
    }
    struct tls_record_engine *engine = tls_record_engine_new(1024);
    assert_non_null(engine);
    size_t before = allocations;
    assert_int_equal(take_turns(engine, 1025, 3), 0);
    size_t first = allocations - before;
    before = allocations;
    assert_int_equal(take_turns(engine, 1025, 3), 0);
    size_t second = allocations - before;
    /* A place is two or three pieces. */
    assert_true(first > second && first - second <= (size_t)3 * 64);
    tls_record_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_rfc_8448),
        cmocka_unit_test(suites_have_the_numbers_of_the_standard),
        cmocka_unit_test(nonce_is_the_counter_over_the_keys_own),
        cmocka_unit_test(more_connections_than_places_keep_their_keys),
        cmocka_unit_test(connections_may_change_engines),
        cmocka_unit_test(nobody_gets_the_key_of_another_engine),
        cmocka_unit_test(a_forgotten_key_is_made_again),
        cmocka_unit_test(a_renewed_key_is_another_and_counts_anew),
        cmocka_unit_test(what_is_forged_leaves_nothing),
        cmocka_unit_test(a_key_is_not_used_too_often),
        cmocka_unit_test(records_of_known_keys_need_no_memory),
        cmocka_unit_test(there_are_as_many_places_as_help),
    };
    /* Before OpenSSL has any. */
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
