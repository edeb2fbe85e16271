/* SPDX-License-Identifier: Apache-2.0 */
/* A frame that anybody may have written, and the things in it. Promises asserted: an operation is
 * what its header says, and what a reader takes for a thing is the same when it is written again
 * and read again. */
#include "base/invariant.h"
#include "core/journal_op.h"
#include "core/journal_record.h"
#include "core/record.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool lies_within(struct mqtt_span part, struct mqtt_span whole)
{
    return part.len == 0
           || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_verdict(int error)
{
    MQTT_INVARIANT(error == 0 || error == -EBADMSG || error == -EPROTO);
}

/* What is written of what was read is read as the same. Bytes that mean nothing (bits that are not
 * used) may differ the first time only. */
#define CHECK(name, bytes)                                                                      \
    do {                                                                                        \
        struct journal_##name first;                                                            \
        struct journal_##name second;                                                           \
        struct record once = { 0 };                                                             \
        struct record twice = { 0 };                                                            \
        int error = journal_##name##_read(bytes, &first);                                       \
        check_verdict(error);                                                                   \
        if (error == 0) {                                                                       \
            journal_##name##_write(&once, &first);                                              \
            MQTT_INVARIANT(once.len == (bytes).len);                                            \
            error = journal_##name##_read((struct mqtt_span){ once.bytes, once.len }, &second); \
            MQTT_INVARIANT(error == 0);                                                         \
            journal_##name##_write(&twice, &second);                                            \
            MQTT_INVARIANT(once.len == twice.len                                                \
                           && memcmp(once.bytes, twice.bytes, once.len) == 0);                  \
        }                                                                                       \
        record_fini(&once);                                                                     \
        record_fini(&twice);                                                                    \
    } while (0)

static void check_records(struct mqtt_span bytes)
{
    CHECK(meta, bytes);
    CHECK(session, bytes);
    CHECK(subscription, bytes);
    CHECK(message, bytes);
    CHECK(will, bytes);
    CHECK(delivery, bytes);
    CHECK(parcel, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct mqtt_span whole = { data, len };
    struct mqtt_span rest = whole;
    struct journal_op op;
    int found;

    check_records(whole);
    while ((found = journal_op_next(&rest, &op)) > 0) {
        MQTT_INVARIANT(op.verb == JOURNAL_PUT || op.verb == JOURNAL_DROP);
        MQTT_INVARIANT(op.key != 0);
        MQTT_INVARIANT(op.body == 0 || journal_kind_of(op.body) == JOURNAL_BODY);
        MQTT_INVARIANT(lies_within(op.bytes, whole));
        check_records(op.bytes);
    }
    MQTT_INVARIANT(found == 0 ? rest.len == 0 : found == -EBADMSG);
    return 0;
}
