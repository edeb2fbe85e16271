/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <tacit/posix.h>

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES  32768u
#define MESSAGES       1024u /* 32 MiB in all */
#define LOOK_EVERY     64u
#define HONEST_MS      1000
#define SILENT_MS      2000
#define DRAIN_MS       20000u
#define BUFFER_BYTES   4096u
#define KEPT_BYTES_MAX (16u * 1024u * 1024u)
#define MIB            (1024u * 1024u)

struct scene {
    struct attack_link slow, writer, honest;
    uint32_t worst_ms; /* that a ping of the honest client took */
    unsigned sent;
};

static bool set_up(const struct attack_env *env, struct scene *scene)
{
    const struct attack_hello slow = { .who = env->reader,
                                       .suffix = "f",
                                       .receive_buffer_bytes = BUFFER_BYTES };
    const struct attack_hello writer = { .who = env->writer, .suffix = "g" };
    const struct attack_hello honest = { .who = env->reader, .suffix = "h" };

    return attack_link_join(&scene->slow, env, &slow)
           && attack_link_subscribe(&scene->slow, env->topic, MQTT_QOS_0)
           && attack_link_join(&scene->writer, env, &writer)
           && attack_link_join(&scene->honest, env, &honest);
}

/* False: the honest client was not answered in time. */
static bool is_served(struct scene *scene)
{
    uint64_t began_ms = tacit_posix_now_ms();
    bool is_answered = attack_link_ping(&scene->honest, HONEST_MS);
    uint32_t took_ms = (uint32_t)(tacit_posix_now_ms() - began_ms);

    scene->worst_ms = took_ms > scene->worst_ms ? took_ms : scene->worst_ms;
    return is_answered;
}

static void judge_pump(const struct attack_env *env, struct scene *scene,
                       struct attack_finding *out)
{
    uint8_t *payload = calloc(1, MESSAGE_BYTES);
    const struct attack_message message = { .topic = env->topic,
                                            .payload = payload,
                                            .len = MESSAGE_BYTES };
    bool goes_on = payload != NULL;
    bool honest = true;

    for (; goes_on && honest && scene->sent < MESSAGES; scene->sent++) {
        goes_on = attack_link_publish(&scene->writer, &message);
        if (scene->sent % LOOK_EVERY == 0)
            honest = is_served(scene);
    }
    free(payload);
    attack_check_judge(out, honest ? ATTACK_SAFE : ATTACK_OPEN,
                       "while %u messages of 32 KiB went to a subscriber that does not read, "
                       "another client was answered within %u ms%s",
                       scene->sent, scene->worst_ms, honest ? "" : ", if at all");
    if (!goes_on)
        attack_check_judge(out, ATTACK_UNCLEAR, "the writer was stopped: %s", scene->writer.said);
}

static void judge_kept(struct scene *scene, struct attack_finding *out)
{
    struct mqtt_frame frame;
    uint64_t end_ms = tacit_posix_now_ms() + DRAIN_MS;

    while (tacit_posix_now_ms() < end_ms
           && attack_link_await(&scene->slow, MQTT_PUBLISH, SILENT_MS, &frame))
        continue;
    attack_check_judge(out, scene->slow.payload_bytes > KEPT_BYTES_MAX ? ATTACK_OPEN : ATTACK_SAFE,
                       "for the one that did not read %u MiB of %u MiB were kept",
                       (unsigned)(scene->slow.payload_bytes / MIB),
                       scene->sent / (MIB / MESSAGE_BYTES));
}

void attack_slow_subscriber(const struct attack_env *env, struct attack_finding *out)
{
    struct scene scene = { .sent = 0 };

    if (set_up(env, &scene)) {
        judge_pump(env, &scene, out);
        judge_kept(&scene, out);
    } else {
        attack_check_judge(out, ATTACK_UNCLEAR, "not set up: %s %s %s", scene.slow.said,
                           scene.writer.said, scene.honest.said);
    }
    attack_link_close(&scene.slow);
    attack_link_close(&scene.writer);
    attack_link_close(&scene.honest);
}
