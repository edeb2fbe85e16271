/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_replay.h"

#include "tools/identity_print.h"
#include "tools/policy_book.h"
#include "tools/policy_print.h"
#include "tools/policy_record.h"
#include "tools/policy_replay_lines.h"
#include "tools/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DAYS_DEFAULT 7

static const char *action_text(const struct sketch_entry *entry)
{
    return entry->action == POLICY_PUBLISH ? "publish" : "subscribe";
}

/* ---- people ---- */

static void print_who(const struct policy_replay_group *group)
{
    const struct identity *identity = &group->first->entry.identity;
    if (group->identities > 1)
        (void)printf("%zu devices", group->identities);
    else
        (void)printable_put(
            stdout, span_of(identity->device != NULL ? identity->device : "(no device name)"));
    (void)printf(", role ");
    (void)printable_put(stdout, span_of(identity->role != NULL ? identity->role : "(none)"));
}

static void print_why(const struct replay_change *change)
{
    if (change->reason[0] != '\0')
        (void)printf("; %s", change->reason);
    if (change->rule != NULL) {
        (void)printf(": ");
        policy_print_rule(change->rule);
        (void)printf(" at ");
        policy_print_place(&change->rule->origin);
    }
    if (change->rule_now != NULL) {
        (void)printf("; today: ");
        policy_print_rule(change->rule_now);
        (void)printf(" at ");
        policy_print_place(&change->rule_now->origin);
    }
}

static void print_group(const struct policy_replay_group *group)
{
    char last[IDENTITY_PRINT_TIME_SIZE];
    const struct policy_replay_line *line = group->first;
    const struct replay_change *change = &line->change;
    (void)printf("%s -> %s: ", replay_outcome_text(change->now), replay_outcome_text(change->then));
    print_who(group);
    (void)printf(", %s%s \"", action_text(&line->entry), line->entry.shared ? " (shared)" : "");
    if (group->identities > 1)
        (void)printable_put(stdout, span_of(line->shape));
    else
        (void)printable_put(stdout, line->entry.topic);
    (void)printf("\"%s\n", line->entry.generalised ? " (several topics)" : "");
    (void)printf("    noted %" PRIu64 " time%s, last %s", group->count,
                 group->count == 1 ? "" : "s", identity_print_time(group->last_s, last));
    print_why(change);
    (void)putchar('\n');
}

static void print_sums(const struct policy_replay_lines *lines,
                       const struct policy_replay_sums *sums)
{
    (void)printf("%zu of %zu devices would have been refused %zu of %zu recorded uses\n",
                 sums->identities_losing, sums->identities, sums->losing, lines->count);
    if (sums->gaining != 0)
        (void)printf("%zu recorded use%s, refused today, would have been allowed\n", sums->gaining,
                     sums->gaining == 1 ? "" : "s");
}

