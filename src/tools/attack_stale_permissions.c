/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"
#include "tools/attack_shell.h"

#include <string.h>

#define GRACE_MS 2000 /* in which the change has to reach the open connection */
#define HEARD_MS 1000
#define TRIES    3

struct pair {
    struct attack_link in, out;
};

static bool carries(const struct attack_env *env, struct pair *pair, const char *payload)
{
    const struct attack_message message = {
        .topic = env->topic, .payload = payload, .len = strlen(payload), .qos = MQTT_QOS_1
    };

    /* That nobody may read it any more is not for the writer to judge. */
    (void)!attack_link_publish(&pair->out, &message);
    return attack_link_hears(&pair->in, payload, HEARD_MS);
}

static void judge(const struct attack_env *env, struct pair *pair, struct attack_finding *out)
{
    int code = attack_shell_run(env->options->change_command);

    if (code != 0) {
        attack_check_judge(out, ATTACK_UNCLEAR, "the --change-command failed with %d", code);
        return;
    }
    bool is_open = attack_link_idle(&pair->in, GRACE_MS);
    for (unsigned i = 0; is_open && i < TRIES; i++) {
        if (!carries(env, pair, "after"))
            continue;
        attack_check_judge(out, ATTACK_OPEN,
                           "2 s after the change %s was still sent what is published to %s",
                           env->reader->label, env->topic);
        return;
    }
    attack_check_judge(out, ATTACK_SAFE, "after the change %s was sent nothing more%s",
                       env->reader->label, is_open ? "" : " and was disconnected");
}

void attack_stale_permissions(const struct attack_env *env, struct attack_finding *out)
{
    struct pair pair = { .out = { .env = env } };
    const struct attack_hello reads = { .who = env->reader, .suffix = "p" };
    const struct attack_hello writes = { .who = env->writer, .suffix = "q" };

    if (attack_link_join(&pair.in, env, &reads) && attack_link_join(&pair.out, env, &writes)
        && attack_link_subscribe(&pair.in, env->topic, MQTT_QOS_1) && carries(env, &pair, "before"))
        judge(env, &pair, out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "before the change nothing was delivered: %s %s",
                           pair.in.said, pair.out.said);
    attack_link_close(&pair.in);
    attack_link_close(&pair.out);
}
