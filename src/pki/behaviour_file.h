/* SPDX-License-Identifier: Apache-2.0 */
/* Files of what shards have learned of behaviour (core/sensing_keep.h): learning/behaviour.N of the
 * state folder, for shard N. Thread: any, one at a time for each file. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 or -ENAMETOOLONG; `out` has PATH_MAX bytes. */
MQTT_NODISCARD int behaviour_file_path(const char *state_dir, unsigned shard, char *out);

/* Files beside them, by what they are for; as above. */
enum behaviour_beside {
    BEHAVIOUR_ORDER,  /* ".order": what is to be done to what was learned (core/sensing_order.h) */
    BEHAVIOUR_ANSWER, /* ".answer": what became of it */
    BEHAVIOUR_BEFORE, /* ".before": the models that others have taken the place of */
};
MQTT_NODISCARD int behaviour_file_beside(const char *state_dir, enum behaviour_beside which,
                                         char *out);

/* Whole or not at all. Negative errno. */
MQTT_NODISCARD int behaviour_file_write(const char *state_dir, unsigned shard,
                                        struct mqtt_span bytes);

/* malloc'ed. -ENOENT: there is none. */
MQTT_NODISCARD int behaviour_file_read(const char *state_dir, unsigned shard, uint8_t **out,
                                       size_t *out_len);

/* has[i]: there may be one of shard i, below `count`. What the folder cannot say is not ruled out. */
void behaviour_file_find(const char *state_dir, bool *has, unsigned count);

/* Removes those of shards that there are no more: from `first` to below `end`. */
void behaviour_file_sweep(const char *state_dir, unsigned first, unsigned end);
