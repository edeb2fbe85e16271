/* SPDX-License-Identifier: Apache-2.0 */
/* The values of limits.def: one field a row, all 64 bits wide. */
#pragma once

#include "base/attrs.h"

#include <stddef.h>
#include <stdint.h>

struct limits {
#define LIMIT(name, unit, preset, low, high, text) uint64_t name;
#include "core/limits.def"
#undef LIMIT
};

/* One row of the table, for configuration, help and documents. */
struct limit_row {
    const char *name;
    const char *unit;
    const char *text; /* what happens at the bound */
    uint64_t preset;
    uint64_t low;
    uint64_t high;
};

struct limits limits_default(void);

size_t limits_count(void);
const struct limit_row *limits_row(size_t index); /* index < limits_count() */

/* The row of that name, or NULL. */
const struct limit_row *limits_find(const char *name);

/* Sets a field by its row. -ERANGE outside the row's bounds, nothing changed then. */
MQTT_NODISCARD int limits_set(struct limits *limits, const struct limit_row *row, uint64_t value);
uint64_t limits_get(const struct limits *limits, const struct limit_row *row);
