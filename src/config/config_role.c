/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_term.h"
#include "config/config_value.h"
#include "config/rulebook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct diagnostics *diagnostics;
    struct config_role *role;
};

/* ---- grants and denials ---- */

struct rule_key {
    const char *key;
    enum policy_action action;
    bool grants;
};

static const struct rule_key rule_keys[] = {
    { "publish", POLICY_PUBLISH, true },
    { "subscribe", POLICY_SUBSCRIBE, true },
    { "deny-publish", POLICY_PUBLISH, false },
    { "deny-subscribe", POLICY_SUBSCRIBE, false },
};

static const struct rule_key *rule_key_of(const struct setting *item)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rule_keys); i++) {
        if (strcmp(item->key, rule_keys[i].key) == 0)
            return &rule_keys[i];
    }
    return NULL;
}

static size_t count_rules(const struct settings_block *block)
{
    size_t count = 0;

    for (size_t i = 0; i < block->count; i++)
        count += rule_key_of(&block->items[i]) != NULL ? 1 : 0;
    return count;
}

/* One rule for each pattern, all like `like`. */
static void read_rules(const struct reading *r, const struct settings_block *block,
                       const struct policy_rule *like)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct setting *item = &block->items[i];
        const struct rule_key *key = rule_key_of(item);
        if (key == NULL)
            continue;
        struct policy_rule *rule = &r->role->rules[r->role->rule_count++];
        *rule = *like;
        rule->action = key->action;
        rule->grants = key->grants;
        rule->pattern = item->text;
        rule->origin = (struct policy_origin){ item->file, item->line, item->column };
    }
}

static void read_terms(const struct reading *r, const struct settings_block *block,
                       struct policy_terms *terms)
{
    uint64_t qos = terms->maximum_qos;

    config_value_number(settings_value(block, "maximum-qos"), 0, 2, r->diagnostics, &qos);
    terms->maximum_qos = (uint8_t)qos;
    config_value_bool(settings_value(block, "retain"), r->diagnostics, &terms->retain);
    config_value_payload(settings_value(block, "max-payload"), r->diagnostics,
                         &terms->payload_bytes);
    config_value_rate(settings_value(block, "rate"), r->diagnostics, &terms->rate_messages,
                      &terms->rate_seconds);
}

/* What only counts when something is published. */
static void check_grant(const struct reading *r, const struct settings_block *block)
{
    static const char *const of_publish[] = { "retain", "max-payload", "rate" };
    bool publishes = settings_value(block, "publish") != NULL;

    if (!publishes && settings_value(block, "subscribe") == NULL)
        settings_complain_block(block, r->diagnostics,
                                "this grant grants nothing; write publish = { \"...\" } or "
                                "subscribe = { \"...\" }");
    for (size_t i = 0; !publishes && i < MQTT_ARRAY_LEN(of_publish); i++) {
        const struct setting *item = settings_value(block, of_publish[i]);
        if (item != NULL)
            settings_complain(item, r->diagnostics,
                              "'%s' applies to publish, and this grant has none; remove it",
                              item->key);
    }
}

static void read_grant(const struct reading *r, const struct settings_block *block)
{
    struct policy_rule like = { .owner = "", .reason = "", .terms = r->role->options.terms };

    read_terms(r, block, &like.terms);
    config_value_expiry(settings_value(block, "expires"), r->diagnostics, &like.expires_s, NULL);
    config_value_text(settings_value(block, "owner"), r->diagnostics, &like.owner);
    config_value_text(settings_value(block, "reason"), r->diagnostics, &like.reason);
    check_grant(r, block);
    read_rules(r, block, &like);
}

/* ---- wildcards ---- */

static const struct setting *required(const struct reading *r, const struct settings_block *block,
                                      const char *key, const char *example)
{
    const struct setting *item = settings_value(block, key);

    if (item == NULL)
        settings_complain_block(block, r->diagnostics, "wildcards without '%s'; add %s = %s", key,
                                key, example);
    return item;
}

