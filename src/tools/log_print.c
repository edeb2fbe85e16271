/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_print.h"

#include "audit/record.h"
#include "tools/log_filter.h"
#include "tools/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define VALUE_BYTES 512

static void print_fields(struct mqtt_span fields)
{
    struct mqtt_span name, value;
    char text[VALUE_BYTES];

    while (audit_fields_next(&fields, &name, &value) == 1) {
        (void)printf("  %.*s=", (int)name.len, (const char *)name.data);
        size_t len = audit_fields_unescape(value, text, sizeof(text));
        (void)printable_put(stdout, (struct mqtt_span){ (const uint8_t *)text, len });
    }
}

static void print_record(const struct audit_record *record)
{
    (void)printf("%" PRIu64 " %.*s %.*s", record->sequence, (int)record->time.len,
                 (const char *)record->time.data, (int)record->kind.len,
                 (const char *)record->kind.data);
    print_fields(record->fields);
    (void)putchar('\n');
}

int log_print_line(const struct identity_options *options, struct mqtt_span line)
{
    struct audit_record record;
    const char *wrong = audit_record_parse(line, &record);

    if (wrong == NULL && !log_filter_wants(options, &record))
        return 0;
    if (options->json && wrong == NULL) {
        (void)fwrite(line.data, 1, line.len, stdout);
        (void)putchar('\n');
    } else if (wrong == NULL) {
        print_record(&record);
    } else if (!options->json) {
        (void)printf("(no record: %s) ", wrong);
        (void)printable_put(stdout, line);
        (void)putchar('\n');
    }
    return ferror(stdout) != 0 ? -EIO : 0;
}
