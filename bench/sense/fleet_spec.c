/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_spec.h"

#include "bench/sense/fleet_time.h"
#include "bench/sense/persona.h"

#include "base/span.h"

#define LONGEST_US (3660 * FLEET_DAY_US) /* ten years and more */

/* Takes digits off the front. */
static bool take_number(struct mqtt_span *rest, int64_t most, int64_t *out)
{
    int64_t value = 0;
    size_t digits = 0;

    for (; digits < rest->len && rest->data[digits] >= '0' && rest->data[digits] <= '9'; digits++) {
        value = 10 * value + (rest->data[digits] - '0');
        if (value > most)
            return false;
    }
    rest->data += digits;
    rest->len -= digits;
    *out = value;
    return digits > 0;
}

static int64_t unit_us(uint8_t letter)
{
    switch (letter) {
    case 's':
        return FLEET_SECOND_US;
    case 'm':
        return FLEET_MINUTE_US;
    case 'h':
        return FLEET_HOUR_US;
    case 'd':
        return FLEET_DAY_US;
    default:
        return 0;
    }
}

static bool take_time(struct mqtt_span *rest, int64_t *out_us)
{
    int64_t sum_us = 0;
    int64_t number = 0;

    do {
        if (!take_number(rest, LONGEST_US / FLEET_SECOND_US, &number) || rest->len == 0)
            return false;
        const int64_t unit = unit_us(rest->data[0]);
        if (unit == 0 || number > (LONGEST_US - sum_us) / unit)
            return false;
        sum_us += number * unit;
        (void)span_take(rest, 1);
    } while (rest->len > 0 && rest->data[0] >= '0' && rest->data[0] <= '9');
    *out_us = sum_us;
    return true;
}

/* Takes a word up to one of two letters, which stays. */
static bool take_word(struct mqtt_span *rest, const char stops[2], char *out, size_t room)
{
    size_t len = 0;

    while (len < rest->len && rest->data[len] != (uint8_t)stops[0]
           && rest->data[len] != (uint8_t)stops[1])
        len++;
    if (len == 0 || len >= room)
        return false;
    memcpy(out, rest->data, len);
    out[len] = '\0';
    (void)span_take(rest, len);
    return true;
}

static bool take_option(struct mqtt_span *rest, struct fleet_spec *spec)
{
    char name[24];
    int64_t number = 0;

    if (span_skip(rest, "devices=")) {
        if (!take_number(rest, FLEET_DEVICES_MAX, &number) || number == 0)
            return false;
        spec->devices = (uint32_t)number;
        return true;
    }
    if (!span_skip(rest, "persona=") || !take_word(rest, "::", name, sizeof name))
        return false;
    spec->persona = persona_find(name);
    return spec->persona != 0;
}

bool fleet_spec_parse(const char *text, struct fleet_spec *out)
{
    struct mqtt_span rest = span_of(text);
    struct fleet_spec spec = { .devices = 0 };

    if (!take_word(&rest, ":@", spec.name, sizeof spec.name))
        return false;
    if (span_skip(&rest, ":") && !take_word(&rest, "@@", spec.intensity, sizeof spec.intensity))
        return false;
    if (!span_skip(&rest, "@") || !take_time(&rest, &spec.at_us))
        return false;
    if (span_skip(&rest, "+") && (!take_time(&rest, &spec.for_us) || spec.for_us == 0))
        return false;
    while (rest.len > 0)
        if (!span_skip(&rest, ":") || !take_option(&rest, &spec))
            return false;
    *out = spec;
    return true;
}

bool fleet_spec_time(const char *text, int64_t *out_us)
{
    struct mqtt_span rest = span_of(text);
    int64_t us = 0;

    if (!take_time(&rest, &us) || rest.len > 0)
        return false;
    *out_us = us;
    return true;
}
