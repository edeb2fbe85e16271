/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#include "base/pool.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WAITING 1000u

static size_t taken_bytes(const struct message_pools *pools)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < MESSAGE_CLASSES; i++)
        bytes += pool_bytes(pools->classes[i]);
    return bytes;
}

static struct message *message_new(struct message_pools *pools)
{
    struct publication publication = { .topic = span_of("a/b"), .payload = span_of("payload") };
    struct message *message = publication_message(&publication, pools);

    assert_non_null(message);
    message_ref(message);
    publication_fini(&publication, pools);
    return message;
}

/* All that wait for one receiver's acknowledgements come and go with each of its reads. */
static void memory_of_messages_that_come_and_go_stays_until_it_is_not_needed(void **state)
{
    (void)state;
    struct message_pools pools;
    struct message *waiting[WAITING];
    assert_int_equal(message_pools_init(&pools), 0);
    for (unsigned i = 0; i < WAITING; i++)
        waiting[i] = message_new(&pools);
    size_t at_most = taken_bytes(&pools);

    for (unsigned i = 0; i < WAITING; i++)
        message_unref(waiting[i], &pools);
    assert_int_equal(pools.bytes, 0);
    assert_int_equal(taken_bytes(&pools), at_most);

    message_pools_trim(&pools); /* since the last time all were needed */
    message_pools_trim(&pools);
    assert_true(taken_bytes(&pools) < at_most / 4);
    message_pools_fini(&pools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_messages_that_come_and_go_stays_until_it_is_not_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
