/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3, a keyed hash: a peer who does not know the key cannot choose
 * names that collide. Not a message authentication code. */
#pragma once

#include "base/span.h"

#include <stdint.h>

struct siphash_key {
    uint64_t low;
    uint64_t high;
};

uint64_t siphash(const struct siphash_key *key, struct mqtt_span bytes);
