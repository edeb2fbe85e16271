/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    struct siphash_key key;
    size_t len; /* of the input 0, 1, 2, … */
    uint64_t hash;
};

/* From another implementation: the hash of bytes objects in CPython 3.11. The first
 * row is Rust's published vector for the key 00 01 … 0f. */
static const struct row rows[] = {
    { { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u }, 0, 0xabac0158050fc4dcu },
    { { 0x0000000000000000u, 0x0000000000000000u }, 1, 0x68a914128e01e473u },
    { { 0x0000000000000000u, 0x0000000000000000u }, 7, 0x2f098ab0c751325au },
    { { 0x0000000000000000u, 0x0000000000000000u }, 8, 0xead411e67ebe2eeau },
    { { 0x0000000000000000u, 0x0000000000000000u }, 9, 0x75927f9d95124362u },
    { { 0x0000000000000000u, 0x0000000000000000u }, 15, 0xf30eb725bb91c9eau },
    { { 0x0000000000000000u, 0x0000000000000000u }, 16, 0x8972188433a5c5b7u },
    { { 0x0000000000000000u, 0x0000000000000000u }, 31, 0x169739443111d49bu },
    { { 0x0000000000000000u, 0x0000000000000000u }, 63, 0x385d3e39e5f37359u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 1, 0xecd3e5afcecda4b9u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 7, 0xfd15e78052a69ddfu },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 8, 0xc0b5739e7e28dd01u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 9, 0x208a1a5a0cbbf778u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 15, 0xfa87985f39e97a53u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 16, 0x12e9d283f9f37002u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 31, 0xb8c17103f21d8810u },
    { { 0xaed66ce184be2329u, 0xebe9bbf1f1499052u }, 63, 0x542052345bc68274u },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 1, 0x7e255bf0210f9775u },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 7, 0x987cfd95990dd34bu },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 8, 0x8450991e34fe08deu },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 9, 0xa0a0a12bd6c44f35u },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 15, 0x1517e7dc54a43f5bu },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 16, 0x642bba6a6c24ebf5u },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 31, 0xadf091e03303fd2du },
    { { 0x12c874a1806f0e3du, 0x470a89d2f9d2784fu }, 63, 0xb1eaa0579bb21aa3u },
};

static void agrees_with_other_implementations(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        /* At odd addresses too: the loads may not assume alignment. */
        for (size_t offset = 0; offset < 2; offset++) {
            uint8_t *block = malloc(rows[i].len + offset);
            assert_true(block != NULL || rows[i].len + offset == 0);
            for (size_t j = 0; j < rows[i].len; j++)
                block[offset + j] = (uint8_t)j;
            struct mqtt_span bytes = { block != NULL ? block + offset : NULL, rows[i].len };
            assert_true(siphash(&rows[i].key, bytes) == rows[i].hash);
            free(block);
        }
    }
}

static void hashes_nothing_without_an_address(void **state)
{
    (void)state;
    assert_true(siphash(&rows[0].key, (struct mqtt_span){ NULL, 0 }) == rows[0].hash);
}

static void every_bit_of_the_key_counts(void **state)
{
    (void)state;
    const struct siphash_key key = { 1, 2 };
    uint64_t hash = siphash(&key, span_of("home/kitchen"));
    for (unsigned bit = 0; bit < 64; bit++) {
        struct siphash_key low = { key.low ^ UINT64_C(1) << bit, key.high };
        struct siphash_key high = { key.low, key.high ^ UINT64_C(1) << bit };
        assert_true(siphash(&low, span_of("home/kitchen")) != hash);
        assert_true(siphash(&high, span_of("home/kitchen")) != hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_other_implementations),
        cmocka_unit_test(hashes_nothing_without_an_address),
        cmocka_unit_test(every_bit_of_the_key_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
