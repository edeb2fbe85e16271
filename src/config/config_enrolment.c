/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- manufacturers ---- */

/* Names of files are relative to the file in which they stand. */
static int copy_file(const struct setting *item, char **out)
{
    const char *slash = strrchr(item->file, '/');

    if (slash == NULL || item->text[0] == '/')
        *out = strdup(item->text);
    else if (asprintf(out, "%.*s/%s", (int)(slash - item->file), item->file, item->text) < 0)
        *out = NULL;
    return *out != NULL ? 0 : -ENOMEM;
}

/* Something of the certificate has to be in the name, or all devices would be one. */
static void read_device_name(const struct setting *item, struct diagnostics *diagnostics,
                             const char **out)
{
    static const char *const parts[] = { "%{serial}", "%{common-name}" };
    const char *at = NULL;
    size_t len = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(parts) && at == NULL; i++) {
        at = strstr(item->text, parts[i]);
        len = strlen(parts[i]);
    }
    if (at == NULL || strchr(at + len, '%') != NULL || strchr(item->text, '%') != at)
        settings_complain(item, diagnostics,
                          "name = \"%.100s\": write \"%%{serial}\" or \"%%{common-name}\", or "
                          "something around one of them, as in \"acme-%%{serial}\"",
                          item->text);
    *out = item->text;
}

static const struct setting *require(const struct settings_block *block, const char *key,
                                     const char *example, struct diagnostics *diagnostics)
{
    const struct setting *item = settings_value(block, key);

    if (item == NULL)
        settings_complain_block(block, diagnostics,
                                "manufacturer \"%.100s\" has no '%s'; write %s = \"%s\"",
                                block->title, key, key, example);
    else if (item->text[0] == '\0')
        settings_complain(item, diagnostics, "'%s' is empty; write %s = \"%s\"", key, key, example);
    return item != NULL && item->text[0] != '\0' ? item : NULL;
}

static int read_manufacturer(const struct settings_block *block, const struct config *config,
                             struct diagnostics *diagnostics, struct config_manufacturer *out)
{
    const struct setting *ca = require(block, "ca", "manufacturer.pem", diagnostics);
    const struct setting *name = require(block, "name", "%{serial}", diagnostics);

    *out = (struct config_manufacturer){ .name = block->title };
    if (!identity_name_is_valid(block->title))
        settings_complain_block(
            block, diagnostics,
            "manufacturer \"%.100s\": a name is made of letters, digits and . _ : -", block->title);
    if (require(block, "role", "device", diagnostics) != NULL)
        out->role = config_role_name(block, "role", config, diagnostics);
    config_value_name(settings_value(block, "tenant"), diagnostics, &out->tenant);
    config_value_name(settings_value(block, "site"), diagnostics, &out->site);
    if (name != NULL)
        read_device_name(name, diagnostics, &out->device_name);
    return ca != NULL ? copy_file(ca, &out->ca) : 0;
}

static int read_manufacturers(const struct settings *settings, struct diagnostics *diagnostics,
                              struct config *config)
{
    struct config_enrolment *enrolment = &config->enrolment;

    enrolment->manufacturers =
        calloc(settings->block_count + 1, sizeof(enrolment->manufacturers[0]));
    if (enrolment->manufacturers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->block_count; i++) {
        const struct settings_block *block = &settings->blocks[i];
        if (block->kind != SETTINGS_MANUFACTURER || block->is_void)
            continue;
        int status = read_manufacturer(block, config, diagnostics,
                                       &enrolment->manufacturers[enrolment->manufacturer_count++]);
        if (status != 0)
            return status;
    }
    return 0;
}

/* ---- the block ---- */

static const struct config_listener *first_of_state(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config_listener_needs_state(&config->listeners[i]))
            return &config->listeners[i];
    }
    return NULL;
}

static void read_port(const struct setting *item, struct diagnostics *diagnostics,
                      struct config_enrolment *out)
{
    uint64_t port = CONFIG_ENROLMENT_PORT;

    out->is_on = item == NULL || strcmp(item->text, "off") != 0;
    if (out->is_on)
        config_value_number(item, 1, 65535, diagnostics, &port);
    out->port = (uint16_t)port;
}

static int read_roots(const struct setting *item, struct diagnostics *diagnostics, char **out)
{
    if (item == NULL)
        return 0;
    if (item->text[0] != '\0')
        return copy_file(item, out);
    settings_complain(item, diagnostics,
                      "'attestation-roots' is empty; name a file, or leave the line out");
    return 0;
}

int config_enrolment_read(const struct settings *settings, struct diagnostics *diagnostics,
                          struct config *config)
{
    const struct settings_block *block = settings_find(settings, SETTINGS_ENROLMENT, "");
    const struct config_listener *beside = first_of_state(config);
    struct config_enrolment *enrolment = &config->enrolment;

    if (block == NULL)
        return 0;
    enrolment->file = block->file;
    enrolment->line = block->line;
    enrolment->column = block->column;
    read_port(settings_value(block, "port"), diagnostics, enrolment);
    enrolment->address = beside != NULL ? beside->address : "";
    if (settings_value(block, "address") != NULL)
        enrolment->address = config_listener_address(settings_value(block, "address"), diagnostics);
    /* Nobody who brings certificates of elsewhere gets a port that he did not ask for. */
    if (!enrolment->is_own && beside == NULL)
        enrolment->is_on = false;
    int status = read_roots(settings_value(block, "attestation-roots"), diagnostics,
                            &enrolment->attestation_roots);
    return status == 0 ? read_manufacturers(settings, diagnostics, config) : status;
}

void config_enrolment_fini(struct config_enrolment *enrolment)
{
    for (size_t i = 0; i < enrolment->manufacturer_count; i++)
        free(enrolment->manufacturers[i].ca);
    free(enrolment->manufacturers);
    free(enrolment->attestation_roots);
}

/* ---- all together ---- */

static bool share_place(const struct config_enrolment *enrolment,
                        const struct config_listener *listener)
{
    return listener->path == NULL && listener->port == enrolment->port
           && (strcmp(listener->address, enrolment->address) == 0 || listener->address[0] == '\0'
               || enrolment->address[0] == '\0');
}

void config_enrolment_check(struct config *config, struct diagnostics *diagnostics)
{
    struct config_enrolment *enrolment = &config->enrolment;

    if (enrolment->port == 0)
        enrolment->is_on = false;
    for (size_t i = 0; i < config->listener_count && enrolment->is_on; i++) {
        if (!share_place(enrolment, &config->listeners[i]))
            continue;
        if (enrolment->is_own)
            diagnostics_error(diagnostics, enrolment->file, enrolment->line, enrolment->column,
                              "enrolment is at the same port as listener \"%s\"; give it another, "
                              "or write port = off",
                              config->listeners[i].name);
        else
            enrolment->is_on = false;
    }
}
