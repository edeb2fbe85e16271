/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of every kind, brought by clients: what is good comes in, and what is bad is refused
 * with a reason of its own. */
#include "tls/stream.h"

#include "base/attrs.h"
#include "tls/authority.h"
#include "tls/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIRE_BYTES 65536

static struct tls_fixture pki;

/* Roots (the first is the fixture's own, "ca"), then what is below them, in this order. */
#define CA                                      \
    { "basicConstraints", "critical,CA:TRUE" }, \
    {                                           \
        "keyUsage", "critical,keyCertSign"      \
    }
#define CA_0                                              \
    { "basicConstraints", "critical,CA:TRUE,pathlen:0" }, \
    {                                                     \
        "keyUsage", "critical,keyCertSign"                \
    }
#define CLIENT                           \
    {                                    \
        "extendedKeyUsage", "clientAuth" \
    }
#define SERVER                           \
    {                                    \
        "extendedKeyUsage", "serverAuth" \
    }
#define DAY .from_s = -60, .until_s = 86400

static const struct tls_authority_subject subjects[] = {
    { .file = "second", .serial = 100, DAY, .extensions = { CA } },
    { .file = "stranger", .serial = 101, DAY, .extensions = { CA } },
    { .file = "permitting",
      .serial = 102,
      DAY,
      .extensions = { CA,
                      { "nameConstraints",
                        "critical,permitted;URI:pumps.example,permitted;DNS:pumps.example" } } },
    { .file = "excluding",
      .serial = 103,
      DAY,
      .extensions = { CA,
                      { "nameConstraints",
                        "critical,excluded;URI:presses.example,excluded;DNS:presses.example" } } },
    { .file = "edwards", .key = TLS_AUTHORITY_ED25519, .serial = 104, DAY, .extensions = { CA } },
    /* below them */
    { .file = "middle", .issuer = "ca", .serial = 110, DAY, .extensions = { CA_0 } },
    { .file = "deeper",
      .issuer = "middle",
      .chain = "middle",
      .serial = 111,
      DAY,
      .extensions = { CA } },
    { .file = "i1", .issuer = "ca", .serial = 121, DAY, .extensions = { CA } },
    { .file = "i2", .issuer = "i1", .chain = "i1", .serial = 122, DAY, .extensions = { CA } },
    { .file = "i3", .issuer = "i2", .chain = "i2", .serial = 123, DAY, .extensions = { CA } },
    { .file = "i4", .issuer = "i3", .chain = "i3", .serial = 124, DAY, .extensions = { CA } },
    { .file = "i5", .issuer = "i4", .chain = "i4", .serial = 125, DAY, .extensions = { CA } },
    { .file = "old-ca",
      .issuer = "ca",
      .serial = 126,
      .from_s = -7200,
      .until_s = -3600,
      .extensions = { CA } },
    { .file = "no-ca",
      .issuer = "ca",
      .serial = 127,
      DAY,
      .extensions = { { "basicConstraints", "critical,CA:FALSE" } } },
    { .file = "server-of-middle",
      .issuer = "middle",
      .serial = 128,
      DAY,
      .extensions = { { "extendedKeyUsage", "serverAuth" } } },
    /* clients */
    { .file = "good", .issuer = "ca", .serial = 200, DAY, .extensions = { CLIENT } },
    { .file = "good-second", .issuer = "second", .serial = 201, DAY, .extensions = { CLIENT } },
    { .file = "good-edwards",
      .issuer = "edwards",
      .key = TLS_AUTHORITY_ED25519,
      .serial = 202,
      DAY,
      .extensions = { CLIENT } },
    { .file = "good-rsa",
      .issuer = "ca",
      .key = TLS_AUTHORITY_RSA_2048,
      .serial = 203,
      DAY,
      .extensions = { CLIENT } },
    { .file = "good-chain",
      .issuer = "middle",
      .chain = "middle",
      .serial = 204,
      DAY,
      .extensions = { CLIENT } },
    { .file = "good-four",
      .issuer = "i4",
      .chain = "i4",
      .serial = 205,
      DAY,
      .extensions = { CLIENT } },
    { .file = "good-uri",
      .issuer = "permitting",
      .serial = 206,
      DAY,
      .extensions = { CLIENT, { "subjectAltName", "URI:spiffe://pumps.example/device/p" } } },
    { .file = "good-other",
      .issuer = "excluding",
      .serial = 207,
      DAY,
      .extensions = { CLIENT, { "subjectAltName", "URI:spiffe://pumps.example/device/p" } } },
    { .file = "late",
      .issuer = "ca",
      .serial = 300,
      .from_s = -7200,
      .until_s = -3600,
      .extensions = { CLIENT } },
    { .file = "early",
      .issuer = "ca",
      .serial = 301,
      .from_s = 3600,
      .until_s = 7200,
      .extensions = { CLIENT } },
    { .file = "server-only", .issuer = "ca", .serial = 302, DAY, .extensions = { SERVER } },
    { .file = "strange", .issuer = "stranger", .serial = 303, DAY, .extensions = { CLIENT } },
    { .file = "strange-chain",
      .issuer = "stranger",
      .chain = "stranger",
      .serial = 304,
      DAY,
      .extensions = { CLIENT } },
    { .file = "own", .serial = 305, DAY, .extensions = { CLIENT } },
    { .file = "not-permitted",
      .issuer = "permitting",
      .serial = 306,
      DAY,
      .extensions = { CLIENT, { "subjectAltName", "URI:spiffe://lamps.example/device/p" } } },
    { .file = "not-permitted-dns",
      .issuer = "permitting",
      .serial = 307,
      DAY,
      .extensions = { CLIENT, { "subjectAltName", "DNS:lamps.example" } } },
    { .file = "excluded",
      .issuer = "excluding",
      .serial = 308,
      DAY,
      .extensions = { CLIENT, { "subjectAltName", "URI:spiffe://presses.example/device/p" } } },
    { .file = "excluded-dns",
      .issuer = "excluding",
      .serial = 309,
      DAY,
      .extensions = { CLIENT, { "subjectAltName", "DNS:a.presses.example" } } },
    { .file = "weak",
      .issuer = "ca",
      .key = TLS_AUTHORITY_RSA_1024,
      .serial = 310,
      DAY,
      .extensions = { CLIENT } },
    { .file = "sha1",
      .issuer = "ca",
      .serial = 311,
      DAY,
      .uses_sha1 = true,
      .extensions = { CLIENT } },
    { .file = "deep",
      .issuer = "deeper",
      .chain = "deeper",
      .serial = 312,
      DAY,
      .extensions = { CLIENT } },
    { .file = "long", .issuer = "i5", .chain = "i5", .serial = 313, DAY, .extensions = { CLIENT } },
    { .file = "huge",
      .issuer = "ca",
      .serial = 314,
      DAY,
      .filler_bytes = 200000,
      .extensions = { CLIENT } },
    { .file = "critical",
      .issuer = "ca",
      .serial = 315,
      DAY,
      .extensions = { CLIENT, { "1.2.3.4.5", "critical,DER:05:00" } } },
    { .file = "unknown",
      .issuer = "ca",
      .serial = 316,
      DAY,
      .extensions = { CLIENT, { "1.2.3.4.5", "DER:05:00" } } },
    { .file = "by-no-ca",
      .issuer = "no-ca",
      .chain = "no-ca",
      .serial = 317,
      DAY,
      .extensions = { CLIENT } },
    { .file = "by-old-ca",
      .issuer = "old-ca",
      .chain = "old-ca",
      .serial = 318,
      DAY,
      .extensions = { CLIENT } },
    { .file = "forged",
      .issuer = "ca",
      .serial = 319,
      DAY,
      .is_forged = true,
      .extensions = { CLIENT } },
    { .file = "gone", .issuer = "ca", .serial = 400, DAY, .extensions = { CLIENT } },
};

