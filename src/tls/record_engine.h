/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of records and what is done with them. Inside tls/ only; who calls says what went wrong.
 *
 * Owner: the thread. */
#pragma once

#include "tls/record.h"
#include "tls/record_form.h"

/* RFC 8446, section 7.1: HKDF-Expand-Label(secret, label, "", len). -ENOMEM, as OpenSSL has no other
 * reason. */
MQTT_NODISCARD int tls_record_expand(struct tls_record_engine *engine, enum tls_suite suite,
                                     const uint8_t *secret, const char *label,
                                     struct tls_sink *out);

/* Key and nonce from the secret (7.3). -ENOMEM. */
MQTT_NODISCARD int tls_direction_derive(struct tls_record_direction *direction,
                                        struct tls_record_engine *engine, enum tls_suite suite);

/* The next secret, and the key and nonce of it (7.2); those before are wiped. -ENOMEM. */
MQTT_NODISCARD int tls_direction_renew(struct tls_record_direction *direction,
                                       struct tls_record_engine *engine, enum tls_suite suite);

/* The engine forgets what it has made of the key. */
void tls_direction_forget(struct tls_record_direction *direction, struct tls_record_engine *engine);

/* The record, with its head and `inner_bytes` of plaintext behind it, becomes what is sent: in place,
 * and longer by TLS_TAG_BYTES. Counts it. */
MQTT_HOT MQTT_NODISCARD enum tls_fault tls_direction_seal(struct tls_record_direction *direction,
                                                          struct tls_record_engine *engine,
                                                          enum tls_suite suite, uint8_t *record,
                                                          size_t inner_bytes);

/* The other way: a whole record, its plaintext to `into`, which has room. Counts it, unless it was
 * forged: then nothing of it is left. */
MQTT_HOT MQTT_NODISCARD enum tls_fault tls_direction_open(struct tls_record_direction *direction,
                                                          struct tls_record_engine *engine,
                                                          enum tls_suite suite,
                                                          struct mqtt_span record, uint8_t *into);

/* Room for the plaintext of any record; whoever uses it wipes it. */
uint8_t *tls_record_engine_scratch(struct tls_record_engine *engine);

MQTT_COLD void tls_record_engine_fail(struct tls_record_engine *engine, const char *why,
                                      const char *what);
