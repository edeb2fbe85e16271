/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/stream.h"

#include "base/testing.h"
#include "tls/fixture.h"
#include "tls/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <stdlib.h>

static struct tls_fixture pki;

static int make_pki(void **state)
{
    (void)state;
    tls_fixture_init(&pki);
    static const struct tls_fixture_subject subjects[] = {
        { "lamp", "lamp", "URI:spiffe://test/device/lamp", 0x1a2b, -60, 3600, "Lamps Ltd", "hall" },
        { "late", "late", "URI:spiffe://test/device/late", 11, -7200, -3600, NULL, NULL },
        { "gone", "gone", "URI:spiffe://test/device/gone", 12, -60, 3600, NULL, NULL },
        { "odd", "a\tb", NULL, 13, -60, 3600, "Pump\xc3\xa9", "a\nb" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(subjects); i++)
        tls_fixture_issue(&pki, &subjects[i]);
    tls_fixture_revoke(&pki, "gone.crl", 12);
    tls_fixture_revoke(&pki, "none.crl", 0);
    tls_fixture_revoke_until(&pki, "stale.crl", 12, -60);
    tls_fixture_other_ca(&pki, "other");
    return 0;
}

static int drop_pki(void **state)
{
    (void)state;
    tls_fixture_fini(&pki);
    return 0;
}

static struct tls_options options_for(enum tls_clients clients)
{
    return (struct tls_options){ .certificate_path = pki.server_path,
                                 .key_path = pki.server_key_path,
                                 .client_ca_path = pki.ca_path,
                                 .clients = clients,
                                 .sessions = 10 };
}

static struct tls_context *context_for(const struct tls_options *options)
{
    struct tls_context *context = NULL;
    struct tls_error why = { "" };
    if (tls_context_new(options, &why, &context) < 0)
        fail_msg("%s", why.text);
    return context;
}

/* ---- handshakes ---- */

static void handshake_works_in_pieces_of_any_size(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    struct tls_context *context = context_for(&options);
    static const size_t pieces[] = { 1, 7, 100, 1400, 65536 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(pieces); i++) {
        struct link link =
            link_open(context, &(struct tls_client_options){ .fixture = &pki, .identity = "lamp" });
        assert_int_equal(link_shake_hands(&link, pieces[i]), 0);
        assert_int_equal(link.server, TLS_DONE);
        assert_false(link.agreed.is_resumed);
        assert_string_equal(tls_client_suite(link.client), "TLS_AES_128_GCM_SHA256");
        link_talk(&link);
        link_close(&link);
    }
    tls_context_free(context);
}

/* The peer of a handshake of that subject, counted. */
static const struct tls_peer *peer_of(const char *identity)
{
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    struct tls_context *context = context_for(&options);
    struct link link =
        link_open(context, &(struct tls_client_options){ .fixture = &pki, .identity = identity });
    link_shake_hands(&link, 65536);
    const struct tls_peer *peer = tls_peer_ref(link.stream.peer);
    link_close(&link);
    tls_context_free(context);
    assert_non_null(peer);
    return peer;
}

/* Not printable ASCII: as if it were not there. */
static void names_that_are_no_text_are_absent(void **state)
{
    (void)state;
    const struct tls_peer *peer = peer_of("odd");

    assert_string_equal(peer->common_name, "");
    assert_string_equal(peer->organization, "");
    assert_string_equal(peer->organizational_unit, "");
    assert_string_equal(peer->issuer, "test CA");
    tls_peer_unref(peer);
}

static void peer_tells_what_the_certificate_says(void **state)
{
    (void)state;
    const struct tls_peer *peer = peer_of("lamp");

    assert_string_equal(peer->common_name, "lamp");
    assert_string_equal(peer->organization, "Lamps Ltd");
    assert_string_equal(peer->organizational_unit, "hall");
    assert_string_equal(peer->issuer, "test CA");
    assert_string_equal(peer->serial, "1a2b");
    assert_int_equal(peer->uri_count, 1);
    assert_string_equal(peer->uris[0], "spiffe://test/device/lamp");
    assert_true(peer->not_after_s > 1700000000);
    assert_null(peer->weakness);
    assert_false(peer->is_rsa);
    static const uint8_t zero[TLS_FINGERPRINT_BYTES] = { 0 };
    assert_memory_not_equal(peer->fingerprint, zero, sizeof(zero));
    assert_memory_not_equal(peer->key_fingerprint, zero, sizeof(zero));
    assert_memory_not_equal(peer->key_fingerprint, peer->fingerprint, sizeof(zero));
    tls_peer_unref(peer);
}

struct refusal {
    enum tls_clients clients;
    const char *identity;
    const char *crl;
    const char *alpn;
    bool only_1_2;
    const char *text; /* in the failure; NULL: it works */
};

static void check_row(const struct refusal *row, bool accepts_stale_crl)
{
    struct tls_options options = options_for(row->clients);
    char crl[128];
    if (row->crl != NULL) {
        tls_fixture_path(&pki, row->crl, crl);
        options.crl_path = crl;
    }
    options.accepts_stale_crl = accepts_stale_crl;
    struct tls_context *context = context_for(&options);
    struct link link =
        link_open(context, &(struct tls_client_options){ .fixture = &pki,
                                                         .identity = row->identity,
                                                         .alpn = row->alpn,
                                                         .only_1_2 = row->only_1_2 });
    link_shake_hands(&link, 65536);
    if (row->text == NULL) {
        assert_int_equal(link.server, TLS_DONE);
        assert_true(span_equal(tls_client_alpn(link.client), span_of(row->alpn)));
        link_talk(&link);
    } else {
        assert_int_equal(link.server, TLS_FAILED);
        if (strstr(tls_shard_failure(link.shard), row->text) == NULL)
            fail_msg("wanted %s, got %s", row->text, tls_shard_failure(link.shard));
    }
    link_close(&link);
    tls_context_free(context);
}

static void refusals_say_who_and_why(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        { TLS_CLIENTS_REQUIRED, "lamp", NULL, NULL, false, NULL },
        { TLS_CLIENTS_REQUIRED, NULL, NULL, NULL, false, "the client sent no certificate" },
        { TLS_CLIENTS_OPTIONAL, NULL, NULL, NULL, false, NULL },
        { TLS_CLIENTS_OPTIONAL, "late", NULL, NULL, false,
          "late (serial 0b): certificate has expired" },
        { TLS_CLIENTS_NONE, NULL, NULL, NULL, false, NULL },
        { TLS_CLIENTS_NONE, "late", NULL, NULL, false, NULL },
        { TLS_CLIENTS_REQUIRED, "late", NULL, NULL, false, "certificate has expired" },
        { TLS_CLIENTS_REQUIRED, "other", NULL, NULL, false, "certificate other CA" },
        { TLS_CLIENTS_REQUIRED, "gone", "gone.crl", NULL, false,
          "gone (serial 0c): certificate revoked" },
        { TLS_CLIENTS_REQUIRED, "lamp", "gone.crl", NULL, false, NULL },
        { TLS_CLIENTS_REQUIRED, "lamp", "stale.crl", NULL, false,
          "revocation list of test CA is out of date since 20" },
        { TLS_CLIENTS_NONE, NULL, NULL, "mqtt", false, NULL },
        { TLS_CLIENTS_NONE, NULL, NULL, "http/1.1", false, "another protocol than mqtt" },
        { TLS_CLIENTS_NONE, NULL, NULL, NULL, true, "no TLS version that is allowed" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        check_row(&rows[i], false);
}

static void a_protocol_with_more_to_it_comes_first(void **state)
{
    static const struct {
        const char *offered;
        const char *preferred;
        const char *chosen;
    } rows[] = {
        { "mqtt,more-1", "more-1", "more-1" }, { "more-1", "more-1", "more-1" },
        { "more-1,mqtt", NULL, "mqtt" },       { "more-12,more,mqtt", "more-1", "mqtt" },
        { "mqtt", "more-1", "mqtt" },          { NULL, "more-1", NULL },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct tls_options options = options_for(TLS_CLIENTS_NONE);
        options.protocol = rows[i].preferred;
        struct tls_context *context = context_for(&options);
        struct link link = link_open(
            context, &(struct tls_client_options){ .fixture = &pki, .alpn = rows[i].offered });
        link_shake_hands(&link, 65536);
        assert_int_equal(link.server, TLS_DONE);
        assert_true(span_equal(tls_client_alpn(link.client), span_of(rows[i].chosen)));
        link_close(&link);
        tls_context_free(context);
    }
}

/* What it names stays revoked, though. */
static void a_list_out_of_date_may_be_accepted(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        { TLS_CLIENTS_REQUIRED, "lamp", "stale.crl", NULL, false, NULL },
        { TLS_CLIENTS_REQUIRED, "gone", "stale.crl", NULL, false,
          "gone (serial 0c): certificate revoked" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        check_row(&rows[i], true);
}

static void plaintext_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {
        { "\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03"
          "abc",
          "not TLS" },
        { "GET / HTTP/1.1\r\n\r\n", "HTTP request" },
    };
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    struct tls_context *context = context_for(&options);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct link link = link_open(context, &(struct tls_client_options){ .fixture = &pki });
        tls_shard_feed(link.shard, (struct mqtt_span){ (const uint8_t *)rows[i].bytes, 17 });
        assert_int_equal(tls_stream_handshake(&link.stream, link.shard, &link.agreed), TLS_FAILED);
        assert_non_null(strstr(tls_shard_failure(link.shard), rows[i].text));
        link_close(&link);
    }
    tls_context_free(context);
}

static void tls_1_2_is_an_option(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    options.allow_tls_1_2 = true;
    struct tls_context *context = context_for(&options);
    struct link link = link_open(
        context,
        &(struct tls_client_options){ .fixture = &pki, .identity = "lamp", .only_1_2 = true });
    assert_int_equal(link_shake_hands(&link, 65536), 0);
    assert_int_equal(link.server, TLS_DONE);
    assert_string_equal(tls_client_suite(link.client), "ECDHE-ECDSA-AES128-GCM-SHA256");
    assert_string_equal(link.stream.peer->common_name, "lamp");
    link_talk(&link);
    link_close(&link);
    tls_context_free(context);
}

/* ---- work that a client makes for us after the handshake ---- */

static void renegotiation_is_refused(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    options.allow_tls_1_2 = true;
    struct tls_context *context = context_for(&options);
    struct link link =
        link_open(context, &(struct tls_client_options){ .fixture = &pki, .only_1_2 = true });
    assert_int_equal(link_shake_hands(&link, 65536), 0);
    tls_client_renegotiate(link.client);
    uint8_t wire[4096];
    uint8_t got[32];
    size_t len = tls_client_take(link.client, wire, sizeof(wire));
    assert_in_range(len, 100, sizeof(wire));
    tls_shard_feed(link.shard, (struct mqtt_span){ wire, len });
    assert_int_not_equal(tls_stream_read(&link.stream, link.shard, got, sizeof(got), &len),
                         TLS_DONE);
    assert_in_range(tls_shard_output(link.shard).len, 1, 64); /* an alert, and no handshake */
    link_close(&link);
    tls_context_free(context);
}

static void renewals_of_keys_are_bounded(void **state)
{
    (void)state;
    static const struct {
        unsigned count;
        enum tls_result end;
    } cases[] = { { 1, TLS_WANTS_INPUT }, { 20, TLS_WANTS_INPUT }, { 500, TLS_FAILED } };
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    struct tls_context *context = context_for(&options);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct link link = link_open(context, &(struct tls_client_options){ .fixture = &pki });
        link_shake_hands(&link, 65536);
        for (unsigned k = 0; k < cases[i].count; k++)
            tls_client_renew_keys(link.client);
        uint8_t got[32];
        assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
        assert_int_equal(link.server, cases[i].end);
        if (cases[i].end == TLS_WANTS_INPUT)
            link_talk(&link);
        else
            assert_string_equal(tls_shard_failure(link.shard), "too many renewals of keys at once");
        link_close(&link);
    }
    tls_context_free(context);
}

