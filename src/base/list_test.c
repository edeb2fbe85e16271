/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void zero_and_initialised_are_unlinked(void **state)
{
    (void)state;
    struct list zero = { 0 };
    assert_false(list_is_linked(&zero));
    assert_true(list_is_empty(&zero));
    list_unlink(&zero);
    assert_false(list_is_linked(&zero));

    struct list head;
    list_init(&head);
    assert_false(list_is_linked(&head));
    assert_true(list_is_empty(&head));
    assert_null(list_take_first(&head));
}

static void keeps_order(void **state)
{
    (void)state;
    struct list head, nodes[4];
    list_init(&head);
    list_push_back(&head, &nodes[1]);
    list_push_back(&head, &nodes[3]);
    list_push_front(&head, &nodes[0]);
    list_insert_before(&nodes[3], &nodes[2]);

    size_t i = 0;
    list_for_each (node, &head)
        assert_ptr_equal(node, &nodes[i++]);
    assert_int_equal(i, 4);
    assert_ptr_equal(head.prev, &nodes[3]);
    for (i = 0; i < 4; i++)
        assert_ptr_equal(list_take_first(&head), &nodes[i]);
    assert_true(list_is_empty(&head));
}

static void nodes_may_go_while_walking(void **state)
{
    (void)state;
    struct list head, nodes[5];
    list_init(&head);
    for (size_t i = 0; i < 5; i++)
        list_push_back(&head, &nodes[i]);
    list_for_each_safe (node, following, &head) {
        if ((node - nodes) % 2 == 0)
            list_unlink(node);
    }
    assert_false(list_is_linked(&nodes[0]));
    assert_ptr_equal(list_take_first(&head), &nodes[1]);
    assert_ptr_equal(list_take_first(&head), &nodes[3]);
    assert_null(list_take_first(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_and_initialised_are_unlinked),
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(nodes_may_go_while_walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
