/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

void attack_anonymous_access(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .suffix = "x" };

    if (attack_link_join(&link, env, &hello))
        attack_check_judge(out, ATTACK_OPEN,
                           "a CONNECT without certificate, user name and password was let in");
    else
        attack_check_judge(out, ATTACK_SAFE,
                           "a CONNECT without certificate, user name and password: %s", link.said);
    attack_link_close(&link);
}
