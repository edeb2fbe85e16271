/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_share.h"

#include "policy/pattern.h"
#include "policy/share.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/policy_book.h"
#include "tools/policy_bounds.h"
#include "tools/policy_print.h"
#include "tools/policy_subject.h"
#include "tools/printable.h"

#include <stdio.h>
#include <stdlib.h>

#define WORD_COLUMNS   15
#define FILTER_COLUMNS 32

struct part_of_space {
    const struct policy_book_subject *subject;
    const struct role *role; /* NULL: it has none */
    struct share share;
    char space[POLICY_SPACE_BYTES];
};

/* The prefix of a scope with the names in it; NULL: one is missing, or memory is out. */
static char *resolve_prefix(const struct part_of_space *p, const struct policy_scope *scope)
{
    struct pattern pattern = pattern_of(span_of(scope->prefix));
    bool missing;
    return pattern_resolve(&pattern, &p->subject->identity, false, &missing);
}

/* ---- people ---- */

static void print_options(const struct part_of_space *p)
{
    const struct role_options *options = role_options_of(p->role);
    policy_print_key("topic space");
    if (p->space[0] == '\0') {
        (void)printf("the common one\n");
    } else {
        (void)printf("its topic a/b is ");
        (void)printable_put(stdout, span_of(p->space));
        (void)printf("a/b in the broker\n");
    }
    policy_print_key("widest");
    (void)printf("QoS %u, %s\n", role_maximum_qos(p->role),
                 role_may_retain(p->role) ? "retained messages too" : "no retained messages");
    policy_print_fact("shared", options->shared ? "may use $share/NAME/" : "no");
    policy_print_fact("wildcards", role_may_use_wildcards(p->role) ? "within the grants" : "no");
    policy_print_fact("denials", options->carves ? "are cut out of filters with wildcards"
                                                 : "refuse every filter that meets them");
    policy_bounds_print(&options->bounds);
    if (options->unrestricted)
        policy_print_fact("unrestricted", "everything that is not denied");
}

static const char *mark_of(const struct share_line *line)
{
    if (line->is_missing)
        return line->rule->grants ? "; a name is missing, so it covers nothing"
                                  : "; a name is missing, so it denies every one";
    if (line->is_out_of_space)
        return "; its own topic space has no '$' topics, so it means nothing";
    if (line->is_of_house)
        return "; only the broker publishes there, so it grants nothing";
    if (line->is_denied)
        return "; all of it is denied";
    return line->is_cut ? "; some of it is denied" : "";
}

static void print_line(const struct share_line *line)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    printable_pad(stdout, span_of(policy_print_word(line->rule)), WORD_COLUMNS);
    printable_pad(stdout, span_of(line->filter), FILTER_COLUMNS);
    (void)putchar(' ');
    policy_print_place(&line->rule->origin);
    (void)putchar(' ');
    policy_print_part(line->part);
    if (line->rule->grants) {
        (void)fputs(": ", stdout);
        policy_print_terms(line->rule);
    }
    if (line->rule->expires_s != 0)
        (void)printf("; until %s", identity_print_time(line->rule->expires_s, time));
    (void)printf("%s\n", mark_of(line));
}

static void print_scope(const struct part_of_space *p, const struct role *part,
                        const struct policy_scope *scope)
{
    char *prefix = resolve_prefix(p, scope);
    printable_pad(stdout, span_of("wildcards"), WORD_COLUMNS);
    printable_pad(stdout, span_of(prefix != NULL ? prefix : "(nothing)"), FILTER_COLUMNS);
    (void)putchar(' ');
    policy_print_place(&scope->origin);
    (void)putchar(' ');
    policy_print_part(part);
    (void)fputs(": ", stdout);
    policy_print_scope(scope);
    (void)putchar('\n');
    free(prefix);
}

