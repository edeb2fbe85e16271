/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/hello.h"

#include "base/testing.h"
#include "tls/context.h"
#include "tls/fixture.h"
#include "tls/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- made by hand ---- */

struct maker {
    uint8_t bytes[512];
    size_t len;
};

static void put(struct maker *maker, const void *bytes, size_t len)
{
    memcpy(maker->bytes + maker->len, bytes, len);
    maker->len += len;
}

static void put_number(struct maker *maker, size_t number, size_t width)
{
    for (size_t i = width; i > 0; i--)
        maker->bytes[maker->len++] = (uint8_t)(number >> (8 * (i - 1)));
}

/* A ClientHello in one record, with those extensions. */
static void make_hello(struct maker *out, const struct maker *extensions)
{
    static const uint8_t version_and_random[34] = { 3, 3 };
    size_t body = sizeof(version_and_random) + 1 + 4 + 2 + 2 + extensions->len;
    *out = (struct maker){ 0 };
    put(out, "\x16\x03\x01", 3);
    put_number(out, 4 + body, 2);
    put_number(out, 1, 1);
    put_number(out, body, 3);
    put(out, version_and_random, sizeof(version_and_random));
    put(out, "\0", 1);
    put(out, "\0\x02\x13\x01", 4);
    put(out, "\x01\0", 2);
    put_number(out, extensions->len, 2);
    put(out, extensions->bytes, extensions->len);
}

static void make_extensions(struct maker *out)
{
    *out = (struct maker){ 0 };
    put(out, "\0\x2b\0\x03\x02\x03\x04", 7);
    put(out, "\0\x29\0\x10\0\x0b\0\x05", 8);
    put(out, "abcde", 5);
    put(out, "\0\0\0\0\0\x03xyz", 9);
}

static struct tls_hello look(const void *bytes, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a read beyond it is seen */
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    struct tls_hello hello = tls_hello_read((struct mqtt_span){ exact, len });
    if (hello.ticket.len > 0)
        hello.ticket.data = (const uint8_t *)bytes + (hello.ticket.data - exact);
    free(exact);
    return hello;
}

static void it_is_awaited_as_a_whole(void **state)
{
    (void)state;
    struct maker extensions;
    struct maker hello;
    make_extensions(&extensions);
    make_hello(&hello, &extensions);
    for (size_t len = 0; len < hello.len; len++)
        assert_int_equal(look(hello.bytes, len).wants, len < 5 ? 5 : hello.len);
    struct tls_hello whole = look(hello.bytes, hello.len);
    assert_int_equal(whole.wants, 0);
    assert_int_equal(whole.ticket.len, 5);
    assert_memory_equal(whole.ticket.data, "abcde", 5);
}

static void what_is_no_hello_is_for_others_to_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "\x10", 1 },                         /* an MQTT client that forgot TLS */
        { "GET / HTTP/1.1\r\n\r\n", 18 },      /* a browser */
        { "\x15\x03\x01\0\x02\x02\x28", 7 },   /* an alert */
        { "\x16\x03\x01\xff\xff\x01", 6 },     /* longer than a record can be */
        { "\x16\x03\x01\0\0", 5 },             /* empty */
        { "\x16\x03\x01\0\x04\x02\0\0\0", 9 }, /* another message */
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct tls_hello hello = look(cases[i].bytes, cases[i].len);
        assert_int_equal(hello.wants, 0);
        assert_int_equal(hello.ticket.len, 0);
    }
}

/* Any byte may be anything: it is never read beyond the end. */
static void damage_is_survived(void **state)
{
    (void)state;
    struct maker extensions;
    struct maker hello;
    make_extensions(&extensions);
    make_hello(&hello, &extensions);
    for (size_t at = 0; at < hello.len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t before = hello.bytes[at];
            hello.bytes[at] = (uint8_t)value;
            struct tls_hello seen = look(hello.bytes, hello.len);
            assert_true(seen.ticket.len <= hello.len && seen.wants <= TLS_HELLO_MAX_BYTES);
            hello.bytes[at] = before;
        }
    }
}

