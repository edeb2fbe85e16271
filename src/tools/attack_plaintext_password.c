/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_link.h"

#include "tools/attack_check.h"

enum outcome {
    NOBODY_THERE = 0,
    REFUSED, /* with an answer */
    LET_IN,
};

static enum outcome try(const struct attack_env *env, const struct attack_hello *hello,
                        struct attack_link *link)
{
    enum outcome outcome = NOBODY_THERE;

    if (attack_link_join(link, env, hello))
        outcome = LET_IN;
    else if (link->was_answered)
        outcome = REFUSED;
    attack_link_close(link);
    return outcome;
}

/* A password that was made up first: the real one is not for the wire unless it must be. */
static void judge(const struct attack_env *env, uint32_t port, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_identity *who = &env->first;
    struct attack_hello hello = {
        .suffix = "w",
        .plain_port = (uint16_t)port,
        .user_name = who->user_name != NULL ? who->user_name : "tacit-attack",
        .password = "made up by tacit attack",
    };
    enum outcome outcome = try(env, &hello, &link);

    if (outcome == NOBODY_THERE) {
        attack_check_judge(out, ATTACK_SAFE, "port %u: no answer to a CONNECT in clear (%s)", port,
                           link.said);
        return;
    }
    if (outcome == LET_IN) {
        attack_check_judge(out, ATTACK_OPEN, "port %u: let in with a made-up password in clear",
                           port);
        return;
    }
    if (!who->has_password || !env->options->risk_password) {
        attack_check_judge(out, ATTACK_UNCLEAR,
                           "port %u: a made-up password in clear got: %s; whether the right one "
                           "would be taken shows only with --username, --password-file and "
                           "--risk-password",
                           port, link.said);
        return;
    }
    hello = (struct attack_hello){ .who = who, .suffix = "w", .plain_port = (uint16_t)port };
    outcome = try(env, &hello, &link);
    attack_check_judge(out, outcome == LET_IN ? ATTACK_OPEN : ATTACK_SAFE,
                       "port %u: the right password in clear got: %s", port, link.said);
    attack_check_note(out, "rotate that password now");
}

void attack_plaintext_password(const struct attack_env *env, struct attack_finding *out)
{
    judge(env, env->port, out);
    if (env->options->plain_port != 0 && env->options->plain_port != env->port)
        judge(env, env->options->plain_port, out);
}
