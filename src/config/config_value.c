/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_value.h"

#include "config/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(const struct setting *item, struct diagnostics *diagnostics, const char *advice)
{
    diagnostics_error(diagnostics, item->file, item->line, "%s = \"%.100s\": %s", item->key,
                      item->text, advice);
}

void config_value_bool(const struct setting *item, struct diagnostics *diagnostics, bool *out)
{
    static const char *const words[] = { "off", "on", "no", "yes", "false", "true" };

    if (item == NULL)
        return;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(words); i++) {
        if (strcmp(item->text, words[i]) == 0) {
            *out = i % 2 == 1;
            return;
        }
    }
    refuse(item, diagnostics, "write on or off");
}

/* Digits at the front; what follows them in *out_rest. */
static bool read_digits(const char *text, uint64_t *out_value, const char **out_rest)
{
    char *end = NULL;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    *out_value = value;
    *out_rest = end;
    return true;
}

void config_value_number(const struct setting *item, uint64_t low, uint64_t high,
                         struct diagnostics *diagnostics, uint64_t *out)
{
    uint64_t value = 0;
    const char *rest = NULL;
    char advice[80];

    if (item == NULL)
        return;
    if (read_digits(item->text, &value, &rest) && *rest == '\0' && value >= low && value <= high) {
        *out = value;
        return;
    }
    snprintf(advice, sizeof(advice), "write a whole number from %" PRIu64 " to %" PRIu64, low,
             high);
    refuse(item, diagnostics, advice);
}

void config_value_choice(const struct setting *item, const char *const *words, size_t count,
                         struct diagnostics *diagnostics, unsigned *out)
{
    char advice[200];
    size_t used = 0;

    if (item == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(item->text, words[i]) == 0) {
            *out = (unsigned)i;
            return;
        }
    }
    const char *nearest = suggest_nearest(item->text, words, count);
    if (nearest != NULL) {
        snprintf(advice, sizeof(advice), "did you mean '%s'?", nearest);
    } else {
        used = (size_t)snprintf(advice, sizeof(advice), "write one of");
        for (size_t i = 0; i < count && used < sizeof(advice); i++)
            used += (size_t)snprintf(advice + used, sizeof(advice) - used, "%s %s",
                                     i == 0 ? "" : ",", words[i]);
    }
    refuse(item, diagnostics, advice);
}

struct unit {
    const char *row;    /* unit of limits.def */
    const char *suffix; /* as written behind the number */
    uint64_t factor;
};

static const struct unit units[] = {
    { "bytes", "B", 1 },
    { "bytes", "KiB", 1024 },
    { "bytes", "MiB", 1048576 },
    { "bytes", "GiB", 1073741824 },
    { "ms", "ms", 1 },
    { "ms", "s", 1000 },
    { "ms", "m", 60000 },
    { "ms", "h", 3600000 },
    { "s", "s", 1 },
    { "s", "m", 60 },
    { "s", "h", 3600 },
    { "s", "d", 86400 },
};

/* 0: the suffix does not fit the unit. */
static uint64_t unit_factor(const char *row_unit, const char *suffix)
{
    while (*suffix == ' ')
        suffix++;
    if (*suffix == '\0')
        return 1;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(units); i++) {
        if (strcmp(units[i].row, row_unit) == 0 && strcmp(units[i].suffix, suffix) == 0)
            return units[i].factor;
    }
    return 0;
}

static void refuse_unit(const struct setting *item, const struct limit_row *row,
                        struct diagnostics *diagnostics)
{
    char advice[160];
    size_t used = (size_t)snprintf(advice, sizeof(advice), "write a number in %s", row->unit);
    bool is_first = true;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(units) && used < sizeof(advice); i++) {
        if (strcmp(units[i].row, row->unit) != 0)
            continue;
        used += (size_t)snprintf(advice + used, sizeof(advice) - used, "%s%s",
                                 is_first ? ", or with one of " : " ", units[i].suffix);
        is_first = false;
    }
    refuse(item, diagnostics, advice);
}

void config_value_limit(const struct setting *item, const struct limit_row *row,
                        struct diagnostics *diagnostics, struct limits *out)
{
    uint64_t value = 0;
    const char *rest = NULL;
    char advice[120];

    if (item == NULL)
        return;
    uint64_t factor = read_digits(item->text, &value, &rest) ? unit_factor(row->unit, rest) : 0;
    if (factor == 0) {
        refuse_unit(item, row, diagnostics);
        return;
    }
    if (value <= UINT64_MAX / factor && limits_set(out, row, value * factor) == 0)
        return;
    snprintf(advice, sizeof(advice), "write %" PRIu64 " to %" PRIu64 " %s", row->low, row->high,
             row->unit);
    refuse(item, diagnostics, advice);
}
