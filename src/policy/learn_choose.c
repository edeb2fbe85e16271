/* SPDX-License-Identifier: Apache-2.0 */
/* Which grants of today stand behind what was seen. */
#include "codec/topic.h"
#include "policy/learn_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REGISTRY "registry"
#define QOS_MAX  2

bool learn_is_registry(const struct policy_origin *origin)
{
    return origin->file != NULL && strcmp(origin->file, REGISTRY) == 0;
}

/* ---- terms ---- */

struct learned_terms learn_terms_of(const struct policy_rule *rule)
{
    if (rule == NULL)
        return (struct learned_terms){
            .use = { .maximum_qos = QOS_MAX, .retain = true, .payload_bytes = POLICY_NO_LIMIT },
            .owner = "",
            .reason = "",
        };
    struct learned_terms terms = { rule->terms, rule->expires_s, rule->owner, rule->reason };
    if (rule->action == POLICY_SUBSCRIBE)
        terms.use = (struct policy_terms){ .maximum_qos = rule->terms.maximum_qos };
    return terms;
}

/* As many messages in any time; without a rate there is no bound. */
static bool is_as_fast(const struct policy_terms *a, const struct policy_terms *b)
{
    if (a->rate_messages == 0 || b->rate_messages == 0)
        return a->rate_messages == 0;
    return a->rate_messages >= b->rate_messages
           && (uint64_t)a->rate_messages * b->rate_seconds
                  >= (uint64_t)b->rate_messages * a->rate_seconds;
}

bool learn_terms_dominate(enum policy_action action, const struct learned_terms *a,
                          const struct learned_terms *b)
{
    if (a->use.maximum_qos < b->use.maximum_qos)
        return false;
    if (a->expires_s != 0 && (b->expires_s == 0 || b->expires_s > a->expires_s))
        return false;
    return action == POLICY_SUBSCRIBE
           || (a->use.retain >= b->use.retain && a->use.payload_bytes >= b->use.payload_bytes
               && is_as_fast(&a->use, &b->use));
}

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

int learn_terms_compare(const struct learned_terms *a, const struct learned_terms *b)
{
    const int64_t numbers[][2] = {
        { a->use.maximum_qos, b->use.maximum_qos },
        { a->use.retain, b->use.retain },
        { a->use.payload_bytes, b->use.payload_bytes },
        { a->use.rate_messages, b->use.rate_messages },
        { a->use.rate_seconds, b->use.rate_seconds },
        { a->expires_s, b->expires_s },
    };
    int order = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(numbers) && order == 0; i++)
        order = compare_numbers(numbers[i][0], numbers[i][1]);
    if (order == 0)
        order = strcmp(a->owner, b->owner);
    return order != 0 ? order : strcmp(a->reason, b->reason);
}

/* ---- all sources ---- */

static bool is_shape(const struct sketch_entry *entry)
{
    return entry->generalised || mqtt_topic_filter_has_wildcard(entry->topic);
}

/* Does the pattern name something that the identity lacks? Then it grants nothing. */
static bool lacks_name(const char *pattern, const struct identity *identity)
{
    return (strstr(pattern, "%{device}") != NULL && !identity_name_is_valid(identity->device))
           || (strstr(pattern, "%{tenant}") != NULL && !identity_name_is_valid(identity->tenant))
           || (strstr(pattern, "%{site}") != NULL && !identity_name_is_valid(identity->site));
}

static void add(struct learn_choice *choice, const struct role *part,
                const struct policy_rule *rule, bool contains)
{
    choice->sources[choice->count++] = (struct learn_source){
        .part = part, .rule = rule, .terms = learn_terms_of(rule), .contains = contains
    };
}

static void add_part(struct learn_choice *choice, const struct role *part,
                     const struct sketch_entry *entry, uint8_t least_qos)
{
    if (role_options_of(part)->unrestricted)
        add(choice, part, NULL, true);
    for (size_t i = 0; i < role_rule_count(part); i++) {
        const struct policy_rule *rule = role_rule_at(part, i);
        struct pattern pattern = pattern_of(span_of(rule->pattern));
        if (!rule->grants || rule->action != entry->action || rule->terms.maximum_qos < least_qos)
            continue;
        if (pattern_contains(&pattern, &entry->identity, entry->topic))
            add(choice, part, rule, true);
        else if (is_shape(entry) && !lacks_name(rule->pattern, &entry->identity)
                 && pattern_overlaps(&pattern, &entry->identity, entry->topic))
            add(choice, part, rule, false);
    }
}

