/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <tacit/posix.h>

#include <stdbool.h>
#include <stdio.h>

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

/* One row under way. All are sent before the first is waited for, so that a broker that ends none
 * does not take the time of each. */
struct attempt {
    struct attack_link link;
    char suffix[8]; /* of the client id: each has its own */
    bool is_open;
    bool is_sent;
    uint64_t end_ms; /* by when it should be closed */
};

/* Every answer but a refusal is one too many. */
static bool is_ended(struct attack_link *link, uint64_t end_ms)
{
    struct mqtt_frame frame;
    bool is_refused = false;
    uint64_t now_ms = tacit_posix_now_ms();
    uint32_t left_ms = now_ms < end_ms ? (uint32_t)(end_ms - now_ms) : 0;

    while (!link->is_over && attack_link_take(link, left_ms, &frame))
        is_refused |= frame.type == MQTT_CONNACK && frame.body.len > 1 && frame.body.data[1] != 0;
    return link->is_over || is_refused;
}

static void begin(const struct attack_env *env, const struct row *row, struct attempt *attempt)
{
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL,
                                        .suffix = attempt->suffix };

    (void)snprintf(attempt->suffix, sizeof(attempt->suffix), "m%u", (unsigned)(row - rows));
    attempt->is_open = row->is_after ? attack_link_join(&attempt->link, env, &hello)
                                     : attack_link_dial(&attempt->link, env, &hello);
    attempt->is_sent = attempt->is_open && attack_link_send(&attempt->link, row->bytes, row->len);
    attempt->end_ms = tacit_posix_now_ms() + CLOSES_IN_MS;
}

/* True: the broker ended it, or there was no connection to end. */
static bool end(struct attempt *attempt, const struct row *row, struct attack_finding *out)
{
    struct attack_link *link = &attempt->link;
    bool is_good = !attempt->is_sent || is_ended(link, attempt->end_ms);

    if (!attempt->is_open)
        attack_check_judge(out, ATTACK_UNCLEAR, "%s: no connection (%s)", row->name, link->said);
    if (!is_good)
        attack_check_judge(out, ATTACK_OPEN, "%s%s did not end the connection", row->name,
                           row->is_after ? "" : " (before CONNECT)");
    attack_link_close(link);
    return attempt->is_open && is_good;
}

/* Some at a time; returns how many were refused. */
static unsigned try_rows(const struct attack_env *env, size_t first, size_t count,
                         struct attempt *attempts, struct attack_finding *out)
{
    unsigned good = 0;

    for (size_t i = first; i < first + count; i++)
        if (!rows[i].is_after || env->first.is_usable)
            begin(env, &rows[i], &attempts[i]);
    for (size_t i = first; i < first + count; i++)
        if (!rows[i].is_after || env->first.is_usable)
            good += end(&attempts[i], &rows[i], out);
    return good;
}

void attack_malformed_packets(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->first.is_usable ? &env->first : NULL,
                                        .suffix = "m" };
    struct attempt attempts[MQTT_ARRAY_LEN(rows)] = { 0 };
    unsigned good = 0;
    unsigned tried = 0;
    /* One client id is one connection. */
    size_t at_once = env->first.only_exact_id ? 1 : MQTT_ARRAY_LEN(rows);

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        tried += !rows[i].is_after || env->first.is_usable;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i += at_once)
        good += try_rows(env, i, at_once, attempts, out);
    attack_check_judge(out, ATTACK_SAFE, "%u of %u packets that break the standard were refused",
                       good, tried);
    bool lives = env->first.is_usable ? attack_link_join(&link, env, &hello)
                                      : attack_link_dial(&link, env, &hello);
    attack_check_judge(out, lives ? ATTACK_SAFE : ATTACK_OPEN, "after them the broker %s",
                       lives ? "lives" : "serves nobody any more");
    attack_link_close(&link);
}
