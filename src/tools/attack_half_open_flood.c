/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <tacit/posix.h>

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 200u
#define SERVED_MS   1000u

struct flood {
    struct attack_link links[CONNECTIONS];
    unsigned opened, standing;
};

/* The beginning of a handshake, or of a CONNECT, on every second connection; nothing on the
 * others. */
static void open_all(const struct attack_env *env, struct flood *flood)
{
    static const uint8_t client_hello[] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3 };
    static const uint8_t connect[] = { 0x10, 0x20, 0, 4, 'M', 'Q' };
    const struct attack_hello hello = { .plain_port = env->port };

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct attack_link *link = &flood->links[i];
        if (!attack_link_dial(link, env, &hello))
            continue;
        flood->opened++;
        if (i % 2 == 0)
            (void)!attack_link_send(link, env->is_encrypted ? client_hello : connect,
                                    env->is_encrypted ? sizeof(client_hello) : sizeof(connect));
    }
}

static void count_standing(struct flood *flood)
{
    uint8_t byte;

    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (flood->links[i].probe != NULL
            && tacit_probe_receive(flood->links[i].probe, &byte, sizeof(byte), 0) == 0)
            flood->standing++;
}

/* How long an honest client takes; UINT32_MAX: it was not served. Without credentials, an answer
 * of any kind is service. */
static uint32_t visit(const struct attack_env *env, const char *source, struct attack_link *link)
{
    uint64_t began_ms = tacit_posix_now_ms();
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL,
                                        .suffix = "y",
                                        .source = source };
    bool is_served = attack_link_join(link, env, &hello);

    if (!is_served && !env->first.is_usable && link->probe != NULL) {
        struct tacit_probe_facts facts;
        tacit_probe_facts(link->probe, &facts);
        is_served = facts.has_hello || link->was_answered;
    }
    uint32_t took_ms = (uint32_t)(tacit_posix_now_ms() - began_ms);
    attack_link_close(link);
    return is_served ? took_ms : UINT32_MAX;
}

static void judge(const struct attack_env *env, const struct flood *flood,
                  struct attack_finding *out)
{
    struct attack_link link;
    /* Elsewhere a bound per address cannot be told from a broker that is full; on the loopback an
     * honest client comes from another address than the flood. */
    bool is_loopback = strncmp(env->address, "127.", 4) == 0;
    uint32_t took_ms = visit(env, is_loopback ? "127.0.0.2" : NULL, &link);

    attack_check_note(out, "%u connections were opened and left half open, %u of them stood",
                      flood->opened, flood->standing);
    if (took_ms <= SERVED_MS)
        attack_check_judge(out, ATTACK_SAFE, "an honest client was served in %u ms", took_ms);
    else if (took_ms != UINT32_MAX)
        attack_check_judge(out, ATTACK_OPEN, "an honest client waited %u ms", took_ms);
    else
        attack_check_judge(out, is_loopback ? ATTACK_OPEN : ATTACK_UNCLEAR,
                           "an honest client %s was not served: %s",
                           is_loopback ? "from another address" : "from the same address",
                           link.said);
}

void attack_half_open_flood(const struct attack_env *env, struct attack_finding *out)
{
    struct flood *flood = calloc(1, sizeof(*flood));

    if (flood == NULL) {
        attack_check_judge(out, ATTACK_UNCLEAR, "out of memory");
        return;
    }
    open_all(env, flood);
    count_standing(flood);
    judge(env, flood, out);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        attack_link_close(&flood->links[i]);
    free(flood);
}
