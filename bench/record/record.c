/* SPDX-License-Identifier: Apache-2.0 */
/* bench-record [ROUNDS]: what a record of TLS 1.3 costs, written and read, by OpenSSL's connection and by
 * the record layer: nanoseconds of CPU for one, with 100 bytes and with 16 KiB in it; the record layer
 * also with a key that the engine has forgotten. Each round does a batch of each, in alternation; the
 * median of the rounds is shown. One line of JSON for each suite and size. */
#include "base/invariant.h"
#include "tls/record_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS        400u
#define ROUNDS_MOST   2000u /* so that no key is due for a renewal */
#define BATCH_BYTES   400000u
#define RECORDS_MOST  256u
#define NS_PER_SECOND 1000000000.0
#define LONG_BYTES    16384u
#define SHORT_BYTES   100u

enum way {
    WAY_OPENSSL_WRITE,
    WAY_OPENSSL_READ,
    WAY_WRITE,
    WAY_READ,
    WAY_REKEYED_WRITE,
    WAY_REKEYED_READ,
    WAY_COUNT,
};

static const char *const names[WAY_COUNT] = { "openssl_write", "openssl_read",  "write",
                                              "read",          "rekeyed_write", "rekeyed_read" };

struct bench {
    struct tls_pair pair;
    struct tls_record_engine *engine;
    struct tls_records server;
    struct tls_records client;
    size_t record_bytes;
    size_t records;        /* in a batch */
    struct mqtt_span feed; /* what OpenSSL reads from */
    struct tls_sink wire;
    struct tls_sink heard;
    unsigned rounds;
    double ns[WAY_COUNT][ROUNDS_MOST]; /* for a record */
    uint8_t plain[LONG_BYTES];
    uint8_t cipher[BATCH_BYTES];
    uint8_t read[BATCH_BYTES];
};

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * NS_PER_SECOND + (double)now.tv_nsec;
}

/* ---- a BIO as lean as tacitd's ---- */

static int on_write(BIO *bio, const char *from, int len)
{
    struct bench *bench = BIO_get_data(bio);

    memcpy(bench->wire.bytes + bench->wire.len, from, (size_t)len);
    bench->wire.len += (size_t)len;
    return len;
}

static int on_read(BIO *bio, char *into, int room)
{
    struct bench *bench = BIO_get_data(bio);
    struct mqtt_span taken = span_take(&bench->feed, (size_t)room);

    BIO_clear_retry_flags(bio);
    if (taken.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(into, taken.data, taken.len);
    return (int)taken.len;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7f, "bench");

    MQTT_INVARIANT(method != NULL && BIO_meth_set_write(method, on_write) == 1
                   && BIO_meth_set_read(method, on_read) == 1
                   && BIO_meth_set_ctrl(method, on_control) == 1);
    return method;
}

static void attach(struct bench *bench, SSL *ssl, BIO_METHOD *method)
{
    BIO *bio = BIO_new(method);

    MQTT_INVARIANT(bio != NULL);
    BIO_set_data(bio, bench);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
}

/* ---- batches ---- */

static void openssl_write(struct bench *bench)
{
    const struct mqtt_span plain = { bench->plain, bench->record_bytes };

    for (size_t i = 0; i < bench->records; i++)
        tls_pair_write(&bench->pair.server, plain);
}

static void openssl_read(struct bench *bench)
{
    size_t len = 0;

    bench->feed = (struct mqtt_span){ bench->wire.bytes, bench->wire.len };
    while (
        SSL_read_ex(bench->pair.client.ssl, bench->heard.bytes + bench->heard.len, LONG_BYTES, &len)
        == 1)
        bench->heard.len += len;
}

static void ours_write(struct bench *bench, bool is_forgotten)
{
    const struct mqtt_span plain = { bench->plain, bench->record_bytes };

    for (size_t i = 0; i < bench->records; i++) {
        if (is_forgotten)
            bench->server.write.ticket = 0;
        MQTT_INVARIANT(tls_records_write(&bench->server, bench->engine, plain, &bench->wire) == 0);
    }
}