static int print_people(const struct part_of_space *p)
{
    policy_subject_print(p->subject, p->role);
    if (p->role != NULL) {
        print_options(p);
        (void)putchar('\n');
    }
    for (size_t i = 0; i < p->share.count; i++)
        print_line(&p->share.lines[i]);
    for (size_t i = 0; p->role != NULL && i < role_part_count(p->role); i++) {
        const struct role *part = role_part_at(p->role, i);
        for (size_t j = 0; j < role_scope_count(part); j++)
            print_scope(p, part, role_scope_at(part, j));
    }
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- programs ---- */

/* `text` of the client as it is called in the broker. */
static json_t *in_broker_json(const struct part_of_space *p, const char *text)
{
    char *whole = NULL;
    if (text == NULL)
        return json_null();
    if (asprintf(&whole, "%s%s", p->space, text) < 0)
        return NULL;
    json_t *json = policy_print_text_json(whole);
    free(whole);
    return json;
}

static bool append(json_t *array, json_t *value, bool is_whole)
{
    if (is_whole)
        return json_array_append_new(array, value) == 0;
    json_decref(value);
    return false;
}

static bool add_rules(json_t *document, const struct part_of_space *p)
{
    json_t *rules = json_array();
    bool is_whole = policy_print_set(document, "rules", rules);
    for (size_t i = 0; is_whole && i < p->share.count; i++) {
        const struct share_line *line = &p->share.lines[i];
        json_t *rule = policy_print_rule_json(line->part, line->rule);
        is_whole = append(
            rules, rule,
            policy_print_set(rule, "filter", policy_print_text_json(line->filter))
                && policy_print_set(rule, "in_broker", in_broker_json(p, line->filter))
                && policy_print_set(rule, "missing_name", json_boolean(line->is_missing))
                && policy_print_set(rule, "out_of_space", json_boolean(line->is_out_of_space))
                && policy_print_set(rule, "of_broker", json_boolean(line->is_of_house))
                && policy_print_set(rule, "denied", json_boolean(line->is_denied))
                && policy_print_set(rule, "partly_denied", json_boolean(line->is_cut)));
    }
    return is_whole;
}

static bool add_scope(json_t *scopes, const struct part_of_space *p, const struct role *part,
                      const struct policy_scope *scope)
{
    char *prefix = resolve_prefix(p, scope);
    json_t *object = policy_print_scope_json(part, scope);
    bool is_added = append(scopes, object,
                           policy_print_set(object, "below", policy_print_text_json(prefix))
                               && policy_print_set(object, "in_broker", in_broker_json(p, prefix)));
    free(prefix);
    return is_added;
}

static bool add_scopes(json_t *document, const struct part_of_space *p)
{
    json_t *scopes = json_array();
    bool is_whole = policy_print_set(document, "wildcards", scopes);
    for (size_t i = 0; p->role != NULL && i < role_part_count(p->role); i++) {
        const struct role *part = role_part_at(p->role, i);
        for (size_t j = 0; is_whole && j < role_scope_count(part); j++)
            is_whole = add_scope(scopes, p, part, role_scope_at(part, j));
    }
    return is_whole;
}

static json_t *options_json(const struct role *role)
{
    if (role == NULL)
        return json_null();
    const struct role_options *options = role_options_of(role);
    return json_pack("{s:i, s:b, s:b, s:b, s:b, s:b}", "maximum_qos", (int)role_maximum_qos(role),
                     "retain", (int)role_may_retain(role), "wildcards",
                     (int)role_may_use_wildcards(role), "shared", (int)options->shared, "carve",
                     (int)options->carves, "unrestricted", (int)options->unrestricted);
}

static int print_json(const struct part_of_space *p)
{
    json_t *document = json_object();
    if (policy_print_set(document, "subject", policy_subject_json(p->subject, p->role))
        && policy_print_set(document, "topic_space", policy_print_text_json(p->space))
        && policy_print_set(document, "bounds",
                            p->role != NULL ? policy_bounds_json(&role_options_of(p->role)->bounds)
                                            : json_null())
        && policy_print_set(document, "options", options_json(p->role)) && add_rules(document, p)
        && add_scopes(document, p))
        return identity_print_document(document);
    json_decref(document);
    return identity_print_document(NULL);
}

/* ---- the command ---- */

static int answer(const struct policy_book *book, const struct policy_book_subject *subject)
{
    struct part_of_space p = { .subject = subject,
                               .role = policy_find(book->policy, &subject->identity) };
    int error = 0;
    (void)role_space(p.role, &subject->identity, p.space);
    if (p.role != NULL)
        error = share_list(p.role, &subject->identity, &p.share);
    int code = IDENTITY_EXIT_DONE;
    if (error < 0)
        code = identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "out of memory");
    else
        code = book->options->json ? print_json(&p) : print_people(&p);
    share_fini(&p.share);
    return code;
}

int policy_share(const struct identity_options *options)
{
    struct identity_options o = *options;
    struct policy_book book;
    struct policy_book_subject subject;
    o.device = options->operands[0];
    int code = policy_book_open(&o, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = policy_book_subject(&book, &subject);
    if (code == IDENTITY_EXIT_DONE)
        code = answer(&book, &subject);
    policy_book_close(&book);
    return code;
}