/* ---- data ---- */

static void full_records_fill_the_output_up_to_its_room(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    struct tls_context *context = context_for(&options);
    struct link link = link_open(context, &(struct tls_client_options){ .fixture = &pki });
    link_shake_hands(&link, 65536);
    uint8_t *record = calloc(1, TLS_RECORD_BYTES);
    assert_non_null(record);
    (void)link_fill(&link, record);
    free(record);
    link_close(&link);
    tls_context_free(context);
}

static void close_notify_goes_both_ways(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    struct tls_context *context = context_for(&options);
    struct link link = link_open(context, &(struct tls_client_options){ .fixture = &pki });
    link_shake_hands(&link, 65536);
    uint8_t got[8];
    tls_stream_shutdown(&link.stream, link.shard);
    link_to_client(&link);
    assert_int_equal(tls_client_read(link.client, got, sizeof(got)), -2);
    tls_client_shutdown(link.client);
    assert_int_equal(link_receive(&link, got, sizeof(got)), 0);
    assert_int_equal(link.server, TLS_CLOSED);
    link_close(&link);
    tls_context_free(context);
}

static void a_damaged_record_breaks_the_stream_only(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    struct tls_context *context = context_for(&options);
    struct link link = link_open(context, &(struct tls_client_options){ .fixture = &pki });
    link_shake_hands(&link, 65536);
    uint8_t wire[256];
    uint8_t got[32];
    size_t len = 0;
    tls_client_write(link.client, span_of("hello"));
    size_t wire_len = tls_client_take(link.client, wire, sizeof(wire));
    wire[wire_len - 1] ^= 1;
    tls_shard_feed(link.shard, (struct mqtt_span){ wire, wire_len });
    assert_int_equal(tls_stream_read(&link.stream, link.shard, got, sizeof(got), &len), TLS_FAILED);
    assert_non_null(strstr(tls_shard_failure(link.shard), "damaged or forged"));
    link_close(&link);
    tls_context_free(context);
}

