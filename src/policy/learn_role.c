/* SPDX-License-Identifier: Apache-2.0 */
/* One role: what those who have it did, and the grants that this needs. */
#include "codec/topic.h"
#include "policy/learn_pattern.h"
#include "policy/learn_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const struct learn_entries *entries;
    const struct role *part;
    struct learn_rows rows;
    struct learn_filters filters;
    struct learn_role *out;
    bool needs_all; /* something was done that only an unrestricted role may */
};

void learn_use_add(struct learned_use *into, const struct learned_use *use)
{
    if (into->count == 0 || use->first_s < into->first_s)
        into->first_s = use->first_s;
    if (into->count == 0 || use->last_s > into->last_s)
        into->last_s = use->last_s;
    into->count = use->count > UINT64_MAX - into->count ? UINT64_MAX : into->count + use->count;
}

static struct learned_use use_of(const struct learn_entry *entry)
{
    return (struct learned_use){ entry->said.count, entry->said.first_s, entry->said.last_s, 1 };
}

/* From malloc; NULL out of memory. */
static char *copy_of(struct mqtt_span text)
{
    char *copy = malloc(text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len != 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static bool has_part(const struct learn_entry *entry, const struct role *part)
{
    for (size_t i = 0; i < role_part_count(entry->role); i++) {
        if (role_part_at(entry->role, i) == part)
            return true;
    }
    return false;
}

static bool is_own(const struct learn_entry *entry, const struct role *part)
{
    return role_part_at(entry->role, 0) == part;
}

/* ---- names ---- */

static const char *common(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0 ? a : NULL;
}

/* Of all who have the role among those that did the same. */
static struct learn_names names_of(const struct work *work, size_t begin, size_t end)
{
    struct learn_names names = { NULL, NULL, NULL };
    bool is_first = true;

    for (size_t i = begin; i < end; i++) {
        const struct learn_entry *entry = &work->entries->at[i];
        const struct identity *identity = &entry->said.identity;
        if (!has_part(entry, work->part))
            continue;
        if (is_first) {
            names = (struct learn_names){ identity->device, identity->site, identity->tenant };
        } else {
            names.device = common(names.device, identity->device);
            names.site = common(names.site, identity->site);
            names.tenant = common(names.tenant, identity->tenant);
        }
        is_first = false;
    }
    return names;
}

/* ---- grants ---- */

/* Is it a pattern, and one that covers what was seen, where the grant does? */
static bool is_usable(const char *text, const struct learn_entry *entry, bool contains)
{
    struct pattern pattern = pattern_of(span_of(text));

    return pattern_fault(span_of(text)) == NULL
           && (!contains || pattern_contains(&pattern, &entry->said.identity, entry->said.topic));
}

static int add_source(struct work *work, const struct learn_entry *entry,
                      const struct learn_source *source, const struct learn_names *names)
{
    struct mqtt_span grant = span_of(source->rule != NULL ? source->rule->pattern : "#");
    struct learn_row row = {
        .action = entry->said.action,
        .pattern = learn_pattern_meet(grant, entry->said.topic, names),
        .terms = source->terms,
        .rule = source->rule,
        .use = use_of(entry),
        .identity = entry->identity,
    };

    if (row.pattern == NULL)
        return -ENOMEM;
    if (is_usable(row.pattern, entry, source->contains))
        return learn_rows_add(&work->rows, &row);
    free(row.pattern);
    work->needs_all |= source->rule == NULL;
    if (source->rule == NULL)
        return 0;
    row.pattern = copy_of(grant);
    return row.pattern != NULL ? learn_rows_add(&work->rows, &row) : -ENOMEM;
}

/* ---- filters with wildcards ---- */

/* The number of the scope among those of the part; false: it is of another one. */
static bool find_scope(const struct role *part, const struct policy_scope *scope, size_t *out)
{
    for (size_t i = 0; i < role_scope_count(part); i++) {
        if (role_scope_at(part, i) == scope) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* The filter in the words of the scope; NULL out of memory. */
static char *scoped_pattern(const struct policy_scope *scope, struct mqtt_span filter,
                            const struct learn_names *names)
{
    struct mqtt_span prefix = span_of(scope->prefix);
    char *all = malloc(prefix.len + 2);

    if (all == NULL)
        return NULL;
    memcpy(all, prefix.data, prefix.len);
    memcpy(all + prefix.len, "#", 2);
    char *pattern = learn_pattern_meet(span_of(all), filter, names);
    free(all);
    return pattern;
}

static int add_filter(struct work *work, const struct learn_entry *entry,
                      const struct policy_scope *scope, const struct learn_names *names)
{
    struct learn_filter filter = { .scope = SIZE_MAX,
                                   .use = use_of(entry),
                                   .identity = entry->identity };

    if (scope == NULL
            ? !role_options_of(work->part)->unrestricted
            : !find_scope(work->part, scope, &filter.scope) || learn_is_registry(&scope->origin))
        return 0;
    filter.pattern = scope != NULL ? scoped_pattern(scope, entry->said.topic, names)
                                   : learn_pattern_meet(span_of("#"), entry->said.topic, names);
    if (filter.pattern == NULL)
        return -ENOMEM;
    if (learn_scope_fits(filter.pattern))
        return learn_filters_add(&work->filters, &filter);
    free(filter.pattern);
    work->needs_all |= scope == NULL;
    return 0;
}

/* ---- entries ---- */

static bool is_filter(const struct learn_entry *entry)
{
    return entry->said.action == POLICY_SUBSCRIBE && !entry->said.generalised
           && mqtt_topic_filter_has_wildcard(entry->said.topic);
}

/* *out_lapsed: nothing allows it any more. */
static int add_allowed(struct work *work, const struct learn_entry *entry,
                       const struct learn_names *names, bool *out_lapsed)
{
    struct learn_choice choice;
    int error = learn_choose(entry, &choice);

    *out_lapsed = error == 0 && choice.count == 0;
    for (size_t i = 0; i < choice.count && error == 0; i++) {
        const struct learn_source *source = &choice.sources[i];
        if (source->part == work->part
            && (source->rule == NULL || !learn_is_registry(&source->rule->origin)))
            error = add_source(work, entry, source, names);
    }
    if (error == 0 && choice.count != 0 && is_filter(entry))
        error = add_filter(work, entry, choice.scope, names);
    learn_choice_fini(&choice);
    return error;
}

static int add_refusal(struct work *work, const struct learn_entry *like,
                       const struct learned_use *use)
{
    struct learned_refusal refusal = {
        .action = like->said.action,
        .topic = copy_of(like->said.topic),
        .generalised = like->said.generalised,
        .lapsed = like->said.allowed,
        .use = *use,
    };

    if (refusal.topic == NULL)
        return -ENOMEM;
    work->out->refusals[work->out->shown.refusal_count++] = refusal;
    return 0;
}

/* Entries from `begin` on are the same deed of different identities. */
static int add_deed(struct work *work, size_t begin, size_t end)
{
    struct learn_names names = names_of(work, begin, end);
    struct learned_use refused = { 0 };
    int error = 0;

    for (size_t i = begin; i < end && error == 0; i++) {
        const struct learn_entry *entry = &work->entries->at[i];
        bool is_refused = !entry->said.allowed;
        if (!has_part(entry, work->part))
            continue;
        if (entry->said.allowed)
            error = add_allowed(work, entry, &names, &is_refused);
        if (is_refused && is_own(entry, work->part)) {
            struct learned_use use = use_of(entry);
            learn_use_add(&refused, &use);
            refused.identities++;
        }
    }
    if (error == 0 && refused.count != 0)
        error = add_refusal(work, &work->entries->at[begin], &refused);
    return error;
}

static int add_deeds(struct work *work)
{
    const struct learn_entries *entries = work->entries;
    size_t end;
    int error = 0;

    for (size_t begin = 0; begin < entries->count && error == 0; begin = end) {
        for (end = begin + 1;
             end < entries->count && entries->at[end].deed == entries->at[begin].deed;)
            end++;
        error = add_deed(work, begin, end);
    }
    return error;
}

/* ---- the result ---- */

/* Rows that agree stand side by side, in them the same identity. */
static int fold(struct work *work)
{
    struct learn_rows *rows = &work->rows;
    struct learn_role *out = work->out;

    out->grants = calloc(rows->count + 1, sizeof(*out->grants));
    if (out->grants == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < rows->count; i++) {
        struct learn_row *row = &rows->at[i];
        bool is_new = i == 0 || learn_rows_compare(&row[-1], row) != 0;
        if (is_new)
            out->grants[out->shown.grant_count++] =
                (struct learned_grant){ .action = row->action, .terms = row->terms };
        struct learned_grant *grant = &out->grants[out->shown.grant_count - 1];
        learn_use_add(&grant->use, &row->use);
        grant->use.identities += is_new || row[-1].identity != row->identity;
    }
    /* Now that no row is compared any more, each grant takes the pattern of one. */
    size_t taken = 0;
    for (size_t i = rows->count; i-- > 0;) {
        struct learn_row *row = &rows->at[i];
        if (i > 0 && learn_rows_compare(&row[-1], row) == 0)
            continue;
        out->grants[out->shown.grant_count - ++taken].pattern = row->pattern;
        row->pattern = NULL;
    }
    return 0;
}

static bool is_plain(const struct learned_grant *grant, const struct policy_terms *role)
{
    const struct policy_terms *own = &grant->terms.use;

    return own->maximum_qos == role->maximum_qos && own->retain == role->retain
           && own->payload_bytes == role->payload_bytes && own->rate_messages == role->rate_messages
           && own->rate_seconds == role->rate_seconds && grant->terms.expires_s == 0
           && grant->terms.owner[0] == '\0' && grant->terms.reason[0] == '\0';
}

/* Plain ones first, then those that share a block. */
static int by_block(const void *left, const void *right)
{
    const struct learned_grant *a = left;
    const struct learned_grant *b = right;
    int order = (a->is_plain ? 0 : 1) - (b->is_plain ? 0 : 1);

    if (order == 0)
        order = learn_terms_compare(&a->terms, &b->terms);
    if (order == 0 && a->action != b->action)
        order = a->action < b->action ? -1 : 1;
    return order != 0 ? order : strcmp(a->pattern, b->pattern);
}

/* A grant cannot say that it has no rate where its role has one. */
static void set_terms(const struct work *work)
{
    struct learn_role *out = work->out;
    struct policy_terms *role = &out->shown.options.terms;
    size_t count = out->shown.grant_count;

    for (size_t i = 0; i < count; i++) {
        const struct learned_grant *grant = &out->grants[i];
        if (grant->action == POLICY_PUBLISH && grant->terms.use.rate_messages == 0) {
            role->rate_messages = 0;
            role->rate_seconds = 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct learned_grant *grant = &out->grants[i];
        uint8_t maximum_qos = grant->terms.use.maximum_qos;
        if (grant->action == POLICY_SUBSCRIBE) {
            grant->terms.use = *role;
            grant->terms.use.maximum_qos = maximum_qos;
        }
        grant->is_plain = is_plain(grant, role);
    }
    if (count != 0)
        qsort(out->grants, count, sizeof(*out->grants), by_block);
}

static void copy_denials(const struct work *work)
{
    struct learn_role *out = work->out;

    for (size_t i = 0; i < role_rule_count(work->part); i++) {
        const struct policy_rule *rule = role_rule_at(work->part, i);
        if (learn_is_registry(&rule->origin))
            continue;
        if (rule->grants)
            out->shown.grants_before++;
        else
            out->denials[out->shown.denial_count++] = rule;
    }
}

/* Sorted by deed, entries of one identity are not side by side. */
static int count_identities(const struct work *work, size_t *out)
{
    const struct learn_entries *entries = work->entries;
    bool *seen = calloc(entries->count + 1, sizeof(*seen));

    if (seen == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < entries->count; i++) {
        const struct learn_entry *entry = &entries->at[i];
        if (is_own(entry, work->part) && !seen[entry->identity]) {
            seen[entry->identity] = true;
            ++*out;
        }
    }
    free(seen);
    return 0;
}

static int finish(struct work *work, size_t merge_above)
{
    struct learn_role *out = work->out;
    int error = learn_rows_merge(&work->rows, work->part, merge_above);

    if (error == 0)
        error = fold(work);
    if (error == 0)
        error = learn_scopes(&work->filters, work->part, &out->scopes, &out->shown.scope_count);
    if (error == 0)
        error = count_identities(work, &out->shown.identities);
    if (error < 0)
        return error;
    copy_denials(work);
    out->shown.options.unrestricted = work->needs_all;
    set_terms(work);
    return 0;
}

int learn_role_make(const struct learn_entries *entries, const struct role *part,
                    size_t merge_above, struct learn_role *out)
{
    struct work work = { .entries = entries, .part = part, .out = out };
    int error = 0;

    *out = (struct learn_role){ .shown = { .name = role_name(part),
                                           .options = *role_options_of(part) } };
    size_t own = 0;
    for (size_t i = 0; i < entries->count; i++)
        own += is_own(&entries->at[i], part);
    out->refusals = calloc(own + 1, sizeof(*out->refusals));
    out->denials = calloc(role_rule_count(part) + 1, sizeof(*out->denials));
    if (out->refusals == NULL || out->denials == NULL)
        error = -ENOMEM;
    if (error == 0)
        error = add_deeds(&work);
    if (error == 0)
        error = finish(&work, merge_above);
    learn_rows_fini(&work.rows);
    learn_filters_fini(&work.filters);
    out->shown.grants = out->grants;
    out->shown.scopes = out->scopes;
    out->shown.denials = out->denials;
    out->shown.refusals = out->refusals;
    return error;
}

void learn_role_fini(struct learn_role *role)
{
    for (size_t i = 0; i < role->shown.grant_count; i++)
        free((void *)(uintptr_t)role->grants[i].pattern);
    for (size_t i = 0; i < role->shown.scope_count; i++)
        free((void *)(uintptr_t)role->scopes[i].scope.prefix);
    for (size_t i = 0; i < role->shown.refusal_count; i++)
        free((void *)(uintptr_t)role->refusals[i].topic);
    free(role->grants);
    free(role->scopes);
    free(role->denials);
    free(role->refusals);
}
