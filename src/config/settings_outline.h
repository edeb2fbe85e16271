/* SPDX-License-Identifier: Apache-2.0 */
/* Where the entries of a file stand, for tools that put another text in the place of one. Knows
 * the grammar of settings.h and not what it means.
 *
 * Thread: any. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>

/* One entry that is in no block, borrowed. */
struct settings_part {
    struct mqtt_span word;  /* its key or the kind of its block */
    struct mqtt_span title; /* what it means, without quotes; empty: it has none */
    size_t begin;           /* offset of its first byte */
    size_t end;             /* behind its last one */
};

/* Calls `visit` for each in their order; a result other than 0 ends it and is returned. -EINVAL:
 * the text is not as settings.h says; -ENOMEM. */
typedef int (*settings_part_visit)(void *context, const struct settings_part *part);
MQTT_NODISCARD int settings_outline(struct mqtt_span text, settings_part_visit visit,
                                    void *context);
