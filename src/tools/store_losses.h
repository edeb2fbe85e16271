/* SPDX-License-Identifier: Apache-2.0 */
/* What a damaged log has lost, as far as it can be told: damaged places often show what stood in
 * them, and what is whole shows what is missing. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "core/journal_op.h"
#include "store/files.h"
#include "store/scan.h"
#include "tools/store_contents.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store_losses {
    const struct files *files; /* borrowed */
    struct store_contents contents;
    struct store_contents touched;  /* set in a damaged place, and not again since */
    struct store_contents returned; /* dropped in one, and not set again since */
    uint64_t places;
    uint64_t opaque_places; /* nothing can be told of what stood there */
    bool failed;            /* out of memory */
    /* After store_losses_conclude(): */
    uint64_t lost[JOURNAL_KINDS];  /* things that are gone */
    uint64_t stale[JOURNAL_KINDS]; /* that are there as they were at an earlier time */
    uint64_t back[JOURNAL_KINDS];  /* that had been dropped and are there again */
    json_t *clients;               /* an object: client identifiers they belong to */
};

/* Zeroed but for `files`. False: out of memory. */
bool store_losses_init(struct store_losses *losses, const struct files *files);
void store_losses_fini(struct store_losses *losses);

/* In the order in which a scan tells them. 0 or -ENOMEM. */
MQTT_NODISCARD int store_losses_frame(struct store_losses *losses, const struct scan_frame *frame);
void store_losses_damage(struct store_losses *losses, const struct store_damage *damage);

/* The scan is over. -ENOMEM: now or earlier. */
MQTT_NODISCARD int store_losses_conclude(struct store_losses *losses);
