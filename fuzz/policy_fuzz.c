/* SPDX-License-Identifier: Apache-2.0 */
/* A role and its questions, a line each: device, grant, denial, filter, topic. What may
 * be subscribed to may be received; what is denied may not; a name changes nothing of
 * a topic's shape. */
#include "base/invariant.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

enum line {
    LINE_DEVICE,
    LINE_GRANT,
    LINE_DENIAL,
    LINE_FILTER,
    LINE_TOPIC,
    LINE_COUNT,
};

/* A heap block per line, NUL-terminated, so that a read past its end is seen. */
static void cut_lines(struct mqtt_span rest, char *lines[LINE_COUNT])
{
    for (size_t i = 0; i < LINE_COUNT; i++) {
        const uint8_t *newline = rest.len != 0 ? memchr(rest.data, '\n', rest.len) : NULL;
        size_t len = newline != NULL ? (size_t)(newline - rest.data) : rest.len;
        lines[i] = malloc(len + 1);
        MQTT_INVARIANT(lines[i] != NULL);
        if (len != 0)
            memcpy(lines[i], rest.data, len);
        lines[i][len] = '\0';
        size_t used = newline != NULL ? len + 1 : len;
        rest = (struct mqtt_span){ used != 0 ? rest.data + used : rest.data, rest.len - used };
    }
}

/* "$tacit" and what is below: only the broker publishes there, whatever a role is granted. */
static bool is_of_house(struct mqtt_span topic)
{
    return span_equal(topic, span_of("$tacit")) || span_starts_with(topic, span_of("$tacit/"));
}

static void ask(const struct role *role, char *const lines[LINE_COUNT])
{
    const struct identity identity = { .device = lines[LINE_DEVICE] };
    struct mqtt_span filter = span_of(lines[LINE_FILTER]);
    struct mqtt_span topic = span_of(lines[LINE_TOPIC]);
    struct policy_decision subscribe = policy_decide_subscribe(role, &identity, filter);
    struct policy_decision receive = policy_decide_receive(role, &identity, topic);
    struct policy_publish publish = policy_decide_publish(role, &identity, topic);

    MQTT_INVARIANT(subscribe.reason != NULL && receive.reason != NULL && publish.reason != NULL);
    if (subscribe.verdict == POLICY_ALLOW && mqtt_topic_matches(filter, topic))
        MQTT_INVARIANT(receive.verdict == POLICY_ALLOW);
    if (is_of_house(topic)) {
        MQTT_INVARIANT(publish.verdict == POLICY_DENY_HOUSE);
        return;
    }
    /* No denial stands in the way of publishing here, so it is granted at least as much. */
    if (receive.verdict == POLICY_ALLOW)
        MQTT_INVARIANT(publish.verdict == POLICY_ALLOW);
    if (topic.data[0] == '$' && lines[LINE_GRANT][0] != '$')
        MQTT_INVARIANT(publish.verdict == POLICY_DENY_SYS);
    /* A grant without wildcards covers one topic for one name, as many levels as it has. */
    if (publish.verdict == POLICY_ALLOW
        && !mqtt_topic_filter_has_wildcard(span_of(lines[LINE_GRANT])))
        MQTT_INVARIANT(mqtt_topic_levels(topic) == mqtt_topic_levels(span_of(lines[LINE_GRANT])));
}

static bool is_askable(char *const lines[LINE_COUNT])
{
    struct mqtt_span filter = span_of(lines[LINE_FILTER]);
    struct mqtt_span topic = span_of(lines[LINE_TOPIC]);
    return mqtt_utf8_is_valid(filter) && mqtt_utf8_is_valid(topic)
           && mqtt_topic_filter_is_valid(filter) && mqtt_topic_name_is_valid(topic);
}

/* As wide as the grant's literal levels allow; without such levels there is none. */
static void add_scope(struct role *role, const char *grant)
{
    size_t len = strcspn(grant, "+#");
    const char *why;

    while (len > 0 && grant[len - 1] != '/')
        len--;
    char *prefix = calloc(1, len + 1);
    MQTT_INVARIANT(prefix != NULL);
    memcpy(prefix, grant, len);
    const struct policy_scope scope = {
        .prefix = prefix, .most_topics = 1, .owner = "fuzz", .reason = "fuzz"
    };
    int error = role_add_scope(role, &scope, &why);
    MQTT_INVARIANT((error == 0) == (why == NULL));
    free(prefix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *lines[LINE_COUNT];
    cut_lines((struct mqtt_span){ data, size }, lines);
    struct policy *policy = policy_new();
    MQTT_INVARIANT(policy != NULL);
    const struct role_options options = {
        .terms = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    struct role *role = policy_add_role(policy, "role", &options);
    MQTT_INVARIANT(role != NULL);
    const char *why = NULL;
    int error = role_grant(role, POLICY_SUBSCRIBE, lines[LINE_GRANT], &why);
    if (error == 0)
        error = role_grant(role, POLICY_PUBLISH, lines[LINE_GRANT], &why);
    if (error == 0)
        error = role_deny(role, POLICY_SUBSCRIBE, lines[LINE_DENIAL], &why);
    MQTT_INVARIANT((error == 0) == (why == NULL));
    add_scope(role, lines[LINE_GRANT]);
    policy_seal(policy);
    if (error == 0 && is_askable(lines))
        ask(role, lines);
    policy_unref(policy);
    for (size_t i = 0; i < LINE_COUNT; i++)
        free(lines[i]);
    return 0;
}
