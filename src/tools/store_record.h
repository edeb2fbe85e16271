/* SPDX-License-Identifier: Apache-2.0 */
/* The things of the log (core/journal_record.h) as JSON objects, and those for people. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* "session", "body", ...; "kind 12" is written into `buffer` for those that this version does not
 * know. */
#define STORE_RECORD_KIND_BYTES 16
const char *store_record_kind(uint64_t key, char buffer[STORE_RECORD_KIND_BYTES]);

/* Kind and number of a key, and `bytes`, how many. NULL: out of memory. The caller owns it. */
json_t *store_record_head_json(uint64_t key, size_t len);

/* Adds what the bytes of the thing say; what a message says only `with_payload`. 0; -ENOMEM; what
 * the reading of the record says: then "unreadable" is added, a sentence. */
MQTT_NODISCARD int store_record_add_json(json_t *object, uint64_t key, struct mqtt_span bytes,
                                         bool with_payload);

/* 0, or why the bytes are no such record: -EBADMSG, -EPROTO. Kinds that are not known are fine. */
MQTT_NODISCARD int store_record_check(uint64_t key, struct mqtt_span bytes);

/* Bytes as text, or in hex under the name NAME-hex if they are none. 0 or -ENOMEM. */
MQTT_NODISCARD int store_record_set_bytes(json_t *object, const char *name, struct mqtt_span bytes);

/* One line: values of "kind" and "number" first, then NAME=VALUE. */
void store_record_print(const json_t *object);