static void read_prefix(const struct reading *r, const struct setting *item,
                        struct policy_scope *scope)
{
    size_t len = item == NULL ? 0 : strlen(item->text);

    if (item == NULL)
        return;
    scope->prefix = item->text;
    scope->origin = (struct policy_origin){ item->file, item->line, item->column };
    if (strpbrk(item->text, "+#") != NULL)
        settings_complain(item, r->diagnostics,
                          "prefix = \"%.100s\": a prefix has no wildcards; write the levels they "
                          "stand behind, such as \"home/\"",
                          item->text);
    else if (len == 0 || item->text[len - 1] != '/')
        settings_complain(item, r->diagnostics, "prefix = \"%.100s\": end it with '/'", item->text);
}

static void read_wildcards(const struct reading *r, const struct settings_block *block)
{
    struct config_scope *out = &r->role->scopes[r->role->scope_count];
    unsigned before = r->diagnostics->errors;
    uint64_t most_topics = 1;
    *out = (struct config_scope){
        .scope = { .prefix = "", .owner = "", .reason = "" },
    };
    struct policy_scope *scope = &out->scope;
    scope->origin = (struct policy_origin){ block->file, block->line, block->column };
    read_prefix(r, required(r, block, "prefix", "\"home/\", the levels that filters begin with"),
                scope);
    config_value_depth(required(r, block, "depth", "2, how many levels below the prefix, or any"),
                       r->diagnostics, &scope->depth);
    config_value_number(required(r, block, "most-topics",
                                 "100, how many different topics one subscription is served"),
                        1, CONFIG_TERM_TOPICS_MAX, r->diagnostics, &most_topics);
    scope->most_topics = (uint32_t)most_topics;
    config_value_expiry(required(r, block, "expires", "\"30d\", a date, or never"), r->diagnostics,
                        &scope->expires_s, &out->lasts_s);
    config_value_text(required(r, block, "owner", "\"...\", who answers for it"), r->diagnostics,
                      &scope->owner);
    config_value_text(required(r, block, "reason", "\"...\", why it has to be"), r->diagnostics,
                      &scope->reason);
    /* What is wrong already need not be refused by the policy, too. */
    r->role->scope_count += r->diagnostics->errors == before ? 1 : 0;
}

/* ---- the whole block ---- */

/* What one identity may use up, and all that have the role together. */
static void read_bounds(const struct reading *r, const struct settings_block *block)
{
    struct policy_bounds *bounds = &r->role->options.bounds;
    bool is_set = false; /* 0 is as good as nothing */
    const struct {
        const char *key;
        const char *unit;
        struct policy_rate *out;
    } rates[] = { { "max-messages", "messages", &bounds->messages },
                  { "max-bytes", "bytes", &bounds->bytes },
                  { "max-connects", "connections", &bounds->connects },
                  { "max-subscribes", "filters", &bounds->subscribes },
                  { "max-messages-all", "messages", &bounds->all.messages },
                  { "max-bytes-all", "bytes", &bounds->all.bytes },
                  { "max-connects-all", "connections", &bounds->all.connects },
                  { "max-subscribes-all", "filters", &bounds->all.subscribes } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rates); i++)
        config_value_bound(settings_value(block, rates[i].key), rates[i].unit, r->diagnostics,
                           rates[i].out);
    config_value_bytes(settings_value(block, "max-retained"), r->diagnostics,
                       &bounds->retained_bytes, &bounds->has_retained_bytes);
    config_value_bytes(settings_value(block, "max-retained-all"), r->diagnostics,
                       &bounds->all.retained_bytes, &is_set);
}

static void read_require_key(const struct reading *r, const struct settings_block *block)
{
    const char *words[POLICY_KEY_COUNT];
    unsigned choice = POLICY_KEY_ANY;

    for (unsigned i = 0; i < POLICY_KEY_COUNT; i++)
        words[i] = policy_key_name((enum policy_key)i);
    config_value_choice(settings_value(block, "require-key"), words, MQTT_ARRAY_LEN(words),
                        r->diagnostics, &choice);
    r->role->options.require_key = (enum policy_key)choice;
}

