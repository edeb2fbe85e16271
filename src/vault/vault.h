/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets that live long: private keys, and what one is made of while it is read.
 *
 * One piece of memory that is locked (it does not reach the swap), left out of core dumps, and
 * bounded by two pages that nobody can touch. What is given back is wiped. OpenSSL allocates there
 * between vault_enter() and vault_leave(), and only there: what it needs for handshakes stays in
 * ordinary memory, so that no peer can use up what keys need. Where the vault is full, ordinary
 * memory is taken, and wiped all the same.
 *
 * Thread-safe but for vault_open(). Before it, and without it, all of it is ordinary memory. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some 3 KB a key, 9 KB of RSA with 4096 bits; below what any user may lock since Linux 5.16. */
#define VAULT_BYTES (512u * 1024u)

/* Once, before OpenSSL is used at all and before there are threads. Negative errno: secrets are in
 * memory that may be swapped out (-ENOMEM, -EPERM, -EAGAIN: the bound of locked memory, RLIMIT_MEMLOCK,
 * is too low), or OpenSSL goes its own ways (-EALREADY). All else works the same. */
MQTT_NODISCARD int vault_open(void);

/* In a child of fork(): locks are not inherited, the rest is. 0, also without a vault; or negative
 * errno, as vault_open() says it. */
MQTT_NODISCARD int vault_inherit(void);

/* Until vault_leave(), what OpenSSL allocates on this thread lies in the vault, and what it frees is
 * wiped. May be nested. What OpenSSL makes at its first key and keeps for good is made before, by the
 * first that enters. */
void vault_enter(void);
void vault_leave(void);

/* From now on what OpenSSL allocates elsewhere in small pieces has pages of its own (slabs.h), and leaves
 * the process when a connection does. Any thread, after vault_open(); again is fine. Where there is no
 * address space for it all stays as it was. */
void vault_gather(void);

/* This thread, which stays as long as the process, keeps some of those pieces for itself, until
 * vault_settle(). */
void vault_keep_near(void);

/* Until vault_join(), what OpenSSL allocates on this thread has no such pages: it will stay when the
 * connections around it have gone. */
void vault_part(void);
void vault_join(void);

/* For what lives as long as OpenSSL has a connection, and no longer: it lies with what OpenSSL has of
 * it, and not between things that stay. Zeroed; no secrets, unless who has put them there wipes them.
 * NULL: out of memory. */
void *vault_brief_alloc(size_t bytes);
void vault_brief_free(void *memory); /* NULL is fine */

/* Nobody is with OpenSSL just now: what is kept for the next one, and by this thread, is given back. */
void vault_settle(void);

/* Zeroed. NULL: out of memory. */
void *vault_alloc(size_t bytes);
void vault_free(void *secret); /* wipes; NULL is fine */

/* All of a file, at most `limit` bytes, and a NUL behind it, for vault_free(). -EFBIG, or what
 * open() and read() say. */
MQTT_NODISCARD int vault_read(const char *path, size_t limit, uint8_t **out, size_t *out_len);

/* All that is left of `fd`, at most `limit` bytes, and a NUL behind it, into `limit` + 1 bytes of the
 * caller's. -EFBIG, or what read() says. */
MQTT_NODISCARD int vault_read_all(int fd, size_t limit, uint8_t *into, size_t *out_len);

struct evp_pkey_st;

/* The private key in that PEM. `on_password` is asked as OpenSSL's pem_password_cb is; NULL: a key
 * under a password is refused. NULL: there is none; why is in OpenSSL's queue of errors. */
struct evp_pkey_st *vault_key(struct mqtt_span pem, int (*on_password)(char *, int, int, void *),
                              void *context);

/* Does it lie in the vault? For tests. */
bool vault_holds(const void *secret);

/* Does it lie where vault_gather() has it? For tests. */
bool vault_has_gathered(const void *memory);

/* In use now. For tests. */
size_t vault_used_bytes(void);