static void a_stream_moves_to_another_shard(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    struct tls_context *context = context_for(&options);
    struct link link =
        link_open(context, &(struct tls_client_options){ .fixture = &pki, .identity = "lamp" });
    link_shake_hands(&link, 65536);
    tls_shard_clear(link.shard);
    tls_stream_leave(&link.stream, link.shard);
    tls_shard_free(link.shard);
    link.shard = tls_shard_new();
    assert_non_null(link.shard);
    tls_stream_join(&link.stream, link.shard);
    link_talk(&link);
    link_close(&link);
    tls_context_free(context);
}

/* ---- what is kept of a client's certificate ---- */

static void a_certificate_is_not_kept(void **state)
{
    (void)state;
    static const struct {
        struct tls_client_options client;
        bool is_kept; /* slimmed */
    } cases[] = {
        { { .fixture = &pki, .identity = "lamp" }, false },
        { { .fixture = &pki, .identity = "lamp", .suites = "TLS_AES_256_GCM_SHA384" }, false },
        { { .fixture = &pki, .identity = "lamp", .wants_short_records = true }, true },
        { { .fixture = &pki, .identity = "lamp", .only_1_2 = true }, true },
    };
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    options.allow_tls_1_2 = true;
    struct tls_context *context = context_for(&options);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct link link = link_open(context, &cases[i].client);
        uint8_t secret[32];
        link_shake_hands(&link, 65536);
        assert_int_equal(link.server, TLS_DONE);
        assert_non_null(link.stream.peer);
        X509 *left = SSL_get0_peer_certificate(link.stream.ssl);
        assert_int_equal(left != NULL, cases[i].is_kept);
        assert_int_equal(left != NULL ? X509_get_ext_count(left) : 0, 0);
        assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(link.stream.ssl)) > 0, false);
        assert_string_equal(link.agreed.cipher,
                            SSL_CIPHER_standard_name(SSL_get_current_cipher(link.stream.ssl)));
        assert_int_equal(tls_stream_export(&link.stream, "x", secret, sizeof(secret)), 0);
        if (!cases[i].client.only_1_2)
            tls_client_renew_keys(link.client);
        link_talk(&link);
        link_close(&link);
    }
    tls_context_free(context);
}

