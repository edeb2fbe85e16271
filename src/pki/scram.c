/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/scram.h"

#include "base/wipe.h"
#include "pki/base64.h"
#include "pki/hmac.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define NONCE_BYTES 24

static bool hmac(const uint8_t key[SCRAM_KEY_BYTES], struct mqtt_span message,
                 uint8_t out[SCRAM_KEY_BYTES])
{
    _Static_assert(SCRAM_KEY_BYTES == HMAC_BYTES, "both are of SHA-256");

    return hmac_sha256(NULL, key, message, out) == 0;
}

static bool sha256(const uint8_t bytes[SCRAM_KEY_BYTES], uint8_t out[SCRAM_KEY_BYTES])
{
    return EVP_Digest(bytes, SCRAM_KEY_BYTES, out, NULL, EVP_sha256(), NULL) == 1;
}

/* ---- keys ---- */

int scram_derive(struct mqtt_span password, const uint8_t salt[SCRAM_SALT_BYTES], uint32_t rounds,
                 struct scram_keys *out)
{
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t client[SCRAM_KEY_BYTES];
    struct scram_keys keys = { .rounds = rounds };

    memcpy(keys.salt, salt, sizeof(keys.salt));
    bool is_good =
        PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, salt, SCRAM_SALT_BYTES,
                          (int)rounds, EVP_sha256(), sizeof(salted), salted)
            == 1
        && hmac(salted, span_of("Client Key"), client) && sha256(client, keys.stored)
        && hmac(salted, span_of("Server Key"), keys.server);
    wipe_bytes(salted, sizeof(salted));
    wipe_bytes(client, sizeof(client));
    if (is_good)
        *out = keys;
    wipe_bytes(&keys, sizeof(keys));
    return is_good ? 0 : -EIO;
}

int scram_keys_new(struct mqtt_span password, struct scram_keys *out)
{
    uint8_t salt[SCRAM_SALT_BYTES];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return -EIO;
    return scram_derive(password, salt, SCRAM_ROUNDS, out);
}

int scram_pretend(const uint8_t secret[SCRAM_KEY_BYTES], const char *user, struct scram_keys *out)
{
    uint8_t mixed[SCRAM_KEY_BYTES];
    struct scram_keys keys = { .rounds = SCRAM_ROUNDS };

    if (!hmac(secret, span_of(user), mixed))
        return -EIO;
    memcpy(keys.salt, mixed, sizeof(keys.salt));
    /* Nobody has a client key whose hash is random. */
    if (getrandom(keys.stored, sizeof(keys.stored), 0) != (ssize_t)sizeof(keys.stored))
        return -EIO;
    *out = keys;
    return 0;
}

/* ---- messages ---- */

/* Takes "X=value" up to the next comma or the end; false when it is another attribute. */
static bool take(struct mqtt_span *rest, char name, struct mqtt_span *out)
{
    size_t len = 2;

    if (rest->len < 2 || rest->data[0] != (uint8_t)name || rest->data[1] != '=')
        return false;
    while (len < rest->len && rest->data[len] != ',')
        len++;
    *out = (struct mqtt_span){ rest->data + 2, len - 2 };
    size_t used = len < rest->len ? len + 1 : len;
    *rest = (struct mqtt_span){ rest->data + used, rest->len - used };
    return true;
}

static bool is_printable(struct mqtt_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return text.len > 0;
}

