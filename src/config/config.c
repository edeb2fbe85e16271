/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_builtin(void *context, const char *path, char **out_text, size_t *out_len)
{
    (void)context;
    (void)path;
    char *text = strdup(config_builtin);
    if (text == NULL)
        return -ENOMEM;
    *out_text = text;
    *out_len = strlen(text);
    return 0;
}

static const struct settings_files builtin_files = { NULL, read_builtin };

static bool is_wanted(const struct settings_block *block, enum settings_kind kind)
{
    return block->kind == kind && !block->is_void;
}

static size_t count_blocks(const struct settings *settings, enum settings_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < settings->block_count; i++)
        count += is_wanted(&settings->blocks[i], kind) ? 1 : 0;
    return count;
}

static int read_roles(const struct settings *settings, struct diagnostics *diagnostics,
                      struct config *config)
{
    size_t count = count_blocks(settings, SETTINGS_ROLE);

    config->roles = calloc(count + 1, sizeof(config->roles[0]));
    if (config->roles == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->block_count; i++) {
        if (!is_wanted(&settings->blocks[i], SETTINGS_ROLE))
            continue;
        struct config_role *role = &config->roles[config->role_count];
        int status = config_role_read(settings, i, diagnostics, role);
        if (status == 0 && role->name != NULL)
            status = config_role_check(role, diagnostics, config->policy);
        if (status != 0 || role->name == NULL)
            config_role_fini(role);
        else
            config->role_count++;
        if (status != 0)
            return status;
    }
    return 0;
}

static int read_assigns(const struct settings *settings, struct diagnostics *diagnostics,
                        struct config *config)
{
    size_t count = count_blocks(settings, SETTINGS_ASSIGN);

    config->assigns = calloc(count + 1, sizeof(config->assigns[0]));
    if (config->assigns == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->block_count; i++) {
        if (is_wanted(&settings->blocks[i], SETTINGS_ASSIGN))
            config_assign_read(&settings->blocks[i], config, diagnostics,
                               &config->assigns[config->assign_count++]);
    }
    return 0;
}

static int read_listeners(const struct settings *settings, struct diagnostics *diagnostics,
                          struct config *config)
{
    size_t count = count_blocks(settings, SETTINGS_LISTENER);

    config->listeners = calloc(count + 1, sizeof(config->listeners[0]));
    if (config->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->block_count; i++) {
        if (!is_wanted(&settings->blocks[i], SETTINGS_LISTENER))
            continue;
        struct config_listener *listener = &config->listeners[config->listener_count++];
        int status = config_listener_read(&settings->blocks[i], config, diagnostics, listener);
        if (status == 0)
            status = config_tokens_read(settings, i, config, diagnostics, listener);
        if (status != 0)
            return status;
    }
    return 0;
}

static void read_limits(const struct settings *settings, struct diagnostics *diagnostics,
                        struct config *config)
{
    const struct settings_block *block = settings_find(settings, SETTINGS_LIMITS, "");

    for (size_t i = 0; i < limits_count(); i++) {
        const struct limit_row *row = limits_row(i);
        char key[64];

        snprintf(key, sizeof(key), "%s", row->name);
        for (char *at = key; *at != '\0'; at++)
            *at = *at == '_' ? '-' : *at;
        const struct setting *item = settings_value(block, key);
        config_value_limit(item, row, diagnostics, &config->limits);
        if (item != NULL && strcmp(row->name, "receive_maximum") == 0)
            config->announces_receive_maximum = true;
    }
}

static void read_log(const struct settings *settings, struct diagnostics *diagnostics,
                     struct config *config)
{
    static const char *const formats[] = { "text", "json" };
    static const char *const levels[] = { "error", "warning", "notice", "info", "debug" };
    static const char *const targets[] = { "stderr" };
    const struct settings_block *block = settings_find(settings, SETTINGS_LOG, "");
    unsigned format = CONFIG_LOG_TEXT;
    unsigned level = CONFIG_LOG_INFO;
    unsigned target = 0;

    config_value_choice(settings_value(block, "format"), formats, MQTT_ARRAY_LEN(formats),
                        diagnostics, &format);
    config_value_choice(settings_value(block, "level"), levels, MQTT_ARRAY_LEN(levels), diagnostics,
                        &level);
    config_value_choice(settings_value(block, "target"), targets, MQTT_ARRAY_LEN(targets),
                        diagnostics, &target);
    config->log_format = (enum config_log_format)format;
    config->log_level = (enum config_log_level)level;
}

static void read_socket(const struct setting *path, struct diagnostics *diagnostics,
                        struct config_audit_target *target)
{
    if (path == NULL)
        return;
    if (target->forward == CONFIG_FORWARD_NONE)
        settings_complain(path, diagnostics, "forward-socket without forward = journal or syslog");
    else if (path->text[0] != '/' || strlen(path->text) >= sizeof(target->path))
        settings_complain(path, diagnostics,
                          "forward-socket = \"%.200s\": write an absolute path of less than %zu "
                          "bytes",
                          path->text, sizeof(target->path));
    else
        memcpy(target->path, path->text, strlen(path->text) + 1);
}

static void read_audit(const struct settings *settings, struct diagnostics *diagnostics,
                       struct config *config)
{
    static const char *const logs[] = { "on", "required", "off" };
    static const char *const forwards[] = { "none", "syslog", "journal" };
    const struct settings_block *block = settings_find(settings, SETTINGS_AUDIT, "");
    unsigned log = CONFIG_AUDIT_ON;
    unsigned forward = CONFIG_FORWARD_NONE;

