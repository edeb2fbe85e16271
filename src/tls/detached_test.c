/* SPDX-License-Identifier: Apache-2.0 */
/* A stream that lets go of OpenSSL, with a client of OpenSSL's at the other end, which notices nothing:
 * a secret or a number of records that is not the right one would show at the next record. */
#include "tls/stream.h"

#include "base/testing.h"
#include "tls/fixture.h"
#include "tls/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#define WHOLE 65536u /* what moves at once */

static struct tls_fixture pki;
static struct tls_context *context;

static void make_pki(void)
{
    tls_fixture_init(&pki);
    tls_fixture_issue(
        &pki,
        &(struct tls_fixture_subject){
            .file = "lamp", .common_name = "lamp", .serial = 3, .from_s = -60, .until_s = 3600 });
}

static struct tls_context *context_of(enum tls_detach detach, uint32_t sessions)
{
    struct tls_options options = { .certificate_path = pki.server_path,
                                   .key_path = pki.server_key_path,
                                   .client_ca_path = pki.ca_path,
                                   .detach = detach,
                                   .allow_tls_1_2 = true,
                                   .sessions = sessions };
    struct tls_context *made = NULL;
    struct tls_error why = { "" };
    if (tls_context_new(&options, &why, &made) < 0)
        fail_msg("%s", why.text);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    make_pki();
    context = context_of(TLS_DETACH_IDLE, 10);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_context_free(context);
    tls_fixture_fini(&pki);
    return 0;
}

/* ---- steps ---- */

static struct link connected(const struct tls_client_options *options)
{
    struct tls_client_options all = *options;
    all.fixture = &pki;
    all.identity = "lamp";
    struct link link = link_open(context, &all);
    assert_int_equal(link_shake_hands(&link, WHOLE), 0);
    assert_int_equal(link.server, TLS_DONE);
    return link;
}

static struct link any(void)
{
    return connected(&(struct tls_client_options){ 0 });
}

static void detach(struct link *link)
{
    assert_int_equal(tls_stream_detach(&link->stream, link->shard), TLS_DETACHED);
    assert_null(link->stream.ssl);
    assert_true(tls_stream_is_detached(&link->stream));
    assert_int_equal(tls_shard_output(link->shard).len, 0);
}

static struct link detached(void)
{
    struct link link = any();
    detach(&link);
    return link;
}

/* What the client has to send, on the heap. */
static struct mqtt_span wire_of(struct link *link)
{
    uint8_t *wire = malloc(WHOLE);
    assert_non_null(wire);
    return (struct mqtt_span){ wire, tls_client_take(link->client, wire, WHOLE) };
}

static void drop_wire(struct mqtt_span wire)
{
    free((void *)(uintptr_t)wire.data);
}

static enum tls_result feed(struct link *link, struct mqtt_span wire, uint8_t *into, size_t room,
                            size_t *out_len)
{
    enum tls_result result;
    size_t got = 0;
    *out_len = 0;
    tls_shard_feed(link->shard, wire);
    while ((result =
                tls_stream_read(&link->stream, link->shard, into + *out_len, room - *out_len, &got))
           == TLS_DONE)
        *out_len += got;
    return result;
}

/* ---- it goes on ---- */

static void nobody_notices(void **state)
{
    (void)state;
    static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                          "TLS_CHACHA20_POLY1305_SHA256" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(suites); i++) {
        for (unsigned talks = 0; talks < 4; talks++) {
            struct link link = connected(&(struct tls_client_options){ .suites = suites[i] });
            assert_string_equal(tls_client_suite(link.client), suites[i]);
            for (unsigned k = 0; k < talks; k++)
                link_talk(&link);
            detach(&link);
            for (unsigned k = 0; k < 300; k++)
                link_talk(&link);
            assert_string_equal(link.stream.peer->common_name, "lamp");
            link_close(&link);
        }
    }
}

/* Tickets are records, too; a resumed handshake sends one as well, and its secrets are others. */
static void resumed_ones_and_those_without_tickets_go_on(void **state)
{
    (void)state;
    struct link first = any();
    link_talk(&first); /* the ticket is read */
    struct link second = connected(&(struct tls_client_options){ .resume = first.client });
    assert_true(second.agreed.is_resumed);
    detach(&second);
    link_talk(&second);
    assert_true(tls_client_has_ticket(second.client));
    link_close(&second);
    link_close(&first);

    struct tls_context *with = context;
    context = context_of(TLS_DETACH_IDLE, 0);
    struct link third = detached();
    link_talk(&third);
    link_close(&third);
    tls_context_free(context);
    context = with;
}

