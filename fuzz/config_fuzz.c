/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as tacit.conf: what is refused is refused with a place that is in the text, and what is
 * accepted makes a policy, with and without what has expired. */
#include "base/invariant.h"
#include "config/config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME "fuzz.conf"

struct text {
    const uint8_t *data;
    size_t len;
    bool includes; /* names other files, none of which is there */
};

static int read_text(void *context, const char *path, char **out_text, size_t *out_len)
{
    struct text *text = context;

    if (strcmp(path, NAME) != 0) {
        text->includes = true;
        return -ENOENT;
    }
    /* Exactly sized: whoever reads on is seen. */
    char *copy = malloc(text->len > 0 ? text->len : 1);
    if (copy == NULL)
        return -ENOMEM;
    if (text->len > 0)
        memcpy(copy, text->data, text->len);
    *out_text = copy;
    *out_len = text->len;
    return 0;
}

/* The length of line number `line`, newline included; the text ends with one more line. */
static bool has_place(const struct text *text, unsigned long line, unsigned long column)
{
    size_t at = 0;

    for (; line > 1; line--) {
        const uint8_t *end = memchr(text->data + at, '\n', text->len - at);
        if (end == NULL)
            return false;
        at = (size_t)(end - text->data) + 1;
    }
    const uint8_t *end = at < text->len ? memchr(text->data + at, '\n', text->len - at) : NULL;
    size_t len = (end != NULL ? (size_t)(end - text->data) : text->len) - at;
    return column >= 1 && column <= len + 1;
}

static void on_line(void *context, const char *line)
{
    const struct text *text = context;
    char *end = NULL;

    MQTT_INVARIANT(strlen(line) < DIAGNOSTIC_BYTES);
    if (strncmp(line, NAME ":", strlen(NAME ":")) != 0) {
        MQTT_INVARIANT(text->includes || strstr(line, "built-in") != NULL);
        return;
    }
    unsigned long number = strtoul(line + strlen(NAME ":"), &end, 10);
    MQTT_INVARIANT(number >= 1 && *end == ':');
    unsigned long column = strtoul(end + 1, &end, 10);
    MQTT_INVARIANT(end[0] == ':' && end[1] == ' ' && has_place(text, number, column));
}

static int64_t expiry_of(void *context, const struct config_role *role,
                         const struct config_scope *scope)
{
    const int64_t *first_read_s = context;

    (void)role;
    return *first_read_s + scope->lasts_s;
}

static void build(const struct config *config, int64_t now_s)
{
    int64_t first_read_s = 1000000000;
    struct policy *policy = policy_new();

    if (policy == NULL)
        return;
    for (size_t i = 0; i < config->role_count; i++) {
        struct role *role = NULL;
        int status =
            config_role_add(&config->roles[i], policy, now_s, expiry_of, &first_read_s, &role);
        MQTT_INVARIANT(status == 0 && role != NULL);
    }
    policy_seal(policy);
    MQTT_INVARIANT(policy_role_count(policy) == config->role_count);
    int64_t next_s = policy_next_expiry_s(policy);
    MQTT_INVARIANT(next_s == 0 || next_s > now_s);
    policy_unref(policy);
}

static void look_at(const struct config *config)
{
    MQTT_INVARIANT(config->listener_count > 0);
    for (size_t i = 0; i < config->assign_count; i++)
        MQTT_INVARIANT(config_find_role(config, config->assigns[i].role) != NULL);
    build(config, 0);
    build(config, 1800000000);
    build(config, INT64_MAX / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text text = { data, len, false };
    const struct settings_files files = { &text, read_text };
    struct diagnostics diagnostics = { on_line, &text, 0 };
    struct config *config = NULL;
    int status = config_load(NAME, &files, NULL, &diagnostics, &config);

    MQTT_INVARIANT((status == 0) == (diagnostics.errors == 0));
    MQTT_INVARIANT(status == 0 || status == -EINVAL);
    if (status == 0)
        look_at(config);
    config_unref(config);
    return 0;
}
