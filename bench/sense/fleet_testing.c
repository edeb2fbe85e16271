/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_testing.h"

#include "bench/sense/attack.h"
#include "bench/sense/fleet_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct fleet_plan fleet_testing_plan(void)
{
    return (struct fleet_plan){ .seed = 7,
                                .start_us = FLEET_MONDAY_US + 8 * FLEET_HOUR_US,
                                .end_us =
                                    FLEET_MONDAY_US + 8 * FLEET_HOUR_US + 20 * FLEET_MINUTE_US,
                                .first_persona = 1,
                                .last_persona = 10,
                                .each = 2 };
}

static void note(struct fleet_trace *trace, const struct fleet_device *device)
{
    if (device == NULL)
        return;
    assert_true(trace->victims < FLEET_VICTIMS);
    memcpy(trace->ids[trace->victims++], device->id, sizeof device->id);
}

struct fleet_trace fleet_testing_trace(const struct fleet_plan *plan)
{
    struct fleet_trace trace = { .text = NULL };
    const char *complaint = NULL;
    struct fleet fleet;
    FILE *out = open_memstream(&trace.text, &trace.len);
    FILE *truth = open_memstream(&trace.truth, &trace.truth_len);

    assert_true(fleet_init(&fleet, plan, out, &complaint));
    fleet_run(&fleet);
    fleet_truth(&fleet, truth);
    for (unsigned i = 0; i < plan->attack_count; i++)
        for (uint32_t k = 0; k < fleet.attacks[i].count; k++)
            note(&trace, fleet.attacks[i].victims[k].device);
    for (unsigned i = 0; i < plan->event_count; i++)
        for (uint32_t k = 0; k < fleet.events[i].count; k++)
            note(&trace, fleet.events[i].devices[k]);
    fleet_fini(&fleet);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(truth), 0);
    return trace;
}

void fleet_testing_free(struct fleet_trace *trace)
{
    free(trace->text);
    free(trace->truth);
}

/* Cuts the line into columns; each has its NUL afterwards. */
static struct fleet_fields row_of(char *line)
{
    struct fleet_fields row;
    unsigned count = 0;

    for (char *at = line; at != NULL; at = strchr(at, ',')) {
        if (at != line)
            *at++ = '\0';
        assert_true(count < FLEET_COLUMNS);
        row.columns[count++] = at;
    }
    assert_int_equal(count, FLEET_COLUMNS);
    return row;
}

/* Calls it with each line but the head; the line is a copy. */
void fleet_testing_each_row(const struct fleet_trace *trace,
                            void (*visit)(struct fleet_fields *, void *), void *context)
{
    char *copy = strdup(trace->text);
    char *rest = NULL;

    assert_non_null(copy);
    (void)strtok_r(copy, "\n", &rest);
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *whole = trace->text + (line - copy);
        struct fleet_fields row = row_of(line);

        row.whole = whole;
        row.len = strcspn(whole, "\n") + 1;
        visit(&row, context);
    }
    free(copy);
}
