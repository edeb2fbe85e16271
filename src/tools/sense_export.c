/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_export.h"

#include "pki/private_file.h"
#include "tools/identity_print.h"
#include "tools/sense_files.h"
#include "tools/sense_models.h"
#include "tools/sense_order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each of "ROLE,FROM=TO" has to be there. */
static int check_wanted(const struct identity_options *options, const struct sense_models *models)
{
    if (models->role_count > 0)
        return 0;
    if (options->role != NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "nothing was learned of '%.140s'; tacit sense status shows "
                                     "the roles there are",
                                     options->role);
    return identity_options_fail(options, IDENTITY_EXIT_FAILED, "nothing was learned yet");
}

static int write_file(const struct identity_options *options, const struct sense_models *models,
                      size_t *out_len)
{
    const char *path = options->operands[0];
    uint8_t *bytes = NULL;
    int error = sense_models_write(models, &bytes, out_len);
    struct mqtt_span all = { bytes, *out_len };

    if (error == 0 && strcmp(path, "-") != 0)
        error = private_file_write(path, all, PRIVATE_FILE_REPLACE);
    else if (error == 0 && (fwrite(bytes, 1, all.len, stdout) != all.len || fflush(stdout) != 0))
        error = -EIO;
    free(bytes);
    return error == 0 ? 0
                      : identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s: %s", path,
                                              strerror(-error));
}

static json_t *document_of(const struct identity_options *options,
                           const struct sense_models *models)
{
    json_t *roles = json_array();

    for (size_t i = 0; i < models->role_count; i++) {
        const struct sense_models_role *role = models->roles[i];
        (void)json_array_append_new(roles, json_pack("{s:s, s:s, s:I}", "role", role->name, "phase",
                                                     sense_files_phase(role->model.phase),
                                                     "windows", (json_int_t)role->model.windows));
    }
    return json_pack("{s:s, s:I, s:o, s:I}", "file", options->operands[0], "window_ms",
                     (json_int_t)models->window_ms, "roles", roles, "devices",
                     (json_int_t)models->device_count);
}

/* Not among the bytes, when those go to standard output. */
static int tell(const struct identity_options *options, const struct sense_models *models)
{
    bool is_stdout = strcmp(options->operands[0], "-") == 0;
    FILE *to = is_stdout ? stderr : stdout;

    if (options->json && !is_stdout)
        return identity_print_document(document_of(options, models));
    for (size_t i = 0; i < models->role_count; i++) {
        const struct sense_models_role *role = models->roles[i];
        (void)fprintf(to, "role %s: %s, learned from %u windows of its devices\n", role->name,
                      sense_files_phase(role->model.phase), role->model.windows);
    }
    if (models->device_count > 0)
        (void)fprintf(to, "%zu devices\n", models->device_count);
    return fflush(to) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int sense_export(const struct identity_options *options)
{
    struct sense_models models = { .wanted = options->role, .wants_devices = options->devices };
    size_t len = 0;
    int code = sense_order_refresh(options);

    if (code == 0)
        code = sense_models_collect(options, &models);
    if (code == 0)
        code = check_wanted(options, &models);
    if (code == 0)
        code = write_file(options, &models, &len);
    if (code == 0)
        code = tell(options, &models);
    sense_models_fini(&models);
    return code;
}
