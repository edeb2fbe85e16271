/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_link.h"

#include "tools/attack_check.h"

#define HEARD_MS 12000 /* brokers write $SYS every ten seconds */

static void judge(struct attack_link *link, const struct attack_identity *who,
                  struct attack_finding *out)
{
    static const char *const filters[] = { "$SYS/#", "$SYS/broker/version", "$SYS/+/+" };
    bool is_granted = false;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(filters) && !link->is_over; i++)
        is_granted |= attack_link_subscribe(link, filters[i], MQTT_QOS_0);
    if (!is_granted)
        attack_check_judge(out, ATTACK_SAFE, "%s was refused $SYS/# and parts of it (%s)",
                           who->label, link->said);
    else if (attack_link_hears(link, NULL, HEARD_MS))
        attack_check_judge(out, ATTACK_OPEN, "%s subscribed to $SYS and was sent %s", who->label,
                           link->topic);
    else
        attack_check_judge(out, ATTACK_SAFE,
                           "%s was granted a filter of $SYS, but nothing came in 12 s", who->label);
}

void attack_sys_leakage(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = &env->first, .suffix = "s" };

    if (attack_link_join(&link, env, &hello))
        judge(&link, &env->first, out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "%s was not let in: %s", env->first.label,
                           link.said);
    attack_link_close(&link);
}
