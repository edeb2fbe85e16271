/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/config_time.h"
#include "config/config_value.h"

#define DAY_S  86400u
#define HOUR_S 3600u

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
}
