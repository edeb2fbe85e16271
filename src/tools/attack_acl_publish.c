/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <string.h>

#define HEARD_MS 2000

struct pair {
    struct attack_link in, out;
    const struct attack_identity *reader;
};

static void judge_made_up(const struct attack_env *env, struct pair *pair,
                          struct attack_finding *out)
{
    char topic[ATTACK_TOPIC_SIZE];
    const struct attack_message message = {
        .topic = topic, .payload = env->tag, .len = strlen(env->tag), .qos = MQTT_QOS_1
    };

    attack_env_made_up_topic(env, "stranger", topic);
    bool may_read = attack_link_subscribe(&pair->in, topic, MQTT_QOS_1);
    bool may_write = attack_link_publish(&pair->out, &message);
    const char *answer = pair->out.said;
    if (may_read && may_write && attack_link_hears(&pair->in, env->tag, HEARD_MS))
        attack_check_judge(out, ATTACK_OPEN,
                           "%s wrote to %s, which nobody can have granted, and %s read it",
                           env->first.label, topic, pair->reader->label);
    else if (may_write && pair->out.version == MQTT_VERSION_5)
        attack_check_judge(out, ATTACK_OPEN, "%s wrote to %s, which nobody can have granted (%s)",
                           env->first.label, topic, answer);
    else
        attack_check_judge(out, ATTACK_SAFE, "a made-up topic: reading %s, writing brought %s",
                           may_read ? "granted in name" : "refused", answer);
}

/* Is one level of the topic the client id of the writer? Then the topic is the writer's own. */
static bool is_own_topic(const struct attack_env *env)
{
    const char *id = env->writer->client_id;
    size_t len = strlen(id);

    for (const char *level = env->topic; len > 0 && level != NULL;) {
        size_t size = strcspn(level, "/");
        if (size == len && memcmp(level, id, len) == 0)
            return true;
        level = level[size] == '/' ? level + size + 1 : NULL;
    }
    return false;
}

static void judge_foreign(const struct attack_env *env, struct pair *pair,
                          struct attack_finding *out)
{
    const struct attack_message message = {
        .topic = env->topic, .payload = "not mine", .len = 8, .qos = MQTT_QOS_1
    };
    bool is_taken = attack_link_publish(&pair->in, &message);

    if (pair->in.version == MQTT_VERSION_5)
        attack_check_judge(out, is_taken ? ATTACK_OPEN : ATTACK_SAFE,
                           "%s wrote to %s, which has the name of another: %s", pair->reader->label,
                           env->topic, pair->in.said);
}

void attack_acl_publish(const struct attack_env *env, struct attack_finding *out)
{
    struct pair pair = { .out = { .env = env } };
    pair.reader = env->second.is_usable ? &env->second : &env->first;
    const struct attack_hello reads = { .who = pair.reader, .suffix = "k" };
    const struct attack_hello writes = { .who = &env->first, .suffix = "l" };

    if (attack_link_join(&pair.in, env, &reads) && attack_link_join(&pair.out, env, &writes)) {
        judge_made_up(env, &pair, out);
        if (env->topic[0] != '\0' && pair.reader == env->reader && env->reader != env->writer
            && is_own_topic(env))
            judge_foreign(env, &pair, out);
    } else {
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s, %s", pair.in.said, pair.out.said);
    }
    attack_link_close(&pair.in);
    attack_link_close(&pair.out);
}
