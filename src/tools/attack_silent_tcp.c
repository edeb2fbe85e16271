/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_deadline.h"

void attack_silent_tcp(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .plain_port = env->port };

    if (attack_link_dial(&link, env, &hello))
        attack_deadline_judge(&link, NULL, 0, "a TCP connection that says nothing", out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "no connection: %s", link.said);
    attack_link_close(&link);
}