static int make_pki(void **state)
{
    static const char *const trusted[] = { "ca", "second", "permitting", "excluding", "edwards" };
    (void)state;
    tls_fixture_init(&pki);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(subjects); i++)
        tls_authority_make(&pki, &subjects[i]);
    tls_authority_join(&pki, "trusted", trusted, MQTT_ARRAY_LEN(trusted));
    tls_fixture_revoke(&pki, "gone.crl", 400);
    return 0;
}

static int drop_pki(void **state)
{
    (void)state;
    tls_fixture_fini(&pki);
    return 0;
}

static struct tls_context *context_for(const char *trusted, const char *crl)
{
    char paths[2][128];
    struct tls_context *context = NULL;
    struct tls_error why = { "" };
    tls_fixture_path(&pki, trusted, paths[0]);
    struct tls_options options = { .certificate_path = pki.server_path,
                                   .key_path = pki.server_key_path,
                                   .client_ca_path = paths[0],
                                   .sessions = 10 };
    if (crl != NULL) {
        tls_fixture_path(&pki, crl, paths[1]);
        options.crl_path = paths[1];
    }
    if (tls_context_new(&options, &why, &context) < 0)
        fail_msg("%s", why.text);
    return context;
}

/* Why a client with that certificate is refused; "" when it is not. */
static void meet_and_count(struct tls_context *context, const char *identity, char out[256],
                           int *out_count)
{
    struct tls_shard *shard = tls_shard_new();
    struct tls_client *client =
        tls_client_new(&(struct tls_client_options){ .fixture = &pki, .identity = identity });
    struct tls_stream stream;
    struct tls_agreed agreed = { 0 };
    enum tls_result result = TLS_WANTS_INPUT;
    uint8_t *wire = malloc(WIRE_BYTES);
    bool has_moved = true;
    assert_non_null(shard);
    assert_non_null(wire);
    assert_int_equal(tls_stream_open(&stream, context, shard), 0);
    while (has_moved && result == TLS_WANTS_INPUT) {
        size_t len;
        has_moved = false;
        (void)tls_client_handshake(client);
        while (result == TLS_WANTS_INPUT && (len = tls_client_take(client, wire, WIRE_BYTES)) > 0) {
            tls_shard_feed(shard, (struct mqtt_span){ wire, len });
            result = tls_stream_handshake(&stream, shard, &agreed);
            tls_client_give(client, tls_shard_output(shard));
            tls_shard_clear(shard);
            has_moved = true;
        }
    }
    assert_int_not_equal(result, TLS_WANTS_INPUT);
    assert_true((result == TLS_DONE) == (stream.peer != NULL));
    snprintf(out, 256, "%s", result == TLS_DONE ? "" : tls_shard_failure(shard));
    *out_count = result == TLS_DONE ? tls_client_certificates(client) : -1;
    tls_stream_close(&stream, shard);
    tls_client_free(client);
    tls_shard_free(shard);
    free(wire);
}

