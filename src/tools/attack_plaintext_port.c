/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_link.h"

#include "tools/attack_check.h"

static void judge(const struct attack_env *env, uint32_t port, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .suffix = "p", .plain_port = (uint16_t)port };

    if (!attack_link_dial(&link, env, &hello))
        attack_check_judge(out, ATTACK_SAFE, "port %u: nobody (%s)", port, link.said);
    else if (!attack_link_greet(&link, &hello) || !attack_link_welcome(&link, ATTACK_ANSWER_MS))
        attack_check_judge(out, link.was_answered ? ATTACK_OPEN : ATTACK_SAFE,
                           "port %u: a CONNECT without TLS got: %s", port, link.said);
    else
        attack_check_judge(out, ATTACK_OPEN,
                           "port %u: a CONNECT without TLS and credentials was let in", port);
    attack_link_close(&link);
}

void attack_plaintext_port(const struct attack_env *env, struct attack_finding *out)
{
    judge(env, env->port, out);
    if (env->options->plain_port != 0 && env->options->plain_port != env->port)
        judge(env, env->options->plain_port, out);
}