    config_value_choice(settings_value(block, "log"), logs, MQTT_ARRAY_LEN(logs), diagnostics,
                        &log);
    config_value_choice(settings_value(block, "forward"), forwards, MQTT_ARRAY_LEN(forwards),
                        diagnostics, &forward);
    config->audit.log = (enum config_audit_log)log;
    config->audit.target.forward = (enum config_audit_forward)forward;
    read_socket(settings_value(block, "forward-socket"), diagnostics, &config->audit.target);
}

static int read_top(const struct settings *settings, struct diagnostics *diagnostics,
                    struct config *config)
{
    const struct settings_block *block = settings_find(settings, SETTINGS_TOP, "");
    const struct setting *state = settings_value(block, "state");
    uint64_t shards = 0;

    config_value_number(settings_value(block, "shards"), 0, CONFIG_SHARDS_MAX, diagnostics,
                        &shards);
    config->shards = (unsigned)shards;
    config->observes = true;
    config_value_bool(settings_value(block, "observe"), diagnostics, &config->observes);
    if (state == NULL)
        return 0;
    if (state->text[0] != '/')
        settings_complain(state, diagnostics, "state = \"%.200s\": write an absolute path",
                          state->text);
    config->state = strdup(state->text);
    return config->state != NULL ? 0 : -ENOMEM;
}

static int apply_overrides(const struct config_overrides *overrides, struct config *config)
{
    if (overrides == NULL)
        return 0;
    if (overrides->shards >= 0)
        config->shards = (unsigned)overrides->shards;
    if (overrides->log_format >= 0)
        config->log_format = (enum config_log_format)overrides->log_format;
    if (overrides->port != 0)
        config->listeners[0].port = overrides->port;
    if (overrides->port != 0 && !config->enrolment.is_own)
        config->enrolment.port = (uint16_t)(overrides->port + 1); /* 0: there is none; off */
    if (overrides->state == NULL)
        return 0;
    free(config->state);
    config->state = strdup(overrides->state);
    return config->state != NULL ? 0 : -ENOMEM;
}

/* The file's own where it has any, else the built-in ones. */
static int read_parts(struct diagnostics *diagnostics, struct config *config)
{
    const struct settings *own = &config->settings;
    const struct settings *builtin = &config->builtin;
    const struct settings *roles = count_blocks(own, SETTINGS_ROLE) > 0 ? own : builtin;
    const struct settings *listeners = count_blocks(own, SETTINGS_LISTENER) > 0 ? own : builtin;

    config->enrolment.is_own = count_blocks(own, SETTINGS_ENROLMENT) > 0;
    const struct settings *enrolment = config->enrolment.is_own ? own : builtin;

    config->policy = policy_new();
    if (config->policy == NULL)
        return -ENOMEM;
    int status = read_roles(roles, diagnostics, config);
    if (status == 0)
        status = read_assigns(own, diagnostics, config);
    config->detach = CONFIG_DETACH_ALWAYS;
    config_listener_detach(settings_find(own, SETTINGS_TOP, ""), diagnostics, &config->detach);
    if (status == 0)
        status = read_listeners(listeners, diagnostics, config);
    if (status == 0)
        status = config_enrolment_read(enrolment, diagnostics, config);
    if (status == 0)
        status = read_top(own, diagnostics, config);
    if (status == 0)
        status = config_ca_read(settings_find(own, SETTINGS_CA, ""), diagnostics, &config->ca);
    if (status == 0)
        status = config_sandbox_read(settings_find(own, SETTINGS_TOP, ""), diagnostics,
                                     &config->sandbox);
    if (status != 0)
        return status;
    read_log(own, diagnostics, config);
    read_audit(own, diagnostics, config);
    config_sense_read(settings_find(own, SETTINGS_SENSE, ""), diagnostics, &config->sense);
    read_limits(own, diagnostics, config);
    policy_seal(config->policy);
    return 0;
}

static int read_all(const char *path, const struct settings_files *files,
                    struct diagnostics *diagnostics, struct config *config)
{
    int status = settings_read(CONFIG_BUILTIN_NAME, &builtin_files, diagnostics, &config->builtin);

    if (status == 0 && path != NULL)
        status = settings_read(path, files, diagnostics, &config->settings);
    return status == 0 ? read_parts(diagnostics, config) : status;
}

const struct config_role *config_find_role(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->role_count; i++) {
        if (strcmp(config->roles[i].name, name) == 0)
            return &config->roles[i];
    }
    return NULL;
}

int config_load(const char *path, const struct settings_files *files,
                const struct config_overrides *overrides, struct diagnostics *diagnostics,
                struct config **out)
{
    struct config *config = calloc(1, sizeof(*config));
    unsigned before = diagnostics->errors;

    if (config == NULL)
        return -ENOMEM;
    atomic_init(&config->references, 1);
    config->limits = limits_default();
    int status = read_all(path, files, diagnostics, config);
    if (status == 0)
        status = apply_overrides(overrides, config);
    if (status == 0) {
        config_listener_check(config, diagnostics);
        config_enrolment_check(config, diagnostics);
    }
    if (status == 0 && diagnostics->errors != before)
        status = -EINVAL;
    if (status != 0) {
        config_unref(config);
        return status;
    }
    *out = config;
    return 0;
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
    return config;
}

bool config_is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void config_unref(struct config *config)
{
    if (config == NULL
        || atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < config->listener_count; i++)
        config_listener_fini(&config->listeners[i]);
    for (size_t i = 0; i < config->role_count; i++)
        config_role_fini(&config->roles[i]);
    config_enrolment_fini(&config->enrolment);
    free(config->listeners);
    free(config->roles);
    free(config->assigns);
    free(config->state);
    config_ca_fini(&config->ca);
    config_sandbox_fini(&config->sandbox);
    policy_unref(config->policy);
    settings_free(&config->settings);
    settings_free(&config->builtin);
    free(config);
}
