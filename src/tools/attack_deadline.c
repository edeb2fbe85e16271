/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_deadline.h"

#include <tacit/posix.h>

#define STEP_MS 1000

/* Anything but silence is an end: whoever answers to half a CONNECT refuses it. */
static bool is_ended(struct attack_link *link, uint32_t ms)
{
    uint8_t byte;

    return tacit_probe_receive(link->probe, &byte, sizeof(byte), ms) != 0;
}

/* True: the broker ended it. */
static bool idle(struct attack_link *link, struct mqtt_span drip, uint64_t *out_passed_ms)
{
    uint32_t patience_ms = link->env->options->patience_s * 1000;
    uint64_t began_ms = tacit_posix_now_ms();
    bool is_over = false;

    *out_passed_ms = 0;
    for (size_t i = 0; !is_over && *out_passed_ms < patience_ms; i++) {
        if (i < drip.len)
            is_over = tacit_probe_send(link->probe, &drip.data[i], 1, STEP_MS) < 0;
        is_over = is_over || is_ended(link, STEP_MS);
        *out_passed_ms = tacit_posix_now_ms() - began_ms;
    }
    return is_over;
}

void attack_deadline_judge(const struct attack_env *env, const struct attack_idler *idler,
                           struct attack_finding *out)
{
    struct attack_link link;
    uint64_t passed_ms;

    if (!attack_link_dial(&link, env, &idler->hello))
        attack_check_judge(out, ATTACK_UNCLEAR, "no connection: %s", link.said);
    else if (idle(&link, idler->drip, &passed_ms))
        attack_check_judge(out, ATTACK_SAFE, "%s was closed after %.1f s", idler->what,
                           (double)passed_ms / 1000);
    else
        attack_check_judge(out, ATTACK_OPEN, "%s was still open after %.0f s", idler->what,
                           (double)passed_ms / 1000);
    attack_link_close(&link);
}
