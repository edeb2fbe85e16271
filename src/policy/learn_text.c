/* SPDX-License-Identifier: Apache-2.0 */
/* Learned roles as blocks of tacit.conf. */
#include "policy/learn_state.h"
#include "policy/learn_words.h"

#include <inttypes.h>

#define PAYLOAD_MAX  268435455u /* no packet holds more */
#define RATE_MAX     1000000000u
#define REFUSALS_MAX 20 /* that are listed */
#define WIDTH_ROLE   14 /* of keys, so that values stand below one another */
#define WIDTH_BLOCK  11

/* ---- keys ---- */

static void put_key(struct learn_writing *w, const char *indent, const char *key, int width)
{
    learn_words_format(w, "%s%-*s = ", indent, width, key);
}

static void put_string(struct learn_writing *w, const char *indent, const char *key,
                       const char *value)
{
    if (value[0] == '\0')
        return;
    put_key(w, indent, key, WIDTH_BLOCK);
    learn_words_quoted(w, value);
    learn_words_put(w, "\n");
}

static void put_on(struct learn_writing *w, const char *key, bool is_on)
{
    if (!is_on)
        return;
    put_key(w, "  ", key, WIDTH_ROLE);
    learn_words_put(w, "on\n");
}

static void put_payload(struct learn_writing *w, uint32_t bytes)
{
    uint32_t most = bytes < PAYLOAD_MAX ? bytes : PAYLOAD_MAX;

    if (most != 0 && most % 1048576 == 0)
        learn_words_format(w, "%" PRIu32 "MiB\n", most / 1048576);
    else if (most != 0 && most % 1024 == 0)
        learn_words_format(w, "%" PRIu32 "KiB\n", most / 1024);
    else
        learn_words_format(w, "%" PRIu32 "\n", most);
}

/* A span of time that no file can say becomes the next longer one: less, not more. */
static void put_rate(struct learn_writing *w, const struct policy_terms *terms)
{
    static const struct {
        uint32_t seconds;
        const char *per;
    } units[] = { { 1, "s" }, { 60, "m" }, { 3600, "h" } };
    const size_t last = MQTT_ARRAY_LEN(units) - 1;
    uint64_t messages = terms->rate_messages;
    size_t unit = 0;

    while (unit < last && units[unit].seconds < terms->rate_seconds)
        unit++;
    if (terms->rate_seconds > units[last].seconds)
        messages = messages * units[last].seconds / terms->rate_seconds;
    if (messages > RATE_MAX)
        messages = RATE_MAX;
    learn_words_format(w, "\"%" PRIu64 "/%s\"\n", messages > 0 ? messages : 1, units[unit].per);
}

/* Those that are not as in `like`. */
static void put_terms(struct learn_writing *w, const char *indent, int width,
                      const struct policy_terms *terms, const struct policy_terms *like)
{
    if (terms->maximum_qos != like->maximum_qos) {
        put_key(w, indent, "maximum-qos", width);
        learn_words_format(w, "%u\n", terms->maximum_qos);
    }
    if (terms->retain != like->retain) {
        put_key(w, indent, "retain", width);
        learn_words_put(w, terms->retain ? "on\n" : "off\n");
    }
    if (terms->payload_bytes != like->payload_bytes) {
        put_key(w, indent, "max-payload", width);
        put_payload(w, terms->payload_bytes);
    }
    if (terms->rate_messages != 0
        && (terms->rate_messages != like->rate_messages
            || terms->rate_seconds != like->rate_seconds)) {
        put_key(w, indent, "rate", width);
        put_rate(w, terms);
    }
}

/* ---- lists ---- */

/* One of a list; `use` may be NULL. */
static void put_pattern(struct learn_writing *w, const char *indent, const char *pattern,
                        const struct learned_use *use)
{
    if (learn_words_are_quotable(span_of(pattern))) {
        learn_words_format(w, "%s  ", indent);
        learn_words_quoted(w, pattern);
        learn_words_put(w, ",");
    } else {
        learn_words_format(w, "%s  # cannot be written in a file: ", indent);
        learn_words_shown(w, pattern);
    }
    if (use != NULL) {
        learn_words_put(w, " # ");
        learn_words_use(w, use);
    }
    learn_words_put(w, "\n");
}