static void ours_read(struct bench *bench, bool is_forgotten)
{
    struct mqtt_span input = { bench->wire.bytes, bench->wire.len };
    uint8_t room[64];
    struct tls_sink output = { room, sizeof(room), 0 };
    enum tls_result result = TLS_DONE;

    while (result == TLS_DONE) {
        if (is_forgotten)
            bench->client.read.ticket = 0;
        result = tls_records_read(&bench->client, bench->engine, &input, &bench->heard, &output);
    }
}

static void run(struct bench *bench, enum way way)
{
    switch (way) {
    case WAY_OPENSSL_WRITE:
        openssl_write(bench);
        break;
    case WAY_OPENSSL_READ:
        openssl_read(bench);
        break;
    case WAY_WRITE:
    case WAY_REKEYED_WRITE:
        ours_write(bench, way == WAY_REKEYED_WRITE);
        break;
    case WAY_READ:
    case WAY_REKEYED_READ:
        ours_read(bench, way == WAY_REKEYED_READ);
        break;
    case WAY_COUNT:
        break;
    }
}

static void do_round(struct bench *bench, unsigned round)
{
    for (int way = 0; way < WAY_COUNT; way++) {
        bool is_write = way % 2 == 0;
        if (is_write)
            bench->wire.len = 0;
        bench->heard.len = 0;
        double before = cpu_ns();
        run(bench, (enum way)way);
        bench->ns[way][round] = (cpu_ns() - before) / (double)bench->records;
        MQTT_INVARIANT(is_write || bench->heard.len == bench->records * bench->record_bytes);
    }
}

/* ---- results ---- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static void report(struct bench *bench)
{
    printf("{\"suite\": \"%s\", \"bytes\": %zu", SSL_get_cipher_name(bench->pair.server.ssl),
           bench->record_bytes);
    for (int way = 0; way < WAY_COUNT; way++) {
        qsort(bench->ns[way], bench->rounds, sizeof(double), compare);
        printf(", \"%s_ns\": %.0f", names[way], bench->ns[way][bench->rounds / 2]);
    }
    printf("}\n");
}

static void measure(struct bench *bench, enum tls_suite suite, size_t record_bytes,
                    BIO_METHOD *method)
{
    tls_pair_init(&bench->pair, suite);
    tls_pair_connect(&bench->pair);
    struct tls_record_secrets server = tls_pair_server_secrets(&bench->pair);
    struct tls_record_secrets client = tls_pair_client_secrets(&bench->pair);
    MQTT_INVARIANT(tls_records_open(&bench->server, bench->engine, &server) == 0
                   && tls_records_open(&bench->client, bench->engine, &client) == 0);
    attach(bench, bench->pair.server.ssl, method);
    attach(bench, bench->pair.client.ssl, method);
    bench->record_bytes = record_bytes;
    bench->records = record_bytes == SHORT_BYTES ? RECORDS_MOST : RECORDS_MOST / 16;
    bench->wire = (struct tls_sink){ bench->cipher, sizeof(bench->cipher), 0 };
    bench->heard = (struct tls_sink){ bench->read, sizeof(bench->read), 0 };
    for (unsigned round = 0; round < bench->rounds; round++)
        do_round(bench, round);
    report(bench);
    tls_records_close(&bench->server, bench->engine);
    tls_records_close(&bench->client, bench->engine);
    tls_pair_fini(&bench->pair);
}

int main(int count, char **arguments)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    unsigned long rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : ROUNDS;

    MQTT_INVARIANT(bench != NULL);
    bench->rounds = rounds > 0 && rounds <= ROUNDS_MOST ? (unsigned)rounds : ROUNDS;
    bench->engine = tls_record_engine_new(TLS_RECORD_SLOTS);
    MQTT_INVARIANT(bench->engine != NULL);
    BIO_METHOD *method = method_new();
    for (int suite = TLS_SUITE_NONE + 1; suite < TLS_SUITE_COUNT; suite++) {
        measure(bench, (enum tls_suite)suite, SHORT_BYTES, method);
        measure(bench, (enum tls_suite)suite, LONG_BYTES, method);
    }
    BIO_meth_free(method);
    tls_record_engine_free(bench->engine);
    free(bench);
    return 0;
}
