/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection keeps between two inputs: the start of a record, or plaintext that found no room.
 * Never both: before the rest of a record has gone no more input is used. Inside tls/ only. */
#pragma once

#include "tls/record.h"
#include "tls/record_form.h"

struct tls_kept;

void tls_kept_free(struct tls_kept *kept); /* wipes; NULL is fine */
size_t tls_kept_bytes(const struct tls_kept *kept);

/* The next record, whole, borrowed from the input or from what is kept; empty: all input was used and
 * it is not whole yet. What is kept of a record takes twice what has come of it at most. */
MQTT_HOT MQTT_NODISCARD enum tls_fault
tls_kept_gather(struct tls_kept **kept, struct mqtt_span *input, struct mqtt_span *out_record);

/* The record that was gathered is done with. */
void tls_kept_drop_record(struct tls_kept **kept);

/* Nothing is kept. Copies. -ENOMEM. */
MQTT_NODISCARD int tls_kept_put_rest(struct tls_kept **kept, struct mqtt_span plaintext);

/* As much as there is room for. False: there was none. */
MQTT_HOT bool tls_kept_take_rest(struct tls_kept **kept, struct tls_sink *plaintext);