static void short_records_stay_short(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    struct tls_context *context = context_for(&options);
    struct link link =
        link_open(context, &(struct tls_client_options){
                               .fixture = &pki, .identity = "lamp", .wants_short_records = true });
    link_shake_hands(&link, 65536);
    tls_shard_clear(link.shard);
    assert_int_equal(
        tls_stream_write(&link.stream, link.shard, (struct mqtt_span){ bytes, sizeof(bytes) }), 0);
    struct mqtt_span sent = tls_shard_output(link.shard);
    assert_true(sent.len > sizeof(bytes));
    assert_true(((size_t)sent.data[3] << 8 | sent.data[4]) <= 512 + 17);
    link_close(&link);
    tls_context_free(context);
}

/* ---- resumption ---- */

static struct tls_client *connect_with(struct tls_context *context,
                                       const struct tls_client_options *options, bool *out_resumed,
                                       const struct tls_peer **out_peer)
{
    struct link link = link_open(context, options);
    assert_int_equal(link_shake_hands(&link, 65536), 0);
    assert_int_equal(link.server, TLS_DONE);
    link_talk(&link);
    *out_resumed = link.agreed.is_resumed;
    assert_int_equal(tls_client_resumed(link.client), *out_resumed);
    *out_peer = tls_peer_ref(link.stream.peer);
    struct tls_client *client = link.client;
    link.client = NULL;
    link_close(&link);
    return client;
}

