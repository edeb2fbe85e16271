/* SPDX-License-Identifier: Apache-2.0 */
/* Identities that are held, because of a clone or of how they behave, and of which the shards'
 * rulings do not know yet.
 *
 * Either is found on one shard. From that moment the identity is held on all of them, while the
 * hold is on its way through the registry into a ruling; a shard stops asking here once it has that
 * ruling, and the registry says from then on whether the hold goes on.
 *
 * Thread-safe: one lock, touched when a device connects or is judged anew while there is an entry.
 * An entry goes HOLDING_KEPT_MS after it was settled, long after every shard has the ruling. */
#pragma once

#include "base/attrs.h"
#include "pki/holds.h"

#include <stdbool.h>
#include <stdint.h>

#define HOLDING_KEPT_MS 60000

struct holding;

MQTT_NODISCARD struct holding *holding_new(void); /* NULL out of memory */
void holding_free(struct holding *holding);       /* NULL is fine */

/* `device` is held from now on, HOLD_CLONE or HOLD_BEHAVIOUR; a clone stays one. -ENOMEM. */
MQTT_NODISCARD int holding_begin(struct holding *holding, const char *device, enum hold_kind kind);

/* It is in the registry; the rulings from that number on have been made since. */
void holding_settle(struct holding *holding, const char *device, uint64_t ruling_number,
                    uint64_t now_ms);

/* Is it held, for one who decides by that ruling? False also when that ruling knows by itself.
 * `out_kind` is untouched then. */
bool holding_has(struct holding *holding, const char *device, uint64_t ruling_number,
                 enum hold_kind *out_kind);
