/* SPDX-License-Identifier: Apache-2.0 */
#include "record_script.h"

#include "base/invariant.h"

#include <openssl/hmac.h>

#define HEAD_BYTES    5u
#define TAG_BYTES     16u
#define KIND_ALERT    21u
#define KIND_MESSAGE  22u
#define KIND_DATA     23u
#define INNER_BYTES   16624u /* what the longest record may have in it */
#define ALLOWED_BYTES 16385u

/* ---- keys ---- */

static bool is_sha384(enum tls_suite suite)
{
    return suite == TLS_SUITE_AES_256_GCM_SHA384;
}

static void expand(const struct record_script *said, const char *label, uint8_t *out, size_t len)
{
    size_t label_len = strlen(label);
    uint8_t info[32] = { 0, (uint8_t)len, (uint8_t)(6 + label_len), 't', 'l', 's', '1', '3', ' ' };
    uint8_t block[EVP_MAX_MD_SIZE];
    unsigned block_len = 0;

    memcpy(info + 9, label, label_len);
    info[10 + label_len] = 1; /* behind the empty context: the first block, and the only one */
    MQTT_INVARIANT(HMAC(is_sha384(said->suite) ? EVP_sha384() : EVP_sha256(), said->now.secret,
                        is_sha384(said->suite) ? 48 : 32, info, 11 + label_len, block, &block_len)
                   != NULL);
    memcpy(out, block, len);
}

static EVP_CIPHER *cipher_fetch(enum tls_suite suite)
{
    static const char *const names[TLS_SUITE_COUNT] = {
        [TLS_SUITE_AES_128_GCM_SHA256] = "AES-128-GCM",
        [TLS_SUITE_AES_256_GCM_SHA384] = "AES-256-GCM",
        [TLS_SUITE_CHACHA20_POLY1305_SHA256] = "ChaCha20-Poly1305",
    };
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[suite], NULL);

    MQTT_INVARIANT(cipher != NULL);
    return cipher;
}

static void use_secret(struct record_script *said)
{
    size_t key_len = said->suite == TLS_SUITE_AES_128_GCM_SHA256 ? 16 : 32;

    expand(said, "key", said->now.key, key_len);
    expand(said, "iv", said->now.nonce, TLS_NONCE_BYTES);
    said->now.sequence = 0;
}

static void renew(struct record_script *said)
{
    uint8_t next[TLS_SECRET_MOST_BYTES];

    expand(said, "traffic upd", next, is_sha384(said->suite) ? 48 : 32);
    memcpy(said->now.secret, next, sizeof(next));
    use_secret(said);
    said->renewals++;
}

void record_script_begin(struct record_script *said, enum tls_suite suite, const uint8_t *secret)
{
    size_t len = is_sha384(suite) ? 48 : 32;
    bool is_same = said->first_suite == suite && memcmp(said->first.secret, secret, len) == 0;

    if (said->context == NULL)
        said->context = EVP_CIPHER_CTX_new();
    MQTT_INVARIANT(said->context != NULL);
    if (said->ciphers[suite] == NULL)
        said->ciphers[suite] = cipher_fetch(suite);
    said->suite = suite;
    said->message_len = 0;
    said->renewals = 0;
    said->requests = 0;
    said->has_long = false;
    said->len = 0;
    said->content_len = 0;
    if (!is_same) {
        memcpy(said->now.secret, secret, len);
        use_secret(said);
        said->first = said->now;
        said->first_suite = suite;
    }
    said->now = said->first;
}

/* ---- records ---- */

/* A renewal that is whole and ends its record is one; the reader has to see the same. */
static void follow_message(struct record_script *said, struct mqtt_span content)
{
    static const uint8_t renewal[] = { 24, 0, 0, 1 };
    size_t room = sizeof(said->message) - said->message_len;
    bool fits = content.len <= room;
    size_t len = fits ? content.len : room;

    memcpy(said->message + said->message_len, content.data, len);
    said->message_len += len;
    if (said->message_len < sizeof(said->message))
        return;
    said->message_len = 0;
    if (fits && memcmp(said->message, renewal, sizeof(renewal)) == 0 && said->message[4] <= 1) {
        said->requests += said->message[4];
        renew(said);
    }
}