/* Connects, resuming from `from` if it has a ticket; returns the client's end. */
static struct tls_client *connect_once(struct tls_context *context, const char *identity,
                                       const struct tls_client *from, bool *out_resumed,
                                       const struct tls_peer **out_peer)
{
    return connect_with(
        context,
        &(struct tls_client_options){ .fixture = &pki, .identity = identity, .resume = from },
        out_resumed, out_peer);
}

static void resumed_connection_has_the_peer_of_the_first(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    struct tls_context *context = context_for(&options);
    bool resumed;
    const struct tls_peer *peers[3];
    struct tls_client *clients[3];
    clients[0] = connect_once(context, "lamp", NULL, &resumed, &peers[0]);
    assert_false(resumed);
    assert_true(tls_client_has_ticket(clients[0]));
    for (size_t i = 1; i < 3; i++) {
        clients[i] = connect_once(context, "lamp", clients[i - 1], &resumed, &peers[i]);
        assert_true(resumed);
        assert_ptr_equal(peers[i], peers[0]);
    }
    for (size_t i = 0; i < 3; i++) {
        tls_client_free(clients[i]);
        tls_peer_unref(peers[i]);
    }
    tls_context_free(context);
}

static void forgotten_sessions_and_changed_trust_are_not_resumed(void **state)
{
    (void)state;
    char none[128];
    char gone[128];
    tls_fixture_path(&pki, "none.crl", none);
    tls_fixture_path(&pki, "gone.crl", gone);
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    options.crl_path = none;
    struct tls_context *context = context_for(&options);
    struct tls_error why;
    bool resumed;
    const struct tls_peer *peer;
    struct tls_client *first = connect_once(context, "lamp", NULL, &resumed, &peer);
    tls_peer_unref(peer);

    /* The same trust: it goes on. */
    assert_int_equal(tls_context_reload(context, &options, &why), 0);
    tls_client_free(connect_once(context, "lamp", first, &resumed, &peer));
    tls_peer_unref(peer);
    assert_true(resumed);

    /* Another revocation list. */
    options.crl_path = gone;
    assert_int_equal(tls_context_reload(context, &options, &why), 0);
    struct tls_client *second = connect_once(context, "lamp", first, &resumed, &peer);
    tls_peer_unref(peer);
    assert_false(resumed);

    tls_context_forget_sessions(context);
    tls_client_free(connect_once(context, "lamp", second, &resumed, &peer));
    tls_peer_unref(peer);
    assert_false(resumed);
    tls_client_free(first);
    tls_client_free(second);
    tls_context_free(context);
}

static void a_list_that_goes_out_of_date_ends_resumption(void **state)
{
    (void)state;
    char soon[128];
    tls_fixture_path(&pki, "soon.crl", soon);
    struct tls_options options = options_for(TLS_CLIENTS_REQUIRED);
    options.crl_path = soon;
    tls_fixture_revoke_until(&pki, "soon.crl", 0, 2);
    struct tls_context *context = context_for(&options);
    int64_t expires_s = tls_context_crl_expires_s(context);
    bool resumed;
    const struct tls_peer *peer;
    struct tls_client *first = connect_once(context, "lamp", NULL, &resumed, &peer);
    tls_peer_unref(peer);
    assert_true(expires_s > 1700000000);

    while ((int64_t)time(NULL) <= expires_s)
        (void)usleep(50000);
    struct link link = link_open(
        context,
        &(struct tls_client_options){ .fixture = &pki, .identity = "lamp", .resume = first });
    link_shake_hands(&link, 65536);
    assert_int_equal(link.server, TLS_FAILED);
    assert_non_null(strstr(tls_shard_failure(link.shard), "out of date since"));
    link_close(&link);
    tls_client_free(first);
    tls_context_free(context);
}

