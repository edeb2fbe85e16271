/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#define SETTLE_MS 2000

/* What becomes of the copy: does it work as the original did? */
static void judge_copy(struct attack_link *copy, const char *topic, struct attack_finding *out)
{
    bool is_heard = attack_link_ping(copy, ATTACK_ANSWER_MS);
    /* Whether it is granted does not matter: somebody who is held gets no answer at all. */
    bool is_granted = attack_link_subscribe(copy, topic, MQTT_QOS_0);
    bool is_served = is_granted || (!copy->is_over && copy->said[0] == 'S');

    if (is_served)
        attack_check_judge(out, ATTACK_OPEN, "the copy was let in and served (%s)", copy->said);
    else if (copy->is_over)
        attack_check_judge(out, ATTACK_SAFE, "the copy was let in and thrown out (%s)", copy->said);
    else
        attack_check_judge(out, is_heard ? ATTACK_SAFE : ATTACK_UNCLEAR,
                           "the copy was let in and %s",
                           is_heard ? "held: pings are answered, nothing else is" : "not answered");
}

void attack_credential_clone(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link first;
    struct attack_link copy = { .env = env };
    char topic[ATTACK_TOPIC_SIZE];
    const struct attack_hello hello = { .who = &env->first, .suffix = "c" };

    attack_env_made_up_topic(env, "copy", topic);
    if (!attack_link_join(&first, env, &hello)) {
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", first.said);
        attack_link_close(&first);
        return;
    }
    bool is_greeted = attack_link_dial(&copy, env, &hello) && attack_link_greet(&copy, &hello);
    bool lives = attack_link_idle(&first, SETTLE_MS);
    if (is_greeted && attack_link_welcome(&copy, ATTACK_ANSWER_MS))
        judge_copy(&copy, topic, out);
    else
        attack_check_judge(out, ATTACK_SAFE, "the copy was refused (%s)", copy.said);
    attack_check_note(
        out, "the original %s%s",
        lives ? "stayed connected" : "lost its connection: ", lives ? "" : first.said);
    if (out->verdict == ATTACK_SAFE)
        attack_check_note(out, "%s may be held now: release it (tacit device release %s)",
                          env->first.label, env->first.client_id);
    attack_link_close(&first);
    attack_link_close(&copy);
}
