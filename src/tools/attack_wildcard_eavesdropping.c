/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <stdio.h>
#include <string.h>

#define HEARD_MS     1500
#define PAYLOAD_SIZE 64

static bool bait_as(const struct attack_env *env, const struct attack_identity *who,
                    const char *payload)
{
    struct attack_link link;
    char topic[ATTACK_TOPIC_SIZE];
    const struct attack_hello hello = { .who = who, .suffix = "b" };
    const struct attack_message message = {
        .topic = topic, .payload = payload, .len = strlen(payload), .qos = MQTT_QOS_1
    };

    attack_env_made_up_topic(env, "bait", topic);
    bool is_sent = attack_link_join(&link, env, &hello) && attack_link_publish(&link, &message);
    attack_link_close(&link);
    return is_sent;
}

/* A message on a topic that nobody can have granted: of somebody else's if he may, else of the
 * listener's own. False: none could be sent. */
static bool bait(const struct attack_env *env, const char *payload)
{
    return (env->second.is_usable && bait_as(env, &env->second, payload))
           || bait_as(env, &env->first, payload);
}

static void judge_filter(const struct attack_env *env, struct attack_link *link, const char *filter,
                         struct attack_finding *out)
{
    char payload[PAYLOAD_SIZE];

    if (!attack_link_subscribe(link, filter, MQTT_QOS_1)) {
        attack_check_judge(out, ATTACK_SAFE, "%s: refused (%s)", filter, link->said);
        return;
    }
    (void)snprintf(payload, sizeof(payload), "bait for %s", filter);
    bool is_sent = bait(env, payload);
    if (attack_link_hears(link, is_sent ? payload : NULL, HEARD_MS))
        attack_check_judge(out, ATTACK_OPEN, "%s: granted, and %s came", filter, link->topic);
    else
        attack_check_judge(out, is_sent ? ATTACK_SAFE : ATTACK_UNCLEAR, "%s: granted, but %s",
                           filter,
                           is_sent ? "a message to a made-up topic did not come"
                                   : "nothing came, and no message could be provoked");
}

void attack_wildcard_eavesdropping(const struct attack_env *env, struct attack_finding *out)
{
    static const char *const filters[] = { "#", "+/#", "$share/tacit-attack/#" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(filters); i++) {
        struct attack_link link;
        const struct attack_hello hello = { .who = &env->first, .suffix = "e" };
        if (attack_link_join(&link, env, &hello))
            judge_filter(env, &link, filters[i], out);
        else
            attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", link.said);
        attack_link_close(&link);
    }
}
