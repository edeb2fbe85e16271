/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/replay_usage.h"

#include "policy/filter.h"
#include "policy/share.h"

#include <errno.h>
#include <stdlib.h>

static int push(struct replay_usage *usage, const struct replay_use *use)
{
    if (usage->count == usage->room) {
        size_t room = usage->room != 0 ? 2 * usage->room : 64;
        struct replay_use *grown = realloc(usage->uses, room * sizeof(*grown));
        if (grown == NULL)
            return -ENOMEM;
        usage->uses = grown;
        usage->room = room;
    }
    usage->uses[usage->count++] = *use;
    return 0;
}

/* Where the uses of a part begin. With a grant for each of many devices there are many parts. */
struct place {
    struct bytes_node node;
    const struct role *part;
    size_t first;
};

static struct place *find_place(const struct replay_usage *usage, const struct role *part)
{
    struct mqtt_span key = { (const uint8_t *)&part, sizeof(part) };
    struct bytes_node *node = bytes_map_find(&usage->parts, key);
    return node != NULL ? MQTT_CONTAINER_OF(node, struct place, node) : NULL;
}

static int add_place(struct replay_usage *usage, const struct role *part)
{
    struct place *place = calloc(1, sizeof(*place));
    if (place == NULL)
        return -ENOMEM;
    place->part = part;
    place->first = usage->count;
    place->node.key = (struct mqtt_span){ (const uint8_t *)&place->part, sizeof(place->part) };
    int error = bytes_map_insert(&usage->parts, &place->node);
    if (error < 0)
        free(place);
    return error;
}

static int add_part(struct replay_usage *usage, const struct role *part)
{
    if (find_place(usage, part) != NULL)
        return 0;
    int error = add_place(usage, part);
    for (size_t i = 0; i < role_rule_count(part) && error == 0; i++)
        if (role_rule_at(part, i)->grants)
            error =
                push(usage, &(struct replay_use){ .part = part, .rule = role_rule_at(part, i) });
    for (size_t i = 0; i < role_scope_count(part) && error == 0; i++)
        error = push(usage, &(struct replay_use){ .part = part, .scope = role_scope_at(part, i) });
    return error;
}

int replay_usage_add_role(struct replay_usage *usage, const struct role *role)
{
    int error = 0;
    for (size_t i = 0; i < role_part_count(role) && error == 0; i++)
        error = add_part(usage, role_part_at(role, i));
    return error;
}

static struct replay_use *find_use(struct replay_usage *usage, const struct role *part,
                                   const void *what)
{
    const struct place *place = find_place(usage, part);
    for (size_t i = place != NULL ? place->first : usage->count; i < usage->count; i++) {
        struct replay_use *use = &usage->uses[i];
        if (use->part != part)
            return NULL;
        if (use->rule == what || use->scope == what)
            return use;
    }
    return NULL;
}

static void note_use(struct replay_use *use, const struct sketch_entry *entry, bool is_needed)
{
    if (entry->last_s > use->used_s)
        use->used_s = entry->last_s;
    if (is_needed && entry->last_s > use->needed_s)
        use->needed_s = entry->last_s;
    use->count = entry->count > UINT64_MAX - use->count ? UINT64_MAX : use->count + entry->count;
}

static bool covers(const struct share_line *line, const struct sketch_entry *entry)
{
    return line->rule->grants && line->rule->action == entry->action && !line->is_missing
           && filter_overlaps(span_of(line->filter), entry->topic);
}

/* Does it take all that the entry stands for? Only then is another one not needed. */
static bool covers_all(const struct share_line *line, const struct sketch_entry *entry)
{
    return covers(line, entry) && filter_contains(span_of(line->filter), entry->topic);
}

static void use_grants(struct replay_usage *usage, const struct share *share,
                       const struct sketch_entry *entry)
{
    size_t complete = 0;
    for (size_t i = 0; i < share->count; i++)
        complete += covers_all(&share->lines[i], entry);
    for (size_t i = 0; i < share->count; i++) {
        const struct share_line *line = &share->lines[i];
        if (!covers(line, entry))
            continue;
        struct replay_use *use = find_use(usage, line->part, line->rule);
        if (use != NULL)
            note_use(use, entry, complete == 0 || (complete == 1 && covers_all(line, entry)));
    }
}

static void use_scope(struct replay_usage *usage, const struct role *role,
                      const struct sketch_entry *entry)
{
    if (entry->action != POLICY_SUBSCRIBE || entry->generalised)
        return;
    const struct policy_scope *scope =
        policy_decide_subscribe(role, &entry->identity, entry->topic).scope;
    for (size_t i = 0; i < role_part_count(role) && scope != NULL; i++) {
        struct replay_use *use = find_use(usage, role_part_at(role, i), scope);
        if (use != NULL)
            note_use(use, entry, true);
    }
}

struct using
{
    const struct policy *policy;
    struct replay_usage *usage;
};

static int use_entry(void *context, const struct sketch_entry *entry)
{
    const struct using *using = context;
    const struct role *role = policy_find(using->policy, &entry->identity);
    struct share share;
    if (!entry->allowed || role == NULL)
        return 0;
    int error = replay_usage_add_role(using->usage, role);
    if (error < 0)
        return error;
    error = share_list(role, &entry->identity, &share);
    if (error == 0) {
        use_grants(using->usage, &share, entry);
        use_scope(using->usage, role, entry);
    }
    share_fini(&share);
    return error;
}

int replay_usage_of(const struct policy *policy, const struct sketch *sketch,
                    struct replay_usage *out)
{
    int error = 0;
    *out = (struct replay_usage){ .uses = NULL };
    /* Nobody chooses where a role lies in memory: the map needs no secret. */
    bytes_map_init(&out->parts, &(struct siphash_key){ 0 });
    for (size_t i = 0; i < policy_role_count(policy) && error == 0; i++)
        error = add_part(out, policy_role_at(policy, i));
    if (error < 0)
        return error;
    return sketch_each(sketch, use_entry, &(struct using){ policy, out });
}

static void free_place(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct place, node));
}

void replay_usage_fini(struct replay_usage *usage)
{
    bytes_map_each(&usage->parts, free_place, NULL);
    bytes_map_fini(&usage->parts);
    free(usage->uses);
    *usage = (struct replay_usage){ .uses = NULL };
}
