/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <stdbool.h>

#define CLOSES_IN_MS 3000
#define BYTES_MAX    32

static const struct row {
    bool is_after;
    const char *name;
    uint8_t len;
    uint8_t bytes[BYTES_MAX];
} rows[] = {
#define MALFORMED(after, name, ...) \
    { after, name, sizeof((const uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } },
#include "tools/attack_malformed.def"
#undef MALFORMED
};

/* Every answer but a refusal is one too many. */
static bool is_ended(struct attack_link *link)
{
    struct mqtt_frame frame;
    bool is_refused = false;

    while (!link->is_over && attack_link_take(link, CLOSES_IN_MS, &frame))
        is_refused |= frame.type == MQTT_CONNACK && frame.body.len > 1 && frame.body.data[1] != 0;
    return link->is_over || is_refused;
}

/* True: the broker ended it, or there was no connection to end. */
static bool try(const struct attack_env *env, const struct row *row, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL,
                                        .suffix = "m" };
    bool is_open =
        row->is_after ? attack_link_join(&link, env, &hello) : attack_link_dial(&link, env, &hello);
    bool is_good = true;

    if (!is_open)
        attack_check_judge(out, ATTACK_UNCLEAR, "%s: no connection (%s)", row->name, link.said);
    else if (attack_link_send(&link, row->bytes, row->len))
        is_good = is_ended(&link);
    if (!is_good)
        attack_check_judge(out, ATTACK_OPEN, "%s%s did not end the connection", row->name,
                           row->is_after ? "" : " (before CONNECT)");
    attack_link_close(&link);
    return is_open && is_good;
}

void attack_malformed_packets(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL,
                                        .suffix = "m" };
    unsigned good = 0;
    unsigned tried = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        if (!rows[i].is_after || env->first.is_usable) {
            tried++;
            good += try(env, &rows[i], out);
        }
    attack_check_judge(out, ATTACK_SAFE, "%u of %u packets that break the standard were refused",
                       good, tried);
    bool lives = env->first.is_usable ? attack_link_join(&link, env, &hello)
                                      : attack_link_dial(&link, env, &hello);
    attack_check_judge(out, lives ? ATTACK_SAFE : ATTACK_OPEN, "after them the broker %s",
                       lives ? "lives" : "serves nobody any more");
    attack_link_close(&link);
}
