/* SPDX-License-Identifier: Apache-2.0 */
/* The last alarm of a device, from the audit log. */
#pragma once

#include "audit/fields.h"
#include "audit/stamp.h"
#include "base/attrs.h"
#include "tools/identity_options.h"
#include "tools/sense_reason.h"

#include <jansson.h>
#include <stdbool.h>

#define SENSE_ALARM_REASONS 5u

/* One record, copied. */
struct sense_record {
    bool is_there;
    char time[AUDIT_STAMP_SIZE];
    size_t len;
    char fields[AUDIT_FIELDS_BYTES];
};

struct sense_alarm {
    const char *device;           /* borrowed */
    struct sense_record told;     /* of it alone, or of a group that it is named in */
    struct sense_record answered; /* what was done about it after that, or would have been */
};

/* 0, also when there is no audit log or no alarm (told.is_there); or the exit code after saying what
 * is wrong. */
MQTT_NODISCARD int sense_alarm_find(const struct identity_options *options, const char *device,
                                    struct sense_alarm *out);

/* For people, some lines; as JSON, NULL out of memory, and null when there was none. */
void sense_alarm_print(const struct sense_alarm *alarm);
json_t *sense_alarm_json(const struct sense_alarm *alarm);
