/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <string.h>

#define SETTLE_MS 2000
#define TURNS     8 /* of take-overs to and fro; a device that reconnects does none */

/* The credential of the first identity, twice. */
struct clone_pair {
    const struct attack_env *env;
    struct attack_link first;
    struct attack_link copy;
    char topic[ATTACK_TOPIC_SIZE];
};

static bool is_served(struct attack_link *link, const char *topic)
{
    bool is_heard;

    return attack_link_is_served(link, topic, &is_heard);
}

/* The copy was let in, and is not served as the original was. */
static void judge_unserved(struct attack_link *copy, bool is_heard, struct attack_finding *out)
{
    if (copy->is_over)
        attack_check_judge(out, ATTACK_SAFE, "the copy was let in and thrown out (%s)", copy->said);
    else
        attack_check_judge(out, is_heard ? ATTACK_SAFE : ATTACK_UNCLEAR,
                           "the copy was let in and %s",
                           is_heard ? "held: pings are answered, nothing else is" : "not answered");
}

/* A broker may let whoever comes last have the client id: a device does reconnect. It does not do so
 * again and again, in turns with itself. */
static void judge_turns(struct clone_pair *pair, const struct attack_hello *hello,
                        struct attack_finding *out)
{
    struct attack_link *away = &pair->first;
    struct attack_link *there = &pair->copy;

    for (unsigned turn = 1; turn <= TURNS; turn++) {
        attack_link_close(away);
        if (!attack_link_join(away, pair->env, hello) || !is_served(away, pair->topic)) {
            attack_check_judge(out, ATTACK_SAFE,
                               "after %u take-overs to and fro the next one was noticed (%s)", turn,
                               away->said);
            return;
        }
        struct attack_link *came = away;
        away = there;
        there = came;
    }
    attack_check_judge(out, ATTACK_OPEN,
                       "original and copy took over from each other %u times, to and fro, and were "
                       "served each time",
                       TURNS + 1);
}

/* Both with one client id. */
static void judge_same_id(struct clone_pair *pair, struct attack_finding *out)
{
    const struct attack_hello hello = { .who = &pair->env->first, .suffix = "c" };
    bool is_greeted =
        attack_link_dial(&pair->copy, pair->env, &hello) && attack_link_greet(&pair->copy, &hello);
    bool lives = attack_link_idle(&pair->first, SETTLE_MS);

    if (!is_greeted || !attack_link_welcome(&pair->copy, ATTACK_ANSWER_MS)) {
        attack_check_judge(out, ATTACK_SAFE, "the copy was refused (%s)", pair->copy.said);
    } else {
        bool is_heard;
        if (!attack_link_is_served(&pair->copy, pair->topic, &is_heard))
            judge_unserved(&pair->copy, is_heard, out);
        else if (lives)
            attack_check_judge(out, ATTACK_OPEN, "the copy was let in and served (%s)",
                               pair->copy.said);
        else
            judge_turns(pair, &hello, out);
    }
    attack_check_note(out, "the original %s",
                      lives ? "stayed connected" : "lost its connection to the copy");
}

static void close_pair(struct clone_pair *pair)
{
    attack_link_close(&pair->first);
    attack_link_close(&pair->copy);
}

/* True: the original is served as if nothing had happened, so that the next part tells something. */
static bool is_as_before(struct clone_pair *pair, const struct attack_hello *hello,
                         struct attack_finding *out)
{
    bool is_in = attack_link_join(&pair->first, pair->env, hello);

    if (is_in && is_served(&pair->first, pair->topic))
        return true;
    attack_check_note(out,
                      "side by side under two client ids was not tried: the original is %s now",
                      is_in ? "held" : "refused");
    return false;
}

/* Under a client id of its own, from another address where there is one: from the same one it may be
 * another program of the same host. */
static void judge_beside(struct clone_pair *pair, struct attack_finding *out)
{
    bool is_elsewhere = strncmp(pair->env->address, "127.", 4) == 0;
    const struct attack_hello hello = { .who = &pair->env->first, .suffix = "c" };
    const struct attack_hello beside = { .who = &pair->env->first,
                                         .suffix = "e",
                                         .source = is_elsewhere ? "127.0.0.2" : NULL };

    if (!is_as_before(pair, &hello, out))
        return;
    if (!attack_link_join(&pair->copy, pair->env, &beside)) {
        attack_check_judge(out, ATTACK_SAFE, "under another client id the copy was refused (%s)",
                           pair->copy.said);
        return;
    }
    bool lives = attack_link_idle(&pair->first, SETTLE_MS);
    bool is_both =
        is_served(&pair->copy, pair->topic) && lives && is_served(&pair->first, pair->topic);
    if (is_both && is_elsewhere)
        attack_check_judge(out, ATTACK_OPEN,
                           "under another client id and from another address the copy was served "
                           "beside the original");
    else if (is_both)
        attack_check_note(out, "under another client id the copy was served beside the original; "
                               "from one address that may be two programs of one device");
    else
        attack_check_judge(out, ATTACK_SAFE,
                           "under another client id the copy was noticed: the %s is served no more",
                           lives ? "copy or the original" : "original");
}

void attack_credential_clone(const struct attack_env *env, struct attack_finding *out)
{
    struct clone_pair pair = { .env = env, .copy = { .env = env } };
    const struct attack_hello hello = { .who = &env->first, .suffix = "c" };

    if (!env->first.is_given) {
        attack_check_judge(out, ATTACK_UNCLEAR, "nobody needs a credential that could be copied");
        return;
    }
    attack_env_made_up_topic(env, "copy", pair.topic);
    if (attack_link_join(&pair.first, env, &hello)) {
        judge_same_id(&pair, out);
        close_pair(&pair);
        pair = (struct clone_pair){ .env = env, .first = { .env = env }, .copy = { .env = env } };
        attack_env_made_up_topic(env, "copy", pair.topic);
        if (!env->first.only_exact_id)
            judge_beside(&pair, out);
    } else {
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", pair.first.said);
    }
    close_pair(&pair);
    if (out->verdict == ATTACK_SAFE)
        attack_check_note(out, "%s may be held now: release it (tacit device release %s)",
                          env->first.label, env->first.client_id);
}
