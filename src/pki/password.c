/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/password.h"

#include "base/wipe.h"
#include "pki/base64.h"

#include <argon2.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SALT_BYTES 16
#define HASH_BYTES 32

/* What an imported or edited row may cost. */
#define MEMORY_KIB_MAX 65536
#define PASSES_MAX     10
#define LANES_MAX      4
#define ROUNDS_MAX     1000000

#define OLD_HASH_BYTES 64 /* SHA-512 */
#define OLD_SALT_BYTES 64

int password_check(struct mqtt_span password, struct pki_fault *fault)
{
    if (password.len == 0)
        return pki_fail(fault, -EINVAL, "the password is empty");
    if (password.len > PASSWORD_BYTES_MAX)
        return pki_fail(fault, -EINVAL, "the password is longer than %d bytes", PASSWORD_BYTES_MAX);
    for (size_t i = 0; i < password.len; i++) {
        if (password.data[i] < ' ' || password.data[i] > '~')
            return pki_fail(fault, -EINVAL,
                            "byte %zu of the password is no printable ASCII character; other "
                            "characters have several encodings, and not every client sends the "
                            "same one: use ASCII",
                            i + 1);
    }
    return 0;
}

/* ---- argon2id ---- */

/* Takes the text off the front, then a number from 1 to `most`. */
static bool take_number(const char **at, const char *before, unsigned long most, unsigned long *out)
{
    char *end;
    size_t len = strlen(before);

    if (strncmp(*at, before, len) != 0 || (*at)[len] < '1' || (*at)[len] > '9')
        return false;
    *out = strtoul(*at + len, &end, 10);
    *at = end;
    return *out <= most;
}

/* True for a text that argon2 itself has to say no to, if anything. */
static bool has_bounded_cost(const char *verifier)
{
    const char *at = verifier;
    unsigned long memory = 0;
    unsigned long passes = 0;
    unsigned long lanes = 0;

    return strlen(verifier) < PASSWORD_VERIFIER_SIZE
           && take_number(&at, "$argon2id$v=19$m=", MEMORY_KIB_MAX, &memory)
           && take_number(&at, ",t=", PASSES_MAX, &passes)
           && take_number(&at, ",p=", LANES_MAX, &lanes) && *at == '$' && memory >= 8 * lanes;
}

static bool has_current_cost(const char *verifier)
{
    char start[64];
    int len = snprintf(start, sizeof(start), "$argon2id$v=19$m=%d,t=%d,p=1$", PASSWORD_MEMORY_KIB,
                       PASSWORD_PASSES);

    return strncmp(verifier, start, (size_t)len) == 0;
}

int password_hash(struct mqtt_span password, char out[PASSWORD_VERIFIER_SIZE],
                  struct pki_fault *fault)
{
    uint8_t salt[SALT_BYTES];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return pki_fail(fault, -EIO, "no random numbers to be had");
    int code =
        argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, 1, password.data, password.len,
                              salt, sizeof(salt), HASH_BYTES, out, PASSWORD_VERIFIER_SIZE);
    if (code == ARGON2_OK)
        return 0;
    out[0] = '\0';
    return code == ARGON2_MEMORY_ALLOCATION_ERROR
               ? pki_fail(fault, -ENOMEM, "out of memory")
               : pki_fail(fault, -EIO, "the password cannot be hashed: %s",
                          argon2_error_message(code));
}

/* What is spent where there is nothing to compare with. */
static int spend(struct mqtt_span password)
{
    static const uint8_t salt[SALT_BYTES];
    uint8_t hash[HASH_BYTES];
    int code = argon2id_hash_raw(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, 1, password.data,
                                 password.len, salt, sizeof(salt), hash, sizeof(hash));

    wipe_bytes(hash, sizeof(hash));
    return code == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : 0;
}

static int verify_argon2(const char *verifier, struct mqtt_span password,
                         enum password_verdict *out)
{
    int code = argon2id_verify(verifier, password.data, password.len);

    if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
        return -ENOMEM;
    *out = PASSWORD_WRONG;
    if (code == ARGON2_OK)
        *out = has_current_cost(verifier) ? PASSWORD_RIGHT : PASSWORD_RIGHT_BUT_OLD;
    return 0;
}

