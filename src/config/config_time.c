/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_time.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define DAY_S          86400
#define DURATION_MAX_S ((int64_t)36525 * DAY_S)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The text has the shape: a digit for each 0, everything else literally. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; text++, shape++) {
        if (*shape == '0' ? !is_digit(*text) : *text != *shape)
            return false;
    }
    return *text == '\0';
}

static unsigned number(const char *text, size_t digits)
{
    unsigned value = 0;

    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return value;
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* From 1970-01-01 to the first day of the year. */
static int64_t days_before(unsigned year)
{
    int64_t past = (int64_t)year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
    return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month);
}

int config_time_date(const char *text, int64_t *out_s)
{
    bool has_time = has_shape(text, "0000-00-00T00:00:00Z");

    if (!has_time && !has_shape(text, "0000-00-00"))
        return -EINVAL;
    unsigned year = number(text, 4);
    unsigned month = number(text + 5, 2);
    unsigned day = number(text + 8, 2);
    unsigned hour = has_time ? number(text + 11, 2) : 0;
    unsigned minute = has_time ? number(text + 14, 2) : 0;
    unsigned second = has_time ? number(text + 17, 2) : 0;

    if (!is_day(year, month, day) || hour > 23 || minute > 59 || second > 59)
        return -EINVAL;
    int64_t days = days_before(year) + day - 1;
    for (unsigned m = 1; m < month; m++)
        days += days_of(year, m);
    if (days == 0)
        return -EINVAL; /* 0 stands for never */
    *out_s = days * DAY_S + hour * 3600 + minute * 60 + second;
    return 0;
}

int config_time_duration(const char *text, int64_t *out_s)
{
    static const char units[] = "smhd";
    static const int64_t seconds[] = { 1, 60, 3600, DAY_S };
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] != '\0' ? strchr(units, text[digits]) : NULL;

    if (digits == 0 || digits > 10 || unit == NULL || text[digits + 1] != '\0')
        return -EINVAL;
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (text[i] - '0');
    value *= seconds[unit - units];
    if (value < 1 || value > DURATION_MAX_S)
        return -EINVAL;
    *out_s = value;
    return 0;
}

bool config_time_looks_like_date(const char *text)
{
    return strspn(text, "0123456789") == 4 && text[4] == '-';
}
