/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reach.h"

#include <string.h>

bool reach_name(const struct role *role, const struct identity *identity, struct mqtt_span topic,
                struct mqtt_span *out)
{
    char space[POLICY_SPACE_BYTES];
    size_t len = role_space(role, identity, space);
    /* A topic has at least one byte, also inside a space. */
    if (topic.len <= len || memcmp(topic.data, space, len) != 0)
        return false;
    *out = (struct mqtt_span){ topic.data + len, topic.len - len };
    return true;
}

struct reach reach_decide(const struct role *role, const struct identity *identity,
                          struct mqtt_span topic)
{
    static const char elsewhere[] = "the topic is in another topic space";
    struct reach reach = {
        .read = { .reason = elsewhere },
        .write = { .reason = elsewhere, .payload_bytes = { { -1, -1, -1 }, { -1, -1, -1 } } },
    };
    if (role != NULL && !reach_name(role, identity, topic, &reach.topic))
        return reach;
    reach.names = role != NULL;
    struct mqtt_span own = role != NULL ? reach.topic : topic;
    reach.read = policy_decide_receive(role, identity, own);
    reach.write = policy_decide_publish(role, identity, own);
    return reach;
}