static void read_ratchet(const struct reading *r, const struct settings_block *block,
                         struct role_options *options)
{
    static const char *const words[] = { "on", "required", "off" };
    unsigned choice = POLICY_RATCHET_ON;

    _Static_assert(MQTT_ARRAY_LEN(words) == POLICY_RATCHET_COUNT, "a word for each");
    config_value_choice(settings_value(block, "ratchet"), words, MQTT_ARRAY_LEN(words),
                        r->diagnostics, &choice);
    options->ratchet = (enum policy_ratchet)choice;
}

static void read_sense(const struct reading *r, const struct settings_block *block,
                       struct role_options *options)
{
    static const char *const words[] = { "on", "alert-only", "off" };
    unsigned choice = POLICY_SENSE_ON;

    _Static_assert(MQTT_ARRAY_LEN(words) == POLICY_SENSE_COUNT, "a word for each");
    config_value_choice(settings_value(block, "sense"), words, MQTT_ARRAY_LEN(words),
                        r->diagnostics, &choice);
    options->sense = (enum policy_sense)choice;
}

static void read_options(const struct reading *r, const struct settings_block *block)
{
    static const char *const spaces[] = { "own", "common" };
    static const char *const denials[] = { "refuse", "carve" };
    static const char *const clones[] = { "hold", "drop-both", "keep-first", "allow" };
    static const enum policy_clone clone_of[] = { POLICY_CLONE_HOLD, POLICY_CLONE_DROP_BOTH,
                                                  POLICY_CLONE_KEEP_FIRST, POLICY_CLONE_ALLOW };
    struct role_options *options = &r->role->options;
    unsigned space = 0;
    unsigned denial = 0;

    options->terms = (struct policy_terms){ .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT };
    read_terms(r, block, &options->terms);
    config_value_bool(settings_value(block, "shared"), r->diagnostics, &options->shared);
    config_value_bool(settings_value(block, "unrestricted"), r->diagnostics,
                      &options->unrestricted);
    config_value_choice(settings_value(block, "tenant-space"), spaces, MQTT_ARRAY_LEN(spaces),
                        r->diagnostics, &space);
    config_value_choice(settings_value(block, "denials"), denials, MQTT_ARRAY_LEN(denials),
                        r->diagnostics, &denial);
    options->common_space = space == 1;
    options->carves = denial == 1;
    read_bounds(r, block);
    read_require_key(r, block);
    options->durability =
        config_value_durability(settings_value(block, "durability"), r->diagnostics);
    read_ratchet(r, block, options);
    read_sense(r, block, options);
    if (settings_value(block, "clone") == NULL)
        return;
    unsigned clone = 0;
    config_value_choice(settings_value(block, "clone"), clones, MQTT_ARRAY_LEN(clones),
                        r->diagnostics, &clone);
    options->clone = clone_of[clone];
}

/* A role's own blocks stand right behind it. */
static bool is_inside(const struct settings *settings, size_t which, size_t i)
{
    return i < settings->block_count && settings->blocks[i].parent == which;
}

/* Room for what the block and those inside hold. */
static int reserve(const struct settings *settings, size_t which, struct config_role *role)
{
    size_t rules = count_rules(&settings->blocks[which]);
    size_t scopes = 0;

    for (size_t i = which + 1; is_inside(settings, which, i); i++) {
        rules += count_rules(&settings->blocks[i]);
        scopes += settings->blocks[i].kind == SETTINGS_WILDCARDS ? 1 : 0;
    }
    role->rules = calloc(rules + 1, sizeof(role->rules[0]));
    role->scopes = calloc(scopes + 1, sizeof(role->scopes[0]));
    return role->rules != NULL && role->scopes != NULL ? 0 : -ENOMEM;
}

int config_role_read(const struct settings *settings, size_t which, struct diagnostics *diagnostics,
                     struct config_role *out)
{
    const struct settings_block *block = &settings->blocks[which];
    const struct reading r = { diagnostics, out };

