/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_recon.h"

#include "tools/attack_link.h"
#include "tools/attack_offer.h"

#include <stdio.h>
#include <string.h>

#define HEARD_MS        2000
#define VERSION_REFUSED 0x84
#define VERSION_CODE    1

/* *out_is_old: closed without an answer to CONNECT, or with one about the version, the broker may be
 * of an older time. One that says nothing at all will not say more to an older CONNECT. */
static bool come(const struct attack_env *env, struct attack_identity *who, bool exact,
                 bool *out_is_old)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = who, .suffix = exact ? NULL : "r" };
    bool is_in = attack_link_join(&link, env, &hello);

    if (is_in)
        who->only_exact_id = exact;
    else if (who->why_not[0] == '\0')
        (void)snprintf(who->why_not, sizeof(who->why_not), "%s was not let in: %s", who->label,
                       link.said);
    *out_is_old = link.was_answered ? link.reason == VERSION_REFUSED || link.reason == VERSION_CODE
                                    : link.is_over;
    attack_link_close(&link);
    return is_in;
}

static bool try_once(struct attack_env *env, struct attack_identity *who, bool exact)
{
    bool is_old = false;
    bool is_in = come(env, who, exact, &is_old);

    if (is_in || !is_old || env->version != MQTT_VERSION_5)
        return is_in;
    env->version = MQTT_VERSION_3_1_1;
    is_in = come(env, who, exact, &is_old);
    if (!is_in)
        env->version = MQTT_VERSION_5;
    return is_in;
}

static void try_identity(struct attack_env *env, struct attack_identity *who)
{
    if (!who->is_given)
        return;
    who->is_usable =
        try_once(env, who, false) || (who->client_id[0] != '\0' && try_once(env, who, true));
    if (!who->is_usable)
        (void)fprintf(stderr, "tacit attack: %s\n", who->why_not);
}

/* Who was not given is somebody without credentials, if those get in. */
static void stand_in(const struct attack_env *env, struct attack_identity *who)
{
    if (who->is_given)
        return;
    who->is_usable = env->has_anonymous;
    if (who->is_usable)
        who->label = "somebody without credentials";
    (void)snprintf(who->why_not, sizeof(who->why_not), "no credentials of %s were given",
                   who->label);
}

static bool carries(const struct attack_env *env, const struct attack_identity *reader,
                    const char *topic)
{
    struct attack_link in;
    struct attack_link out = { .env = env };
    const struct attack_hello reads = { .who = reader, .suffix = "i" };
    const struct attack_hello writes = { .who = &env->first, .suffix = "o" };
    const struct attack_message message = {
        .topic = topic, .payload = env->tag, .len = strlen(env->tag), .qos = MQTT_QOS_1
    };
    bool works = attack_link_join(&in, env, &reads) && attack_link_subscribe(&in, topic, MQTT_QOS_1)
                 && attack_link_join(&out, env, &writes) && attack_link_publish(&out, &message)
                 && attack_link_hears(&in, env->tag, HEARD_MS);

    attack_link_close(&in);
    attack_link_close(&out);
    return works;
}

/* The one that was named, else one that was made up, else one of tacit's built-in roles. */
static void find_topic(struct attack_env *env)
{
    char candidates[3][ATTACK_TOPIC_SIZE] = { "", "", "" };
    const struct attack_identity *reader =
        env->second.is_given && env->second.is_usable ? &env->second : &env->first;

    if (!env->first.is_usable)
        return;
    if (env->options->topic != NULL) {
        (void)snprintf(candidates[0], ATTACK_TOPIC_SIZE, "%s", env->options->topic);
    } else {
        attack_env_made_up_topic(env, "first", candidates[1]);
        (void)snprintf(candidates[2], ATTACK_TOPIC_SIZE, "devices/%s/state", env->first.client_id);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(candidates); i++) {
        if (candidates[i][0] == '\0' || !carries(env, reader, candidates[i]))
            continue;
        memcpy(env->topic, candidates[i], ATTACK_TOPIC_SIZE);
        env->topic_is_made_up = i == 1;
        env->writer = &env->first;
        env->reader = reader;
        return;
    }
    if (env->options->topic != NULL)
        (void)fprintf(stderr, "tacit attack: no message came over the topic %s\n",
                      env->options->topic);
}

/* Somebody who chooses something, however bad, is there to be attacked. */
static bool speaks_tls(const struct attack_env *env)
{
    struct tacit_probe_facts facts;

    return attack_offer_make(env, TACIT_PROBE_TLS_ANY, "ALL:eNULL", &facts) == ATTACK_OFFER_TAKEN;
}

static bool is_there(const struct attack_env *env)
{
    struct attack_link link;
    const struct attack_hello nobody = { .who = NULL, .suffix = "n" };
    bool answers = attack_link_dial(&link, env, &nobody);

    if (!answers && env->is_encrypted && link.probe != NULL)
        answers = speaks_tls(env);
    if (!answers)
        (void)fprintf(stderr, "tacit attack: %s\n", link.said);
    attack_link_close(&link);
    return answers;
}

bool attack_recon_run(struct attack_env *env)
{
    struct attack_identity nobody = { .label = "somebody without credentials", .tls = env->tls };

    if (!is_there(env))
        return false;
    try_identity(env, &env->first);
    try_identity(env, &env->second);
    env->has_anonymous = try_once(env, &nobody, false);
    stand_in(env, &env->first);
    stand_in(env, &env->second);
    find_topic(env);
    return true;
}
