/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/config_time.h"
#include "config/config_value.h"

#define DAY_S  86400u
#define HOUR_S 3600u
#define HOOK_S 10u

static void read_duration(const struct settings_block *block, const char *key,
                          struct diagnostics *diagnostics, uint32_t *out_s)
{
    const struct setting *item = settings_value(block, key);
    int64_t seconds;

    if (item == NULL)
        return;
    if (config_time_duration(item->text, &seconds) == 0 && seconds <= UINT32_MAX)
        *out_s = (uint32_t)seconds;
    else
        settings_complain(item, diagnostics, "%s = \"%.100s\": write a time such as 12h or 7d", key,
                          item->text);
}

static void read_hook(const struct settings_block *block, struct diagnostics *diagnostics,
                      struct config_hook *out)
{
    const struct setting *path = settings_value(block, "hook");
    const struct setting *timeout = settings_value(block, "hook-timeout");

    out->timeout_s = HOOK_S;
    read_duration(block, "hook-timeout", diagnostics, &out->timeout_s);
    if (timeout != NULL && out->timeout_s > CONFIG_HOOK_TIMEOUT_MOST_S)
        settings_complain(timeout, diagnostics, "hook-timeout is from 1s to 1h");
    if (path == NULL)
        return;
    if (path->text[0] != '/')
        settings_complain(path, diagnostics,
                          "hook = \"%.100s\": write the whole path of a program, from / on",
                          path->text);
    out->path = path->text;
    out->file = path->file;
    out->line = path->line;
    out->column = path->column;
}

void config_sense_read(const struct settings_block *block, struct diagnostics *diagnostics,
                       struct config_sense *out)
{
    static const char *const modes[] = { "off", "observe", "dry-run", "respond" };
    unsigned mode = CONFIG_SENSE_OBSERVE;

    *out = (struct config_sense){
        .learn_s = DAY_S, .shape_s = DAY_S, .prove_s = DAY_S, .quarantine_s = HOUR_S
    };
    config_value_choice(settings_value(block, "mode"), modes, MQTT_ARRAY_LEN(modes), diagnostics,
                        &mode);
    out->mode = (enum config_sense_mode)mode;
    read_duration(block, "learn", diagnostics, &out->learn_s);
    read_duration(block, "shape", diagnostics, &out->shape_s);
    read_duration(block, "prove", diagnostics, &out->prove_s);
    read_duration(block, "quarantine-for", diagnostics, &out->quarantine_s);
    read_hook(block, diagnostics, &out->hook);
}
