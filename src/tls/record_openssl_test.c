/* SPDX-License-Identifier: Apache-2.0 */
/* The record layer in the place of an OpenSSL server, with an OpenSSL client at the other end. */
#include "base/testing.h"
#include "tls/record_pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define CIPHER_BYTES 65536u

struct stage {
    struct tls_pair pair;
    struct tls_record_engine *engine;
    struct tls_records records;
    struct tls_sink output; /* what ours sends */
    uint8_t cipher[CIPHER_BYTES];
    uint8_t plain[TLS_RECORD_BYTES + 1];
};

static struct stage *set(enum tls_suite suite)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    tls_pair_init(&stage->pair, suite);
    tls_pair_connect(&stage->pair);
    stage->engine = tls_record_engine_new(4);
    assert_non_null(stage->engine);
    const struct tls_record_secrets secrets = tls_pair_server_secrets(&stage->pair);
    assert_int_equal(tls_records_open(&stage->records, stage->engine, &secrets), 0);
    stage->output = (struct tls_sink){ stage->cipher, sizeof(stage->cipher), 0 };
    return stage;
}

static void strike(struct stage *stage)
{
    tls_records_close(&stage->records, stage->engine);
    tls_record_engine_free(stage->engine);
    tls_pair_fini(&stage->pair);
    free(stage);
}

/* What the client has sent goes to ours; the plaintext of it, of one call. */
static enum tls_result receive(struct stage *stage, struct tls_sink *plaintext)
{
    static uint8_t bytes[CIPHER_BYTES];
    struct mqtt_span input = { bytes, tls_pair_take(&stage->pair.client, bytes, sizeof(bytes)) };
    enum tls_result result = TLS_DONE;
    size_t before;
    do {
        before = plaintext->len;
        result =
            tls_records_read(&stage->records, stage->engine, &input, plaintext, &stage->output);
        assert_true(result != TLS_DONE || plaintext->len > before);
    } while (result == TLS_DONE && plaintext->len < plaintext->room);
    return result;
}

/* What ours has sent goes to the client. */
static enum tls_result deliver(struct stage *stage, struct tls_sink *plaintext)
{
    tls_pair_give(&stage->pair.client, (struct mqtt_span){ stage->cipher, stage->output.len });
    stage->output.len = 0;
    enum tls_result result = TLS_DONE;
    while (result == TLS_DONE)
        result = tls_pair_read(&stage->pair.client, plaintext);
    return result;
}

static void say(struct stage *stage, const char *text)
{
    struct mqtt_span all = span_of(text);
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };
    assert_int_equal(tls_records_write(&stage->records, stage->engine, all, &stage->output), 0);
    assert_int_equal(deliver(stage, &heard), TLS_WANTS_INPUT);
    assert_true(span_equal((struct mqtt_span){ room, heard.len }, all));
}

static void hear(struct stage *stage, const char *text)
{
    struct mqtt_span all = span_of(text);
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };
    tls_pair_write(&stage->pair.client, all);
    assert_int_equal(receive(stage, &heard), TLS_WANTS_INPUT);
    assert_true(span_equal((struct mqtt_span){ room, heard.len }, all));
}

static void on_each_suite(void (*act)(struct stage *stage))
{
    for (int i = TLS_SUITE_NONE + 1; i < TLS_SUITE_COUNT; i++) {
        struct stage *stage = set((enum tls_suite)i);
        act(stage);
        strike(stage);
    }
}

static void talk(struct stage *stage)
{
    for (unsigned i = 0; i < 300; i++) {
        say(stage, "from ours");
        hear(stage, "from OpenSSL");
    }
}

static void data_goes_both_ways(void **state)
{
    (void)state;
    on_each_suite(talk);
}

static void send_full(struct stage *stage)
{
    struct test_random random = { 7 };
    for (size_t i = 0; i < TLS_RECORD_BYTES; i++)
        stage->plain[i] = (uint8_t)test_random_next(&random);
    const struct mqtt_span all = { stage->plain, TLS_RECORD_BYTES };
    uint8_t *room = malloc(TLS_RECORD_BYTES + 1u);
    struct tls_sink heard = { room, TLS_RECORD_BYTES + 1u, 0 };
    assert_int_equal(tls_records_write(&stage->records, stage->engine, all, &stage->output), 0);
    assert_int_equal(stage->output.len, TLS_RECORD_BYTES + TLS_RECORD_ADDED_BYTES);
    assert_int_equal(deliver(stage, &heard), TLS_WANTS_INPUT);
    assert_true(span_equal((struct mqtt_span){ room, heard.len }, all));
    heard.len = 0;
    tls_pair_write(&stage->pair.client, all);
    assert_int_equal(receive(stage, &heard), TLS_WANTS_INPUT);
    assert_true(span_equal((struct mqtt_span){ room, heard.len }, all));
    free(room);
}

static void full_records_go_both_ways(void **state)
{
    (void)state;
    on_each_suite(send_full);
}

