/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/credential.h"

#include "base/wipe.h"
#include "codec/writer.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define SEED_BYTES   32
#define HALF         32
#define POINT_BYTES  (1 + 2 * HALF)
#define CIPHER_BYTES 16
#define LABEL        "IDENTITY" /* with its NUL */
#define TEXT_MAX     128

/* ---- derivation ---- */

int attest_credential_derive(const uint8_t seed[SEED_BYTES], const char *purpose,
                             struct mqtt_span context, uint8_t *out, size_t len)
{
    uint8_t text[TEXT_MAX];
    uint8_t digest[ATTEST_HASH_BYTES];
    struct mqtt_writer w = mqtt_writer_over(text, sizeof(text));

    mqtt_write_u32(&w, 1);
    mqtt_write_bytes(&w, (struct mqtt_span){ (const uint8_t *)purpose, strlen(purpose) + 1 });
    mqtt_write_bytes(&w, context);
    mqtt_write_u32(&w, (uint32_t)len * 8);
    struct mqtt_span all = mqtt_writer_written(&w);
    if (w.status != MQTT_OK || len > sizeof(digest)
        || HMAC(EVP_sha256(), seed, SEED_BYTES, all.data, all.len, digest, NULL) == NULL)
        return -EIO;
    memcpy(out, digest, len);
    wipe_bytes(digest, sizeof(digest));
    return 0;
}

/* ---- the seed, for the endorsement key ---- */

static bool seed_by_rsa(EVP_PKEY *key, uint8_t seed[SEED_BYTES], struct attest_credential *out)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    char *label = OPENSSL_strdup(LABEL);
    size_t len = sizeof(out->wrapped);
    bool is_good = RAND_bytes(seed, SEED_BYTES) == 1 && context != NULL && label != NULL
                   && EVP_PKEY_encrypt_init(context) == 1
                   && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1
                   && EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1
                   && EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;

    /* The context frees the label from then on. */
    if (is_good && EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, (int)sizeof(LABEL)) == 1)
        label = NULL;
    is_good = is_good && label == NULL
              && EVP_PKEY_encrypt(context, out->wrapped, &len, seed, SEED_BYTES) == 1;
    out->wrapped_len = len;
    OPENSSL_free(label);
    EVP_PKEY_CTX_free(context);
    return is_good;
}

static bool agree(EVP_PKEY *ours, EVP_PKEY *theirs, uint8_t out[HALF])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ours, NULL);
    size_t len = HALF;
    bool is_good = context != NULL && EVP_PKEY_derive_init(context) == 1
                   && EVP_PKEY_derive_set_peer(context, theirs) == 1
                   && EVP_PKEY_derive(context, out, &len) == 1 && len == HALF;

    EVP_PKEY_CTX_free(context);
    return is_good;
}

static bool point_of(EVP_PKEY *key, uint8_t out[POINT_BYTES])
{
    size_t len = 0;

    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, POINT_BYTES, &len)
               == 1
           && len == POINT_BYTES;
}

/* Part 1, 11.4.10.3: the hash of a counter, the secret of the agreement, what it is for, and whose it
 * is, the one of the moment first. */
static bool hash_agreement(const uint8_t shared[HALF], const uint8_t *own_x, const uint8_t *their_x,
                           uint8_t seed[SEED_BYTES])
{
    uint8_t text[TEXT_MAX];
    struct mqtt_writer w = mqtt_writer_over(text, sizeof(text));

    mqtt_write_u32(&w, 1);
    mqtt_write_bytes(&w, (struct mqtt_span){ shared, HALF });
    mqtt_write_bytes(&w, (struct mqtt_span){ (const uint8_t *)LABEL, sizeof(LABEL) });
    mqtt_write_bytes(&w, (struct mqtt_span){ own_x, HALF });
    mqtt_write_bytes(&w, (struct mqtt_span){ their_x, HALF });
    struct mqtt_span all = mqtt_writer_written(&w);
    bool is_good =
        w.status == MQTT_OK && EVP_Digest(all.data, all.len, seed, NULL, EVP_sha256(), NULL) == 1;

    wipe_bytes(text, sizeof(text));
    return is_good;
}