/* ---- its print ---- */

static void make_body(struct maker *out, const char *suites, size_t suites_len,
                      const char *extensions, size_t extensions_len)
{
    static const uint8_t version_and_random[34] = { 3, 3, 7 };

    *out = (struct maker){ 0 };
    put(out, version_and_random, sizeof(version_and_random));
    put(out, "\x02id", 3);
    put_number(out, suites_len, 2);
    put(out, suites, suites_len);
    put(out, "\x01\0", 2);
    put_number(out, extensions_len, 2);
    put(out, extensions, extensions_len);
}

static void assert_print(const struct maker *body, const char *expected)
{
    uint8_t print[TLS_HELLO_PRINT_BYTES];

    assert_true(tls_hello_print((struct mqtt_span){ body->bytes, body->len }, print));
    assert_memory_equal(print, expected, sizeof(print));
}

/* The numbers of the print, hashed by another program. */
#define PRINT_OF_IT "\x36\xc9\x90\xa0\xa6\x29\x4e\xe0\x4a\xa6\x67\x96\xb4\xb8\x4e\xa9"

static void its_print_has_what_stays(void **state)
{
    static const char plain[] = "\0\x2b\0\x03\x02\x03\x04"       /* versions */
                                "\0\x0a\0\x06\0\x04\0\x1d\0\x17" /* groups */
                                "\x12\x34\0\0";                  /* unknown to all */
    static const char greased[] = "\x1a\x1a\0\x01\0"
                                  "\0\x2b\0\x03\x02\x03\x04"
                                  "\0\x2a\0\0" /* early data */
                                  "\0\x0a\0\x08\0\x06\x4a\x4a\0\x1d\0\x17"
                                  "\x12\x34\0\0"
                                  "\0\x15\0\x03\0\0\0" /* padding */
                                  "\0\x2c\0\0"         /* cookie */
                                  "\0\x29\0\x02\0\0";  /* ticket */
    struct maker body;
    uint8_t print[TLS_HELLO_PRINT_BYTES];

    (void)state;
    make_body(&body, "\x13\x01\xc0\x2b", 4, plain, sizeof(plain) - 1);
    assert_print(&body, PRINT_OF_IT);
    make_body(&body, "\xfa\xfa\x13\x01\xc0\x2b", 6, greased, sizeof(greased) - 1);
    assert_print(&body, PRINT_OF_IT);
    make_body(&body, "\xc0\x2b\x13\x01", 4, plain, sizeof(plain) - 1);
    assert_true(tls_hello_print((struct mqtt_span){ body.bytes, body.len }, print));
    assert_memory_not_equal(print, PRINT_OF_IT, sizeof(print));
}

static void its_print_has_a_bound(void **state)
{
    uint8_t print[TLS_HELLO_PRINT_BYTES] = { 7 };
    uint8_t *body = calloc(1, TLS_HELLO_MAX_BYTES + 1);

    (void)state;
    assert_non_null(body);
    assert_false(tls_hello_print((struct mqtt_span){ body, TLS_HELLO_MAX_BYTES + 1 }, print));
    assert_int_equal(print[0], 7);
    /* All of it suites, or all of it extensions. */
    body[35] = body[36] = 0xff;
    assert_true(tls_hello_print((struct mqtt_span){ body, TLS_HELLO_MAX_BYTES }, print));
    body[35] = 0x3f;
    assert_true(tls_hello_print((struct mqtt_span){ body, TLS_HELLO_MAX_BYTES }, print));
    assert_true(tls_hello_print((struct mqtt_span){ 0 }, print));
    free(body);
}

/* ---- made by OpenSSL ---- */

struct end {
    struct tls_shard *shard;
    struct tls_stream stream;
    struct tls_client *client;
    struct tls_agreed agreed;
    uint8_t first[4096];
    size_t first_len;
};