/* ---- the best of them ---- */

/* Less is better: the registry, '#' and every '+' cost, each more than all that follow. */
static size_t width_of(const struct learn_source *source)
{
    size_t width = 0;

    if (source->rule == NULL)
        return SIZE_MAX;
    for (const char *c = source->rule->pattern; *c != '\0'; c++)
        width += *c == '+' ? 1 : *c == '#' ? 65536 : 0;
    return width + (learn_is_registry(&source->rule->origin) ? 65536 * 2 : 0);
}

/* Is `other` there for all that the entry needs `source` for? Of two that are as good, the
 * narrower one is kept, or else the first. */
static bool replaces(enum policy_action action, const struct learn_source *other,
                     const struct learn_source *source)
{
    if (!other->contains || !learn_terms_dominate(action, &other->terms, &source->terms))
        return false;
    if (!source->contains || !learn_terms_dominate(action, &source->terms, &other->terms))
        return true;
    size_t width = width_of(source);
    size_t other_width = width_of(other);
    return other_width < width || (other_width == width && other < source);
}

static void keep_best(struct learn_choice *choice, const struct sketch_entry *entry)
{
    size_t kept = 0;
    bool is_filter = is_shape(entry) && !entry->generalised;
    bool is_contained = false;
    bool *is_needed = calloc(choice->count + 1, sizeof(*is_needed));

    if (is_needed == NULL)
        return; /* then all are kept: more than is needed, but nothing wrong */
    for (size_t i = 0; i < choice->count; i++)
        is_contained |= choice->sources[i].contains;
    for (size_t i = 0; i < choice->count; i++) {
        /* A subscription has one quality: of a grant that takes only a part nothing is left. */
        is_needed[i] = !is_filter || !is_contained || choice->sources[i].contains;
        for (size_t j = 0; j < choice->count && is_needed[i]; j++)
            is_needed[i] = !replaces(entry->action, &choice->sources[j], &choice->sources[i]);
    }
    for (size_t i = 0; i < choice->count; i++) {
        if (is_needed[i])
            choice->sources[kept++] = choice->sources[i];
    }
    choice->count = kept;
    free(is_needed);
}

/* ---- */

/* Is it allowed as a whole? Shapes are looked at piece by piece. */
static bool ask(const struct learn_entry *entry, uint8_t *least_qos,
                const struct policy_scope **out_scope)
{
    const struct sketch_entry *said = &entry->said;

    if (said->generalised)
        return true;
    if (said->action == POLICY_PUBLISH)
        return policy_decide_publish(entry->role, &said->identity, said->topic).verdict
               == POLICY_ALLOW;
    struct policy_decision decision =
        policy_decide_subscribe(entry->role, &said->identity, said->topic);
    *least_qos = mqtt_topic_filter_has_wildcard(said->topic) ? decision.maximum_qos : 0;
    *out_scope = decision.scope;
    return decision.verdict == POLICY_ALLOW;
}

int learn_choose(const struct learn_entry *entry, struct learn_choice *out)
{
    size_t room = role_part_count(entry->role);
    uint8_t least_qos = 0;

    *out = (struct learn_choice){ NULL, 0, NULL };
    if (!ask(entry, &least_qos, &out->scope))
        return 0;
    for (size_t i = 0; i < role_part_count(entry->role); i++)
        room += role_rule_count(role_part_at(entry->role, i));
    out->sources = calloc(room, sizeof(*out->sources));
    if (out->sources == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < role_part_count(entry->role); i++)
        add_part(out, role_part_at(entry->role, i), &entry->said, least_qos);
    keep_best(out, &entry->said);
    return 0;
}

void learn_choice_fini(struct learn_choice *choice)
{
    free(choice->sources);
    *choice = (struct learn_choice){ NULL, 0, NULL };
}
