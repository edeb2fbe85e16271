/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_deadline.h"

void attack_silent_tcp(const struct attack_env *env, struct attack_finding *out)
{
    const struct attack_idler idler = { .hello = { .plain_port = env->port },
                                        .what = "a TCP connection that says nothing" };

    attack_deadline_judge(env, &idler, out);
}
