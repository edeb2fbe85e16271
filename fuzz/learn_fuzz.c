/* SPDX-License-Identifier: Apache-2.0 */
/* A role and what was done with it, a line each: "p a/+" grants, "P a/b" denies, "w a/" is a scope,
 * "1p a/b" is what a device does, with s for p to subscribe. What is learned of that is a file
 * without a mistake; it allows what was allowed, and nothing else. */
#include "base/invariant.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "config/config.h"
#include "policy/learn.h"
#include "policy/replay.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME       "fuzz.conf"
#define DEVICES    3
#define RULES_MAX  24 /* so that unions of them can be told */
#define LINES_MAX  200
#define LINE_BYTES 256

static const struct identity devices[DEVICES] = {
    { .device = "lamp", .role = "r", .site = "north" },
    { .device = "door", .role = "r", .site = "north", .tenant = "acme" },
    { .device = "a", .role = "r" },
};

struct trial {
    struct mqtt_span lines[LINES_MAX];
    size_t count;
    struct policy *now;
    const struct policy *then;
    struct sketch *sketch;
};

static void cut_lines(struct mqtt_span rest, struct trial *out)
{
    while (rest.len != 0 && out->count < LINES_MAX) {
        const uint8_t *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline != NULL ? (size_t)(newline - rest.data) : rest.len;
        size_t used = newline != NULL ? len + 1 : len;
        if (len < LINE_BYTES)
            out->lines[out->count++] = (struct mqtt_span){ rest.data, len };
        rest = (struct mqtt_span){ rest.data + used, rest.len - used };
    }
}

static bool is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* No file has control characters; NUL ends what is copied. */
static bool copy_text(struct mqtt_span text, char out[LINE_BYTES])
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.data[i]))
            return false;
        out[i] = (char)text.data[i];
    }
    out[text.len] = '\0';
    return true;
}

static int add_rule(struct role *role, char kind, const char *pattern, size_t number)
{
    const char *why = NULL;
    const struct policy_rule rule = {
        .action = kind == 'p' || kind == 'P' ? POLICY_PUBLISH : POLICY_SUBSCRIBE,
        .grants = kind == 'p' || kind == 's',
        .pattern = pattern,
        .terms = { (uint8_t)(number % 3), kind == 'p' && number % 2 == 0, POLICY_NO_LIMIT, 0, 0 },
    };
    const struct policy_scope scope = { .prefix = pattern,
                                        .depth = (uint32_t)(number % 3),
                                        .most_topics = 1,
                                        .owner = "o",
                                        .reason = pattern };
    return kind == 'w' ? role_add_scope(role, &scope, &why) : role_add_rule(role, &rule, &why);
}

static void make_policy(struct trial *trial)
{
    const struct role_options options = { .terms = { 1, false, POLICY_NO_LIMIT, 0, 0 } };
    char pattern[LINE_BYTES];
    size_t rules = 0;
    trial->now = policy_new();
    MQTT_INVARIANT(trial->now != NULL);
    struct role *role = policy_add_role(trial->now, "r", &options);
    MQTT_INVARIANT(role != NULL);
    for (size_t i = 0; i < trial->count && rules < RULES_MAX; i++) {
        struct mqtt_span line = trial->lines[i];
        if (line.len < 3 || line.data[1] != ' ' || strchr("pPsSw", line.data[0]) == NULL)
            continue;
        if (copy_text((struct mqtt_span){ line.data + 2, line.len - 2 }, pattern))
            rules += add_rule(role, (char)line.data[0], pattern, i) == 0;
    }
    policy_seal(trial->now);
}

/* ---- deeds ---- */

struct deed {
    const struct identity *who;
    enum policy_action action;
    struct mqtt_span topic;
};

static bool read_deed(struct mqtt_span line, struct deed *out)
{
    if (line.len < 4 || line.data[0] < '1' || line.data[0] >= '1' + DEVICES || line.data[2] != ' ')
        return false;
    out->who = &devices[line.data[0] - '1'];
    out->action = line.data[1] == 's' ? POLICY_SUBSCRIBE : POLICY_PUBLISH;
    out->topic = (struct mqtt_span){ line.data + 3, line.len - 3 };
    if (!mqtt_utf8_is_valid(out->topic))
        return false;
    return out->action == POLICY_SUBSCRIBE ? mqtt_topic_filter_is_valid(out->topic)
                                           : mqtt_topic_name_is_valid(out->topic);
}

