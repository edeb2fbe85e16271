/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/number.h"

#include "sense/value.h"

#include <string.h>

#define SECONDS_MOST UINT64_C(100000000000)
#define TEXT_MOST    SENSE_VALUE_BYTES

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Takes digits off the front; false: there is none, or too many. */
static bool take_digits(struct mqtt_span *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;

    while (i < text->len && is_digit(text->data[i])) {
        value = value * 10 + (uint64_t)(text->data[i] - '0');
        if (++i > 18)
            return false;
    }
    if (i == 0)
        return false;
    (void)span_take(text, i);
    *out = value;
    return true;
}

bool number_parse(struct mqtt_span text, uint32_t most, uint32_t *out)
{
    uint64_t value;

    if (!take_digits(&text, &value) || text.len > 0 || value > most)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* What is left may be ".123456", of which the thousandths count. */
static bool take_thousandths(struct mqtt_span *text, uint64_t *out)
{
    unsigned place = 100;
    uint64_t sum = 0;

    *out = 0;
    if (!span_skip(text, "."))
        return true;
    if (text->len == 0)
        return false;
    while (text->len > 0 && is_digit(text->data[0])) {
        sum += (uint64_t)(span_take(text, 1).data[0] - '0') * place;
        place /= 10;
    }
    *out = sum;
    return true;
}

bool number_parse_epoch(struct mqtt_span text, uint64_t *out_ms)
{
    uint64_t seconds;
    uint64_t thousandths;

    if (!take_digits(&text, &seconds) || seconds > SECONDS_MOST)
        return false;
    if (!take_thousandths(&text, &thousandths) || text.len > 0)
        return false;
    *out_ms = seconds * 1000 + thousandths;
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, from years that begin in March. */
static uint64_t days_of(uint64_t year, uint64_t month, uint64_t day)
{
    if (month <= 2)
        year--;
    uint64_t months = (month + 9) % 12;
    return year * 365 + year / 4 - year / 100 + year / 400 + (months * 153 + 2) / 5 + day - 1
           - 719468;
}

bool number_parse_date(struct mqtt_span text, uint64_t *out_ms)
{
    static const char separators[] = "--T::";
    static const uint64_t least[] = { 1970, 1, 1, 0, 0, 0 };
    static const uint64_t most[] = { 9999, 12, 31, 23, 59, 60 };
    uint64_t part[6];
    uint64_t thousandths;

    for (unsigned i = 0; i < 6; i++) {
        if (!take_digits(&text, &part[i]) || part[i] < least[i] || part[i] > most[i])
            return false;
        if (i < 5 && (text.len == 0 || span_take(&text, 1).data[0] != (uint8_t)separators[i]))
            return false;
    }
    if (!take_thousandths(&text, &thousandths))
        return false;
    (void)span_skip(&text, "Z");
    if (text.len > 0)
        return false;
    uint64_t hours = days_of(part[0], part[1], part[2]) * 24 + part[3];
    *out_ms = ((hours * 60 + part[4]) * 60 + part[5]) * 1000 + thousandths;
    return true;
}

static int digit_of(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool number_parse_hex(struct mqtt_span hex, float *out)
{
    uint8_t text[TEXT_MOST];
    size_t len = hex.len / 2;

    if (hex.len % 2 != 0 || len > sizeof(text))
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = digit_of(hex.data[2 * i]);
        int low = digit_of(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        text[i] = (uint8_t)(high * 16 + low);
    }
    return sense_value_take((struct mqtt_span){ text, len }, out);
}
