/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_value.h"
#include "config/suggest.h"

#include <stdlib.h>
#include <string.h>

/* The name that was probably meant. */
static const char *nearest_role(const struct config *config, const char *name)
{
    const char **names = calloc(config->role_count + 1, sizeof(names[0]));
    const char *nearest = NULL;

    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < config->role_count; i++)
        names[i] = config->roles[i].name;
    nearest = suggest_nearest(name, names, config->role_count);
    free(names);
    return nearest;
}

const char *config_role_name(const struct settings_block *block, const char *key,
                             const struct config *config, struct diagnostics *diagnostics)
{
    const struct setting *item = settings_value(block, key);

    if (item == NULL)
        return NULL;
    if (config_find_role(config, item->text) != NULL || diagnostics_are_full(diagnostics))
        return item->text;
    const char *nearest = nearest_role(config, item->text);
    if (nearest != NULL)
        settings_complain(item, diagnostics, "%s = \"%.100s\" names no role; did you mean \"%s\"?",
                          key, item->text, nearest);
    else
        settings_complain(item, diagnostics,
                          "%s = \"%.100s\" names no role; define role \"%.100s\" { ... } or name "
                          "another",
                          key, item->text, item->text);
    return item->text;
}

void config_assign_read(const struct settings_block *block, const struct config *config,
                        struct diagnostics *diagnostics, struct config_assign *out)
{
    const struct {
        const char *key;
        const char **out;
    } attributes[] = {
        { "common-name", &out->common_name },
        { "organization", &out->organization },
        { "organizational-unit", &out->organizational_unit },
        { "issuer", &out->issuer },
    };
    bool is_anybody = true;

    *out = (struct config_assign){
        .name = block->title,
        .origin = { block->file, block->line, block->column },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(attributes); i++) {
        const struct setting *item = settings_value(block, attributes[i].key);
        config_value_text(item, diagnostics, attributes[i].out);
        is_anybody = is_anybody && item == NULL;
    }
    config_value_name(settings_value(block, "tenant"), diagnostics, &out->tenant);
    config_value_name(settings_value(block, "site"), diagnostics, &out->site);
    out->role = config_role_name(block, "role", config, diagnostics);
    if (!identity_name_is_valid(block->title))
        settings_complain_block(block, diagnostics,
                                "assign \"%.100s\": a name is made of letters, digits and . _ : -",
                                block->title);
    if (out->role == NULL)
        settings_complain_block(block, diagnostics,
                                "assign \"%.100s\" assigns no role; write role = \"...\"",
                                block->title);
    if (is_anybody)
        settings_complain_block(block, diagnostics,
                                "assign \"%.100s\" says nothing of the certificate; write "
                                "common-name, organization, organizational-unit or issuer, or use "
                                "certificate-role of the listener",
                                block->title);
}
