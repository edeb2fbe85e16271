/* SPDX-License-Identifier: Apache-2.0 */
/* Many short identifiers of one width, such as the beginnings of hashes: a sorted array, so that
 * an entry takes its own bytes and no more. Zero but for the width is an empty one. Add all,
 * sort, then find. Owner: one thread while it grows; any after that. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_array {
    size_t width; /* bytes of an entry */
    size_t count;
    size_t room;
    uint8_t *bytes;
};

void id_array_fini(struct id_array *array);

/* Copies `width` bytes. -ENOMEM. */
MQTT_NODISCARD int id_array_add(struct id_array *array, const uint8_t *id);

/* Sorts, drops what is there twice, and gives back the room that is left over. */
void id_array_sort(struct id_array *array);

bool id_array_has(const struct id_array *array, const uint8_t *id);

/* Entry `i`, borrowed. */
const uint8_t *id_array_at(const struct id_array *array, size_t i);
