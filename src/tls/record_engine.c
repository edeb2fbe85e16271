/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_engine.h"

#include "base/invariant.h"
#include "base/wipe.h"
#include "vault/vault.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

struct suite {
    unsigned number;
    const char *cipher;
    const char *digest;
    uint8_t secret_bytes;
    uint8_t key_bytes;
};

static const struct suite suites[TLS_SUITE_COUNT] = {
    [TLS_SUITE_AES_128_GCM_SHA256] = { 0x1301, "AES-128-GCM", "SHA256", 32, 16 },
    [TLS_SUITE_AES_256_GCM_SHA384] = { 0x1302, "AES-256-GCM", "SHA384", 48, 32 },
    [TLS_SUITE_CHACHA20_POLY1305_SHA256] = { 0x1303, "ChaCha20-Poly1305", "SHA256", 32, 32 },
};

/* So many places there are at first. */
#define FIRST_PLACES 64u

/* What OpenSSL has made of a key, while its direction has this ticket. */
struct place {
    uint64_t ticket; /* 0: nobody's */
    EVP_CIPHER_CTX *context;
    enum tls_suite suite;
};

/* A ticket is never given out twice, and its lowest bits are the place: so a place is found without
 * looking, and the one that is given to somebody else is the one that was given out longest ago. */
struct tls_record_engine {
    EVP_CIPHER *ciphers[TLS_SUITE_COUNT];
    EVP_KDF_CTX *kdf;
    struct place *places;
    size_t places_count; /* in use; a power of two */
    size_t places_most;  /* there are */
    uint64_t last_ticket;
    char failure[96];
    uint8_t scratch[TLS_BODY_MOST_BYTES];
};

/* ---- suites ---- */

enum tls_suite tls_suite_of(unsigned number)
{
    for (int i = TLS_SUITE_NONE + 1; i < TLS_SUITE_COUNT; i++) {
        if (suites[i].number == number)
            return (enum tls_suite)i;
    }
    return TLS_SUITE_NONE;
}

size_t tls_suite_secret_bytes(enum tls_suite suite)
{
    return (unsigned)suite < TLS_SUITE_COUNT ? suites[suite].secret_bytes : 0;
}

/* ---- the engine ---- */

static EVP_KDF_CTX *kdf_new(void)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;

    EVP_KDF_free(kdf);
    return context;
}

/* Engines begin with tickets far from each other's: who takes a connection to another thread and
 * forgets tls_records_leave() gets new places, and not those of somebody else. */
static bool prepare(struct tls_record_engine *engine)
{
    for (int i = TLS_SUITE_NONE + 1; i < TLS_SUITE_COUNT; i++) {
        engine->ciphers[i] = EVP_CIPHER_fetch(NULL, suites[i].cipher, NULL);
        if (engine->ciphers[i] == NULL)
            return false;
    }
    engine->kdf = kdf_new();
    engine->places = calloc(engine->places_most, sizeof(*engine->places));
    return engine->kdf != NULL && engine->places != NULL
           && RAND_bytes((unsigned char *)&engine->last_ticket, sizeof(engine->last_ticket)) == 1;
}

struct tls_record_engine *tls_record_engine_new(size_t slots)
{
    MQTT_INVARIANT(slots > 0 && (slots & (slots - 1)) == 0);
    struct tls_record_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return NULL;
    engine->places_most = slots;
    engine->places_count = slots < FIRST_PLACES ? slots : FIRST_PLACES;
    if (!prepare(engine)) {
        ERR_clear_error();
        tls_record_engine_free(engine);
        return NULL;
    }
    return engine;
}

void tls_record_engine_free(struct tls_record_engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; engine->places != NULL && i < engine->places_most; i++)
        EVP_CIPHER_CTX_free(engine->places[i].context);
    for (int i = 0; i < TLS_SUITE_COUNT; i++)
        EVP_CIPHER_free(engine->ciphers[i]);
    EVP_KDF_CTX_free(engine->kdf);
    free(engine->places);
    wipe_bytes(engine, sizeof(*engine));
    free(engine);
}

const char *tls_record_engine_failure(const struct tls_record_engine *engine)
{
    return engine->failure;
}

void tls_record_engine_fail(struct tls_record_engine *engine, const char *why, const char *what)
{
    snprintf(engine->failure, sizeof(engine->failure), "%s%s", why, what);
}

uint8_t *tls_record_engine_scratch(struct tls_record_engine *engine)
{
    return engine->scratch;
}

/* ---- secrets ---- */

#define LABEL_MOST_BYTES 32u
#define LABEL_PREFIX     "tls13 "

