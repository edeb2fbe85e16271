/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/shard.h"

#include "tls/record.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any number will do: nobody looks for this BIO by its type. */
#define BIO_TYPE_OURS (BIO_TYPE_SOURCE_SINK | 0x7f)

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *into, int room)
{
    struct tls_shard *shard = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (shard->input.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t len = shard->input.len < (size_t)room ? shard->input.len : (size_t)room;
    memcpy(into, shard->input.data, len);
    shard->input.data += len;
    shard->input.len -= len;
    return (int)len;
}

static int bio_write(BIO *bio, const char *from, int len)
{
    struct tls_shard *shard = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    /* The room is checked before each step; a peer cannot make one step fill it. */
    if ((size_t)len > TLS_OUTPUT_BYTES - shard->output_len)
        return -1;
    memcpy(shard->output + shard->output_len, from, (size_t)len);
    shard->output_len += (size_t)len;
    return len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_OURS, "tacit");
    if (method != NULL
        && (BIO_meth_set_read(method, bio_read) != 1 || BIO_meth_set_write(method, bio_write) != 1
            || BIO_meth_set_ctrl(method, bio_control) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* ---- the shard ---- */

struct tls_shard *tls_shard_new(void)
{
    struct tls_shard *shard = calloc(1, sizeof(*shard));
    if (shard == NULL)
        return NULL;
    shard->method = method_new();
    if (shard->method != NULL)
        shard->bio = BIO_new(shard->method);
    if (shard->bio == NULL) {
        tls_shard_free(shard);
        return NULL;
    }
    BIO_set_data(shard->bio, shard);
    BIO_set_init(shard->bio, 1);
    return shard;
}

void tls_shard_free(struct tls_shard *shard)
{
    if (shard == NULL)
        return;
    tls_record_engine_free(shard->engine);
    BIO_free(shard->bio);
    BIO_meth_free(shard->method);
    free(shard);
}

struct mqtt_span tls_shard_output(const struct tls_shard *shard)
{
    return (struct mqtt_span){ shard->output, shard->output_len };
}

bool tls_shard_put_first(struct tls_shard *shard, struct mqtt_span ciphertext)
{
    if (ciphertext.len > TLS_OUTPUT_BYTES - shard->output_len)
        return false;
    memmove(shard->output + ciphertext.len, shard->output, shard->output_len);
    memcpy(shard->output, ciphertext.data, ciphertext.len);
    shard->output_len += ciphertext.len;
    return true;
}

void tls_shard_clear(struct tls_shard *shard)
{
    shard->output_len = 0;
}

size_t tls_shard_room(const struct tls_shard *shard)
{
    size_t room = TLS_OUTPUT_BYTES - shard->output_len;
    if (room < TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD)
        return 0;
    return TLS_RECORD_BYTES;
}

void tls_shard_feed(struct tls_shard *shard, struct mqtt_span ciphertext)
{
    /* What other users of OpenSSL on this thread left behind is not our failure. */
    if (MQTT_UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error(); /* for nothing it takes as long as a short packet */
    shard->failure[0] = '\0';
    shard->steps = 0;
    shard->input = ciphertext;
}

struct tls_shard *tls_shard_of(const SSL *ssl)
{
    return BIO_get_data(SSL_get_rbio(ssl));
}

/* ---- why ---- */

void tls_shard_fail(struct tls_shard *shard, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(shard->failure, sizeof(shard->failure), format, arguments);
    va_end(arguments);
}

struct explanation {
    int reason;
    const char *text;
};

static const struct explanation explanations[] = {
#define FAILURE(reason, text) { reason, text },
#include "tls/failure.def"
#undef FAILURE
};

void tls_shard_explain(struct tls_shard *shard)
{
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const char *text = ERR_reason_error_string(code);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(explanations); i++) {
        if (explanations[i].reason == reason)
            text = explanations[i].text;
    }
    if (shard->failure[0] == '\0')
        tls_shard_fail(shard, "%s", text != NULL ? text : "the TLS connection broke");
    ERR_clear_error();
}

const char *tls_shard_failure(const struct tls_shard *shard)
{
    return shard->failure;
}
