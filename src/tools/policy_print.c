/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_print.h"

#include "base/attrs.h"
#include "codec/utf8.h"
#include "config/rulebook.h"
#include "tools/identity_print.h"
#include "tools/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_COLUMNS 13

/* ---- people ---- */

static void put(const char *text)
{
    (void)printable_put(stdout, span_of(text));
}

void policy_print_key(const char *key)
{
    printable_pad(stdout, span_of(key), KEY_COLUMNS);
}

void policy_print_fact(const char *key, const char *value)
{
    policy_print_key(key);
    put(value);
    (void)putchar('\n');
}

static void write_place(FILE *file, const struct policy_origin *origin)
{
    (void)printable_put(file, span_of(origin->file != NULL ? origin->file : "-"));
    if (origin->line != 0)
        (void)fprintf(file, ":%u", origin->line);
    if (origin->line != 0 && origin->column != 0)
        (void)fprintf(file, ":%u", origin->column);
}

void policy_print_place(const struct policy_origin *origin)
{
    write_place(stdout, origin);
}

const char *policy_print_place_text(const struct policy_origin *origin, char *out, size_t size)
{
    const char *file = origin->file != NULL ? origin->file : "-";
    if (origin->line == 0)
        (void)snprintf(out, size, "%s", file);
    else if (origin->column == 0)
        (void)snprintf(out, size, "%s:%u", file, origin->line);
    else
        (void)snprintf(out, size, "%s:%u:%u", file, origin->line, origin->column);
    return out;
}

const char *policy_print_word(const struct policy_rule *rule)
{
    if (rule->action == POLICY_PUBLISH)
        return rule->grants ? "publish" : "deny-publish";
    return rule->grants ? "subscribe" : "deny-subscribe";
}

void policy_print_rule(const struct policy_rule *rule)
{
    (void)printf("%s \"", policy_print_word(rule));
    put(rule->pattern);
    (void)putchar('"');
}

/* The kind of a part and, behind its prefix, the name. */
const char *policy_print_part_kind(const struct role *part, const char **out_name)
{
    static const struct {
        const char *prefix, *kind;
    } carriers[] = { { RULEBOOK_GROUP, "group" }, { RULEBOOK_DEVICE, "device" } };
    *out_name = role_name(part);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(carriers); i++) {
        if (!span_starts_with(span_of(*out_name), span_of(carriers[i].prefix)))
            continue;
        *out_name += strlen(carriers[i].prefix);
        return carriers[i].kind;
    }
    return "role";
}

void policy_print_part(const struct role *part)
{
    const char *name;
    const char *kind = policy_print_part_kind(part, &name);
    (void)printf("%s \"", kind);
    put(name);
    (void)putchar('"');
}

void policy_print_terms(const struct policy_rule *rule)
{
    const struct policy_terms *terms = &rule->terms;
    (void)printf("QoS %u", terms->maximum_qos);
    if (rule->action == POLICY_SUBSCRIBE)
        return;
    if (terms->retain)
        (void)printf(", retained");
    if (terms->payload_bytes != POLICY_NO_LIMIT)
        (void)printf(", up to %" PRIu32 " bytes", terms->payload_bytes);
    if (terms->rate_messages != 0)
        (void)printf(", %" PRIu32 " messages per %" PRIu32 " s", terms->rate_messages,
                     terms->rate_seconds);
}

void policy_print_scope(const struct policy_scope *scope)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    (void)printf("below \"");
    put(scope->prefix);
    if (scope->depth == 0)
        (void)printf("\" at any depth");
    else
        (void)printf("\" to %" PRIu32 " level%s", scope->depth, scope->depth == 1 ? "" : "s");
    (void)printf(", %" PRIu32 " topic%s, ", scope->most_topics, scope->most_topics == 1 ? "" : "s");
    if (scope->expires_s == 0)
        (void)printf("never expires");
    else
        (void)printf("until %s", identity_print_time(scope->expires_s, time));
    (void)printf(" (");
    put(scope->owner);
    (void)printf(": ");
    put(scope->reason);
    (void)putchar(')');
}

static bool has_it(const struct role *part, const void *rule_or_scope)
{
    for (size_t i = 0; i < role_rule_count(part); i++)
        if (role_rule_at(part, i) == rule_or_scope)
            return true;
    for (size_t i = 0; i < role_scope_count(part); i++)
        if (role_scope_at(part, i) == rule_or_scope)
            return true;
    return false;
}

