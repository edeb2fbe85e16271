/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, amounts, rates, dates and durations as operators write them. Promises asserted: what is
 * accepted lies within the bounds that the header gives, a plain number is the one that was
 * written, and what is refused changes nothing and says what to write instead. */
#include "base/invariant.h"
#include "config/config_term.h"
#include "config/config_time.h"
#include "terminated.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTOUCHED 77
#define FIRST_S   INT64_C(86400)        /* 1970-01-02 */
#define LAST_S    INT64_C(253402300799) /* the end of 9999 */
#define CENTURY_S (INT64_C(100) * 366 * 86400)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_numbers(const char *text)
{
    static const char *const units[] = { "bytes", "ms", "s", "messages" };
    char again[24];
    uint64_t number = UNTOUCHED;
    int error = config_term_number(text, 3, 1000, &number);

    MQTT_INVARIANT(error == 0 || error == -EINVAL);
    MQTT_INVARIANT(error == 0 ? number >= 3 && number <= 1000 : number == UNTOUCHED);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(units); i++) {
        number = UNTOUCHED;
        error = config_term_amount(text, units[i], &number);
        MQTT_INVARIANT(error == 0 || error == -EINVAL || error == -ERANGE);
        MQTT_INVARIANT(error == 0 || number == UNTOUCHED);
    }
    if (config_term_number(text, 0, UINT64_MAX, &number) != 0)
        return;
    (void)snprintf(again, sizeof(again), "%" PRIu64, number);
    const char *digits = text;
    while (digits[0] == '0' && digits[1] != '\0')
        digits++;
    MQTT_INVARIANT(strcmp(again, digits) == 0);
}

static void check_terms(const char *text)
{
    uint32_t one = UNTOUCHED;
    uint32_t other = UNTOUCHED;
    bool is_on = true;
    const char *why = config_term_payload(text, &one);

    MQTT_INVARIANT(why != NULL ? one == UNTOUCHED : one <= CONFIG_TERM_PAYLOAD_MAX);
    one = UNTOUCHED;
    why = config_term_rate(text, &one, &other);
    if (why == NULL)
        MQTT_INVARIANT(one >= 1 && one <= CONFIG_TERM_RATE_MAX
                       && (other == 1 || other == 60 || other == 3600));
    else
        MQTT_INVARIANT(one == UNTOUCHED && other == UNTOUCHED);
    one = UNTOUCHED;
    why = config_term_depth(text, &one);
    MQTT_INVARIANT(why != NULL ? one == UNTOUCHED : one <= CONFIG_TERM_DEPTH_MAX);
    why = config_term_switch(text, &is_on);
    MQTT_INVARIANT(why == NULL || is_on);
}

static void check_times(const char *text)
{
    int64_t date_s = UNTOUCHED;
    int64_t lasts_s = UNTOUCHED;
    int error = config_time_date(text, &date_s);

    MQTT_INVARIANT(error == 0 ? date_s >= FIRST_S && date_s <= LAST_S
                              : error == -EINVAL && date_s == UNTOUCHED);
    MQTT_INVARIANT(error != 0 || config_time_looks_like_date(text));
    error = config_time_duration(text, &lasts_s);
    MQTT_INVARIANT(error == 0 ? lasts_s >= 1 && lasts_s <= CENTURY_S
                              : error == -EINVAL && lasts_s == UNTOUCHED);
    date_s = lasts_s = UNTOUCHED;
    if (config_term_expiry(text, &date_s, &lasts_s) != NULL)
        MQTT_INVARIANT(date_s == UNTOUCHED && lasts_s == UNTOUCHED);
    else
        MQTT_INVARIANT(date_s == UNTOUCHED || lasts_s == UNTOUCHED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = terminated_copy(data, len);

    check_numbers(text);
    check_terms(text);
    check_times(text);
    free(text);
    return 0;
}