/* Records of any size, several in one read: OpenSSL may count them otherwise than we send them. */
static void many_records_before_are_counted(void **state)
{
    (void)state;
    struct link link = any();
    struct test_random random = { 11 };
    uint8_t *bytes = calloc(1, TLS_RECORD_BYTES);
    assert_non_null(bytes);
    for (unsigned round = 0; round < 50; round++) {
        size_t up = 0;
        for (size_t i = test_random_below(&random, 4); i > 0; i--) {
            size_t len = 1 + test_random_below(&random, 3000);
            tls_client_write(link.client, (struct mqtt_span){ bytes, len });
            up += len;
        }
        assert_int_equal(link_receive(&link, bytes, TLS_RECORD_BYTES), up);
        size_t down = 0;
        for (size_t i = test_random_below(&random, 4); i > 0; i--) {
            size_t len = 1 + test_random_below(&random, TLS_RECORD_BYTES);
            assert_int_equal(
                tls_stream_write(&link.stream, link.shard, (struct mqtt_span){ bytes, len }), 0);
            down += len;
        }
        link_to_client(&link);
        for (int len; (len = tls_client_read(link.client, bytes, TLS_RECORD_BYTES)) > 0;)
            down -= (size_t)len;
        assert_int_equal(down, 0);
    }
    detach(&link);
    link_talk(&link);
    free(bytes);
    link_close(&link);
}

static void full_records_go_both_ways(void **state)
{
    (void)state;
    struct link link = detached();
    uint8_t *bytes = malloc((size_t)2 * TLS_RECORD_BYTES + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < TLS_RECORD_BYTES; i++)
        bytes[i] = (uint8_t)(i * 7);
    tls_client_write(link.client, (struct mqtt_span){ bytes, TLS_RECORD_BYTES });
    assert_int_equal(link_receive(&link, bytes + TLS_RECORD_BYTES, TLS_RECORD_BYTES + 1),
                     TLS_RECORD_BYTES);
    assert_memory_equal(bytes, bytes + TLS_RECORD_BYTES, TLS_RECORD_BYTES);
    (void)link_fill(&link, bytes);
    free(bytes);
    link_close(&link);
}

/* ---- what came in part ---- */

/* A record was cut after so many bytes when it is tried: with OpenSSL it stays until the rest is there.
 * Nothing of one is all right. */
static void a_record_in_part_keeps_it_back(void **state)
{
    (void)state;
    struct link link = any();
    uint8_t got[64];
    size_t len = 0;
    tls_client_write(link.client, span_of("in two parts"));
    struct mqtt_span wire = wire_of(&link);
    for (size_t cut = 1; cut < wire.len; cut++) {
        struct mqtt_span start = { wire.data + cut - 1, 1 };
        assert_int_equal(feed(&link, start, got, sizeof(got), &len), TLS_WANTS_INPUT);
        assert_int_equal(len, 0);
        assert_int_equal(tls_stream_detach(&link.stream, link.shard), TLS_NOT_YET);
        assert_non_null(link.stream.ssl);
    }
    struct mqtt_span rest = { wire.data + wire.len - 1, 1 };
    assert_int_equal(feed(&link, rest, got, sizeof(got), &len), TLS_WANTS_INPUT);
    assert_int_equal(len, 12);
    detach(&link);
    link_talk(&link);
    drop_wire(wire);
    link_close(&link);
}

/* The same once it is detached. */
static void a_detached_one_takes_records_in_parts(void **state)
{
    (void)state;
    struct link link = detached();
    uint8_t got[64];
    size_t len = 0;
    size_t total = 0;
    tls_client_write(link.client, span_of("byte by byte"));
    struct mqtt_span wire = wire_of(&link);
    for (size_t i = 0; i < wire.len; i++) {
        assert_int_equal(
            feed(&link, (struct mqtt_span){ wire.data + i, 1 }, got, sizeof(got), &len),
            TLS_WANTS_INPUT);
        total += len;
    }
    assert_int_equal(total, 12);
    link_talk(&link);
    drop_wire(wire);
    link_close(&link);
}