const struct role *policy_print_owner(const struct role *role, const void *rule_or_scope)
{
    for (size_t i = 0; i < role_part_count(role); i++)
        if (has_it(role_part_at(role, i), rule_or_scope))
            return role_part_at(role, i);
    return role;
}

/* ---- programs ---- */

bool policy_print_set(json_t *object, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(object, key, value) == 0;
}

json_t *policy_print_span_json(struct mqtt_span text)
{
    char *copy = NULL;
    size_t size = 0;
    if (text.len == 0)
        return json_string("");
    if (mqtt_utf8_is_valid(text))
        return json_stringn((const char *)text.data, text.len);
    FILE *file = open_memstream(&copy, &size);
    if (file == NULL)
        return NULL;
    (void)printable_put(file, text);
    json_t *json = fclose(file) == 0 ? json_string(copy) : NULL;
    free(copy);
    return json;
}

json_t *policy_print_text_json(const char *text)
{
    return text != NULL ? policy_print_span_json(span_of(text)) : json_null();
}

/* The place as people read it. */
static json_t *place_json(const struct policy_origin *origin)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return NULL;
    write_place(file, origin);
    json_t *json = fclose(file) == 0 ? policy_print_text_json(text) : NULL;
    free(text);
    return json;
}

bool policy_print_add_place(json_t *object, const struct policy_origin *origin)
{
    return policy_print_set(object, "place", place_json(origin))
           && policy_print_set(object, "file", policy_print_text_json(origin->file))
           && policy_print_set(object, "line", json_integer(origin->line))
           && policy_print_set(object, "column", json_integer(origin->column));
}

static json_t *time_json(int64_t time_s)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    return time_s != 0 ? json_string(identity_print_time_rfc3339(time_s, time)) : json_null();
}

static json_t *number_json(bool is_there, uint32_t value)
{
    return is_there ? json_integer(value) : json_null();
}

static bool add_terms(json_t *object, const struct policy_rule *rule)
{
    const struct policy_terms *terms = &rule->terms;
    bool publishes = rule->grants && rule->action == POLICY_PUBLISH;
    bool has_rate = publishes && terms->rate_messages != 0;
    return policy_print_set(object, "maximum_qos", number_json(rule->grants, terms->maximum_qos))
           && policy_print_set(object, "retain",
                               publishes ? json_boolean(terms->retain) : json_null())
           && policy_print_set(object, "max_payload",
                               number_json(publishes && terms->payload_bytes != POLICY_NO_LIMIT,
                                           terms->payload_bytes))
           && policy_print_set(object, "rate", number_json(has_rate, terms->rate_messages))
           && policy_print_set(object, "rate_seconds", number_json(has_rate, terms->rate_seconds));
}

static bool add_account(json_t *object, int64_t expires_s, const char *owner, const char *reason)
{
    return policy_print_set(object, "expires", time_json(expires_s))
           && policy_print_set(object, "owner", policy_print_text_json(owner))
           && policy_print_set(object, "reason", policy_print_text_json(reason));
}

/* The object, or NULL after giving it up. */
static json_t *whole(json_t *object, bool is_whole)
{
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

json_t *policy_print_rule_json(const struct role *part, const struct policy_rule *rule)
{
    json_t *object = json_object();
    return whole(object,
                 policy_print_add_place(object, &rule->origin)
                     && policy_print_set(object, "role", policy_print_text_json(role_name(part)))
                     && policy_print_set(
                         object, "action",
                         json_string(rule->action == POLICY_PUBLISH ? "publish" : "subscribe"))
                     && policy_print_set(object, "grants", json_boolean(rule->grants))
                     && policy_print_set(object, "pattern", policy_print_text_json(rule->pattern))
                     && add_terms(object, rule)
                     && add_account(object, rule->expires_s, rule->owner, rule->reason));
}

json_t *policy_print_scope_json(const struct role *part, const struct policy_scope *scope)
{
    json_t *object = json_object();
    return whole(
        object,
        policy_print_add_place(object, &scope->origin)
            && policy_print_set(object, "role", policy_print_text_json(role_name(part)))
            && policy_print_set(object, "prefix", policy_print_text_json(scope->prefix))
            && policy_print_set(object, "depth", number_json(scope->depth != 0, scope->depth))
            && policy_print_set(object, "most_topics", json_integer(scope->most_topics))
            && add_account(object, scope->expires_s, scope->owner, scope->reason));
}
