/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/trees.h"

#include "base/testing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void fill(float *point, float value, struct test_random *random)
{
    for (unsigned i = 0; i < SENSE_DIMENSIONS; i++)
        point[i] = value + (float)test_random_below(random, 100) / 1000;
}

static void a_corner_nobody_was_in_is_rare(void **state)
{
    (void)state;
    struct sense_trees *trees = malloc(sizeof(*trees));
    struct test_random random = { 5 };
    float point[SENSE_DIMENSIONS];

    assert_non_null(trees);
    sense_trees_init(trees);
    for (unsigned i = 0; i < 200000; i++) {
        fill(point, 0.45f, &random);
        sense_trees_learn(trees, point);
    }
    fill(point, 0.45f, &random);
    float usual = sense_trees_rarity(trees, point);
    fill(point, 0.9f, &random);
    float rare = sense_trees_rarity(trees, point);
    assert_true(usual < 3);
    assert_true(rare > 8);
    assert_true(isfinite(rare));
    free(trees);
}

/* Where they split is the same for everybody, and within the space. */
static void trees_are_the_same_everywhere(void **state)
{
    (void)state;
    struct sense_trees *one = malloc(sizeof(*one));
    struct sense_trees *two = malloc(sizeof(*two));

    assert_non_null(one);
    assert_non_null(two);
    sense_trees_init(one);
    sense_trees_init(two);
    assert_memory_equal(one, two, sizeof(*one));
    for (unsigned tree = 0; tree < SENSE_TREES; tree++)
        for (unsigned at = 1; at < SENSE_TREE_NODES; at++) {
            assert_in_range(one->dimension[tree][at], 0, SENSE_DIMENSIONS - 1);
            assert_true(one->split[tree][at] > -0.3f && one->split[tree][at] < 1.3f);
        }
    free(one);
    free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_corner_nobody_was_in_is_rare),
        cmocka_unit_test(trees_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