static int print_people(const struct policy_replay_lines *lines,
                        const struct policy_replay_sums *sums)
{
    struct policy_replay_group *groups;
    size_t count;
    int error = policy_replay_lines_group(lines, &groups, &count);
    if (error < 0)
        return error;
    for (size_t i = 0; i < count; i++)
        print_group(&groups[i]);
    free(groups);
    print_sums(lines, sums);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- programs ---- */

static json_t *rule_json(const struct policy_rule *rule)
{
    json_t *object;
    if (rule == NULL)
        return json_null();
    object = json_object();
    if (policy_print_add_place(object, &rule->origin)
        && policy_print_set(object, "rule", json_string(policy_print_word(rule)))
        && policy_print_set(object, "pattern", policy_print_text_json(rule->pattern)))
        return object;
    json_decref(object);
    return NULL;
}

static bool add_use(json_t *object, const struct sketch_entry *entry)
{
    char first[IDENTITY_PRINT_TIME_SIZE];
    char last[IDENTITY_PRINT_TIME_SIZE];
    return policy_print_set(object, "device", policy_print_text_json(entry->identity.device))
           && policy_print_set(object, "role", policy_print_text_json(entry->identity.role))
           && policy_print_set(object, "tenant", policy_print_text_json(entry->identity.tenant))
           && policy_print_set(object, "site", policy_print_text_json(entry->identity.site))
           && policy_print_set(object, "action", json_string(action_text(entry)))
           && policy_print_set(object, "shared", json_boolean(entry->shared))
           && policy_print_set(object, "topic", policy_print_span_json(entry->topic))
           && policy_print_set(object, "several", json_boolean(entry->generalised))
           && policy_print_set(object, "count", json_integer((json_int_t)entry->count))
           && policy_print_set(object, "first",
                               json_string(identity_print_time_rfc3339(entry->first_s, first)))
           && policy_print_set(object, "last",
                               json_string(identity_print_time_rfc3339(entry->last_s, last)));
}

static json_t *line_json(const struct policy_replay_line *line)
{
    const struct replay_change *change = &line->change;
    json_t *object = json_object();
    if (add_use(object, &line->entry)
        && policy_print_set(object, "now", json_string(replay_outcome_text(change->now)))
        && policy_print_set(object, "then", json_string(replay_outcome_text(change->then)))
        && policy_print_set(object, "reason", json_string(change->reason))
        && policy_print_set(object, "rule", rule_json(change->rule))
        && policy_print_set(object, "rule_now", rule_json(change->rule_now)))
        return object;
    json_decref(object);
    return NULL;
}

static bool add_changes(json_t *document, const struct policy_replay_lines *lines)
{
    json_t *array = json_array();
    bool is_whole = array != NULL;
    for (size_t i = 0; i < lines->count && is_whole; i++)
        if (lines->lines[i].changes)
            is_whole = json_array_append_new(array, line_json(&lines->lines[i])) == 0;
    return policy_print_set(document, "changes", array) && is_whole;
}

static int print_json(const struct policy_record *record, const struct policy_replay_lines *lines,
                      const struct policy_replay_sums *sums)
{
    json_t *document = json_pack(
        "{s:o, s:I, s:I, s:I, s:I, s:I}", "record", policy_record_json(record), "devices",
        (json_int_t)sums->identities, "devices_refused", (json_int_t)sums->identities_losing,
        "uses", (json_int_t)lines->count, "uses_refused", (json_int_t)sums->losing, "uses_allowed",
        (json_int_t)sums->gaining);
    if (document == NULL || add_changes(document, lines))
        return identity_print_document(document);
    json_decref(document);
    return identity_print_document(NULL);
}

/* ---- the command ---- */

static int answer(struct policy_book *book, const struct policy_record *record,
                  const struct policy *then)
{
    struct policy_replay_lines lines;
    struct policy_replay_sums sums = { 0 };
    int code = policy_replay_lines_of(record->seen, book->policy, then, &lines);
    if (code == 0) {
        sums = policy_replay_lines_sum(&lines);
        policy_record_doubt(record, book);
        code =
            book->options->json ? print_json(record, &lines, &sums) : print_people(&lines, &sums);
    }
    policy_replay_lines_fini(&lines);
    if (code < 0)
        return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "out of memory");
    return code == IDENTITY_EXIT_DONE && sums.losing != 0 ? IDENTITY_EXIT_FOUND : code;
}

int policy_replay(const struct identity_options *options)
{
    const struct policy_record_wish wish = {
        .days = options->days != 0 ? options->days : DAYS_DEFAULT,
        .as_decided = true,
    };
    struct policy_record record = { 0 };
    struct policy *then = NULL;
    struct policy_book book;
    int code = policy_book_open(options, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = policy_book_other(&book, options->operands[0], &then);
    if (code == IDENTITY_EXIT_DONE)
        code = policy_record_open(&book, &wish, &record);
    if (code == IDENTITY_EXIT_DONE)
        code = answer(&book, &record, then);
    policy_record_close(&record);
    policy_unref(then);
    policy_book_close(&book);
    return code;
}
