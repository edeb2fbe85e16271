/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/stamp.h"

#include <string.h>

#define DAY_MS         INT64_C(86400000)
#define YEAR_0_DAYS    INT64_C(-719528)
#define YEAR_9999_DAYS INT64_C(2932896)

struct date {
    int64_t year;
    int64_t month; /* 1..12 */
    int64_t day;   /* 1..31 */
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* From 1970-01-01 to the first of January of that year. */
static int64_t days_before_year(int64_t year)
{
    int64_t last = year - 1;
    int64_t leaps = year > 0 ? last / 4 - last / 100 + last / 400 + 1 : 0;

    return year * 365 + leaps + YEAR_0_DAYS;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

static struct date date_of(int64_t days)
{
    struct date date = { .month = 1 };

    date.year = 1970 + days / 366;
    while (date.year > 0 && days_before_year(date.year) > days)
        date.year--;
    while (days_before_year(date.year + 1) <= days)
        date.year++;
    days -= days_before_year(date.year);
    while (days >= days_of_month(date.year, date.month)) {
        days -= days_of_month(date.year, date.month);
        date.month++;
    }
    date.day = days + 1;
    return date;
}

static void put_digits(char *out, size_t count, int64_t number)
{
    while (count > 0) {
        out[--count] = (char)('0' + number % 10);
        number /= 10;
    }
}

const char *audit_stamp_put(int64_t utc_ms, char out[AUDIT_STAMP_SIZE])
{
    if (utc_ms < YEAR_0_DAYS * DAY_MS)
        utc_ms = YEAR_0_DAYS * DAY_MS;
    else if (utc_ms / DAY_MS > YEAR_9999_DAYS)
        utc_ms = YEAR_9999_DAYS * DAY_MS;
    int64_t days = utc_ms / DAY_MS - (utc_ms % DAY_MS < 0 ? 1 : 0);
    int64_t ms = utc_ms - days * DAY_MS;
    const struct date date = date_of(days);
    memcpy(out, "0000-00-00T00:00:00.000Z", AUDIT_STAMP_SIZE);
    put_digits(out, 4, date.year);
    put_digits(out + 5, 2, date.month);
    put_digits(out + 8, 2, date.day);
    put_digits(out + 11, 2, ms / 3600000);
    put_digits(out + 14, 2, ms / 60000 % 60);
    put_digits(out + 17, 2, ms / 1000 % 60);
    put_digits(out + 20, 3, ms % 1000);
    return out;
}

/* -1: not all of them are digits. */
static int64_t number(const uint8_t *digits, size_t count)
{
    int64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return -1;
        value = value * 10 + (digits[i] - '0');
    }
    return value;
}

static bool has_marks(const uint8_t *text)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";

    for (size_t i = 0; i < AUDIT_STAMP_LEN; i++)
        if (form[i] != '0' && text[i] != (uint8_t)form[i])
            return false;
    return true;
}

static bool is_day(const struct date *date)
{
    return date->year >= 0 && date->month >= 1 && date->month <= 12 && date->day >= 1
           && date->day <= days_of_month(date->year, date->month);
}

/* -1: there is no such time of the day. */
static int64_t ms_of_day(const uint8_t *text)
{
    int64_t hour = number(text, 2);
    int64_t minute = number(text + 3, 2);
    int64_t second = number(text + 6, 2);
    int64_t ms = number(text + 9, 3);

    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || ms < 0)
        return -1;
    return hour * 3600000 + minute * 60000 + second * 1000 + ms;
}

bool audit_stamp_get(struct mqtt_span text, int64_t *out)
{
    if (text.len != AUDIT_STAMP_LEN || !has_marks(text.data))
        return false;
    const struct date date = {
        .year = number(text.data, 4),
        .month = number(text.data + 5, 2),
        .day = number(text.data + 8, 2),
    };
    int64_t ms = ms_of_day(text.data + 11);
    if (!is_day(&date) || ms < 0)
        return false;
    int64_t days = days_before_year(date.year) + date.day - 1;
    for (int64_t before = 1; before < date.month; before++)
        days += days_of_month(date.year, before);
    *out = days * DAY_MS + ms;
    return true;
}
