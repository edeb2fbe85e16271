/* SPDX-License-Identifier: Apache-2.0 */
/* When wildcards blocks that last a while were first read, for a tacitd without a registry: it
 * remembers as long as it runs, and a reload prolongs nothing.
 *
 * Owner: one thread. Bounded by what the operator writes: an entry for each block of other words. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"

#include <stdint.h>

struct anchors {
    struct bytes_map map; /* by id */
};

void anchors_init(struct anchors *anchors);
void anchors_fini(struct anchors *anchors);

/* When what is called `id` was first asked for: now_s if that is now. -ENOMEM. */
MQTT_NODISCARD int anchors_first(struct anchors *anchors, const char *id, int64_t now_s,
                                 int64_t *out_first_s);