/* The ticket was made with SHA-384 and the server now chooses a suite with SHA-256: it
 * finds the session, does not take it, and sends no ticket of its own. */
static void a_ticket_that_is_not_taken_lends_no_identity(void **state)
{
    (void)state;
    static const enum tls_clients modes[] = { TLS_CLIENTS_REQUIRED, TLS_CLIENTS_OPTIONAL };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(modes); i++) {
        struct tls_options options = options_for(modes[i]);
        struct tls_context *context = context_for(&options);
        const struct tls_peer *peers[2];
        bool resumed;
        struct tls_client *first = connect_with(
            context,
            &(struct tls_client_options){
                .fixture = &pki, .identity = "gone", .suites = "TLS_AES_256_GCM_SHA384" },
            &resumed, &peers[0]);
        assert_true(tls_client_has_ticket(first));
        const char *identity = modes[i] == TLS_CLIENTS_REQUIRED ? "lamp" : NULL;
        tls_client_free(connect_once(context, identity, first, &resumed, &peers[1]));
        assert_false(resumed);
        if (identity != NULL)
            assert_string_equal(peers[1]->common_name, identity);
        else
            assert_null(peers[1]);
        tls_peer_unref(peers[0]);
        tls_peer_unref(peers[1]);
        tls_client_free(first);
        tls_context_free(context);
    }
}

static void the_oldest_session_goes_at_the_bound(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    options.sessions = 2;
    struct tls_context *context = context_for(&options);
    struct tls_client *clients[3];
    const struct tls_peer *peer;
    bool resumed;
    for (size_t i = 0; i < 3; i++)
        clients[i] = connect_once(context, NULL, NULL, &resumed, &peer);
    tls_client_free(connect_once(context, NULL, clients[2], &resumed, &peer));
    assert_true(resumed);
    tls_client_free(connect_once(context, NULL, clients[0], &resumed, &peer));
    assert_false(resumed);
    assert_null(peer);
    for (size_t i = 0; i < 3; i++)
        tls_client_free(clients[i]);
    tls_context_free(context);
}

static void no_sessions_no_tickets(void **state)
{
    (void)state;
    struct tls_options options = options_for(TLS_CLIENTS_NONE);
    options.sessions = 0;
    struct tls_context *context = context_for(&options);
    const struct tls_peer *peer;
    bool resumed;
    struct tls_client *client = connect_once(context, NULL, NULL, &resumed, &peer);
    assert_false(tls_client_has_ticket(client));
    tls_client_free(client);
    tls_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake_works_in_pieces_of_any_size),
        cmocka_unit_test(peer_tells_what_the_certificate_says),
        cmocka_unit_test(names_that_are_no_text_are_absent),
        cmocka_unit_test(refusals_say_who_and_why),
        cmocka_unit_test(a_protocol_with_more_to_it_comes_first),
        cmocka_unit_test(a_list_out_of_date_may_be_accepted),
        cmocka_unit_test(plaintext_is_told_apart),
        cmocka_unit_test(tls_1_2_is_an_option),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(renewals_of_keys_are_bounded),
        cmocka_unit_test(full_records_fill_the_output_up_to_its_room),
        cmocka_unit_test(close_notify_goes_both_ways),
        cmocka_unit_test(a_damaged_record_breaks_the_stream_only),
        cmocka_unit_test(a_stream_moves_to_another_shard),
        cmocka_unit_test(a_certificate_is_not_kept),
        cmocka_unit_test(short_records_stay_short),
        cmocka_unit_test(resumed_connection_has_the_peer_of_the_first),
        cmocka_unit_test(forgotten_sessions_and_changed_trust_are_not_resumed),
        cmocka_unit_test(a_list_that_goes_out_of_date_ends_resumption),
        cmocka_unit_test(a_ticket_that_is_not_taken_lends_no_identity),
        cmocka_unit_test(the_oldest_session_goes_at_the_bound),
        cmocka_unit_test(no_sessions_no_tickets),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