    *out = (struct config_role){
        .name = block->title,
        .origin = { block->file, block->line, block->column },
    };
    if (!identity_name_is_valid(block->title)) {
        settings_complain_block(block, diagnostics,
                                "role \"%.100s\": a name is made of letters, digits and . _ : -",
                                block->title);
        out->name = NULL;
    } else if (rulebook_name_is_reserved(block->title)) {
        settings_complain_block(block, diagnostics,
                                "role \"%.100s\": names that begin with group: or device: stand "
                                "for what the registry grants to one; choose another",
                                block->title);
        out->name = NULL;
    }
    int status = reserve(settings, which, out);
    if (status != 0)
        return status;
    read_options(&r, block);
    const struct policy_rule like = { .owner = "", .reason = "", .terms = out->options.terms };
    read_rules(&r, block, &like);
    for (size_t i = which + 1; is_inside(settings, which, i); i++) {
        const struct settings_block *inner = &settings->blocks[i];
        if (inner->kind == SETTINGS_GRANT)
            read_grant(&r, inner);
        else
            read_wildcards(&r, inner);
    }
    return 0;
}

void config_role_fini(struct config_role *role)
{
    free(role->rules);
    free(role->scopes);
}

/* ---- into a policy ---- */

struct adding {
    int64_t now_s;
    config_expiry expiry_of;
    void *context;
    struct diagnostics *diagnostics; /* NULL: the first refusal ends it */
};

/* After what the policy said: 0 to go on. */
static int judge(const struct adding *adding, int status, const struct policy_origin *origin,
                 const char *text, const char *why)
{
    if (status != -EINVAL || adding->diagnostics == NULL)
        return status;
    diagnostics_error(adding->diagnostics, origin->file, origin->line, origin->column,
                      "\"%.200s\": %s", text, why);
    return 0;
}

static bool has_expired(const struct adding *adding, int64_t expires_s)
{
    return adding->now_s != 0 && expires_s != 0 && expires_s <= adding->now_s;
}

static int add_scope(const struct config_role *from, const struct config_scope *scope,
                     const struct adding *adding, struct role *role)
{
    struct policy_scope copy = scope->scope;
    const char *why = "";

    if (scope->lasts_s != 0)
        copy.expires_s =
            adding->expiry_of != NULL ? adding->expiry_of(adding->context, from, scope) : 0;
    if (has_expired(adding, copy.expires_s))
        return 0;
    int status = role_add_scope(role, &copy, &why);
    return judge(adding, status, &copy.origin, copy.prefix, why);
}

static int add_parts(const struct config_role *from, const struct adding *adding, struct role *role)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < from->rule_count; i++) {
        const struct policy_rule *rule = &from->rules[i];
        const char *why = "";
        if (has_expired(adding, rule->expires_s))
            continue;
        status = role_add_rule(role, rule, &why);
        status = judge(adding, status, &rule->origin, rule->pattern, why);
    }
    for (size_t i = 0; status == 0 && i < from->scope_count; i++)
        status = add_scope(from, &from->scopes[i], adding, role);
    return status;
}

int config_role_add(const struct config_role *role, struct policy *policy, int64_t now_s,
                    config_expiry expiry_of, void *context, struct role **out)
{
    const struct adding adding = { now_s, expiry_of, context, NULL };
    struct role *added = policy_add_role(policy, role->name, &role->options);

    if (added == NULL)
        return policy_find_role(policy, role->name) != NULL ? -EINVAL : -ENOMEM;
    int status = add_parts(role, &adding, added);
    if (status == 0)
        *out = added;
    return status;
}

int config_role_check(const struct config_role *role, struct diagnostics *diagnostics,
                      struct policy *policy)
{
    const struct adding adding = { .diagnostics = diagnostics };
    struct role *added = policy_add_role(policy, role->name, &role->options);

    return added != NULL ? add_parts(role, &adding, added) : -ENOMEM;
}