/* ---- mosquitto's ---- */

struct old_verifier {
    unsigned rounds; /* 0: plain SHA-512 */
    uint8_t salt[OLD_SALT_BYTES];
    size_t salt_len;
    uint8_t hash[OLD_HASH_BYTES];
};

static bool decode_part(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
    const struct mqtt_span part = { (const uint8_t *)text, len };

    return len > 0 && base64_decode(BASE64_STANDARD, part, out, size, out_len) == 0;
}

static bool read_rounds(const char **at, unsigned *out)
{
    char *end;
    unsigned long rounds = strtoul(*at, &end, 10);

    if (**at < '1' || **at > '9' || *end != '$' || rounds > ROUNDS_MAX)
        return false;
    *at = end + 1;
    *out = (unsigned)rounds;
    return true;
}

static bool read_old(const char *verifier, struct old_verifier *out)
{
    const char *at = verifier + 3;
    size_t hash_len = 0;

    out->rounds = 0;
    if (strlen(verifier) >= PASSWORD_VERIFIER_SIZE)
        return false;
    if (strncmp(verifier, "$7$", 3) == 0) {
        if (!read_rounds(&at, &out->rounds))
            return false;
    } else if (strncmp(verifier, "$6$", 3) != 0) {
        return false;
    }
    const char *dollar = strchr(at, '$');
    return dollar != NULL
           && decode_part(at, (size_t)(dollar - at), out->salt, sizeof(out->salt), &out->salt_len)
           && decode_part(dollar + 1, strlen(dollar + 1), out->hash, sizeof(out->hash), &hash_len)
           && hash_len == OLD_HASH_BYTES;
}

static bool digest(struct mqtt_span password, const struct old_verifier *old, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context != NULL && EVP_DigestInit_ex(context, EVP_sha512(), NULL) == 1
                   && EVP_DigestUpdate(context, password.data, password.len) == 1
                   && EVP_DigestUpdate(context, old->salt, old->salt_len) == 1
                   && EVP_DigestFinal_ex(context, out, NULL) == 1;

    EVP_MD_CTX_free(context);
    return is_good;
}

static int verify_old(const struct old_verifier *old, struct mqtt_span password,
                      enum password_verdict *out)
{
    uint8_t hash[OLD_HASH_BYTES] = { 0 };
    bool is_good = old->rounds == 0
                       ? digest(password, old, hash)
                       : PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len,
                                           old->salt, (int)old->salt_len, (int)old->rounds,
                                           EVP_sha512(), sizeof(hash), hash)
                             == 1;
    int error = is_good ? spend(password) : -ENOMEM;

    if (error == 0)
        *out = wipe_equal((struct mqtt_span){ hash, sizeof(hash) },
                          (struct mqtt_span){ old->hash, sizeof(old->hash) })
                   ? PASSWORD_RIGHT_BUT_OLD
                   : PASSWORD_WRONG;
    wipe_bytes(hash, sizeof(hash));
    return error;
}

/* ---- all of them ---- */

bool password_verifier_is_valid(const char *verifier)
{
    struct old_verifier old;

    return has_bounded_cost(verifier) || read_old(verifier, &old);
}

int password_verify(const char *verifier, struct mqtt_span password, enum password_verdict *out)
{
    struct old_verifier old;

    if (verifier != NULL && password.len <= PASSWORD_BYTES_MAX && has_bounded_cost(verifier))
        return verify_argon2(verifier, password, out);
    if (verifier != NULL && password.len <= PASSWORD_BYTES_MAX && read_old(verifier, &old))
        return verify_old(&old, password, out);
    int error = spend(password);
    if (error == 0)
        *out = PASSWORD_WRONG;
    return error;
}

int password_generate(char out[PASSWORD_GENERATED_SIZE])
{
    /* Nothing that is taken for something else: 31 of them. */
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    size_t len = 0;

    while (len < PASSWORD_GENERATED_SIZE - 1) {
        uint8_t byte;
        if (getrandom(&byte, 1, 0) != 1)
            return -EIO;
        /* 248 is 8 times 31: the rest would make the first letters likelier. */
        if (byte < 248)
            out[len++] = letters[byte % 31];
    }
    out[len] = '\0';
    return 0;
}
