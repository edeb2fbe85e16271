/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limits.h"

#include <errno.h>
#include <string.h>

#define LIMIT(name, unit, preset, low, high, text)                \
    _Static_assert((uint64_t)(preset) >= (uint64_t)(low)          \
                       && (uint64_t)(preset) <= (uint64_t)(high), \
                   #name ": the default lies outside its own bounds");
#include "core/limits.def"
#undef LIMIT

struct placed_row {
    struct limit_row row; /* first: a borrowed row leads back here */
    size_t offset;        /* in struct limits */
};

static const struct placed_row rows[] = {
#define LIMIT(name, unit, preset, low, high, text) \
    { { #name, unit, text, preset, low, high }, offsetof(struct limits, name) },
#include "core/limits.def"
#undef LIMIT
};

struct limits limits_default(void)
{
    return (struct limits){
#define LIMIT(name, unit, preset, low, high, text) .name = preset,
#include "core/limits.def"
#undef LIMIT
    };
}

size_t limits_count(void)
{
    return MQTT_ARRAY_LEN(rows);
}

const struct limit_row *limits_row(size_t index)
{
    return &rows[index].row;
}

const struct limit_row *limits_find(const char *name)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].row.name, name) == 0)
            return &rows[i].row;
    return NULL;
}

static size_t offset_of(const struct limit_row *row)
{
    return ((const struct placed_row *)(const void *)row)->offset;
}

int limits_set(struct limits *limits, const struct limit_row *row, uint64_t value)
{
    if (value < row->low || value > row->high)
        return -ERANGE;
    memcpy((char *)limits + offset_of(row), &value, sizeof(value));
    return 0;
}

uint64_t limits_get(const struct limits *limits, const struct limit_row *row)
{
    uint64_t value;

    memcpy(&value, (const char *)limits + offset_of(row), sizeof(value));
    return value;
}