static void shake_hands(struct end *end, struct tls_context *context)
{
    uint8_t bytes[16384];
    bool is_done = false;
    assert_int_equal(tls_stream_open(&end->stream, context, end->shard), 0);
    for (int i = 0; i < 10; i++) {
        (void)tls_client_handshake(end->client);
        size_t len = tls_client_take(end->client, bytes, sizeof(bytes));
        if (end->first_len == 0) {
            assert_in_range(len, 1, sizeof(end->first));
            memcpy(end->first, bytes, len);
            end->first_len = len;
        }
        tls_shard_feed(end->shard, (struct mqtt_span){ bytes, len });
        if (!is_done)
            is_done = tls_stream_handshake(&end->stream, end->shard, &end->agreed) == TLS_DONE;
        tls_client_give(end->client, tls_shard_output(end->shard));
        tls_shard_clear(end->shard);
        (void)tls_client_read(end->client, bytes, sizeof(bytes));
    }
    assert_true(is_done);
}

static void connect_once(struct end *end, struct tls_context *context,
                         const struct tls_fixture *pki, const struct tls_client *resume)
{
    *end = (struct end){ .shard = tls_shard_new() };
    assert_non_null(end->shard);
    end->client = tls_client_new(
        &(struct tls_client_options){ .fixture = pki, .identity = NULL, .resume = resume });
    shake_hands(end, context);
}

static void end_close(struct end *end)
{
    tls_stream_close(&end->stream, end->shard);
    tls_client_free(end->client);
    tls_shard_free(end->shard);
}

static void a_ticket_of_ours_is_known_again(void **state)
{
    (void)state;
    struct tls_fixture pki;
    struct tls_context *context = NULL;
    struct tls_error why;
    struct end ends[2];
    tls_fixture_init(&pki);
    const struct tls_options options = { .certificate_path = pki.server_path,
                                         .key_path = pki.server_key_path,
                                         .clients = TLS_CLIENTS_NONE,
                                         .sessions = 10 };
    assert_int_equal(tls_context_new(&options, &why, &context), 0);

    connect_once(&ends[0], context, &pki, NULL);
    struct tls_hello first = look(ends[0].first, ends[0].first_len);
    assert_int_equal(first.wants, 0);
    assert_int_equal(first.ticket.len, 0);
    assert_false(tls_context_remembers(context, first.ticket));

    /* Looked at before the second one comes, for it replaces the ticket. */
    struct end *second = &ends[1];
    *second = (struct end){ .shard = tls_shard_new() };
    second->client =
        tls_client_new(&(struct tls_client_options){ .fixture = &pki, .resume = ends[0].client });
    (void)tls_client_handshake(second->client);
    uint8_t bytes[4096];
    size_t len = tls_client_take(second->client, bytes, sizeof(bytes));
    struct tls_hello again = look(bytes, len);
    assert_int_equal(again.wants, 0);
    assert_true(again.ticket.len > 0);
    assert_true(tls_context_remembers(context, again.ticket));
    tls_context_forget_sessions(context);
    assert_false(tls_context_remembers(context, again.ticket));

    /* What the stream took note of is the print of those bytes: record and message have headers. */
    uint8_t print[TLS_HELLO_PRINT_BYTES];
    assert_true(tls_hello_print(
        (struct mqtt_span){ ends[0].first + 5 + 4, ends[0].first_len - 5 - 4 }, print));
    assert_true(ends[0].agreed.has_print);
    assert_memory_equal(ends[0].agreed.print, print, sizeof(print));
    assert_true(tls_hello_print((struct mqtt_span){ bytes + 5 + 4, len - 5 - 4 }, print));
    assert_memory_equal(ends[0].agreed.print, print, sizeof(print));
    assert_string_equal(ends[0].agreed.version, "TLSv1.3");
    assert_string_equal(ends[0].agreed.cipher, "TLS_AES_128_GCM_SHA256");

    end_close(&ends[0]);
    end_close(&ends[1]);
    tls_context_free(context);
    tls_fixture_fini(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_awaited_as_a_whole),
        cmocka_unit_test(what_is_no_hello_is_for_others_to_refuse),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(its_print_has_what_stays),
        cmocka_unit_test(its_print_has_a_bound),
        cmocka_unit_test(a_ticket_of_ours_is_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