/* It was read less far than what has come: the rest is in OpenSSL. */
static void plaintext_that_waits_keeps_it_back(void **state)
{
    (void)state;
    struct link link = any();
    uint8_t got[64];
    size_t len = 0;
    tls_client_write(link.client, span_of("more than four"));
    struct mqtt_span wire = wire_of(&link);
    tls_shard_feed(link.shard, wire);
    assert_int_equal(tls_stream_read(&link.stream, link.shard, got, 4, &len), TLS_DONE);
    assert_int_equal(tls_stream_detach(&link.stream, link.shard), TLS_NOT_YET);
    assert_int_equal(tls_stream_read(&link.stream, link.shard, got + 4, sizeof(got) - 4, &len),
                     TLS_DONE);
    assert_memory_equal(got, "more than four", 14);
    detach(&link);
    link_talk(&link);
    drop_wire(wire);
    link_close(&link);
}

/* ---- who stays ---- */

static void check_that_it_stays(struct link *link)
{
    assert_int_equal(tls_stream_detach(&link->stream, link->shard), TLS_STAYS);
    assert_false(tls_stream_is_detached(&link->stream));
    link_talk(link);
    assert_int_equal(tls_stream_detach(&link->stream, link->shard), TLS_STAYS);
    link_close(link);
}

static void tls_1_2_stays(void **state)
{
    (void)state;
    struct link link = connected(&(struct tls_client_options){ .only_1_2 = true });
    assert_string_equal(link.agreed.version, "TLSv1.2");
    check_that_it_stays(&link);
}

static void who_wants_short_records_stays(void **state)
{
    (void)state;
    struct link link = connected(&(struct tls_client_options){ .wants_short_records = true });
    check_that_it_stays(&link);
}

static void who_renewed_a_key_before_stays(void **state)
{
    (void)state;
    static void (*const renewals[])(struct tls_client * client) = { tls_client_renew_keys,
                                                                    tls_client_renew_own_key };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(renewals); i++) {
        struct link link = any();
        uint8_t got[8];
        renewals[i](link.client);
        assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
        check_that_it_stays(&link);
    }
}

static void who_is_not_asked_to_leave_stays(void **state)
{
    (void)state;
    struct tls_context *with = context;
    context = context_of(TLS_DETACH_OFF, 10);
    struct link link = any();
    assert_int_equal(tls_stream_wish(&link.stream), TLS_DETACH_OFF);
    check_that_it_stays(&link);
    tls_context_free(context);
    context = with;
}

static void in_a_handshake_it_stays(void **state)
{
    (void)state;
    struct link link =
        link_open(context, &(struct tls_client_options){ .fixture = &pki, .identity = "lamp" });
    assert_int_equal(tls_stream_wish(&link.stream), TLS_DETACH_IDLE);
    assert_int_equal(tls_stream_detach(&link.stream, link.shard), TLS_STAYS);
    assert_int_equal(tls_client_handshake(link.client), 0);
    struct mqtt_span wire = wire_of(&link);
    tls_shard_feed(link.shard, wire);
    assert_int_equal(tls_stream_handshake(&link.stream, link.shard, &link.agreed), TLS_WANTS_INPUT);
    assert_int_equal(tls_stream_detach(&link.stream, link.shard), TLS_STAYS);
    drop_wire(wire);
    link_close(&link);
}

static void who_has_said_goodbye_stays(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        struct link link = any();
        uint8_t got[8];
        if (who == 0)
            tls_stream_shutdown(&link.stream, link.shard);
        else
            tls_client_shutdown(link.client);
        assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
        assert_int_equal(tls_stream_detach(&link.stream, link.shard), TLS_STAYS);
        link_close(&link);
    }
}

/* ---- afterwards ---- */

static void keys_are_renewed_afterwards(void **state)
{
    (void)state;
    static void (*const renewals[])(struct tls_client * client) = { tls_client_renew_keys,
                                                                    tls_client_renew_own_key };
    struct link link = detached();
    for (unsigned i = 0; i < 10; i++) {
        uint8_t got[8];
        renewals[i % 2](link.client);
        assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
        assert_int_equal(link.server, TLS_WANTS_INPUT);
        link_talk(&link);
        link_talk(&link);
    }
    link_close(&link);
}

