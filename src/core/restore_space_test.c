/* SPDX-License-Identifier: Apache-2.0 */
/* What is restored lies in the topic space of the session that it belongs to: a role may have left
 * the common space since it was written. */
#include "core/journal_record.h"
#include "core/journal_restore.h"
#include "core/record.h"
#include "core/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int take(struct restoring *restoring, enum journal_kind kind, uint64_t number,
                struct record *record)
{
    const struct journal_thing thing = { .key = journal_key(kind, number),
                                         .bytes = { record->bytes, record->len } };
    int error = restoring_take(restoring, &thing);

    record_fini(record);
    *record = (struct record){ 0 };
    return error;
}

static void what_lies_elsewhere_is_refused(void **state)
{
    static const struct {
        const char *filter, *topic;
        int error;
    } cases[] = {
        { "$tenant/acme/t", "$tenant/acme/gone", 0 },
        { "$share/g/$tenant/acme/t", "$tenant/acme/gone", 0 },
        { "t", "x", -EBADMSG },
        { "$share/g/t", "/", -EBADMSG },
        { "$tenant/acme/", "$tenant/acme/", -EBADMSG },
        { "$tenant/acm/#", "$tenant/acm/e", -EBADMSG },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        const struct journal_session session = { .client_id = span_of("lamp"),
                                                 .device = span_of("lamp"),
                                                 .tenant = span_of("acme"),
                                                 .role = span_of("all"),
                                                 .is_proved = true,
                                                 .expiry_s = UINT32_MAX,
                                                 .expires_ms = JOURNAL_NEVER };
        const struct journal_subscription subscription = { .session = 1,
                                                           .filter = span_of(cases[i].filter) };
        const struct journal_will will = { .message = { .topic = span_of(cases[i].topic),
                                                        .payload = span_of("gone") },
                                           .due_ms = JOURNAL_NOT_RUNNING,
                                           .delay_s = 1 };
        struct record record = { 0 };
        struct world world;

        world_init(&world, 1, NULL);
        const struct restoring_options options = { .brokers = world.brokers,
                                                   .count = 1,
                                                   .shared = world.shared,
                                                   .highest_session = 1,
                                                   .highest = 1,
                                                   .wall_ms = (int64_t)world.now_ms,
                                                   .now_ms = world.now_ms };
        struct restoring *restoring = restoring_begin(&options);
        journal_session_write(&record, &session);
        assert_int_equal(take(restoring, JOURNAL_SESSION, 1, &record), 0);
        journal_subscription_write(&record, &subscription);
        assert_int_equal(take(restoring, JOURNAL_SUBSCRIPTION, 1, &record), cases[i].error);
        journal_will_write(&record, &will);
        assert_int_equal(take(restoring, JOURNAL_WILL, 1, &record), cases[i].error);
        restoring_end(restoring);
        world_sleep(&world, 2000);
        world_fini(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_elsewhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
