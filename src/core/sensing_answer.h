/* SPDX-License-Identifier: Apache-2.0 */
/* What became of an order (sensing_order.h) on all shards together, and the file that says so to who
 * waits for it. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "core/sensing_order.h"
#include "core/shared.h"

#include <stddef.h>
#include <stdint.h>

/* A sentence of each shard, and its number before it. */
#define SENSING_ANSWER_BYTES ((SENSING_OUTCOME_BYTES + 32u) * SHARDS_MAX)

/* Zeroed: nobody has said anything, which is SENSING_NOT_FOUND. */
struct sensing_answer {
    uint64_t nonce; /* of the order */
    enum sensing_result
        result; /* refused by one is refused; done by one is done where no other refused */
    size_t len;
    char text[SENSING_ANSWER_BYTES]; /* lines; ends with a NUL */
};

/* A shard of so many has said that. Where one has done it, others need not have found it. */
void sensing_answer_add(struct sensing_answer *answer, unsigned shard, unsigned shard_count,
                        const struct sensing_outcome *outcome);

#define SENSING_ANSWER_FILE_BYTES (SENSING_ANSWER_BYTES + 64u)

/* Into `out` of SENSING_ANSWER_FILE_BYTES. Returns the length. */
size_t sensing_answer_encode(const struct sensing_answer *answer, char *out);

/* `file` ends with a NUL. -EBADMSG. */
MQTT_NODISCARD int sensing_answer_decode(const char *file, struct sensing_answer *out);
