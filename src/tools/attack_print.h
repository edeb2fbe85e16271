/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit attack` says at the end: to people, as JSON, and as a report in Markdown. */
#pragma once

#include "base/attrs.h"
#include "tools/attack_grade.h"

#include <jansson.h>
#include <stdio.h>

/* All that is to be said. Borrows everything. */
struct attack_outcome {
    const char *broker;  /* HOST:PORT */
    const char *address; /* digits */
    const struct attack_check *rows;
    const struct attack_finding *findings;
    size_t count;
    struct attack_grade grade;
};

/* Findings that are open or unclear with evidence, reason and remedy; the grade. */
void attack_print_people(FILE *file, const struct attack_outcome *outcome);

/* NULL when out of memory. */
json_t *attack_print_json(const struct attack_outcome *outcome);

/* All checks with their evidence. */
void attack_print_report(FILE *file, const struct attack_outcome *outcome);

/* A line for each row of the table, or an array of objects. */
void attack_print_list(FILE *file, const struct attack_check *rows, size_t count);
json_t *attack_print_list_json(const struct attack_check *rows, size_t count);
