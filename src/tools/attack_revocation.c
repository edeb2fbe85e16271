/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"
#include "tools/attack_shell.h"

#include <tacit/posix.h>

#define TICKET_MS 500
#define ENDS_MS   5000

static void judge_live(struct attack_link *live, struct attack_finding *out)
{
    uint64_t began_ms = tacit_posix_now_ms();
    bool is_open = attack_link_idle(live, ENDS_MS);
    uint64_t took_ms = tacit_posix_now_ms() - began_ms;

    if (is_open)
        attack_check_judge(out, ATTACK_OPEN, "its live connection was open 5 s later");
    else
        attack_check_judge(out, ATTACK_SAFE, "its live connection ended within %u ms (%s)",
                           (unsigned)took_ms, live->said);
}

static void judge_return(const struct attack_env *env, const struct tacit_probe *earlier,
                         struct attack_finding *out)
{
    struct attack_link link;
    struct tacit_probe_facts facts = { 0 };
    const struct attack_hello hello = { .who = &env->second, .suffix = "w", .earlier = earlier };
    bool is_in = attack_link_join(&link, env, &hello);

    if (link.probe != NULL)
        tacit_probe_facts(link.probe, &facts);
    attack_check_judge(out, is_in ? ATTACK_OPEN : ATTACK_SAFE, "%s it was %s (%s)",
                       earlier == NULL    ? "with a new handshake"
                       : facts.is_resumed ? "with the resumed TLS session"
                                          : "with its TLS session, which was not resumed,",
                       is_in ? "let in" : "refused", link.said);
    attack_link_close(&link);
}

void attack_revocation(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link live;
    const struct attack_hello hello = { .who = &env->second, .suffix = "v" };

    if (!attack_link_join(&live, env, &hello) || !attack_link_idle(&live, TICKET_MS)) {
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", live.said);
        attack_link_close(&live);
        return;
    }
    int code = attack_shell_run(env->options->revoke_command);
    if (code == 0) {
        judge_live(&live, out);
        if (env->is_encrypted)
            judge_return(env, live.probe, out);
        judge_return(env, NULL, out);
    } else {
        attack_check_judge(out, ATTACK_UNCLEAR, "the --revoke-command failed with %d", code);
    }
    attack_link_close(&live);
}
