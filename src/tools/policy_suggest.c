/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_suggest.h"

#include "config/rulebook.h"
#include "tools/identity_print.h"
#include "tools/policy_print.h"
#include "tools/policy_record.h"
#include "tools/policy_rewrite.h"
#include "tools/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_DEFAULT 30

struct suggesting {
    struct policy_book *book;
    struct policy_record record;
    struct learned *learned;
    json_t *kept; /* names of roles that stay as they are */
    bool failed;  /* memory is out */
};

/* ---- learning ---- */

struct counting {
    const char *role;
    int64_t count;
};

static int count_device(void *context, const struct registry_entry *entry)
{
    struct counting *counting = context;
    counting->count += strcmp(entry->role, counting->role) == 0;
    return 0;
}

static int64_t count_devices(void *context, const char *role)
{
    const struct policy_book *book = context;
    struct counting counting = { role, 0 };
    if (book->registry == NULL || registry_list(book->registry, count_device, &counting, NULL) != 0)
        return -1;
    return counting.count;
}

static int learn(struct suggesting *s)
{
    const struct identity_options *options = s->book->options;
    const struct learn_options wish = {
        .merge_above = LEARN_MERGE_ABOVE,
        .since_s = s->record.from_s,
        .role = options->role,
        .known = count_devices,
        .context = s->book,
    };
    if (options->role != NULL && config_find_role(s->book->config, options->role) == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "there is no role '%.140s' in the configuration",
                                     options->role);
    if (learn_roles(s->record.seen, s->book->policy, &wish, &s->learned) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    if (learned_count(s->learned) != 0)
        return IDENTITY_EXIT_DONE;
    return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                 "nothing to suggest: nothing was recorded of %s%.140s in the "
                                 "last %u days",
                                 options->role != NULL ? "role " : "any role",
                                 options->role != NULL ? options->role : "", s->record.days);
}

/* ---- what stays as it is ---- */

static void note_kept(void *context, struct mqtt_span role)
{
    struct suggesting *s = context;
    if (json_array_append_new(s->kept, policy_print_span_json(role)) < 0)
        s->failed = true;
}

static void doubt_kept(const struct suggesting *s)
{
    const struct identity_options *options = s->book->options;
    for (size_t i = 0; i < json_array_size(s->kept) && options->role == NULL; i++)
        (void)identity_options_fail(options, IDENTITY_EXIT_DONE,
                                    "role %s stays as it is: nothing was recorded of it",
                                    json_string_value(json_array_get(s->kept, i)));
}

/* ---- people: a file ---- */

static const char *path_of(const struct policy_book *book)
{
    return book->path[0] != '\0' ? book->path : "the built-in configuration";
}

static void put_head(const struct suggesting *s, FILE *out)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    (void)fprintf(out,
                  "# Suggested by tacit policy suggest, %s, from what tacitd recorded in "
                  "%u days:\n# ",
                  identity_print_time(s->book->now_s, time), s->record.days);
    (void)printable_put(out, span_of(path_of(s->book)));
    (void)fprintf(
        out, " with roles that grant what was seen and no more.\n"
             "# What was not seen is refused: what happens once a year, too. Read the roles,\n"
             "# then ask what would have been refused, and put the file where the old one is:\n"
             "#     tacit policy replay FILE\n"
             "# A role of which nothing was recorded, and all else, is as it was.\n\n");
}

/* The text; the caller frees. NULL after saying what is wrong; *out_code is the exit code. */
static char *make_text(struct suggesting *s, int *out_code)
{
    const struct policy_rewrite_wish wish = { s->learned, note_kept, s };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    s->kept = json_array();
    *out_code = IDENTITY_EXIT_FAILED;
    if (out != NULL) {
        put_head(s, out);
        *out_code = policy_rewrite(s->book, &wish, out);
    }
    bool is_written = out != NULL && fclose(out) == 0 && s->kept != NULL && !s->failed;
    if (is_written && *out_code == IDENTITY_EXIT_DONE)
        return text;
    if (!is_written)
        *out_code = identity_options_fail(s->book->options, IDENTITY_EXIT_FAILED, "out of memory");
    free(text);
    return NULL;
}

/* ---- programs ---- */

static json_t *time_json(int64_t time_s)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    return time_s != 0 ? json_string(identity_print_time_rfc3339(time_s, time)) : json_null();
}

static bool add_use(json_t *object, const struct learned_use *use)
{
    return policy_print_set(object, "count", json_integer((json_int_t)use->count))
           && policy_print_set(object, "first", time_json(use->first_s))
           && policy_print_set(object, "last", time_json(use->last_s))
           && policy_print_set(object, "identities", json_integer((json_int_t)use->identities));
}

