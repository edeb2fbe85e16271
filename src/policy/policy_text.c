/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to people, and what a topic space is called. */
#include "codec/topic.h"
#include "policy/role.h"

#include <stdio.h>
#include <string.h>

#define SPACE_ROOT  "$tenant/"
#define SHOWN_BYTES 120 /* of a filter in a sentence */

const char *policy_verdict_text(enum policy_verdict verdict)
{
    switch (verdict) {
    case POLICY_DENY:
        return "no grant of your role covers this topic";
    case POLICY_DENY_NO_ROLE:
        return "you have no role here; ask the operator for one";
    case POLICY_DENY_WILDCARD:
        return "wildcard subscriptions are off; ask for a scoped wildcard grant";
    case POLICY_DENY_SYS:
        return "topics that start with '$' need a grant that names them";
    case POLICY_DENY_HOUSE:
        return "topics below $tacit/ are the broker's own: nobody else publishes there";
    case POLICY_DENY_SPACE:
        return "a tenant's own topic space has no '$' topics";
    case POLICY_DENY_RULE:
        return "a deny rule of your role covers this topic";
    case POLICY_DENY_EFFORT:
        return "too many grants would have to be combined for this filter; subscribe to less of it";
    case POLICY_ALLOW:
        return "granted";
    case POLICY_VERDICT_COUNT:
        break;
    }
    return "refused";
}

const char *policy_publish_objection(const struct policy_publish *judgement, uint8_t qos,
                                     bool retain, size_t payload_bytes)
{
    int32_t most = judgement->payload_bytes[retain][qos];

    if (judgement->verdict != POLICY_ALLOW)
        return judgement->reason;
    if (most < 0)
        return retain && judgement->payload_bytes[0][qos] >= 0
                   ? "the grant for this topic allows no retained messages"
                   : "the grant for this topic allows a lower QoS only";
    if (payload_bytes > (size_t)most)
        return "the payload is longer than the grant for this topic allows";
    return NULL;
}

bool role_has_space(const struct role *role, const struct identity *identity)
{
    return identity != NULL && identity->tenant != NULL
           && (role == NULL || !role->options.common_space);
}

size_t role_space(const struct role *role, const struct identity *identity,
                  char out[POLICY_SPACE_BYTES])
{
    out[0] = '\0';
    if (!role_has_space(role, identity))
        return 0;
    return (size_t)snprintf(out, POLICY_SPACE_BYTES, SPACE_ROOT "%.*s/", IDENTITY_NAME_BYTES,
                            identity->tenant);
}

/* The levels before the first wildcard, '/' included. */
static struct mqtt_span literal_prefix(struct mqtt_span filter)
{
    size_t len = 0;

    for (size_t i = 0; i < filter.len && filter.data[i] != '+' && filter.data[i] != '#'; i++) {
        if (filter.data[i] == '/')
            len = i + 1;
    }
    filter.len = len;
    return filter;
}

static int shown(struct mqtt_span text)
{
    return (int)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES);
}

static void tell_scope(const char *role, struct mqtt_span filter, char *out, size_t size)
{
    struct mqtt_span prefix = literal_prefix(filter);
    bool is_deep = filter.data[filter.len - 1] == '#';
    char depth[16] = "any";

    if (prefix.len == 0) {
        snprintf(out, size,
                 "wildcard subscriptions are off, and no grant can begin with a wildcard: name at "
                 "least the first level");
        return;
    }
    if (!is_deep)
        snprintf(depth, sizeof(depth), "%u",
                 mqtt_topic_levels(
                     (struct mqtt_span){ filter.data + prefix.len, filter.len - prefix.len }));
    snprintf(out, size,
             "wildcard subscriptions are off; role \"%s\" needs wildcards { prefix = \"%.*s\" "
             "depth = %s }",
             role, shown(prefix), (const char *)prefix.data, depth);
}

void policy_tell_missing(const struct role *role, enum policy_action action,
                         struct mqtt_span filter, enum policy_verdict verdict, char *out,
                         size_t size)
{
    bool misses_grant = verdict == POLICY_DENY || verdict == POLICY_DENY_SYS;

    if (role != NULL && verdict == POLICY_DENY_WILDCARD && filter.len > 0)
        tell_scope(role_name(role), filter, out, size);
    else if (role != NULL && misses_grant)
        snprintf(out, size, "role \"%s\" needs %s = { \"%.*s\" }", role_name(role),
                 action == POLICY_PUBLISH ? "publish" : "subscribe", shown(filter),
                 (const char *)filter.data);
    else
        snprintf(out, size, "%s", policy_verdict_text(verdict));
}