/* The patterns for one action among some grants. */
static void put_grants(struct learn_writing *w, const char *indent, int width,
                       const struct learned_grant *grants, size_t count, enum policy_action action)
{
    bool is_open = false;

    for (size_t i = 0; i < count; i++) {
        if (grants[i].action != action)
            continue;
        if (!is_open) {
            put_key(w, indent, action == POLICY_PUBLISH ? "publish" : "subscribe", width);
            learn_words_put(w, "{\n");
        }
        is_open = true;
        put_pattern(w, indent, grants[i].pattern, &grants[i].use);
    }
    if (is_open)
        learn_words_format(w, "%s}\n", indent);
}

static void put_denials(struct learn_writing *w, const struct learned_role *role,
                        enum policy_action action)
{
    bool is_open = false;

    for (size_t i = 0; i < role->denial_count; i++) {
        if (role->denials[i]->action != action)
            continue;
        if (!is_open) {
            put_key(w, "  ", action == POLICY_PUBLISH ? "deny-publish" : "deny-subscribe",
                    WIDTH_ROLE);
            learn_words_put(w, "{\n");
        }
        is_open = true;
        put_pattern(w, "  ", role->denials[i]->pattern, NULL);
    }
    if (is_open)
        learn_words_put(w, "  }\n");
}

/* ---- blocks ---- */

static size_t count_alike(const struct learned_role *role, size_t begin)
{
    size_t end = begin + 1;

    while (end < role->grant_count && role->grants[end].is_plain == role->grants[begin].is_plain
           && learn_terms_compare(&role->grants[end].terms, &role->grants[begin].terms) == 0)
        end++;
    return end - begin;
}

static size_t count_plain(const struct learned_role *role)
{
    size_t count = 0;

    while (count < role->grant_count && role->grants[count].is_plain)
        count++;
    return count;
}

static void put_grant_block(struct learn_writing *w, const struct learned_role *role, size_t begin,
                            size_t count)
{
    const struct learned_grant *grants = &role->grants[begin];
    const struct learned_terms *terms = &grants->terms;

    learn_words_put(w, "  grant {\n");
    put_grants(w, "    ", WIDTH_BLOCK, grants, count, POLICY_PUBLISH);
    put_grants(w, "    ", WIDTH_BLOCK, grants, count, POLICY_SUBSCRIBE);
    put_terms(w, "    ", WIDTH_BLOCK, &terms->use, &role->options.terms);
    if (terms->expires_s != 0) {
        put_key(w, "    ", "expires", WIDTH_BLOCK);
        learn_words_put(w, "\"");
        learn_words_moment(w, terms->expires_s);
        learn_words_put(w, "\"\n");
    }
    put_string(w, "    ", "owner", terms->owner);
    put_string(w, "    ", "reason", terms->reason);
    learn_words_put(w, "  }\n");
}

static void put_scope(struct learn_writing *w, const struct learned_scope *learned)
{
    const struct policy_scope *scope = &learned->scope;

    learn_words_put(w, "  wildcards { # ");
    learn_words_use(w, &learned->use);
    learn_words_put(w, "\n");
    put_string(w, "    ", "prefix", scope->prefix);
    put_key(w, "    ", "depth", WIDTH_BLOCK);
    if (scope->depth == 0)
        learn_words_put(w, "any\n");
    else
        learn_words_format(w, "%" PRIu32 "\n", scope->depth);
    put_key(w, "    ", "most-topics", WIDTH_BLOCK);
    learn_words_format(w, "%" PRIu32 "\n", scope->most_topics);
    put_key(w, "    ", "expires", WIDTH_BLOCK);
    if (scope->expires_s == 0) {
        learn_words_put(w, "never\n");
    } else {
        learn_words_put(w, "\"");
        learn_words_moment(w, scope->expires_s);
        learn_words_put(w, "\"\n");
    }
    put_string(w, "    ", "owner", scope->owner);
    put_string(w, "    ", "reason", scope->reason);
    learn_words_put(w, "  }\n");
}

/* ---- a role ---- */