static bool is_allowed(const struct policy *policy, const struct identity *who,
                       const struct deed *deed)
{
    const struct role *role = policy_find(policy, who);
    if (deed->action == POLICY_PUBLISH)
        return policy_decide_publish(role, who, deed->topic).verdict == POLICY_ALLOW;
    return policy_decide_subscribe(role, who, deed->topic).verdict == POLICY_ALLOW;
}

static void act(struct trial *trial)
{
    struct deed deed;
    trial->sketch = sketch_new(&(struct siphash_key){ 1, 2 }, 1000);
    MQTT_INVARIANT(trial->sketch != NULL);
    for (size_t i = 0; i < trial->count; i++) {
        if (read_deed(trial->lines[i], &deed))
            sketch_note(trial->sketch, deed.who, deed.action, deed.topic,
                        is_allowed(trial->now, deed.who, &deed), (int64_t)i);
    }
}

/* ---- what is learned ---- */

static int put(void *context, struct mqtt_span piece)
{
    struct mqtt_span *text = context;
    uint8_t *grown = realloc((void *)(uintptr_t)text->data, text->len + piece.len);
    MQTT_INVARIANT(grown != NULL && piece.len != 0);
    memcpy(grown + text->len, piece.data, piece.len);
    *text = (struct mqtt_span){ grown, text->len + piece.len };
    return 0;
}

static int read_text(void *context, const char *path, char **out_text, size_t *out_len)
{
    struct mqtt_span *text = context;
    MQTT_INVARIANT(strcmp(path, NAME) == 0);
    *out_text = (char *)(uintptr_t)text->data; /* which the reader frees */
    *out_len = text->len;
    return 0;
}

static void on_line(void *context, const char *line)
{
    (void)context;
    MQTT_INVARIANT(line == NULL); /* there is nothing to complain about */
}

static struct config *learn(const struct trial *trial)
{
    struct learned *learned = NULL;
    struct mqtt_span text = { NULL, 0 };
    struct config *config = NULL;
    int error = learn_roles(trial->sketch, trial->now, &(struct learn_options){ .merge_above = 2 },
                            &learned);
    MQTT_INVARIANT(error == 0 && learned_count(learned) == 1);
    MQTT_INVARIANT(learned_write(learned, put, &text) == 0);
    learned_free(learned);
    const struct settings_files files = { &text, read_text };
    struct diagnostics diagnostics = { on_line, NULL, 0 };
    MQTT_INVARIANT(config_load(NAME, &files, NULL, &diagnostics, &config) == 0);
    return config;
}

static int judge(void *context, const struct sketch_entry *entry)
{
    const struct trial *trial = context;
    const struct role *now = policy_find(trial->now, &entry->identity);
    const struct role *then = policy_find(trial->then, &entry->identity);
    MQTT_INVARIANT(!entry->allowed || replay_decide(then, entry) >= replay_decide(now, entry));
    return 0;
}

/* Every topic, asked for every device. */
static void check_narrow(const struct trial *trial)
{
    struct deed deed;
    for (size_t i = 0; i < trial->count; i++) {
        if (!read_deed(trial->lines[i], &deed))
            continue;
        for (size_t d = 0; d < DEVICES; d++)
            MQTT_INVARIANT(!is_allowed(trial->then, &devices[d], &deed)
                           || is_allowed(trial->now, &devices[d], &deed));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trial trial = { .count = 0 };
    cut_lines((struct mqtt_span){ data, size }, &trial);
    make_policy(&trial);
    act(&trial);
    if (sketch_count(trial.sketch) != 0) {
        struct config *config = learn(&trial);
        trial.then = config->policy;
        (void)sketch_each(trial.sketch, judge, &trial);
        check_narrow(&trial);
        config_unref(config);
    }
    sketch_free(trial.sketch);
    policy_unref(trial.now);
    return 0;
}