static void renewals_without_end_are_a_failure(void **state)
{
    (void)state;
    struct link link = detached();
    uint8_t got[8];
    for (unsigned k = 0; k < 500; k++)
        tls_client_renew_keys(link.client);
    assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
    assert_int_equal(link.server, TLS_FAILED);
    assert_string_not_equal(tls_shard_failure(link.shard), "");
    link_close(&link);
}

static void close_notify_goes_both_ways(void **state)
{
    (void)state;
    struct link link = detached();
    uint8_t got[8];
    tls_stream_shutdown(&link.stream, link.shard);
    link_to_client(&link);
    assert_int_equal(tls_client_read(link.client, got, sizeof(got)), -2);
    tls_client_shutdown(link.client);
    assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
    assert_int_equal(link.server, TLS_CLOSED);
    link_close(&link);
}

/* The client is told by an alert, and it is said why. */
static void a_damaged_record_is_answered_and_ends_it(void **state)
{
    (void)state;
    struct link link = detached();
    uint8_t got[32];
    size_t len = 0;
    tls_client_write(link.client, span_of("hello"));
    struct mqtt_span wire = wire_of(&link);
    uint8_t *bytes = (uint8_t *)(uintptr_t)wire.data;
    bytes[wire.len - 1] ^= 1;
    assert_int_equal(feed(&link, wire, got, sizeof(got), &len), TLS_FAILED);
    assert_non_null(strstr(tls_shard_failure(link.shard), "damaged or forged"));
    assert_true(tls_shard_output(link.shard).len > 0);
    link_to_client(&link);
    assert_int_equal(tls_client_read(link.client, got, sizeof(got)), -1);
    assert_int_equal(tls_stream_write(&link.stream, link.shard, span_of("x")), -EPROTO);
    drop_wire(wire);
    link_close(&link);
}

static void it_moves_to_another_shard(void **state)
{
    (void)state;
    struct link link = detached();
    link_talk(&link);
    struct tls_shard *before = link.shard;
    tls_stream_leave(&link.stream, link.shard);
    link.shard = tls_shard_new();
    assert_non_null(link.shard);
    tls_stream_join(&link.stream, link.shard);
    tls_shard_free(before);
    link_talk(&link);
    link_close(&link);
}

/* Certificates that nobody uses any more are gone; whose they were goes on. */
static void it_outlives_its_context(void **state)
{
    (void)state;
    struct tls_context *with = context;
    context = context_of(TLS_DETACH_IDLE, 10);
    struct link link = detached();
    tls_context_free(context);
    link_talk(&link);
    assert_string_equal(link.stream.peer->common_name, "lamp");
    link_close(&link);
    context = with;
}

static void what_only_openssl_knows_is_asked_before(void **state)
{
    (void)state;
    struct link link = any();
    uint8_t bytes[32];
    assert_int_equal(tls_stream_export(&link.stream, "EXPORTER-test", bytes, sizeof(bytes)), 0);
    detach(&link);
    assert_int_equal(tls_stream_export(&link.stream, "EXPORTER-test", bytes, sizeof(bytes)),
                     -EPROTO);
    link_close(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_notices),
        cmocka_unit_test(resumed_ones_and_those_without_tickets_go_on),
        cmocka_unit_test(many_records_before_are_counted),
        cmocka_unit_test(full_records_go_both_ways),
        cmocka_unit_test(a_record_in_part_keeps_it_back),
        cmocka_unit_test(a_detached_one_takes_records_in_parts),
        cmocka_unit_test(plaintext_that_waits_keeps_it_back),
        cmocka_unit_test(tls_1_2_stays),
        cmocka_unit_test(who_wants_short_records_stays),
        cmocka_unit_test(who_renewed_a_key_before_stays),
        cmocka_unit_test(who_is_not_asked_to_leave_stays),
        cmocka_unit_test(in_a_handshake_it_stays),
        cmocka_unit_test(who_has_said_goodbye_stays),
        cmocka_unit_test(keys_are_renewed_afterwards),
        cmocka_unit_test(renewals_without_end_are_a_failure),
        cmocka_unit_test(close_notify_goes_both_ways),
        cmocka_unit_test(a_damaged_record_is_answered_and_ends_it),
        cmocka_unit_test(it_moves_to_another_shard),
        cmocka_unit_test(it_outlives_its_context),
        cmocka_unit_test(what_only_openssl_knows_is_asked_before),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
