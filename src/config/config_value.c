/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_value.h"

#include "config/config_time.h"
#include "config/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(const struct setting *item, struct diagnostics *diagnostics, const char *advice)
{
    settings_complain(item, diagnostics, "%s = \"%.100s\": %s", item->key, item->text, advice);
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

/* 0: the suffix does not fit the unit. A number alone does. */
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

void config_value_bytes(const struct setting *item, uint32_t high, struct diagnostics *diagnostics,
                        uint32_t *out)
{
    uint64_t value = 0;
    const char *rest = NULL;
    char advice[120];

    if (item == NULL)
        return;
    uint64_t factor = read_digits(item->text, &value, &rest) ? unit_factor("bytes", rest) : 0;
    if (factor != 0 && value <= high / factor) {
        *out = (uint32_t)(value * factor);
        return;
    }
    snprintf(advice, sizeof(advice), "write 0 to %" PRIu32 " bytes, such as 4096 or 4KiB", high);
    refuse(item, diagnostics, advice);
}

void config_value_rate(const struct setting *item, struct diagnostics *diagnostics,
                       uint32_t *out_messages, uint32_t *out_seconds)
{
    static const struct {
        const char *per;
        uint32_t seconds;
    } spans[] = { { "/s", 1 }, { "/m", 60 }, { "/h", 3600 } };
    uint64_t value = 0;
    const char *rest = NULL;

    if (item == NULL)
        return;
    bool is_number =
        read_digits(item->text, &value, &rest) && value >= 1 && value <= CONFIG_RATE_MAX;
    for (size_t i = 0; is_number && i < MQTT_ARRAY_LEN(spans); i++) {
        if (strcmp(rest, spans[i].per) != 0)
            continue;
        *out_messages = (uint32_t)value;
        *out_seconds = spans[i].seconds;
        return;
    }
    refuse(item, diagnostics,
           "write messages per second, minute or hour, such as 10/s, 60/m or 100/h");
}

void config_value_expiry(const struct setting *item, struct diagnostics *diagnostics,
                         int64_t *out_date_s, int64_t *out_lasts_s)
{
    static const char *const words[] = { "never" };
    int64_t seconds = 0;
    const char *advice = "write a date such as 2026-12-24 or 2026-12-24T10:00:00Z, or never";

    if (item == NULL || strcmp(item->text, words[0]) == 0)
        return;
    if (config_time_date(item->text, &seconds) == 0) {
        *out_date_s = seconds;
        return;
    }
    if (out_lasts_s != NULL) {
        if (config_time_duration(item->text, &seconds) == 0) {
            *out_lasts_s = seconds;
            return;
        }
        advice = "write a duration such as 8h or 30d, a date such as 2026-12-24 or "
                 "2026-12-24T10:00:00Z, or never";
    }
    if (suggest_nearest(item->text, words, MQTT_ARRAY_LEN(words)) != NULL)
        advice = "did you mean 'never'?";
    else if (config_time_looks_like_date(item->text))
        advice = "there is no such time; write a date as 2026-12-24 or 2026-12-24T10:00:00Z, in "
                 "UTC and after 1970";
    refuse(item, diagnostics, advice);
}

void config_value_name(const struct setting *item, struct diagnostics *diagnostics,
                       const char **out)
{
    if (item == NULL)
        return;
    if (identity_name_is_valid(item->text))
        *out = item->text;
    else
        refuse(item, diagnostics, "a name is made of letters, digits and . _ : -");
}

void config_value_text(const struct setting *item, struct diagnostics *diagnostics,
                       const char **out)
{
    if (item == NULL)
        return;
    if (item->text[0] == '\0')
        settings_complain(item, diagnostics, "'%s' is empty; write a value or remove it",
                          item->key);
    *out = item->text;
}
