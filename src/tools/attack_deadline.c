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

void attack_deadline_judge(struct attack_link *link, const uint8_t *drip, size_t len,
                           const char *what, struct attack_finding *out)
{
    uint32_t patience_ms = link->env->options->patience_s * 1000;
    uint64_t began_ms = tacit_posix_now_ms();
    uint64_t passed_ms = 0;
    bool is_over = false;

    for (size_t i = 0; !is_over && passed_ms < patience_ms; i++) {
        if (drip != NULL && i < len)
            is_over = tacit_probe_send(link->probe, &drip[i], 1, STEP_MS) < 0;
        is_over = is_over || is_ended(link, STEP_MS);
        passed_ms = tacit_posix_now_ms() - began_ms;
    }
    if (is_over)
        attack_check_judge(out, ATTACK_SAFE, "%s was closed after %.1f s", what,
                           (double)passed_ms / 1000);
    else
        attack_check_judge(out, ATTACK_OPEN, "%s was still open after %.0f s", what,
                           (double)passed_ms / 1000);
}