static bool seed_by_agreement(EVP_PKEY *key, uint8_t seed[SEED_BYTES],
                              struct attest_credential *out)
{
    uint8_t shared[HALF];
    uint8_t own[POINT_BYTES];
    uint8_t theirs[POINT_BYTES];
    EVP_PKEY *moment = EVP_EC_gen("P-256");
    struct mqtt_writer w = mqtt_writer_over(out->wrapped, sizeof(out->wrapped));
    bool is_good = moment != NULL && point_of(moment, own) && point_of(key, theirs)
                   && agree(moment, key, shared)
                   && hash_agreement(shared, own + 1, theirs + 1, seed);

    mqtt_write_binary(&w, (struct mqtt_span){ own + 1, HALF });
    mqtt_write_binary(&w, (struct mqtt_span){ own + 1 + HALF, HALF });
    out->wrapped_len = mqtt_writer_written(&w).len;
    wipe_bytes(shared, sizeof(shared));
    EVP_PKEY_free(moment);
    return is_good;
}

/* ---- the secret, under the seed ---- */

static bool encrypt(const uint8_t key[CIPHER_BYTES], const uint8_t *in, size_t len, uint8_t *out)
{
    static const uint8_t zero[CIPHER_BYTES] = { 0 };
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0;
    bool is_good = context != NULL
                   && EVP_EncryptInit_ex(context, EVP_aes_128_cfb128(), NULL, key, zero) == 1
                   && EVP_EncryptUpdate(context, out, &done, in, (int)len) == 1 && done == (int)len;

    EVP_CIPHER_CTX_free(context);
    return is_good;
}

/* TPMS_ID_OBJECT: an HMAC over what follows and the name, then the secret with its size, encrypted. */
static bool seal(const uint8_t seed[SEED_BYTES], const uint8_t name[ATTEST_NAME_BYTES],
                 const uint8_t secret[ATTEST_SECRET_BYTES], uint8_t out[ATTEST_BLOB_BYTES])
{
    uint8_t clear[2 + ATTEST_SECRET_BYTES] = { 0, ATTEST_SECRET_BYTES };
    uint8_t covered[sizeof(clear) + ATTEST_NAME_BYTES];
    uint8_t cipher_key[CIPHER_BYTES];
    uint8_t mac_key[ATTEST_HASH_BYTES];
    uint8_t *inner = out + 2 + ATTEST_HASH_BYTES;

    memcpy(clear + 2, secret, ATTEST_SECRET_BYTES);
    bool is_good =
        attest_credential_derive(seed, "STORAGE", (struct mqtt_span){ name, ATTEST_NAME_BYTES },
                                 cipher_key, sizeof(cipher_key))
            == 0
        && attest_credential_derive(seed, "INTEGRITY", (struct mqtt_span){ NULL, 0 }, mac_key,
                                    sizeof(mac_key))
               == 0
        && encrypt(cipher_key, clear, sizeof(clear), inner);
    memcpy(covered, inner, is_good ? sizeof(clear) : 0);
    memcpy(covered + sizeof(clear), name, ATTEST_NAME_BYTES);
    out[0] = 0;
    out[1] = ATTEST_HASH_BYTES;
    is_good =
        is_good
        && HMAC(EVP_sha256(), mac_key, sizeof(mac_key), covered, sizeof(covered), out + 2, NULL)
               != NULL;
    wipe_bytes(clear, sizeof(clear));
    wipe_bytes(cipher_key, sizeof(cipher_key));
    wipe_bytes(mac_key, sizeof(mac_key));
    return is_good;
}

int attest_credential_make(const struct attest_area *endorsement,
                           const uint8_t name[ATTEST_NAME_BYTES],
                           const uint8_t secret[ATTEST_SECRET_BYTES], struct attest_credential *out)
{
    uint8_t seed[SEED_BYTES];
    EVP_PKEY *key = attest_area_key(endorsement);

    if (key == NULL)
        return -EBADMSG;
    bool is_good = endorsement->type == ATTEST_ALG_RSA ? seed_by_rsa(key, seed, out)
                                                       : seed_by_agreement(key, seed, out);
    is_good = is_good && seal(seed, name, secret, out->blob);
    EVP_PKEY_free(key);
    wipe_bytes(seed, sizeof(seed));
    ERR_clear_error();
    return is_good ? 0 : -EIO;
}
