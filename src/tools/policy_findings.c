/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_findings.h"

#include "tools/policy_print.h"
#include "tools/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct policy_findings *findings)
{
    if (findings->count < findings->room)
        return true;
    size_t room = findings->room > 0 ? findings->room * 2 : 16;
    struct policy_finding *all = reallocarray(findings->all, room, sizeof(*all));
    if (all == NULL)
        return false;
    findings->all = all;
    findings->room = room;
    return true;
}

void policy_findings_add(struct policy_findings *findings, const struct policy_finding *like,
                         const char *format, ...)
{
    struct policy_finding finding = *like;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&finding.text, format, arguments);
    va_end(arguments);
    if (len < 0 || !make_room(findings)) {
        findings->failed = true;
        if (len >= 0)
            free(finding.text);
        return;
    }
    finding.number = findings->count;
    findings->all[findings->count++] = finding;
}

void policy_findings_fini(struct policy_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->all[i].text);
    free(findings->all);
    *findings = (struct policy_findings){ 0 };
}

static int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *left, const void *right)
{
    const struct policy_finding *a = left;
    const struct policy_finding *b = right;
    int order = strcmp(a->origin.file != NULL ? a->origin.file : "",
                       b->origin.file != NULL ? b->origin.file : "");
    if (order == 0)
        order = compare_numbers(a->origin.line, b->origin.line);
    if (order == 0)
        order = compare_numbers(a->origin.column, b->origin.column);
    return order != 0 ? order : compare_numbers(a->number, b->number);
}

void policy_findings_sort(struct policy_findings *findings)
{
    if (findings->count > 0)
        qsort(findings->all, findings->count, sizeof(*findings->all), compare);
}

size_t policy_findings_count(const struct policy_findings *findings, enum lint_severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->all[i].severity == severity;
    return count;
}

void policy_findings_print(const struct policy_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct policy_finding *f = &findings->all[i];
        policy_print_place(&f->origin);
        (void)printf(": %s: ", lint_severity_text(f->severity));
        (void)printable_put(stdout, span_of(f->text));
        (void)putchar('\n');
    }
}

json_t *policy_findings_json(const struct policy_findings *findings)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < findings->count; i++) {
        const struct policy_finding *f = &findings->all[i];
        json_t *o = json_object();
        if (policy_print_add_place(o, &f->origin)
            && policy_print_set(o, "severity", json_string(lint_severity_text(f->severity)))
            && policy_print_set(o, "kind", json_string(f->word))
            && policy_print_set(o, "role", policy_print_text_json(f->role))
            && policy_print_set(o, "text", policy_print_text_json(f->text))
            && json_array_append(array, o) == 0) {
            json_decref(o);
            continue;
        }
        json_decref(o);
        json_decref(array);
        array = NULL;
    }
    return array;
}
