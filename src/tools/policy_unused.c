/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_unused.h"

#include "pki/grants.h"
#include "policy/replay_usage.h"
#include "tools/identity_print.h"
#include "tools/policy_book.h"
#include "tools/policy_print.h"
#include "tools/policy_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAYS_DEFAULT 30
#define REGISTRY     "registry" /* as the rulebook calls the file of its rules */

/* In the order in which they are told. */
enum use_state {
    STATE_UNUSED,   /* by nothing that was recorded in these days */
    STATE_UNNEEDED, /* whatever used it is granted by another one, too */
    STATE_NEW,      /* not there for so many days: nobody can tell */
    STATE_NEEDED,
    STATE_COUNT,
};

static const char *const state_words[STATE_COUNT] = { "unused", "unneeded", "new", "needed" };

struct asking {
    struct policy_book *book;
    struct policy_record record;
    struct replay_usage usage;
    int64_t *created; /* pairs: number of a grant of the registry, when it was made */
    size_t created_count;
    size_t sums[STATE_COUNT];
};

/* ---- since when a grant is there ---- */

static int note_created(void *context, const struct registry_grant *grant)
{
    struct asking *asking = context;
    size_t size = (asking->created_count + 1) * 2 * sizeof(asking->created[0]);
    /* Grown in powers of two: a count is all there is to keep. */
    if ((asking->created_count & (asking->created_count - 1)) == 0) {
        int64_t *grown = realloc(asking->created, 2 * size);
        if (grown == NULL)
            return -ENOMEM;
        asking->created = grown;
    }
    asking->created[2 * asking->created_count] = grant->id;
    asking->created[2 * asking->created_count + 1] = grant->created_s;
    asking->created_count++;
    return 0;
}

static int compare_ids(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static const struct policy_origin *origin_of(const struct replay_use *use)
{
    return use->rule != NULL ? &use->rule->origin : &use->scope->origin;
}

static bool is_of_registry(const struct policy_origin *origin)
{
    return origin->file != NULL && strcmp(origin->file, REGISTRY) == 0;
}

/* UTC; 0: not known. A line of a file may be younger than the file was at that time, not older
 * than its last change says: so this is for grants of the registry only. */
static int64_t created_s(const struct asking *asking, const struct replay_use *use)
{
    int64_t id = origin_of(use)->line;
    if (!is_of_registry(origin_of(use)) || asking->created_count == 0)
        return 0;
    const int64_t *found = bsearch(&id, asking->created, asking->created_count,
                                   2 * sizeof(asking->created[0]), compare_ids);
    return found != NULL ? found[1] : 0;
}

static enum use_state state_of(const struct asking *asking, const struct replay_use *use)
{
    int64_t from_s = asking->record.from_s;
    if (use->needed_s >= from_s)
        return STATE_NEEDED;
    if (created_s(asking, use) > from_s)
        return STATE_NEW;
    return use->used_s >= from_s ? STATE_UNNEEDED : STATE_UNUSED;
}

/* ---- collecting ---- */

static int add_device(void *context, const struct registry_entry *entry)
{
    struct asking *asking = context;
    struct policy_book_subject subject;
    policy_book_subject_of(entry, &subject);
    const struct role *role = policy_find(asking->book->policy, &subject.identity);
    return role != NULL ? replay_usage_add_role(&asking->usage, role) : 0;
}

static int collect(struct asking *asking, struct pki_fault *fault)
{
    struct registry *registry = asking->book->registry;
    int error = replay_usage_of(asking->book->policy, asking->record.seen, &asking->usage);
    if (error == 0 && registry != NULL)
        error = registry_list(registry, add_device, asking, fault);
    if (error == 0 && registry != NULL)
        error = grants_list(registry, note_created, asking, fault);
    return error;
}

/* By state, then as they stand in the files. */
static int compare_uses(const void *left, const void *right)
{
    const struct policy_origin *a = origin_of(left);
    const struct policy_origin *b = origin_of(right);
    int order = strcmp(a->file != NULL ? a->file : "", b->file != NULL ? b->file : "");
    if (order == 0)
        order = (a->line > b->line) - (a->line < b->line);
    return order != 0 ? order : (a->column > b->column) - (a->column < b->column);
}

static void sort_and_sum(struct asking *asking)
{
    const struct replay_usage *usage = &asking->usage;
    if (usage->count != 0)
        qsort(usage->uses, usage->count, sizeof(usage->uses[0]), compare_uses);
    for (size_t i = 0; i < usage->count; i++)
        asking->sums[state_of(asking, &usage->uses[i])]++;
}

/* ---- people ---- */

static void print_when(enum use_state state, const struct replay_use *use)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    if (state == STATE_UNNEEDED)
        (void)printf("used %s, but another grant covers all of that",
                     identity_print_time(use->used_s, time));
    else if (use->used_s != 0)
        (void)printf("last used %s", identity_print_time(use->used_s, time));
    else
        (void)printf("never used");
}

