/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_deadline.h"

void attack_silent_tls(const struct attack_env *env, struct attack_finding *out)
{
    const struct attack_idler idler = {
        .hello = { .who = env->first.is_usable ? &env->first : NULL },
        .what = "a TLS connection that says nothing",
    };

    attack_deadline_judge(env, &idler, out);
}
