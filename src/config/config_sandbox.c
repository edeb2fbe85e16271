/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/config_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t count_items(const struct settings_block *block, const char *key)
{
    size_t count = 0;

    for (size_t i = 0; block != NULL && i < block->count; i++)
        count += strcmp(block->items[i].key, key) == 0 ? 1 : 0;
    return count;
}

static int read_paths(const struct settings_block *block, const char *key,
                      struct diagnostics *diagnostics, struct config_paths *out)
{
    out->all = calloc(count_items(block, key) + 1, sizeof(out->all[0]));
    if (out->all == NULL)
        return -ENOMEM;
    for (size_t i = 0; block != NULL && i < block->count; i++) {
        if (strcmp(block->items[i].key, key) != 0)
            continue;
        if (config_value_file(&block->items[i], diagnostics, &out->all[out->count]) != 0)
            return -ENOMEM;
        out->count++;
    }
    return 0;
}

int config_sandbox_read(const struct settings_block *block, struct diagnostics *diagnostics,
                        struct config_sandbox *out)
{
    static const char *const modes[] = {
        [CONFIG_SANDBOX_REQUIRED] = "required",
        [CONFIG_SANDBOX_ON] = "on",
        [CONFIG_SANDBOX_OFF] = "off",
    };
    unsigned mode = CONFIG_SANDBOX_ON;

    config_value_choice(settings_value(block, "sandbox"), modes, MQTT_ARRAY_LEN(modes), diagnostics,
                        &mode);
    out->mode = (enum config_sandbox_mode)mode;
    config_value_text(settings_value(block, "user"), diagnostics, &out->user);
    int status = read_paths(block, "sandbox-read", diagnostics, &out->readable);
    return status == 0 ? read_paths(block, "sandbox-write", diagnostics, &out->writable) : status;
}

static void free_paths(struct config_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->all[i]);
    free(paths->all);
}

void config_sandbox_fini(struct config_sandbox *sandbox)
{
    free_paths(&sandbox->readable);
    free_paths(&sandbox->writable);
}