static void print_use(enum use_state state, const struct replay_use *use)
{
    policy_print_place(origin_of(use));
    (void)printf(": ");
    policy_print_part(use->part);
    (void)printf(": ");
    if (use->rule != NULL) {
        policy_print_rule(use->rule);
    } else {
        (void)printf("wildcards ");
        policy_print_scope(use->scope);
    }
    (void)printf(": ");
    print_when(state, use);
    (void)putchar('\n');
}

static int print_people(const struct asking *asking)
{
    const struct replay_usage *usage = &asking->usage;
    for (size_t i = 0; i < usage->count; i++) {
        enum use_state state = state_of(asking, &usage->uses[i]);
        if (state == STATE_UNUSED || state == STATE_UNNEEDED)
            print_use(state, &usage->uses[i]);
    }
    (void)printf("%zu of %zu grants were not used in the last %u days", asking->sums[STATE_UNUSED],
                 usage->count, asking->record.days);
    (void)printf(", %zu were used but not needed\n", asking->sums[STATE_UNNEEDED]);
    if (asking->sums[STATE_NEW] != 0)
        (void)printf("%zu of the registry are younger than that: nothing can be told yet\n",
                     asking->sums[STATE_NEW]);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- programs ---- */

static json_t *time_json(int64_t time_s)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    return time_s != 0 ? json_string(identity_print_time_rfc3339(time_s, time)) : json_null();
}

static json_t *use_json(const struct asking *asking, const struct replay_use *use)
{
    json_t *object = use->rule != NULL ? policy_print_rule_json(use->part, use->rule)
                                       : policy_print_scope_json(use->part, use->scope);
    const char *state = state_words[state_of(asking, use)];
    if (object != NULL && policy_print_set(object, "state", json_string(state))
        && policy_print_set(object, "kind", json_string(use->rule != NULL ? "grant" : "wildcards"))
        && policy_print_set(object, "last_used", time_json(use->used_s))
        && policy_print_set(object, "last_needed", time_json(use->needed_s))
        && policy_print_set(object, "created", time_json(created_s(asking, use)))
        && policy_print_set(object, "count", json_integer((json_int_t)use->count)))
        return object;
    json_decref(object);
    return NULL;
}

static bool add_uses(json_t *document, const struct asking *asking)
{
    json_t *array = json_array();
    bool is_whole = array != NULL;
    for (size_t i = 0; i < asking->usage.count && is_whole; i++)
        if (state_of(asking, &asking->usage.uses[i]) != STATE_NEEDED)
            is_whole = json_array_append_new(array, use_json(asking, &asking->usage.uses[i])) == 0;
    return policy_print_set(document, "grants", array) && is_whole;
}

static int print_json(const struct asking *asking)
{
    json_t *document = json_pack("{s:o, s:I}", "record", policy_record_json(&asking->record),
                                 "count", (json_int_t)asking->usage.count);
    bool is_whole = document != NULL;
    for (size_t i = 0; i < STATE_COUNT && is_whole; i++)
        is_whole =
            policy_print_set(document, state_words[i], json_integer((json_int_t)asking->sums[i]));
    if (is_whole && add_uses(document, asking))
        return identity_print_document(document);
    json_decref(document);
    return identity_print_document(NULL);
}

/* ---- the command ---- */

/* A file says when it was changed, not which line. */
static void doubt_file(const struct asking *asking)
{
    char when[IDENTITY_PRINT_TIME_SIZE];
    struct stat status;
    const struct policy_book *book = asking->book;
    if (book->path[0] == '\0' || stat(book->path, &status) < 0
        || status.st_mtime <= asking->record.from_s)
        return;
    (void)identity_options_fail(book->options, IDENTITY_EXIT_DONE,
                                "%s was changed %s: what was granted then could not be used for "
                                "%u days yet",
                                book->path, identity_print_time(status.st_mtime, when),
                                asking->record.days);
}

static int answer(struct asking *asking)
{
    struct pki_fault fault = { "out of memory" };
    const struct identity_options *options = asking->book->options;
    if (collect(asking, &fault) != 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    sort_and_sum(asking);
    policy_record_doubt(&asking->record, asking->book);
    doubt_file(asking);
    int code = options->json ? print_json(asking) : print_people(asking);
    bool is_found = asking->sums[STATE_UNUSED] + asking->sums[STATE_UNNEEDED] != 0;
    return code == IDENTITY_EXIT_DONE && is_found ? IDENTITY_EXIT_FOUND : code;
}

int policy_unused(const struct identity_options *options)
{
    const struct policy_record_wish wish = {
        .days = options->days != 0 ? options->days : DAYS_DEFAULT,
        .older_too = true,
    };
    struct policy_book book;
    struct asking asking = { .book = &book };
    int code = policy_book_open(options, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = policy_record_open(&book, &wish, &asking.record);
    if (code == IDENTITY_EXIT_DONE)
        code = answer(&asking);
    free(asking.created);
    replay_usage_fini(&asking.usage);
    policy_record_close(&asking.record);
    policy_book_close(&book);
    return code;
}
