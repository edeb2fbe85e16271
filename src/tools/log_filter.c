/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_filter.h"

#include "audit/fields.h"
#include "audit/stamp.h"

#include <string.h>

#define NAME_BYTES 512

/* Written on with the rest of some time, it is a time. */
static bool is_begin_of_time(const char *text)
{
    static const char rest[] = "0000-01-01T00:00:00.000Z";
    char whole[AUDIT_STAMP_SIZE];
    size_t len = strlen(text);
    int64_t utc_ms;

    if (len < 4 || len > AUDIT_STAMP_LEN)
        return false;
    memcpy(whole, rest, sizeof(whole));
    memcpy(whole, text, len);
    return audit_stamp_get(span_of(whole), &utc_ms);
}

int log_filter_check(const struct identity_options *options)
{
    const struct {
        const char *name;
        const char *text;
    } times[] = { { "--since", options->since }, { "--until", options->until } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(times); i++)
        if (times[i].text != NULL && !is_begin_of_time(times[i].text))
            return identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                         "%s %s: write 2027-01-31, 2027-01-31T12:00 or more of a "
                                         "time, in UTC",
                                         times[i].name, times[i].text);
    return 0;
}

static int compare_time(const struct audit_record *record, const char *text)
{
    return strncmp((const char *)record->time.data, text, strlen(text));
}

static bool has_text(struct mqtt_span value, const char *wanted)
{
    char text[NAME_BYTES];
    size_t len = audit_fields_unescape(value, text, sizeof(text));

    return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

static bool is_kind(struct mqtt_span kind, const char *wanted)
{
    size_t len = strlen(wanted);

    if (len > 0 && wanted[len - 1] == '*')
        return span_starts_with(kind, (struct mqtt_span){ (const uint8_t *)wanted, len - 1 });
    return span_equal(kind, span_of(wanted));
}

bool log_filter_wants(const struct identity_options *options, const struct audit_record *record)
{
    if (options->kind != NULL && !is_kind(record->kind, options->kind))
        return false;
    if (options->device != NULL
        && !has_text(audit_fields_find(record->fields, "device"), options->device))
        return false;
    if (options->since != NULL && compare_time(record, options->since) < 0)
        return false;
    return options->until == NULL || compare_time(record, options->until) <= 0;
}
