/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <tacit/posix.h>

#include <stdio.h>

#define TRIES       20u
#define LAST        5u
#define SLOW_MS     1000u
#define SECRET_SIZE 48

struct tally {
    unsigned tried, looked_at, turned_away, let_in;
    unsigned last_looked_at; /* of the last LAST */
    uint32_t last_ms;        /* that those took */
    char said[160];          /* to the last one */
};

/* "Bad user name or password" and "not authorized": somebody looked at the password. */
static bool is_about_password(const struct attack_link *link)
{
    uint8_t reason = link->reason;

    return link->was_answered && (reason == 0x86 || reason == 0x87 || reason == 4 || reason == 5);
}

static void guess(const struct attack_env *env, struct tally *tally)
{
    struct attack_link link;
    char secret[SECRET_SIZE];
    const struct attack_hello hello = {
        .suffix = "g",
        .user_name = env->first.user_name != NULL ? env->first.user_name : "tacit-attack",
        .password = secret,
    };
    bool is_last = tally->tried >= TRIES - LAST;

    (void)snprintf(secret, sizeof(secret), "wrong-%s-%u", env->tag, tally->tried++);
    uint64_t began_ms = tacit_posix_now_ms();
    bool is_in = attack_link_join(&link, env, &hello);
    uint32_t took_ms = (uint32_t)(tacit_posix_now_ms() - began_ms);
    bool is_looked_at = !is_in && is_about_password(&link);
    tally->let_in += is_in;
    tally->looked_at += is_looked_at;
    tally->turned_away += !is_in && !is_looked_at;
    tally->last_looked_at += is_last && is_looked_at;
    tally->last_ms += is_last ? took_ms : 0;
    (void)snprintf(tally->said, sizeof(tally->said), "%s", link.said);
    attack_link_close(&link);
}

/* Some brokers say "wrong" to a locked account without a look. Only the right password tells. */
static bool is_locked(const struct attack_env *env)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = &env->first, .suffix = "g" };
    bool is_in = attack_link_join(&link, env, &hello);

    attack_link_close(&link);
    return !is_in;
}

static void judge(const struct attack_env *env, const struct tally *tally,
                  struct attack_finding *out)
{
    attack_check_note(out,
                      "%u wrong passwords: %u refused as wrong, %u turned away otherwise; the "
                      "last: %s",
                      tally->tried, tally->looked_at, tally->turned_away, tally->said);
    if (tally->let_in > 0)
        attack_check_judge(out, ATTACK_OPEN, "%u were let in", tally->let_in);
    else if (tally->looked_at == 0)
        attack_check_judge(out, ATTACK_SAFE, "no password was looked at");
    else if (tally->last_looked_at < LAST)
        attack_check_judge(out, ATTACK_SAFE, "towards the end they were turned away");
    else if (tally->last_ms >= LAST * SLOW_MS)
        attack_check_judge(out, ATTACK_SAFE, "they were slowed down: the last took %u ms each",
                           tally->last_ms / LAST);
    else if (env->first.is_usable && env->first.has_password && is_locked(env))
        attack_check_judge(out, ATTACK_SAFE, "afterwards even the right password was refused");
    else
        attack_check_judge(out, ATTACK_OPEN, "none was slowed down: the last took %u ms each",
                           tally->last_ms / LAST);
}

void attack_brute_force(const struct attack_env *env, struct attack_finding *out)
{
    struct tally tally = { 0 };

    while (tally.tried < TRIES && tally.let_in == 0)
        guess(env, &tally);
    judge(env, &tally, out);
}
