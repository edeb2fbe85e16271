/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of an examiner, who wants to know how a server behaves when it is not treated
 * well: plain TCP or TLS with chosen versions, ciphers and certificates, byte by byte, and what the
 * server showed of itself. For `tacit attack` alone; a device has posix.h.
 *
 * Calls block up to the time they are given and no longer. Functions that can fail return a
 * negative errno: -ETIMEDOUT, -ECONNRESET (the server closed), -EPROTO (TLS was refused or broken),
 * -ENOMEM, or what the system said; tacit_probe_error() has a line about it. Owner: one thread. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tacit/key.h>

#define TACIT_PROBE_ADDRESS_SIZE 64
#define TACIT_PROBE_ERROR_SIZE   200

/* ---- where ---- */

/* How far away an address is. Everything that is not known to be near is public. */
enum tacit_probe_reach {
    TACIT_PROBE_PUBLIC = 0,
    TACIT_PROBE_PRIVATE, /* RFC 1918, and the unique local addresses of IPv6 */
    TACIT_PROBE_LOOPBACK,
};

/* The first address of a host, as digits, which is what everything else takes: a name is looked up
 * once, so that it cannot lead somewhere else later. One line in `error` if there is none: -ENOENT. */
MQTT_NODISCARD int tacit_probe_resolve(const char *host, char out[TACIT_PROBE_ADDRESS_SIZE],
                                       char error[TACIT_PROBE_ERROR_SIZE]);

enum tacit_probe_reach tacit_probe_reach(const char *address);

/* ---- what is offered ---- */

enum tacit_probe_version {
    TACIT_PROBE_TLS_ANY = 0,
    TACIT_PROBE_TLS_1_0,
    TACIT_PROBE_TLS_1_1,
    TACIT_PROBE_TLS_1_2,
    TACIT_PROBE_TLS_1_3,
};

/* Strings are borrowed until tacit_probe_tls_new() returns; NULL means not set. */
struct tacit_probe_tls_options {
    const char *ca_file;           /* PEM; NULL: the CAs that the system trusts */
    const char *certificate_file;  /* PEM with chain; with key_file */
    const char *key_file;          /* PEM */
    const struct tacit_key *key;   /* signs in place of key_file; taken, also on failure; or NULL */
    enum tacit_probe_version only; /* this version and no other */
    const char *ciphers;           /* up to TLS 1.2, in OpenSSL's words; whatever its level */
    bool must_verify;              /* else the verdict is a fact to be read */
};

struct tacit_probe_tls;

/* NULL with one line in `error`. */
struct tacit_probe_tls *tacit_probe_tls_new(const struct tacit_probe_tls_options *options,
                                            char error[TACIT_PROBE_ERROR_SIZE]);
void tacit_probe_tls_free(struct tacit_probe_tls *tls);

/* The common name of the first certificate in a PEM file. -ENOENT: no file, none in it, or it does
 * not fit. */
MQTT_NODISCARD int tacit_probe_common_name(const char *path, char *out, size_t size);

/* ---- a connection ---- */

struct tacit_probe;

struct tacit_probe_target {
    const char *address; /* of tacit_probe_resolve() */
    uint16_t port;
    const char *source;            /* own address; NULL: any */
    uint32_t receive_buffer_bytes; /* of the kernel; 0: as usual */
};

/* Connects TCP. `target` is not kept. */
MQTT_NODISCARD int tacit_probe_open(const struct tacit_probe_target *target, uint32_t timeout_ms,
                                    struct tacit_probe **out, char error[TACIT_PROBE_ERROR_SIZE]);

/* TLS on it, towards a server called `host`. `earlier`, if not NULL, is a connection of the same
 * `tls` whose session is offered again. Borrows `tls` for the life of the probe. */
MQTT_NODISCARD int tacit_probe_handshake(struct tacit_probe *probe, struct tacit_probe_tls *tls,
                                         const char *host, const struct tacit_probe *earlier,
                                         uint32_t timeout_ms);

/* A second handshake on a connection of TLS 1.2 or older, asked for by us. 0: the server did it. */
MQTT_NODISCARD int tacit_probe_renegotiate(struct tacit_probe *probe, uint32_t timeout_ms);

/* Bytes taken, fewer than `len` when the time was over. */
MQTT_NODISCARD int64_t tacit_probe_send(struct tacit_probe *probe, const void *bytes, size_t len,
                                        uint32_t timeout_ms);

/* Bytes that came, at least one, or 0 when the time was over. */
MQTT_NODISCARD int64_t tacit_probe_receive(struct tacit_probe *probe, void *out, size_t size,
                                           uint32_t timeout_ms);

/* Ends it at once; NULL is fine. */
void tacit_probe_close(struct tacit_probe *probe);

/* ---- what was seen ---- */

const char *tacit_probe_error(const struct tacit_probe *probe);

struct tacit_probe_facts {
    bool has_hello; /* the server chose version and cipher, however it went on */
    bool is_resumed;
    char version[16];
    char cipher[64];
};

void tacit_probe_facts(const struct tacit_probe *probe, struct tacit_probe_facts *out);

/* What the server showed as its certificate. */
struct tacit_probe_certificate {
    char trust[120]; /* "" when CAs, times and name are accepted, else why not */
    char key[24];    /* "EC", "RSA", ... */
    int key_bits;
    int security_bits; /* of the key, as NIST counts: RSA 2048 has 112 */
    char digest[24];   /* that its signer signed: "SHA256"; "" when the signature has none */
    int digest_security_bits;
    int64_t days_left; /* negative: expired */
    int64_t days_in_all;
    bool is_self_signed;
    bool has_names; /* Subject Alternative Name */
    bool is_for_host;
};

/* False: there was none. */
MQTT_NODISCARD bool tacit_probe_certificate(const struct tacit_probe *probe, const char *host,
                                            struct tacit_probe_certificate *out);
