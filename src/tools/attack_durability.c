/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"
#include "tools/attack_pace.h"
#include "tools/attack_shell.h"

#include "codec/publish.h"

#include <tacit/posix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES    100u
#define EXPIRY_S    600
#define BACK_MS     30000u
#define RETRY_MS    200
#define SILENT_MS   3000
#define NUMBER_SIZE 32

/* A session that stays, with a subscription. */
static bool leave_session(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->reader,
                                        .suffix = "d",
                                        .session_expiry_s = EXPIRY_S };
    bool is_left = attack_link_join(&link, env, &hello)
                   && attack_link_subscribe(&link, env->topic, MQTT_QOS_1);

    if (!is_left)
        attack_check_judge(out, ATTACK_UNCLEAR, "no session could be left behind: %s", link.said);
    attack_link_close(&link);
    return is_left;
}

/* Returns how many were acknowledged. */
static unsigned publish_all(const struct attack_env *env, struct attack_finding *out)
{
    char number[NUMBER_SIZE];
    struct attack_link link;
    const struct attack_hello hello = { .who = env->writer, .suffix = "j" };
    struct attack_message message = { .topic = env->topic, .payload = number, .qos = MQTT_QOS_1 };
    unsigned count = 0;
    bool goes_on = attack_link_join(&link, env, &hello);

    while (goes_on && count < MESSAGES) {
        message.len = (size_t)snprintf(number, sizeof(number), "kept %u", count);
        goes_on = attack_link_publish(&link, &message);
        count += goes_on;
    }
    if (!goes_on)
        attack_check_note(out, "after %u acknowledgements: %s", count, link.said);
    attack_link_close(&link);
    return count;
}

static bool come_back(const struct attack_env *env, struct attack_link *link)
{
    uint64_t end_ms = tacit_posix_now_ms() + BACK_MS;
    const struct attack_hello hello = {
        .who = env->reader, .suffix = "d", .session_expiry_s = EXPIRY_S, .resumes_session = true
    };

    while (!attack_link_join(link, env, &hello)) {
        attack_link_close(link);
        if (tacit_posix_now_ms() >= end_ms)
            return false;
        attack_pace_sleep(RETRY_MS);
    }
    return true;
}

/* Different messages of ours that come. */
static unsigned count_all(struct attack_link *link)
{
    struct mqtt_frame frame;
    struct mqtt_publish publish;
    bool seen[MESSAGES] = { false };
    unsigned count = 0;

    while (count < MESSAGES && attack_link_await(link, MQTT_PUBLISH, SILENT_MS, &frame)) {
        char number[NUMBER_SIZE] = "";
        if (mqtt_publish_decode(link->version, frame.flags, frame.body, &publish) != MQTT_OK
            || publish.payload.len < 6 || publish.payload.len >= sizeof(number)
            || memcmp(publish.payload.data, "kept ", 5) != 0)
            continue;
        memcpy(number, publish.payload.data, publish.payload.len);
        unsigned long which = strtoul(number + 5, NULL, 10);
        if (which < MESSAGES && !seen[which]) {
            seen[which] = true;
            count++;
        }
    }
    return count;
}

static void judge(const struct attack_env *env, unsigned acknowledged, struct attack_finding *out)
{
    struct attack_link link;
    int code = attack_shell_run(env->options->restart_command);

    if (code != 0) {
        attack_check_judge(out, ATTACK_UNCLEAR, "the --restart-command failed with %d", code);
        return;
    }
    if (!come_back(env, &link)) {
        attack_check_judge(out, ATTACK_UNCLEAR, "30 s after the restart nobody is let in: %s",
                           link.said);
        return;
    }
    unsigned found = count_all(&link);
    attack_check_judge(out, found < acknowledged ? ATTACK_OPEN : ATTACK_SAFE,
                       "%u messages for a session that stays were acknowledged, then the broker "
                       "was restarted: %u are there%s",
                       acknowledged, found, link.session_present ? "" : "; the session is gone");
    attack_link_close(&link);
}

static void forget(const struct attack_env *env)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->reader, .suffix = "d" };

    (void)!attack_link_join(&link, env, &hello);
    attack_link_close(&link);
}

void attack_durability(const struct attack_env *env, struct attack_finding *out)
{
    if (!leave_session(env, out))
        return;
    unsigned acknowledged = publish_all(env, out);
    if (acknowledged > 0)
        judge(env, acknowledged, out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "nothing was acknowledged");
    forget(env);
}