static void meet(struct tls_context *context, const char *identity, char out[256])
{
    int count;
    meet_and_count(context, identity, out, &count);
}

struct row {
    const char *identity;
    const char *why; /* in the reason; "": it is good */
};

static void meet_all(struct tls_context *context, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char why[256];
        meet(context, rows[i].identity, why);
        bool is_as_expected =
            rows[i].why[0] == '\0' ? why[0] == '\0' : strstr(why, rows[i].why) != NULL;
        if (!is_as_expected)
            fail_msg("%s: '%s' instead of '%s'", rows[i].identity, why, rows[i].why);
    }
    tls_context_free(context);
}

static void each_with_its_own_reason(void **state)
{
    static const struct row rows[] = {
        { "good", "" },
        { "good-second", "" },
        { "good-edwards", "" },
        { "good-rsa", "" },
        { "good-chain", "" },
        { "good-four", "" },
        { "good-uri", "" },
        { "good-other", "" },
        { "unknown", "" },
        { "late", "client certificate late (serial 012c): certificate has expired" },
        { "early", "client certificate early (serial 012d): certificate is not yet valid" },
        { "server-only", "client certificate server-only (serial 012e): unsuitable certificate" },
        { "strange", "strange (serial 012f): unable to get local issuer certificate" },
        { "strange-chain", "issuer certificate stranger (serial 65): self-signed certificate in" },
        { "own", "client certificate own (serial 0131): self-signed certificate" },
        { "not-permitted", "not-permitted (serial 0132): permitted subtree violation" },
        { "not-permitted-dns", "(serial 0133): permitted subtree violation" },
        { "excluded", "excluded (serial 0134): excluded subtree violation" },
        { "excluded-dns", "(serial 0135): excluded subtree violation" },
        { "weak", "weak (serial 0136): EE certificate key too weak" },
        { "sha1", "sha1 (serial 0137): CA signature digest algorithm too weak" },
        { "deep", "path length constraint exceeded" },
        { "long", "certificate chain too long" },
        { "huge", "certificates of more than 32 KiB" },
        { "critical", "critical (serial 013b): unhandled critical extension" },
        { "by-no-ca", "issuer certificate no-ca (serial 7f): invalid CA certificate" },
        { "by-old-ca", "issuer certificate old-ca (serial 7e): certificate has expired" },
        { "forged", "certificate signature failure" },
    };
    (void)state;
    meet_all(context_for("trusted.crt", NULL), rows, MQTT_ARRAY_LEN(rows));
}