/* `inner` has the content, the kind and the padding, and room for the tag. */
static void seal(struct record_script *said, uint8_t *inner, size_t inner_len)
{
    uint8_t *record = inner - HEAD_BYTES;
    uint8_t nonce[TLS_NONCE_BYTES];
    int len = 0;

    record[0] = KIND_DATA;
    record[1] = 3;
    record[2] = 3;
    record[3] = (uint8_t)((inner_len + TAG_BYTES) >> 8);
    record[4] = (uint8_t)(inner_len + TAG_BYTES);
    memcpy(nonce, said->now.nonce, sizeof(nonce));
    for (unsigned i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(said->now.sequence >> 8 * i);
    MQTT_INVARIANT(
        EVP_EncryptInit_ex(said->context, said->ciphers[said->suite], NULL, said->now.key, nonce)
            == 1
        && EVP_EncryptUpdate(said->context, NULL, &len, record, (int)HEAD_BYTES) == 1
        && EVP_EncryptUpdate(said->context, inner, &len, inner, (int)inner_len) == 1
        && EVP_EncryptFinal_ex(said->context, inner + inner_len, &len) == 1
        && EVP_CIPHER_CTX_ctrl(said->context, EVP_CTRL_AEAD_GET_TAG, (int)TAG_BYTES,
                               inner + inner_len)
               == 1);
    said->now.sequence++;
    said->len += HEAD_BYTES + inner_len + TAG_BYTES;
}

static void say(struct record_script *said, uint8_t kind, struct mqtt_span content, size_t padding)
{
    uint8_t *inner = said->bytes + said->len + HEAD_BYTES;
    size_t inner_len = content.len + 1 + padding;

    if (content.len > 0)
        memcpy(inner, content.data, content.len);
    inner[content.len] = kind;
    memset(inner + content.len + 1, 0, padding);
    if (inner_len > ALLOWED_BYTES)
        said->has_long = true;
    /* Without a kind the last byte that is not zero is it. */
    while (kind == 0 && content.len > 0)
        kind = content.data[--content.len];
    if (kind == KIND_DATA && content.len > 0) {
        memcpy(said->content + said->content_len, content.data, content.len);
        said->content_len += content.len;
    }
    seal(said, inner, inner_len);
    if (kind == KIND_MESSAGE && content.len > 0)
        follow_message(said, content);
}

static void say_long(struct record_script *said, size_t len, size_t padding)
{
    static uint8_t data[INNER_BYTES];

    len %= INNER_BYTES;
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 7 + said->now.sequence);
    if (len + padding >= INNER_BYTES)
        padding = INNER_BYTES - 1 - len;
    say(said, KIND_DATA, (struct mqtt_span){ data, len }, padding);
}

static void say_alert(struct record_script *said, struct mqtt_reader *script, size_t padding)
{
    uint8_t alert[] = { 1, script_u8(script) };

    say(said, KIND_ALERT, (struct mqtt_span){ alert, sizeof(alert) }, padding);
}

static void say_renewal(struct record_script *said, uint8_t asks, size_t padding)
{
    uint8_t message[] = { 24, 0, 0, 1, asks };

    say(said, KIND_MESSAGE, (struct mqtt_span){ message, sizeof(message) }, padding);
}

static void say_raw(struct record_script *said, struct mqtt_span bytes)
{
    if (bytes.len > 0)
        memcpy(said->bytes + said->len, bytes.data, bytes.len);
    said->len += bytes.len;
}

/* Sealed, and then one bit is another. */
static void say_changed(struct record_script *said, struct mqtt_reader *script, size_t padding)
{
    size_t before = said->len;
    struct mqtt_span content = script_bytes(script, 8);
    uint16_t where = mqtt_read_u16(script);

    say(said, KIND_DATA, content, padding);
    said->bytes[before + (where >> 3) % (said->len - before)] ^= (uint8_t)(1u << (where & 7));
}

/* In two records, the second of which may have more in it. */
static void say_cut_renewal(struct record_script *said, uint8_t how, size_t padding)
{
    uint8_t message[] = { 24, 0, 0, 1, how >> 7, 24, 0 };
    size_t first = 1 + how % 5;

    say(said, KIND_MESSAGE, (struct mqtt_span){ message, first }, padding);
    say(said, KIND_MESSAGE, (struct mqtt_span){ message + first, 5 + how / 8 % 3 - first },
        padding);
}

/* Many records, so that counters have more than one byte. */
static void say_much(struct record_script *said, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        say(said, KIND_DATA, (struct mqtt_span){ (const uint8_t *)"m", 1 }, 0);
}

void record_script_run(struct record_script *said, struct mqtt_reader *script)
{
    while (mqtt_reader_left(script) > 0 && RECORD_SCRIPT_BYTES - said->len > 2 * INNER_BYTES) {
        uint8_t act = script_u8(script);
        size_t padding = (size_t)(act >> 4) * 17;
        switch (act & 15) {
        case 0:
            say(said, KIND_DATA, script_bytes(script, script_u8(script)), padding);
            break;
        case 1:
            say_much(said, script_u8(script));
            break;
        case 2:
            say_long(said, mqtt_read_u16(script), padding);
            break;
        case 3:
            say(said, KIND_MESSAGE, script_bytes(script, script_u8(script) % 12), padding);
            break;
        case 4:
        case 5:
            say_renewal(said, (act & 15) == 4, padding);
            break;
        case 6:
            say_alert(said, script, padding);
            break;
        case 7:
            say(said, KIND_ALERT, script_bytes(script, script_u8(script) % 4), padding);
            break;
        case 8:
            say(said, script_u8(script), script_bytes(script, script_u8(script)), padding);
            break;
        case 9:
            say_changed(said, script, padding);
            break;
        case 10:
            say_raw(said, script_bytes(script, script_u8(script)));
            break;
        case 11:
            say(said, KIND_DATA, (struct mqtt_span){ 0 }, padding);
            break;
        case 12:
            say(said, KIND_MESSAGE, script_bytes(script, 1 + script_u8(script) % 4), padding);
            break;
        case 13:
            say(said, 0, (struct mqtt_span){ 0 }, padding);
            break;
        case 14:
            say_renewal(said, script_u8(script), padding);
            break;
        default:
            say_cut_renewal(said, script_u8(script), padding);
            break;
        }
    }
}
