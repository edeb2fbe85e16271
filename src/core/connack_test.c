/* SPDX-License-Identifier: Apache-2.0 */
/* CONNACK comes before all else, or nothing comes. */
#include "core/connack.h"

#include "core/client.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* [MQTT-3.1.2-24] [MQTT-3.2.0-1] What does not fit is not sent, and what follows would be the first
 * packet then: the connection ends instead, the session is as after any other loss. */
static void one_that_the_client_does_not_take_ends_the_connection(void **state)
{
    const struct world_connect narrow = {
        .client_id = "narrow", .resume = true, .expiry_s = 60, .maximum_packet = 5
    };
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *peer = world_come(&world, "narrow", false, 60);
    assert_int_equal(world_subscribe(peer, "t", MQTT_QOS_1), MQTT_QOS_1);
    world_break(peer);
    struct world_peer *other = world_come(&world, "other", false, 0);
    assert_int_equal(world_publish_acked(other, "t", 1), MQTT_SUCCESS);

    peer = world_open(&world, MQTT_VERSION_5);
    world_begin(peer, &narrow);
    assert_false(peer->is_open);
    assert_int_equal(peer->len, 0);
    peer = world_come(&world, "narrow", true, 60);
    assert_true(world_expect(peer, MQTT_PUBLISH));
    world_fini(&world);
}

/* Of one that fits without its Reason String nobody is turned away. */
static void one_that_fits_is_sent(void **state)
{
    const struct world_connect narrow = { .client_id = "narrow", .maximum_packet = 64 };
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *peer = world_come_as(&world, MQTT_VERSION_5, &narrow);
    assert_true(peer->is_open);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_the_client_does_not_take_ends_the_connection),
        cmocka_unit_test(one_that_fits_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