static void a_listener_trusts_its_own_authorities_only(void **state)
{
    static const struct row first[] = {
        { "good", "" },
        { "good-second", "unable to get local issuer certificate" },
    };
    static const struct row second[] = {
        { "good", "unable to get local issuer certificate" },
        { "good-second", "" },
    };
    /* An issuing CA that is trusted by itself, its root not being there. */
    static const struct row middle[] = {
        { "good-chain", "" },
        { "good", "unable to get local issuer certificate" },
    };
    (void)state;
    meet_all(context_for("ca.crt", NULL), first, MQTT_ARRAY_LEN(first));
    meet_all(context_for("second.crt", NULL), second, MQTT_ARRAY_LEN(second));
    meet_all(context_for("middle.crt", NULL), middle, MQTT_ARRAY_LEN(middle));
}

static void revoked_ones(void **state)
{
    static const struct row rows[] = {
        { "good", "" },
        { "gone", "client certificate gone (serial 0190): certificate revoked" },
    };
    (void)state;
    meet_all(context_for("ca.crt", "gone.crl"), rows, MQTT_ARRAY_LEN(rows));
}

/* How many certificates a server sends whose file has one; -1: the client, which has the root, does not
 * believe them. */
static int count_sent(const char *server, const char *trusted)
{
    char paths[3][128];
    char why[256];
    struct tls_error error = { "" };
    struct tls_context *context = NULL;
    tls_fixture_path(&pki, trusted, paths[0]);
    snprintf(why, sizeof(why), "%s.crt", server);
    tls_fixture_path(&pki, why, paths[1]);
    snprintf(why, sizeof(why), "%s.key", server);
    tls_fixture_path(&pki, why, paths[2]);
    const struct tls_options options = { .certificate_path = paths[1],
                                         .key_path = paths[2],
                                         .client_ca_path = paths[0] };
    if (tls_context_new(&options, &error, &context) < 0)
        fail_msg("%s", error.text);
    int count = -1;
    meet_and_count(context, "good", why, &count);
    tls_context_free(context);
    return count;
}

static void issuers_of_the_own_certificate_are_sent_but_no_root(void **state)
{
    static const char *const both[] = { "ca", "middle" };
    (void)state;
    tls_authority_join(&pki, "both", both, MQTT_ARRAY_LEN(both));
    assert_int_equal(count_sent("server", "ca.crt"), 1);
    assert_int_equal(count_sent("server-of-middle", "both.crt"), 2);
    assert_int_equal(count_sent("server-of-middle", "ca.crt"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_with_its_own_reason),
        cmocka_unit_test(a_listener_trusts_its_own_authorities_only),
        cmocka_unit_test(revoked_ones),
        cmocka_unit_test(issuers_of_the_own_certificate_are_sent_but_no_root),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
