/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_bulk.h"

#include "codec/writer.h"

#define HEAD_BYTES      (ATTACK_TOPIC_SIZE + 16)
#define ANNOUNCED_BYTES 209715200

void attack_oversized_packet(const struct attack_env *env, struct attack_finding *out)
{
    static const uint8_t payload[] = "tacit";
    uint8_t head[HEAD_BYTES];
    char topic[ATTACK_TOPIC_SIZE];
    struct attack_link link;
    struct mqtt_writer w = mqtt_writer_over(head, sizeof(head));
    const struct attack_hello hello = { .who = &env->first, .suffix = "z" };

    attack_env_made_up_topic(env, "oversized", topic);
    mqtt_write_u8(&w, MQTT_PUBLISH << 4);
    mqtt_write_varint(&w, ANNOUNCED_BYTES);
    mqtt_write_binary(&w, span_of(env->topic[0] != '\0' ? env->topic : topic));
    if (env->version == MQTT_VERSION_5)
        mqtt_write_u8(&w, 0);
    const struct attack_bulk bulk = { .head = mqtt_writer_written(&w),
                                      .pattern = { payload, sizeof(payload) },
                                      .what = "a PUBLISH that announces 200 MB" };
    if (attack_link_join(&link, env, &hello))
        attack_bulk_judge(&link, &bulk, out);
    else
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", link.said);
    attack_link_close(&link);
}