/* struct HkdfLabel with an empty context. */
static size_t label_encode(const char *label, size_t wanted, uint8_t out[LABEL_MOST_BYTES])
{
    size_t prefix_len = strlen(LABEL_PREFIX);
    size_t len = strlen(label);

    MQTT_INVARIANT(prefix_len + len + 4 <= LABEL_MOST_BYTES);
    out[0] = (uint8_t)(wanted >> 8);
    out[1] = (uint8_t)wanted;
    out[2] = (uint8_t)(prefix_len + len);
    memcpy(out + 3, LABEL_PREFIX, prefix_len);
    memcpy(out + 3 + prefix_len, label, len);
    out[3 + prefix_len + len] = 0;
    return 4 + prefix_len + len;
}

int tls_record_expand(struct tls_record_engine *engine, enum tls_suite suite, const uint8_t *secret,
                      const char *label, struct tls_sink *out)
{
    /* OpenSSL takes what is only read as what may be written. */
    char *digest = (char *)(uintptr_t)suites[suite].digest;
    void *key = (void *)(uintptr_t)secret;
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    uint8_t info[LABEL_MOST_BYTES];
    size_t info_len = label_encode(label, out->room, info);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, suites[suite].secret_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, info_len),
        OSSL_PARAM_construct_end(),
    };
    int result = EVP_KDF_derive(engine->kdf, out->bytes, out->room, parameters);

    EVP_KDF_CTX_reset(engine->kdf); /* it keeps the secret otherwise */
    if (result != 1) {
        ERR_clear_error();
        return -ENOMEM;
    }
    out->len = out->room;
    return 0;
}

int tls_direction_derive(struct tls_record_direction *direction, struct tls_record_engine *engine,
                         enum tls_suite suite)
{
    struct tls_sink key = { direction->key, suites[suite].key_bytes, 0 };
    struct tls_sink nonce = { direction->nonce, TLS_NONCE_BYTES, 0 };
    int error = tls_record_expand(engine, suite, direction->secret, "key", &key);

    return error < 0 ? error : tls_record_expand(engine, suite, direction->secret, "iv", &nonce);
}

int tls_direction_renew(struct tls_record_direction *direction, struct tls_record_engine *engine,
                        enum tls_suite suite)
{
    uint8_t next[TLS_SECRET_MOST_BYTES];
    struct tls_sink secret = { next, suites[suite].secret_bytes, 0 };
    int error = tls_record_expand(engine, suite, direction->secret, "traffic upd", &secret);

    if (error < 0)
        return error;
    tls_direction_forget(direction, engine);
    memcpy(direction->secret, next, secret.len);
    wipe_bytes(next, sizeof(next));
    direction->sequence = 0;
    return tls_direction_derive(direction, engine, suite);
}

/* ---- places ---- */

static struct place *place_of(const struct tls_record_engine *engine, uint64_t ticket)
{
    return &engine->places[ticket & (engine->places_count - 1)];
}

static bool is_at(const struct place *place, const struct tls_record_direction *direction)
{
    return place->ticket == direction->ticket && direction->ticket != 0;
}

void tls_direction_forget(struct tls_record_direction *direction, struct tls_record_engine *engine)
{
    struct place *place = place_of(engine, direction->ticket);

    if (is_at(place, direction)) {
        EVP_CIPHER_CTX_reset(place->context); /* wipes */
        place->suite = TLS_SUITE_NONE;
        place->ticket = 0;
    }
    direction->ticket = 0;
}

/* Of twice as many places, each has the one that its ticket says. */
static void double_places(struct tls_record_engine *engine)
{
    size_t count = engine->places_count;
    for (size_t i = 0; i < count; i++) {
        if ((engine->places[i].ticket & count) == 0)
            continue;
        struct place moved = engine->places[i];
        engine->places[i] = engine->places[i + count];
        engine->places[i + count] = moved;
    }
    engine->places_count = 2 * count;
}

/* More places, if its key would still be at one of them. Where more connections take turns than there
 * can be places for, few serve as well as many. */
static void make_room(struct tls_record_engine *engine, uint64_t ticket)
{
    uint64_t since = engine->last_ticket - ticket; /* so many places were given to others */
    if (ticket == 0 || since >= engine->places_most)
        return;
    while (since >= engine->places_count)
        double_places(engine);
}

/* Places stay: among what handshakes need, each would keep a slab. */
static EVP_CIPHER_CTX *context_new(void)
{
    vault_part();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    vault_join();
    return context;
}

