/* SPDX-License-Identifier: Apache-2.0 */
/* The table against a plain array, through growth and shrinking, with crowded homes. */
#include "core/filter_table.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES 20000

static const struct siphash_key key = { 3, 5 };

struct subscriber {
    struct list link;
    bool is_in;
};

static struct mqtt_span name_of(char *memory, unsigned i)
{
    /* Every seventh is longer than a line has room for. */
    int len = snprintf(memory, 96, "%s/device/%u/state",
                       i % 7 == 0 ? "a-place-with-a-name-that-is-too-long-for-a-line" : "home", i);
    return (struct mqtt_span){ (const uint8_t *)memory, (size_t)len };
}

static void check_all(const struct filter_table *table, const struct subscriber *subscribers,
                      unsigned count)
{
    char memory[96];

    for (unsigned i = 0; i < count; i++) {
        struct topic_filter *found = filter_table_find(table, name_of(memory, i));
        assert_int_equal(found != NULL, subscribers[i].is_in);
        if (found == NULL)
            continue;
        assert_true(span_equal(filter_text(found), name_of(memory, i)));
        assert_ptr_equal(found->links.next, &subscribers[i].link);
        assert_ptr_equal(subscribers[i].link.next, &found->links);
    }
}

static void add(struct filter_table *table, struct subscriber *subscribers, unsigned i)
{
    char memory[96];

    assert_int_equal(filter_table_add(table, name_of(memory, i), &subscribers[i].link), 0);
    subscribers[i].is_in = true;
}

static void take_out(struct filter_table *table, struct subscriber *subscribers, unsigned i)
{
    char memory[96];
    struct topic_filter *filter = filter_table_find(table, name_of(memory, i));

    assert_non_null(filter);
    list_unlink(&subscribers[i].link);
    filter_table_remove(table, filter);
    subscribers[i].is_in = false;
}

static void agrees_with_an_array(void **state)
{
    (void)state;
    struct subscriber *subscribers = calloc(NAMES, sizeof(*subscribers));
    struct filter_table table;
    uint32_t random = 1;

    assert_non_null(subscribers);
    filter_table_init(&table, &key);
    /* Two additions for one removal while it grows, the other way round while it shrinks. */
    for (unsigned step = 0; step < 120000; step++) {
        random = random * 1664525u + 1013904223u;
        unsigned i = (random >> 8) % NAMES;
        bool adds = step < 60000 ? random >> 30 != 0 : random >> 30 == 0;
        if (adds && !subscribers[i].is_in)
            add(&table, subscribers, i);
        else if (!adds && subscribers[i].is_in)
            take_out(&table, subscribers, i);
        if (step % 5000 == 0)
            check_all(&table, subscribers, NAMES);
    }
    check_all(&table, subscribers, NAMES);
    for (unsigned i = 0; i < NAMES; i++) {
        if (subscribers[i].is_in)
            take_out(&table, subscribers, i);
    }
    assert_int_equal(table.filters, 0);
    assert_true(filter_table_bytes(&table) < 8192);
    filter_table_fini(&table);
    free(subscribers);
}

/* Small tables see every kind of crowding, around the end included. */
static void small_tables_in_every_state(void **state)
{
    (void)state;
    enum { FEW = 40 };

    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct subscriber subscribers[FEW] = { 0 };
        struct filter_table table;
        uint32_t random = seed;

        filter_table_init(&table, &(struct siphash_key){ seed, 7 });
        for (unsigned step = 0; step < 300; step++) {
            random = random * 1664525u + 1013904223u;
            unsigned i = (random >> 8) % FEW;
            if (subscribers[i].is_in)
                take_out(&table, subscribers, i);
            else
                add(&table, subscribers, i);
            check_all(&table, subscribers, FEW);
        }
        for (unsigned i = 0; i < FEW; i++) {
            if (subscribers[i].is_in)
                take_out(&table, subscribers, i);
        }
        filter_table_fini(&table);
    }
}

static void a_million_filters_fit_their_bytes(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    struct subscriber *subscribers = calloc(MANY, sizeof(*subscribers));
    struct filter_table table;
    size_t worst = 0;

    assert_non_null(subscribers);
    filter_table_init(&table, &key);
    for (unsigned i = 0; i < MANY; i++) {
        char memory[64];
        int len = snprintf(memory, sizeof(memory), "site/plant%05u/device%07u/temp", i % 1000, i);
        struct mqtt_span text = { (const uint8_t *)memory, (size_t)len };

        assert_int_equal(filter_table_add(&table, text, &subscribers[i].link), 0);
        if (i > 1000 && table.old.count == 0 && filter_table_bytes(&table) / (i + 1) > worst)
            worst = filter_table_bytes(&table) / (i + 1);
    }
    assert_true(worst <= 120);
    for (unsigned i = 0; i < MANY; i++) {
        char memory[64];
        int len = snprintf(memory, sizeof(memory), "site/plant%05u/device%07u/temp", i % 1000, i);
        struct mqtt_span text = { (const uint8_t *)memory, (size_t)len };
        struct topic_filter *filter = filter_table_find(&table, text);

        assert_non_null(filter);
        list_unlink(&subscribers[i].link);
        filter_table_remove(&table, filter);
    }
    filter_table_fini(&table);
    free(subscribers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(small_tables_in_every_state),
        cmocka_unit_test(a_million_filters_fit_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
