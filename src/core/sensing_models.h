/* SPDX-License-Identifier: Apache-2.0 */
/* Models that go from one broker to another: `tacit sense export` and `import`.
 *
 * A line that says what it is, and then a part (sensing_part.h): roles, and identities when they are
 * wanted. It may come from anybody. docs/adr/0024-models-travel-without-topics.md says what is not in
 * it, and why. Any thread. */
#pragma once

#include "base/attrs.h"
#include "core/sensing_part.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands before the part; static. */
struct mqtt_span sensing_models_line(void);

/* Borrows the bytes. 0; -EINVAL: it is no such file; -EPROTO: of another version of the models, or of
 * another kind of machine; -EBADMSG: damaged. */
MQTT_NODISCARD int sensing_models_open(struct mqtt_span bytes, struct sensing_part *out);

/* All of it, to its end: is it what it says? 0, or as above. */
MQTT_NODISCARD int sensing_models_check(struct mqtt_span bytes);

/* What an identity may take along: what it does, not where from, nor with which names, unless they
 * were hashed with the same key. Without its topics what it counts is its role's at first. */
void sensing_models_strip(struct sense_device *device, bool is_same_key);
