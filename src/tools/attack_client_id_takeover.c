/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#define SETTLE_MS 1500
#define EXPIRY_S  120

/* The victim lives: it answers while the broker thinks about the newcomer. */
static bool come_beside(const struct attack_env *env, struct attack_link *victim,
                        struct attack_link *thief, const struct attack_hello *hello)
{
    bool is_greeted = attack_link_dial(thief, env, hello) && attack_link_greet(thief, hello);

    (void)!attack_link_idle(victim, SETTLE_MS);
    return is_greeted && attack_link_welcome(thief, ATTACK_ANSWER_MS);
}

static void judge_live(const struct attack_env *env, struct attack_link *victim,
                       struct attack_finding *out)
{
    struct attack_link thief;
    const struct attack_hello hello = { .who = &env->second, .client_id = victim->client_id };
    bool is_in = come_beside(env, victim, &thief, &hello);
    bool lives = attack_link_ping(victim, ATTACK_ANSWER_MS);

    if (!lives)
        attack_check_judge(out, ATTACK_OPEN, "%s came as %s (%s), and the session of %s ended: %s",
                           env->second.label, victim->client_id, thief.said, env->first.label,
                           victim->said);
    else
        attack_check_judge(out, ATTACK_SAFE, "%s came as %s and was %s (%s); the other lives on",
                           env->second.label, victim->client_id, is_in ? "let in" : "refused",
                           thief.said);
    attack_link_close(&thief);
}

static void judge_inheritance(const struct attack_env *env, const char *client_id,
                              struct attack_finding *out)
{
    struct attack_link thief;
    const struct attack_hello hello = { .who = &env->second,
                                        .client_id = client_id,
                                        .session_expiry_s = EXPIRY_S,
                                        .resumes_session = true };
    bool is_in = attack_link_join(&thief, env, &hello);

    attack_check_judge(out, is_in && thief.session_present ? ATTACK_OPEN : ATTACK_SAFE,
                       "the session left behind was %s (%s)",
                       is_in && thief.session_present ? "inherited" : "not inherited", thief.said);
    attack_link_close(&thief);
}

/* Nothing stays behind. */
static void forget(const struct attack_env *env, const char *client_id)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = &env->first, .client_id = client_id };

    (void)!attack_link_join(&link, env, &hello);
    attack_link_close(&link);
}

void attack_client_id_takeover(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link victim;
    const struct attack_hello hello = { .who = &env->first,
                                        .suffix = "t",
                                        .session_expiry_s = EXPIRY_S };
    bool is_in = attack_link_join(&victim, env, &hello);

    if (is_in)
        judge_live(env, &victim, out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", victim.said);
    tacit_probe_close(victim.probe);
    victim.probe = NULL;
    if (is_in) {
        judge_inheritance(env, victim.client_id, out);
        forget(env, victim.client_id);
    }
    attack_link_close(&victim);
}
