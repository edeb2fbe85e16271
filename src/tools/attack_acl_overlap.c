/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <stdio.h>
#include <string.h>

#define HEARD_MS     1000
#define FILTERS_MAX  4
#define SIBLING_TAIL 32

/* Filters that match the topic and its sibling, which differs in the last level. */
struct filters {
    char sibling[ATTACK_TOPIC_SIZE + SIBLING_TAIL];
    char text[FILTERS_MAX][ATTACK_TOPIC_SIZE + SIBLING_TAIL];
};

static void make(const struct attack_env *env, struct filters *out)
{
    const char *slash = strrchr(env->topic, '/');
    int parent = slash != NULL ? (int)(slash - env->topic + 1) : 0;
    size_t first = strcspn(env->topic, "/");
    const char *between = env->topic + first; /* with both slashes around it, as far as there */
    int between_len = parent > (int)first ? parent - (int)first : 0;

    (void)snprintf(out->sibling, sizeof(out->sibling), "%s-%s", env->topic, env->tag);
    (void)snprintf(out->text[0], sizeof(out->text[0]), "%.*s+", parent, env->topic);
    (void)snprintf(out->text[1], sizeof(out->text[1]), "%.*s#", parent, env->topic);
    (void)snprintf(out->text[2], sizeof(out->text[2]), "%s%.*s+", parent > 0 ? "+" : "",
                   between_len, between);
    (void)snprintf(out->text[3], sizeof(out->text[3]), "$share/tacit-attack/%.*s+", parent,
                   env->topic);
}

/* Sends to the sibling. True: it was taken, as far as the broker says. */
static bool write_sibling(struct attack_link *writer, const struct filters *filters,
                          const char *payload)
{
    const struct attack_message message = {
        .topic = filters->sibling, .payload = payload, .len = strlen(payload), .qos = MQTT_QOS_1
    };
    return attack_link_publish(writer, &message);
}

static void judge(const struct attack_env *env, struct attack_link *writer, const char *filter,
                  const struct filters *filters, struct attack_finding *out)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->reader, .suffix = "v" };

    if (!attack_link_join(&link, env, &hello))
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", link.said);
    else if (!attack_link_subscribe(&link, filter, MQTT_QOS_1))
        attack_check_judge(out, ATTACK_SAFE, "%s: refused (%s)", filter, link.said);
    else if (!write_sibling(writer, filters, filter))
        attack_check_judge(out, ATTACK_UNCLEAR,
                           "%s: granted; whether it brings more does not show, because no message "
                           "could be sent to %s",
                           filter, filters->sibling);
    else if (attack_link_hears(&link, filter, HEARD_MS))
        attack_check_judge(out, ATTACK_OPEN, "%s: granted, and brought %s", filter,
                           filters->sibling);
    else
        attack_check_judge(out, ATTACK_SAFE, "%s: granted, but did not bring %s", filter,
                           filters->sibling);
    attack_link_close(&link);
}

/* May the reader have the sibling when it asks for it by its name? */
static bool may_read_sibling(const struct attack_env *env, struct attack_link *writer,
                             const struct filters *filters)
{
    struct attack_link link;
    const struct attack_hello hello = { .who = env->reader, .suffix = "v" };
    bool may = attack_link_join(&link, env, &hello)
               && attack_link_subscribe(&link, filters->sibling, MQTT_QOS_1)
               && write_sibling(writer, filters, "by name")
               && attack_link_hears(&link, "by name", HEARD_MS);

    attack_link_close(&link);
    return may;
}

void attack_acl_overlap(const struct attack_env *env, struct attack_finding *out)
{
    struct filters filters;
    struct attack_link writer;
    const struct attack_hello hello = { .who = env->writer, .suffix = "u" };

    make(env, &filters);
    if (!attack_link_join(&writer, env, &hello))
        attack_check_judge(out, ATTACK_UNCLEAR, "not let in: %s", writer.said);
    else if (may_read_sibling(env, &writer, &filters))
        attack_check_judge(out, ATTACK_UNCLEAR,
                           "%s may read %s by its name, so that a wider filter brings nothing more",
                           env->reader->label, filters.sibling);
    else
        for (size_t i = 0; i < FILTERS_MAX; i++)
            judge(env, &writer, filters.text[i], &filters, out);
    attack_link_close(&writer);
}
