/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a small PKI in a temporary directory, and a TLS client without a
 * socket. Everything that goes wrong here aborts. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_fixture {
    char directory[64];
    char ca_path[128];
    char server_path[128]; /* certificate, SAN DNS:localhost */
    char server_key_path[128];
    void *ca; /* X509 and EVP_PKEY */
    void *ca_key;
};

void tls_fixture_init(struct tls_fixture *fixture);
void tls_fixture_fini(struct tls_fixture *fixture); /* removes the directory */

/* A path in the directory. */
void tls_fixture_path(const struct tls_fixture *fixture, const char *name, char out[128]);

struct tls_fixture_subject {
    const char *file;        /* FILE.crt and FILE.key are written */
    const char *common_name; /* NULL: none */
    const char *alternative; /* "URI:…" or "DNS:…", as OpenSSL writes it; NULL: none */
    long serial;
    long from_s; /* validity relative to now */
    long until_s;
    const char *organization;        /* NULL: none; as the next, up to 64 bytes of UTF-8 */
    const char *organizational_unit; /* NULL: none */
};

void tls_fixture_issue(const struct tls_fixture *fixture,
                       const struct tls_fixture_subject *subject);

/* A revocation list with one serial number (0: empty). */
void tls_fixture_revoke(const struct tls_fixture *fixture, const char *file, long serial);

/* The same for a list that is good until then, from now. */
void tls_fixture_revoke_until(const struct tls_fixture *fixture, const char *file, long serial,
                              long until_s);

/* Another CA, unrelated, as FILE.crt. */
void tls_fixture_other_ca(const struct tls_fixture *fixture, const char *file);

/* Overwrites or creates a file. */
void tls_fixture_write(const struct tls_fixture *fixture, const char *file, const char *text);

/* ---- a client ---- */

struct tls_client;

struct tls_client_options {
    const struct tls_fixture *fixture;
    const char *identity; /* FILE of a subject; NULL: no certificate */
    const char *alpn;     /* protocols, with commas between; NULL: no ALPN */
    bool only_1_2;
    const char *suites;              /* of TLS 1.3; NULL: OpenSSL's */
    const char *server_name;         /* NULL: none */
    bool wants_short_records;        /* of 512 bytes */
    const struct tls_client *resume; /* the client whose ticket to use; NULL: none */
};

struct tls_client *tls_client_new(const struct tls_client_options *options);
void tls_client_free(struct tls_client *client);

/* Ciphertext out and in. take returns how many bytes were written to `into`. */
size_t tls_client_take(struct tls_client *client, uint8_t *into, size_t room);
void tls_client_give(struct tls_client *client, struct mqtt_span ciphertext);

/* 1 done, 0 wants more input, -1 failed. */
int tls_client_handshake(struct tls_client *client);
void tls_client_write(struct tls_client *client, struct mqtt_span plaintext);

/* Bytes read, 0 wants more input, -1 broken, -2 closed by close_notify. */
int tls_client_read(struct tls_client *client, uint8_t *into, size_t room);
/* Renews its key, and asks for ours to be, or does not. */
void tls_client_renew_keys(struct tls_client *client);
void tls_client_renew_own_key(struct tls_client *client);
/* TLS 1.2: asks for another handshake. */
void tls_client_renegotiate(struct tls_client *client);
void tls_client_shutdown(struct tls_client *client);

/* Certificates that the server has sent. */
int tls_client_certificates(const struct tls_client *client);
bool tls_client_resumed(const struct tls_client *client);
bool tls_client_has_ticket(const struct tls_client *client);
struct mqtt_span tls_client_alpn(const struct tls_client *client); /* empty: none; borrowed */
const char *tls_client_suite(const struct tls_client *client);