static void put_head(struct learn_writing *w, const struct learned *learned,
                     const struct learned_role *role)
{
    struct sketch_drops drops = learned->drops;
    uint64_t known = role->known > 0 ? (uint64_t)role->known : 0;

    learn_words_put(w, "# role ");
    learn_words_quoted(w, role->name);
    learn_words_format(w, ": %zu", role->identities);
    if (known >= role->identities)
        learn_words_format(w, " of %" PRIu64, known);
    else
        known = role->identities;
    learn_words_format(w, " device%s seen", learn_words_plural(known));
    if (learned->since_s != 0) {
        learn_words_put(w, " since ");
        learn_words_date(w, learned->since_s);
    }
    learn_words_format(w, "; %zu pattern%s instead of %zu\n", role->grant_count,
                       learn_words_plural(role->grant_count), role->grants_before);
    if (drops.topics != 0 || drops.entries != 0 || drops.unrecorded != 0)
        learn_words_format(w,
                           "# It may be too narrow: %" PRIu64 " topics and %" PRIu64
                           " entries were dropped, %" PRIu64 " could not be recorded.\n",
                           drops.topics, drops.entries, drops.unrecorded);
    if (role->options.unrestricted)
        learn_words_put(w,
                        "# It stays unrestricted: something was used that no grant can express.\n");
}

static void put_refusals(struct learn_writing *w, const struct learned_role *role)
{
    if (role->refusal_count != 0)
        learn_words_put(w, "# Refused, and not in it:\n");
    for (size_t i = 0; i < role->refusal_count && i < REFUSALS_MAX; i++) {
        const struct learned_refusal *refusal = &role->refusals[i];
        learn_words_put(w, refusal->action == POLICY_PUBLISH ? "#   publish " : "#   subscribe ");
        learn_words_shown(w, refusal->topic);
        learn_words_put(w, refusal->lapsed ? " (was allowed then): " : ": ");
        learn_words_use(w, &refusal->use);
        learn_words_put(w, "\n");
    }
    if (role->refusal_count > REFUSALS_MAX)
        learn_words_format(w, "#   and %zu more\n", role->refusal_count - REFUSALS_MAX);
}

static void put_options(struct learn_writing *w, const struct role_options *options)
{
    static const struct policy_terms standard = { .maximum_qos = 2,
                                                  .payload_bytes = POLICY_NO_LIMIT };

    put_terms(w, "  ", WIDTH_ROLE, &options->terms, &standard);
    put_on(w, "shared", options->shared);
    put_on(w, "unrestricted", options->unrestricted);
    if (options->carves) {
        put_key(w, "  ", "denials", WIDTH_ROLE);
        learn_words_put(w, "carve\n");
    }
    if (options->common_space) {
        put_key(w, "  ", "tenant-space", WIDTH_ROLE);
        learn_words_put(w, "common\n");
    }
}

static void put_role(struct learn_writing *w, const struct learned *learned,
                     const struct learned_role *role)
{
    size_t plain = count_plain(role);

    put_head(w, learned, role);
    put_refusals(w, role);
    learn_words_put(w, "role ");
    learn_words_quoted(w, role->name);
    learn_words_put(w, " {\n");
    put_grants(w, "  ", WIDTH_ROLE, role->grants, plain, POLICY_PUBLISH);
    put_grants(w, "  ", WIDTH_ROLE, role->grants, plain, POLICY_SUBSCRIBE);
    put_denials(w, role, POLICY_PUBLISH);
    put_denials(w, role, POLICY_SUBSCRIBE);
    put_options(w, &role->options);
    for (size_t i = plain; i < role->grant_count; i += count_alike(role, i))
        put_grant_block(w, role, i, count_alike(role, i));
    for (size_t i = 0; i < role->scope_count; i++)
        put_scope(w, &role->scopes[i]);
    learn_words_put(w, "}\n");
}

int learned_write(const struct learned *learned, learned_put put, void *context)
{
    struct learn_writing w = { put, context, 0 };

    for (size_t i = 0; i < learned->count; i++) {
        if (i != 0)
            learn_words_put(&w, "\n");
        put_role(&w, learned, &learned->roles[i].shown);
    }
    return w.result;
}

int learned_write_role(const struct learned *learned, size_t i, learned_put put, void *context)
{
    struct learn_writing w = { put, context, 0 };

    put_role(&w, learned, &learned->roles[i].shown);
    return w.result;
}
