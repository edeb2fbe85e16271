/* SPDX-License-Identifier: Apache-2.0 */
/* bench-keycheck: what it costs to look at a public key, in nanoseconds per key: at a handshake
 * (quick), at enrolment (thorough), and the tag of an RSA key. Prints a line for each kind. */
#include "keycheck/keycheck.h"
#include "base/attrs.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define QUICK_ROUNDS    2000
#define THOROUGH_ROUNDS 5

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double check_ns(struct mqtt_span spki, enum keycheck_depth depth, unsigned rounds)
{
    double began = now_ns();

    for (unsigned i = 0; i < rounds; i++)
        if (keycheck_of_spki(spki, depth).fault != KEYCHECK_FINE)
            abort();
    return (now_ns() - began) / rounds;
}

static double tag_ns(struct mqtt_span spki)
{
    uint8_t tag[KEYCHECK_TAG_BYTES];
    double began = now_ns();
    bool is_rsa = true;

    for (unsigned i = 0; i < QUICK_ROUNDS && is_rsa; i++)
        is_rsa = keycheck_modulus_tag(spki, tag);
    return is_rsa ? (now_ns() - began) / QUICK_ROUNDS : 0;
}

static EVP_PKEY *generate(const char *name, int bits)
{
    if (bits > 0)
        return EVP_RSA_gen((unsigned)bits);
    return name[0] == 'P' ? EVP_EC_gen(name) : EVP_PKEY_Q_keygen(NULL, NULL, name);
}

int main(void)
{
    static const struct {
        const char *name;
        int bits;
    } kinds[] = {
        { "P-256", 0 }, { "P-384", 0 },       { "P-521", 0 },       { "ED25519", 0 },
        { "ED448", 0 }, { "RSA-2048", 2048 }, { "RSA-3072", 3072 }, { "RSA-4096", 4096 }
    };

    printf("%-10s %12s %14s %10s\n", "key", "quick ns", "thorough ns", "tag ns");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(kinds); i++) {
        EVP_PKEY *key = generate(kinds[i].name, kinds[i].bits);
        uint8_t *der = NULL;
        int len = i2d_PUBKEY(key, &der);
        if (len <= 0)
            return 1;
        struct mqtt_span spki = { der, (size_t)len };
        (void)check_ns(spki, KEYCHECK_QUICK, QUICK_ROUNDS / 10);
        printf("%-10s %12.0f %14.0f %10.0f\n", kinds[i].name,
               check_ns(spki, KEYCHECK_QUICK, QUICK_ROUNDS),
               check_ns(spki, KEYCHECK_THOROUGH, THOROUGH_ROUNDS), tag_ns(spki));
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    return 0;
}