/* OpenSSL pads to multiples of 512: more than the content of records has to be stripped. */
static void send_padded(struct stage *stage)
{
    assert_int_equal(SSL_set_block_padding(stage->pair.client.ssl, 512), 1);
    hear(stage, "padded");
    hear(stage, "padded again");
}

static void padding_is_taken_off(void **state)
{
    (void)state;
    on_each_suite(send_padded);
}

/* RFC 8446, section 4.6.3: the client renews its key and does not ask for ours. */
static void renew_theirs(struct stage *stage)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(stage->pair.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        hear(stage, "renewed");
        assert_int_equal(stage->output.len, 0);
        say(stage, "as before");
    }
}

static void a_client_renews_its_key(void **state)
{
    (void)state;
    on_each_suite(renew_theirs);
}

static void renew_both(struct stage *stage)
{
    uint8_t before[TLS_SECRET_MOST_BYTES];
    for (unsigned i = 0; i < 3; i++) {
        memcpy(before, stage->records.write.secret, sizeof(before));
        assert_int_equal(SSL_key_update(stage->pair.client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        hear(stage, "renewed");
        /* The answer is there before anything is said. */
        assert_int_equal(stage->output.len, 27);
        assert_memory_not_equal(before, stage->records.write.secret, 32);
        say(stage, "renewed too");
        hear(stage, "good");
    }
}

static void a_client_asks_for_ours(void **state)
{
    (void)state;
    on_each_suite(renew_both);
}

static void ask_client(struct stage *stage)
{
    uint8_t before[TLS_SECRET_MOST_BYTES];
    memcpy(before, stage->records.read.secret, sizeof(before));
    tls_records_renew(&stage->records);
    say(stage, "with a renewal before it");
    /* OpenSSL answers with its next step. */
    hear(stage, "answered");
    assert_memory_not_equal(before, stage->records.read.secret, 32);
    say(stage, "and on");
    hear(stage, "and on");
}

static void a_client_is_asked(void **state)
{
    (void)state;
    on_each_suite(ask_client);
}

static void close_both(struct stage *stage)
{
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };
    tls_pair_write(&stage->pair.client, span_of("last words"));
    SSL_shutdown(stage->pair.client.ssl);
    assert_int_equal(receive(stage, &heard), TLS_CLOSED);
    assert_int_equal(heard.len, 10);
    /* Half closed: ours may still speak, and then it closes too. */
    assert_int_equal(
        tls_records_write(&stage->records, stage->engine, span_of("bye"), &stage->output), 0);
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    heard.len = 0;
    assert_int_equal(deliver(stage, &heard), TLS_CLOSED);
    assert_int_equal(heard.len, 3);
    assert_int_equal(stage->pair.client.received_alert, SSL_AD_CLOSE_NOTIFY);
    assert_int_equal(
        tls_records_write(&stage->records, stage->engine, span_of("no"), &stage->output), -EPROTO);
}

static void each_end_closes(void **state)
{
    (void)state;
    on_each_suite(close_both);
}

static void forge(struct stage *stage)
{
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };
    uint8_t bytes[128];
    tls_pair_write(&stage->pair.client, span_of("forged"));
    size_t len = tls_pair_take(&stage->pair.client, bytes, sizeof(bytes));
    bytes[len - 1] ^= 1;
    struct mqtt_span input = { bytes, len };
    assert_int_equal(tls_records_read(&stage->records, stage->engine, &input,
                                      &(struct tls_sink){ room, 64, 0 }, &stage->output),
                     TLS_FAILED);
    assert_int_equal(deliver(stage, &heard), TLS_FAILED);
    assert_int_equal(stage->pair.client.received_alert, SSL_AD_BAD_RECORD_MAC);
}

static void what_is_forged_is_refused(void **state)
{
    (void)state;
    on_each_suite(forge);
}

/* The client finds fault with what ours sends and says so. */
static void be_refused(struct stage *stage)
{
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };
    assert_int_equal(
        tls_records_write(&stage->records, stage->engine, span_of("spoilt"), &stage->output), 0);
    stage->cipher[7] ^= 1;
    assert_int_equal(deliver(stage, &heard), TLS_FAILED);
    assert_int_equal(receive(stage, &heard), TLS_FAILED);
    assert_string_equal(tls_record_engine_failure(stage->engine),
                        "the client gave up: bad record mac");
    assert_int_equal(stage->output.len, 0);
}

static void a_client_refuses_what_is_forged(void **state)
{
    (void)state;
    on_each_suite(be_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_goes_both_ways),
        cmocka_unit_test(full_records_go_both_ways),
        cmocka_unit_test(padding_is_taken_off),
        cmocka_unit_test(a_client_renews_its_key),
        cmocka_unit_test(a_client_asks_for_ours),
        cmocka_unit_test(a_client_is_asked),
        cmocka_unit_test(each_end_closes),
        cmocka_unit_test(what_is_forged_is_refused),
        cmocka_unit_test(a_client_refuses_what_is_forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