static json_t *action_json(enum policy_action action)
{
    return json_string(action == POLICY_PUBLISH ? "publish" : "subscribe");
}

static json_t *grant_json(const struct learned_grant *grant)
{
    json_t *object = json_object();
    if (policy_print_set(object, "action", action_json(grant->action))
        && policy_print_set(object, "pattern", policy_print_text_json(grant->pattern))
        && policy_print_set(object, "maximum_qos", json_integer(grant->terms.use.maximum_qos))
        && policy_print_set(object, "expires", time_json(grant->terms.expires_s))
        && add_use(object, &grant->use))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *scope_json(const struct learned_scope *learned)
{
    const struct policy_scope *scope = &learned->scope;
    json_t *object = json_object();
    if (policy_print_set(object, "prefix", policy_print_text_json(scope->prefix))
        && policy_print_set(object, "depth",
                            scope->depth != 0 ? json_integer(scope->depth) : json_null())
        && policy_print_set(object, "most_topics", json_integer(scope->most_topics))
        && policy_print_set(object, "expires", time_json(scope->expires_s))
        && add_use(object, &learned->use))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *refusal_json(const struct learned_refusal *refusal)
{
    json_t *object = json_object();
    if (policy_print_set(object, "action", action_json(refusal->action))
        && policy_print_set(object, "topic", policy_print_text_json(refusal->topic))
        && policy_print_set(object, "several", json_boolean(refusal->generalised))
        && policy_print_set(object, "was_allowed", json_boolean(refusal->lapsed))
        && add_use(object, &refusal->use))
        return object;
    json_decref(object);
    return NULL;
}

/* The three lists of a role. */
static bool add_lists(json_t *object, const struct learned_role *role)
{
    json_t *grants = json_array();
    json_t *scopes = json_array();
    json_t *refusals = json_array();
    bool is_whole = policy_print_set(object, "grants", grants);
    is_whole &= policy_print_set(object, "wildcards", scopes);
    is_whole &= policy_print_set(object, "refused", refusals);
    for (size_t i = 0; i < role->grant_count && is_whole; i++)
        is_whole = json_array_append_new(grants, grant_json(&role->grants[i])) == 0;
    for (size_t i = 0; i < role->scope_count && is_whole; i++)
        is_whole = json_array_append_new(scopes, scope_json(&role->scopes[i])) == 0;
    for (size_t i = 0; i < role->refusal_count && is_whole; i++)
        is_whole = json_array_append_new(refusals, refusal_json(&role->refusals[i])) == 0;
    return is_whole;
}

static json_t *role_json(const struct learned_role *role)
{
    json_t *object = json_object();
    if (policy_print_set(object, "role", policy_print_text_json(role->name))
        && policy_print_set(object, "devices_seen", json_integer((json_int_t)role->identities))
        && policy_print_set(object, "devices",
                            role->known >= 0 ? json_integer(role->known) : json_null())
        && policy_print_set(object, "grants_before", json_integer((json_int_t)role->grants_before))
        && add_lists(object, role))
        return object;
    json_decref(object);
    return NULL;
}

static int print_json(const struct suggesting *s, const char *text)
{
    json_t *roles = json_array();
    json_t *document = json_object();
    bool is_whole = policy_print_set(document, "record", policy_record_json(&s->record));
    is_whole &= policy_print_set(document, "roles", roles);
    is_whole &= policy_print_set(document, "unchanged", json_incref(s->kept));
    is_whole &= policy_print_set(document, "configuration", policy_print_text_json(text));
    for (size_t i = 0; i < learned_count(s->learned) && is_whole; i++)
        is_whole = json_array_append_new(roles, role_json(learned_at(s->learned, i))) == 0;
    if (is_whole)
        return identity_print_document(document);
    json_decref(document);
    return identity_print_document(NULL);
}

/* ---- the command ---- */

static int answer(struct suggesting *s)
{
    int code;
    char *text = make_text(s, &code);
    if (text == NULL)
        return code;
    doubt_kept(s);
    if (s->book->options->json)
        code = print_json(s, text);
    else if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
        code = identity_print_document(NULL);
    free(text);
    return code;
}

int policy_suggest(const struct identity_options *options)
{
    const struct policy_record_wish wish = {
        .days = options->days != 0 ? options->days : DAYS_DEFAULT,
    };
    struct policy_book book;
    struct suggesting s = { .book = &book };
    int code = policy_book_open(options, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = policy_record_open(&book, &wish, &s.record);
    if (code == IDENTITY_EXIT_DONE)
        policy_record_doubt(&s.record, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = learn(&s);
    if (code == IDENTITY_EXIT_DONE)
        code = answer(&s);
    json_decref(s.kept);
    learned_free(s.learned);
    policy_record_close(&s.record);
    policy_book_close(&book);
    return code;
}