/* A place for the key, which is not at one. */
static EVP_CIPHER_CTX *settle(struct tls_record_direction *direction,
                              struct tls_record_engine *engine, enum tls_suite suite,
                              const uint8_t nonce[TLS_NONCE_BYTES], int is_sealing)
{
    make_room(engine, direction->ticket);
    engine->last_ticket += engine->last_ticket == UINT64_MAX ? 2 : 1;
    struct place *place = place_of(engine, engine->last_ticket);
    /* Half done it must be nobody's. */
    place->ticket = 0;
    if (place->context == NULL)
        place->context = context_new();
    if (place->context == NULL)
        return NULL;
    const EVP_CIPHER *cipher = place->suite != suite ? engine->ciphers[suite] : NULL;
    place->suite = TLS_SUITE_NONE;
    vault_part();
    int done = EVP_CipherInit_ex(place->context, cipher, NULL, direction->key, nonce, is_sealing);
    vault_join();
    if (done != 1)
        return NULL;
    place->suite = suite;
    place->ticket = engine->last_ticket;
    direction->ticket = engine->last_ticket;
    return place->context;
}

/* The cipher with the key, ready for the next record. NULL: out of memory. */
static EVP_CIPHER_CTX *context_for(struct tls_record_direction *direction,
                                   struct tls_record_engine *engine, enum tls_suite suite,
                                   int is_sealing)
{
    uint8_t nonce[TLS_NONCE_BYTES];
    const struct place *place = place_of(engine, direction->ticket);

    /* RFC 8446, section 5.3; the bits above these are zero. */
    memcpy(nonce, direction->nonce, sizeof(nonce));
    for (unsigned i = 0; i < sizeof(direction->sequence); i++)
        nonce[TLS_NONCE_BYTES - 1 - i] ^= (uint8_t)(direction->sequence >> 8 * i);
    if (MQTT_UNLIKELY(!is_at(place, direction)))
        return settle(direction, engine, suite, nonce, is_sealing);
    if (EVP_CipherInit_ex(place->context, NULL, NULL, NULL, nonce, is_sealing) != 1)
        return NULL;
    return place->context;
}

/* ---- records ---- */

enum tls_fault tls_direction_seal(struct tls_record_direction *direction,
                                  struct tls_record_engine *engine, enum tls_suite suite,
                                  uint8_t *record, size_t inner_bytes)
{
    if (direction->sequence >= TLS_KEY_MOST_RECORDS)
        return TLS_FAULT_WORN;
    EVP_CIPHER_CTX *context = context_for(direction, engine, suite, 1);
    uint8_t *body = record + TLS_HEAD_BYTES;
    int len = 0;
    if (context == NULL)
        return TLS_FAULT_MEMORY;
    if (EVP_EncryptUpdate(context, NULL, &len, record, (int)TLS_HEAD_BYTES) != 1
        || EVP_EncryptUpdate(context, body, &len, body, (int)inner_bytes) != 1
        || EVP_EncryptFinal_ex(context, body + inner_bytes, &len) != 1
        || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)TLS_TAG_BYTES,
                               body + inner_bytes)
               != 1)
        return TLS_FAULT_CRYPTO;
    direction->sequence++;
    return TLS_FAULT_NONE;
}

enum tls_fault tls_direction_open(struct tls_record_direction *direction,
                                  struct tls_record_engine *engine, enum tls_suite suite,
                                  struct mqtt_span record, uint8_t *into)
{
    size_t inner_bytes = record.len - TLS_HEAD_BYTES - TLS_TAG_BYTES;
    const uint8_t *body = record.data + TLS_HEAD_BYTES;
    if (direction->sequence >= TLS_KEY_MOST_RECORDS)
        return TLS_FAULT_WORN;
    EVP_CIPHER_CTX *context = context_for(direction, engine, suite, 0);
    int len = 0;
    if (context == NULL)
        return TLS_FAULT_MEMORY;
    /* OpenSSL only reads the tag. */
    void *tag = (void *)(uintptr_t)(body + inner_bytes);
    if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)TLS_TAG_BYTES, tag) != 1
        || EVP_DecryptUpdate(context, NULL, &len, record.data, (int)TLS_HEAD_BYTES) != 1
        || EVP_DecryptUpdate(context, into, &len, body, (int)inner_bytes) != 1
        || EVP_DecryptFinal_ex(context, into + inner_bytes, &len) != 1) {
        /* Nobody may see what nobody has vouched for. */
        wipe_bytes(into, inner_bytes);
        ERR_clear_error();
        return TLS_FAULT_FORGED;
    }
    direction->sequence++;
    return TLS_FAULT_NONE;
}
