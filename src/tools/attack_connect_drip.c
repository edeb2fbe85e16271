/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_deadline.h"

#include <string.h>

#define BODY_BYTES 500 /* more than --patience has seconds */

void attack_connect_drip(const struct attack_env *env, struct attack_finding *out)
{
    /* CONNECT of MQTT 3.1.1 with a client id that never ends. */
    static const uint8_t head[] = { 0x10, 0xF2, 0x03, 0, 4,  'M',  'Q', 'T',
                                    'T',  4,    2,    0, 60, 0x01, 0xE6 };
    uint8_t packet[BODY_BYTES];
    struct attack_link link;
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL };

    memset(packet, 'a', sizeof(packet));
    memcpy(packet, head, sizeof(head));
    if (attack_link_dial(&link, env, &hello))
        attack_deadline_judge(&link, packet, sizeof(packet), "a CONNECT at one byte a second", out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "no connection: %s", link.said);
    attack_link_close(&link);
}
