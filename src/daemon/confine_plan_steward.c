/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_file.h"
#include "daemon/confine_plan.h"
#include "daemon/named_files.h"

/* p11-kit and the modules that it finds, with their own settings and tokens. */
static void add_modules(struct confine_plan_made *made)
{
    static const char *const readable[] = {
        "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/pkcs11", "/etc/opensc", "/etc/softhsm"
    };
    static const char *const writable[] = { "/var/lib/softhsm", "/dev/tpmrm0" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(readable); i++)
        confine_plan_add(made, readable[i], CONFINE_READ);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(writable); i++)
        confine_plan_add(made, writable[i], CONFINE_WRITE);
    confine_plan_add_variable(made, "SOFTHSM2_CONF");
}

static void add_state(struct confine_plan_made *made, const char *state_dir, bool has_files)
{
    confine_plan_add_state(made, state_dir, "ca", CONFINE_READ);
    confine_plan_add_state(made, state_dir, "server", CONFINE_WRITE);
    confine_plan_add_state(made, state_dir, "trust", CONFINE_WRITE);
    confine_plan_add_state(made, state_dir, "lock", CONFINE_WRITE);
    /* A configuration may be put there. */
    if (!has_files)
        confine_plan_add_state(made, state_dir, "", CONFINE_READ);
}

int confine_plan_make_steward(const struct config *config, const char *state_dir,
                              struct confine_plan_made *out)
{
    const struct config_sandbox *sandbox = &config->sandbox;

    *out = (struct confine_plan_made){ .plan = { .loads_modules = config->ca.key != NULL } };
    add_state(out, state_dir, config->settings.file_count > 0);
    confine_plan_add_system(out);
    confine_plan_add_variable(out, "CREDENTIALS_DIRECTORY");
    confine_plan_add_named(out, CONFIG_FILE_SYSTEM, CONFINE_READ);
    for (size_t i = 0; i < config->settings.file_count; i++)
        confine_plan_add_named(out, config->settings.files[i], CONFINE_READ);
    named_files_walk_authority(config, confine_plan_add_named, out);
    if (config->ca.key == NULL)
        return confine_plan_finish(out);
    /* Where a token keeps its files is for the operator to say. */
    add_modules(out);
    for (size_t i = 0; i < sandbox->readable.count; i++)
        confine_plan_add(out, sandbox->readable.all[i], CONFINE_READ);
    for (size_t i = 0; i < sandbox->writable.count; i++)
        confine_plan_add(out, sandbox->writable.all[i], CONFINE_WRITE);
    return confine_plan_finish(out);
}
