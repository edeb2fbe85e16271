/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/reach_names.h"

#include <stdio.h>
#include <string.h>

struct deciding {
    const struct reach_names_question *question;
    struct reach_names *read;
    struct reach_names *write;
};

static struct reach decide(const struct reach_names_question *q, const char *name)
{
    struct identity identity = *q->identity;
    identity.device = name;
    return reach_decide(q->role, &identity, q->topic);
}

/* A level is compared as a whole, so a name matters only where it is a part of one. No name of
 * the registry has a '~'. */
static void make_other(struct mqtt_span topic, char out[IDENTITY_NAME_BYTES + 1])
{
    unsigned number = 0;
    do
        (void)snprintf(out, IDENTITY_NAME_BYTES + 1, "~%u", number++);
    while (memmem(topic.data, topic.len, out, strlen(out)) != NULL);
}

/* Bytes that a level with the name in it can have by the rules of the role; 0: the name does not
 * matter. Not the least bound, but one that spares long levels. */
static size_t longest_level(const struct role *role)
{
    size_t longest = 0;
    for (size_t i = 0; i < role_rule_count(role); i++) {
        const char *pattern = role_rule_at(role, i)->pattern;
        size_t bytes = strlen(pattern);
        if (strstr(pattern, "%{device}") == NULL)
            continue;
        for (const char *at = pattern; (at = strstr(at, "%{")) != NULL; at++)
            bytes += IDENTITY_NAME_BYTES;
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

static void note(struct reach_names *names, const char *name, const struct policy_rule *rule)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return;
    if (!names->others && names->rule == NULL)
        names->rule = rule;
    if (names->count == REACH_NAMES_MAX)
        names->is_cut = true;
    else
        memcpy(names->names[names->count++], name, strlen(name) + 1);
}

static void try_name(struct deciding *d, const char *name)
{
    struct reach reach = decide(d->question, name);
    bool can_read = reach.read.verdict == POLICY_ALLOW;
    bool can_write = reach.write.verdict == POLICY_ALLOW;
    if ((can_read == d->read->others && can_write == d->write->others)
        || !d->question->permits(d->question->context, name))
        return;
    if (can_read != d->read->others)
        note(d->read, name, reach.read.rule);
    if (can_write != d->write->others)
        note(d->write, name, reach.write.rule);
}

/* Every name that the rest of a level begins with. */
static void try_all_from(struct deciding *d, struct mqtt_span rest)
{
    char name[IDENTITY_NAME_BYTES + 1];
    for (size_t len = 0; len < rest.len && len < IDENTITY_NAME_BYTES;) {
        name[len] = (char)rest.data[len];
        name[++len] = '\0';
        /* What is no name does not become one by growing. */
        if (!identity_name_is_valid(name))
            return;
        try_name(d, name);
    }
}

static struct mqtt_span first_level(struct mqtt_span topic)
{
    const uint8_t *end = memchr(topic.data, '/', topic.len);
    return (struct mqtt_span){ topic.data, end != NULL ? (size_t)(end - topic.data) : topic.len };
}

void reach_names_decide(const struct reach_names_question *question, struct reach_names *out_read,
                        struct reach_names *out_write)
{
    char other[IDENTITY_NAME_BYTES + 1];
    struct deciding d = { .question = question, .read = out_read, .write = out_write };
    make_other(question->topic, other);
    struct reach others = decide(question, other);
    bool permits = question->permits(question->context, other);
    *out_read = (struct reach_names){ .others = permits && others.read.verdict == POLICY_ALLOW };
    *out_write = (struct reach_names){ .others = permits && others.write.verdict == POLICY_ALLOW };
    out_read->rule = out_read->others ? others.read.rule : NULL;
    out_write->rule = out_write->others ? others.write.rule : NULL;
    size_t longest = longest_level(question->role);
    for (struct mqtt_span rest = question->topic; longest > 0 && rest.len > 0;) {
        struct mqtt_span level = first_level(rest);
        for (size_t i = 0; level.len <= longest && i < level.len; i++)
            try_all_from(&d, (struct mqtt_span){ level.data + i, level.len - i });
        size_t used = level.len < rest.len ? level.len + 1 : level.len;
        rest = (struct mqtt_span){ rest.data + used, rest.len - used };
    }
}