static void copy_text(char *out, struct mqtt_span text)
{
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

/* "=2C" is a comma, "=3D" an equals sign, every other '=' a mistake. */
static bool decode_user(struct mqtt_span text, char out[SCRAM_USER_SIZE])
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        if (len + 1 >= SCRAM_USER_SIZE || c == '\0')
            return false;
        if (c == '=') {
            if (text.len - i < 3)
                return false;
            if (memcmp(text.data + i, "=2C", 3) == 0)
                c = ',';
            else if (memcmp(text.data + i, "=3D", 3) != 0)
                return false;
            i += 2;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return len > 0;
}

static int read_header(struct mqtt_span *rest, char out[8])
{
    if (rest->len < 3 || rest->data[1] != (rest->data[0] == 'p' ? '=' : ','))
        return -EBADMSG;
    if (rest->data[0] == 'p' || rest->data[2] != ',')
        return -ENOTSUP;
    if (rest->data[0] != 'n' && rest->data[0] != 'y')
        return -EBADMSG;
    copy_text(out, (struct mqtt_span){ rest->data, 3 });
    *rest = (struct mqtt_span){ rest->data + 3, rest->len - 3 };
    return 0;
}

int scram_read_first(struct mqtt_span message, struct scram_first *out)
{
    struct mqtt_span user;
    struct mqtt_span nonce;
    struct mqtt_span rest = message;
    struct scram_first first = { 0 };

    if (message.len >= SCRAM_TEXT_SIZE)
        return -EBADMSG;
    int error = read_header(&rest, first.header);
    if (error < 0)
        return error;
    copy_text(first.bare, rest);
    if (rest.len > 1 && rest.data[0] == 'm' && rest.data[1] == '=')
        return -ENOTSUP;
    if (!take(&rest, 'n', &user) || !take(&rest, 'r', &nonce) || !decode_user(user, first.user)
        || !is_printable(nonce))
        return -EBADMSG;
    copy_text(first.nonce, nonce);
    *out = first;
    return 0;
}

int scram_nonce(char out[SCRAM_NONCE_SIZE])
{
    uint8_t bytes[NONCE_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    base64_encode(BASE64_STANDARD, (struct mqtt_span){ bytes, sizeof(bytes) }, out);
    return 0;
}

void scram_begin(const struct scram_first *first, const struct scram_keys *keys, const char *nonce,
                 struct scram_exchange *out)
{
    char salt[BASE64_SIZE(SCRAM_SALT_BYTES)];

    *out = (struct scram_exchange){ .first = *first, .keys = *keys };
    base64_encode(BASE64_STANDARD, (struct mqtt_span){ keys->salt, sizeof(keys->salt) }, salt);
    (void)snprintf(out->nonce, sizeof(out->nonce), "%s%s", first->nonce, nonce);
    (void)snprintf(out->server_first, sizeof(out->server_first), "r=%s,s=%s,i=%u", out->nonce, salt,
                   (unsigned)keys->rounds);
}

/* ---- client-final ---- */

/* Extensions between nonce and proof are not understood, and need not be. */
static bool find_proof(struct mqtt_span message, struct mqtt_span rest, struct mqtt_span *out,
                       struct mqtt_span *out_without)
{
    while (rest.len > 0) {
        const uint8_t *start = rest.data;
        if (take(&rest, 'p', out)) {
            *out_without = (struct mqtt_span){ message.data, (size_t)(start - message.data) - 1 };
            return rest.len == 0;
        }
        const uint8_t *comma = memchr(rest.data, ',', rest.len);
        if (comma == NULL)
            return false;
        rest = (struct mqtt_span){ comma + 1, rest.len - (size_t)(comma + 1 - rest.data) };
    }
    return false;
}

static bool read_final(const struct scram_exchange *e, struct mqtt_span message,
                       uint8_t proof[SCRAM_KEY_BYTES], struct mqtt_span *out_without)
{
    struct mqtt_span binding;
    struct mqtt_span nonce;
    struct mqtt_span text;
    struct mqtt_span rest = message;
    char expected[BASE64_SIZE(sizeof(e->first.header))];
    size_t len = 0;

    base64_encode(BASE64_STANDARD, span_of(e->first.header), expected);
    return message.len < SCRAM_TEXT_SIZE + SCRAM_NONCE_SIZE + 64 && take(&rest, 'c', &binding)
           && span_equal(binding, span_of(expected)) && take(&rest, 'r', &nonce)
           && span_equal(nonce, span_of(e->nonce)) && find_proof(message, rest, &text, out_without)
           && base64_decode(BASE64_STANDARD, text, proof, SCRAM_KEY_BYTES, &len) == 0
           && len == SCRAM_KEY_BYTES;
}

/* Does the client know a key whose hash is the stored one? */
static int judge(const struct scram_exchange *e, struct mqtt_span all,
                 const uint8_t proof[SCRAM_KEY_BYTES], char out[SCRAM_FINAL_SIZE])
{
    uint8_t client[SCRAM_KEY_BYTES];
    uint8_t stored[SCRAM_KEY_BYTES];
    uint8_t signature[SCRAM_KEY_BYTES];
    int error = -EIO;

    if (hmac(e->keys.stored, all, client)) {
        for (size_t i = 0; i < SCRAM_KEY_BYTES; i++)
            client[i] ^= proof[i];
        if (sha256(client, stored) && hmac(e->keys.server, all, signature))
            error = wipe_equal((struct mqtt_span){ stored, sizeof(stored) },
                               (struct mqtt_span){ e->keys.stored, sizeof(e->keys.stored) })
                        ? 0
                        : -EACCES;
    }
    if (error == 0) {
        memcpy(out, "v=", 2);
        base64_encode(BASE64_STANDARD, (struct mqtt_span){ signature, sizeof(signature) }, out + 2);
    }
    wipe_bytes(client, sizeof(client));
    wipe_bytes(stored, sizeof(stored));
    wipe_bytes(signature, sizeof(signature));
    return error;
}

int scram_finish(const struct scram_exchange *exchange, struct mqtt_span message,
                 char out[SCRAM_FINAL_SIZE])
{
    uint8_t proof[SCRAM_KEY_BYTES];
    struct mqtt_span without;
    char all[SCRAM_TEXT_SIZE + SCRAM_FIRST_SIZE + SCRAM_TEXT_SIZE + SCRAM_NONCE_SIZE + 96];

    if (!read_final(exchange, message, proof, &without))
        return -EBADMSG;
    int len = snprintf(all, sizeof(all), "%s,%s,%.*s", exchange->first.bare, exchange->server_first,
                       (int)without.len, (const char *)without.data);
    if (len < 0 || (size_t)len >= sizeof(all))
        return -EBADMSG;
    return judge(exchange, (struct mqtt_span){ (const uint8_t *)all, (size_t)len }, proof, out);
}
