/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <stdio.h>
#include <string.h>

#define TOPICS     200u
#define TAIL_BYTES 32

/* Publishes retained messages below `base` until one is refused, and takes them away again.
 * Returns how many were taken. */
static unsigned flood(struct attack_link *link, const char *base, const char *payload)
{
    char topic[ATTACK_TOPIC_SIZE + 2 * TAIL_BYTES];
    struct attack_message message = { .topic = topic,
                                      .payload = payload,
                                      .len = strlen(payload),
                                      .qos = MQTT_QOS_1,
                                      .retain = true };
    unsigned taken = 0;

    for (; taken < TOPICS; taken++) {
        int len = snprintf(topic, sizeof(topic), "%s/%u", base, taken);
        if (len < 0 || (size_t)len >= sizeof(topic) || !attack_link_publish(link, &message))
            break;
    }
    return taken;
}

static bool is_kept(const struct attack_env *env, const char *base)
{
    char topic[ATTACK_TOPIC_SIZE + 2 * TAIL_BYTES];
    struct attack_link link;
    const struct attack_identity *who = env->second.is_usable ? &env->second : &env->first;
    const struct attack_hello hello = { .who = who, .suffix = "n" };

    int len = snprintf(topic, sizeof(topic), "%s/0", base);
    bool is_heard = len > 0 && (size_t)len < sizeof(topic) && attack_link_join(&link, env, &hello)
                    && attack_link_subscribe(&link, topic, MQTT_QOS_0)
                    && attack_link_hears(&link, "flood", ATTACK_ANSWER_MS);
    attack_link_close(&link);
    return is_heard;
}

static void judge(const struct attack_env *env, struct attack_link *link, const char *base,
                  struct attack_finding *out)
{
    unsigned taken = flood(link, base, "flood");
    const char *last = link->said;

    if (taken < TOPICS)
        attack_check_judge(out, ATTACK_SAFE, "%u retained messages below %s were taken, then: %s",
                           taken, base, last);
    /* Before MQTT 5 an acknowledgement does not say that it was kept. */
    else if (link->version != MQTT_VERSION_5 && !is_kept(env, base))
        attack_check_judge(out, ATTACK_SAFE, "%u retained messages below %s were not kept", taken,
                           base);
    else
        attack_check_judge(out, ATTACK_OPEN, "%u retained messages in %u topics below %s were kept",
                           taken, taken, base);
    if (taken > 0)
        (void)flood(link, base, "");
}

void attack_retained_flood(const struct attack_env *env, struct attack_finding *out)
{
    char bases[2][ATTACK_TOPIC_SIZE + TAIL_BYTES] = { "", "" };

    attack_env_made_up_topic(env, "flood", bases[0]);
    if (env->topic[0] != '\0' && !env->topic_is_made_up)
        (void)snprintf(bases[1], sizeof(bases[1]), "%s/%s", env->topic, env->tag);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bases) && bases[i][0] != '\0'; i++) {
        struct attack_link link;
        const struct attack_hello hello = { .who = &env->first, .suffix = "o" };
        if (attack_link_join(&link, env, &hello))
            judge(env, &link, bases[i], out);
        else
            attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", link.said);
        attack_link_close(&link);
    }
}
