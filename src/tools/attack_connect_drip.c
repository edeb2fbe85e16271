/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_deadline.h"

#define BODY_BYTES 500 /* more than --patience has seconds */

void attack_connect_drip(const struct attack_env *env, struct attack_finding *out)
{
    /* CONNECT of MQTT 3.1.1 with a client id that never ends. */
    static const uint8_t head[] = { 0x10, 0xF2, 0x03, 0, 4,  'M',  'Q', 'T',
                                    'T',  4,    2,    0, 60, 0x01, 0xE6 };
    uint8_t packet[BODY_BYTES];
    const struct attack_idler idler = {
        .hello = { .who = env->first.is_usable ? &env->first : NULL },
        .drip = { packet, sizeof(packet) },
        .what = "a CONNECT at one byte a second",
    };

    memset(packet, 'a', sizeof(packet));
    memcpy(packet, head, sizeof(head));
    attack_deadline_judge(env, &idler, out);
}
