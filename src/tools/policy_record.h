/* SPDX-License-Identifier: Apache-2.0 */
/* What tacitd recorded, as questions about it need it: the devices as the registry has them now,
 * and what there is to say about the record itself.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "policy/sketch.h"
#include "tools/policy_book.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_record_wish {
    unsigned days;   /* that are asked about */
    bool older_too;  /* entries that were last seen before that */
    bool as_decided; /* the outcome is what the policy of the book says, not what was recorded */
};

struct policy_record {
    struct sketch *seen; /* without devices that were revoked or retired */
    unsigned days;
    int64_t from_s;    /* the days begin, UTC */
    int64_t since_s;   /* recording began or older things were forgotten; 0: there is no record */
    size_t left_out;   /* entries of devices that were revoked or retired */
    bool is_recording; /* tacitd is told to */
};

/* IDENTITY_EXIT_DONE, or the exit code after saying what is wrong; policy_record_close() in both
 * cases. */
MQTT_NODISCARD int policy_record_open(struct policy_book *book,
                                      const struct policy_record_wish *wish,
                                      struct policy_record *out);
void policy_record_close(struct policy_record *record);

/* Says on standard error why the answer may not be the whole truth, if so. */
void policy_record_doubt(const struct policy_record *record, const struct policy_book *book);

/* {"days", "since", "covers_days", "recording", "dropped": {"topics", "entries", "unrecorded"},
 * "left_out"}; "since" null: nothing was recorded. NULL out of memory; the caller owns it. */
json_t *policy_record_json(const struct policy_record *record);
