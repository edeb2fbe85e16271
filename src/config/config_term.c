/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_term.h"

#include "config/config_time.h"
#include "config/suggest.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits at the front; what follows them in *out_rest. */
static bool read_digits(const char *text, uint64_t *out_value, const char **out_rest)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    *out_value = value;
    *out_rest = end;
    return true;
}

int config_term_number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    uint64_t value = 0;
    const char *rest = NULL;

    if (!read_digits(text, &value, &rest) || *rest != '\0' || value < low || value > high)
        return -EINVAL;
    *out = value;
    return 0;
}

struct unit {
    const char *unit;   /* of limits.def */
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
static uint64_t factor_of(const char *unit, const char *suffix)
{
    while (*suffix == ' ')
        suffix++;
    if (*suffix == '\0')
        return 1;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(units); i++) {
        if (strcmp(units[i].unit, unit) == 0 && strcmp(units[i].suffix, suffix) == 0)
            return units[i].factor;
    }
    return 0;
}

int config_term_amount(const char *text, const char *unit, uint64_t *out)
{
    uint64_t value = 0;
    const char *rest = NULL;
    uint64_t factor = read_digits(text, &value, &rest) ? factor_of(unit, rest) : 0;

    if (factor == 0)
        return -EINVAL;
    if (value > UINT64_MAX / factor)
        return -ERANGE;
    *out = value * factor;
    return 0;
}

void config_term_suffixes(const char *unit, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < MQTT_ARRAY_LEN(units) && used < size; i++) {
        if (strcmp(units[i].unit, unit) == 0)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : " ",
                                     units[i].suffix);
    }
}

const char *config_term_switch(const char *text, bool *out)
{
    static const char *const words[] = { "off", "on", "no", "yes", "false", "true" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return NULL;
        }
    }
    return "write on or off";
}

const char *config_term_payload(const char *text, uint32_t *out_bytes)
{
    uint64_t bytes = 0;

    if (config_term_amount(text, "bytes", &bytes) < 0 || bytes > CONFIG_TERM_PAYLOAD_MAX)
        return "write 0 to 268435455 bytes, such as 4096 or 4KiB";
    *out_bytes = (uint32_t)bytes;
    return NULL;
}

/* Of "/s", "/m" or "/h"; 0: it is none of them. */
static uint32_t seconds_of(const char *per)
{
    static const struct {
        const char *per;
        uint32_t seconds;
    } spans[] = { { "/s", 1 }, { "/m", 60 }, { "/h", 3600 } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(spans); i++) {
        if (strcmp(per, spans[i].per) == 0)
            return spans[i].seconds;
    }
    return 0;
}

static bool is_rate(uint64_t value)
{
    return value >= 1 && value <= CONFIG_TERM_RATE_MAX;
}

const char *config_term_rate(const char *text, uint32_t *out_messages, uint32_t *out_seconds)
{
    uint64_t value = 0;
    const char *rest = NULL;
    uint32_t seconds = read_digits(text, &value, &rest) && is_rate(value) ? seconds_of(rest) : 0;

    if (seconds == 0)
        return "write messages per second, minute or hour, such as 10/s, 60/m or 100/h";
    *out_messages = (uint32_t)value;
    *out_seconds = seconds;
    return NULL;
}

/* The number and its suffix, up to the '/'. */
static bool read_amount_before(const char *slash, const char *text, const char *unit,
                               uint64_t *out_value)
{
    char amount[32];
    size_t len = (size_t)(slash - text);

    if (len >= sizeof(amount))
        return false;
    memcpy(amount, text, len);
    amount[len] = '\0';
    return config_term_amount(amount, unit, out_value) == 0;
}

const char *config_term_bound(const char *text, const char *unit, struct policy_rate *out)
{
    static const char *const words[] = { "unlimited" };
    const char *slash = strchr(text, '/');
    uint64_t value = 0;

    if (strcmp(text, words[0]) == 0) {
        *out = (struct policy_rate){ .count = POLICY_NO_LIMIT, .seconds = 1 };
        return NULL;
    }
    if (suggest_nearest(text, words, MQTT_ARRAY_LEN(words)) != NULL)
        return "did you mean 'unlimited'?";
    uint32_t seconds =
        slash != NULL && read_amount_before(slash, text, unit, &value) && is_rate(value)
            ? seconds_of(slash)
            : 0;
    if (seconds == 0)
        return strcmp(unit, "bytes") == 0
                   ? "write bytes per second, minute or hour, such as 64KiB/s or 1MiB/m, or "
                     "unlimited"
                   : "write how many per second, minute or hour, such as 10/s, 60/m or 100/h, or "
                     "unlimited";
    *out = (struct policy_rate){ .count = (uint32_t)value, .seconds = seconds };
    return NULL;
}

const char *config_term_depth(const char *text, uint32_t *out_levels)
{
    uint64_t levels = 0;

    if (strcmp(text, "any") != 0 && config_term_number(text, 1, CONFIG_TERM_DEPTH_MAX, &levels) < 0)
        return "write a whole number from 1 to 64, or any";
    *out_levels = (uint32_t)levels;
    return NULL;
}

const char *config_term_expiry(const char *text, int64_t *out_date_s, int64_t *out_lasts_s)
{
    static const char *const words[] = { "never" };
    int64_t seconds = 0;

    if (strcmp(text, words[0]) == 0)
        return NULL;
    if (config_time_date(text, &seconds) == 0) {
        *out_date_s = seconds;
        return NULL;
    }
    if (out_lasts_s != NULL && config_time_duration(text, &seconds) == 0) {
        *out_lasts_s = seconds;
        return NULL;
    }
    if (suggest_nearest(text, words, MQTT_ARRAY_LEN(words)) != NULL)
        return "did you mean 'never'?";
    if (config_time_looks_like_date(text))
        return "there is no such time; write a date as 2026-12-24 or 2026-12-24T10:00:00Z, in UTC "
               "and after 1970";
    if (out_lasts_s == NULL)
        return "write a date such as 2026-12-24 or 2026-12-24T10:00:00Z, or never";
    return "write a duration such as 8h or 30d, a date such as 2026-12-24 or "
           "2026-12-24T10:00:00Z, or never";
}
