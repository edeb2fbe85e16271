/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_files.h"

#include "config/config.h"
#include "pki/behaviour_file.h"
#include "pki/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *sense_files_device(struct mqtt_span name)
{
    return (const char *)name.data + 1;
}

const char *sense_files_phase(enum sense_phase phase)
{
    static const char *const phases[] = {
        [SENSE_LEARN] = "learn",
        [SENSE_SHAPE] = "shape",
        [SENSE_PROVE] = "prove",
        [SENSE_WATCH] = "watch",
    };

    return phases[phase];
}

static int visit_roles(struct sensing_part *part, const struct sense_file *file,
                       const struct sense_files_visit *visit)
{
    struct sense_role *model = malloc(sizeof(*model));
    int error = model != NULL ? 0 : -ENOMEM;

    for (uint32_t i = 0; error == 0 && i < part->head.roles; i++) {
        struct sensing_part_role head;
        struct mqtt_span name;
        error = sensing_part_role(part, &head, &name, model);
        if (error == 0 && visit->role != NULL)
            visit->role(visit->context, file, &head, name, model);
    }
    free(model);
    return error;
}

static int visit_devices(struct sensing_part *part, const struct sense_file *file,
                         const struct sense_files_visit *visit)
{
    int error = 0;

    for (uint32_t i = 0; error == 0 && i < part->head.devices; i++) {
        struct sensing_part_device head;
        struct sense_device model;
        struct mqtt_span name;
        error = sensing_part_device(part, &head, &name, &model);
        if (error == 0 && visit->device != NULL)
            visit->device(visit->context, file, &head, name, &model);
    }
    return error;
}

int sense_files_visit_part(struct sensing_part *part, const struct sense_file *file,
                           const struct sense_files_visit *visit)
{
    int error = visit_roles(part, file, visit);

    return error == 0 ? visit_devices(part, file, visit) : error;
}

/* Nothing of a file that is damaged further on is shown. */
static int visit_part(struct mqtt_span bytes, const struct sense_file *from,
                      const struct sense_files_visit *visit)
{
    static const struct sense_files_visit nobody = { .role = NULL };
    struct sensing_part part;
    int error = sensing_part_open(bytes, &part);

    if (error != 0)
        return error;
    struct sensing_part again = part;
    struct sense_file file = *from;
    file.head = &again.head;
    error = sense_files_visit_part(&part, &file, &nobody);
    return error == 0 ? sense_files_visit_part(&again, &file, visit) : error;
}

static int64_t written_s(const char *state, unsigned shard)
{
    char path[PATH_MAX];
    struct stat status;

    if (behaviour_file_path(state, shard, path) != 0 || stat(path, &status) != 0)
        return 0;
    return status.st_mtim.tv_sec;
}

/* What cannot be read is told, and the rest is shown. */
static void visit_file(const struct identity_options *options, unsigned shard,
                       const struct sense_files_visit *visit, struct sense_files_count *count)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    const struct sense_file file = { .number = shard,
                                     .written_s = written_s(options->state, shard) };
    int error = behaviour_file_read(options->state, shard, &bytes, &len);

    if (error == -ENOENT)
        return;
    if (error == 0)
        error = visit_part((struct mqtt_span){ bytes, len }, &file, visit);
    free(bytes);
    count->read++;
    if (error == 0)
        return;
    count->bad++;
    (void)fprintf(stderr, "%s: what shard %u has learned cannot be read: %s\n", options->command,
                  shard, error == -EBADMSG ? "damaged, or of another version" : strerror(-error));
}

int sense_files_visit(const struct identity_options *options, const struct sense_files_visit *visit,
                      struct sense_files_count *out)
{
    struct pki_fault fault = { "the path is too long" };

    *out = (struct sense_files_count){ 0 };
    if (state_check(options->state, &fault) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    for (unsigned i = 0; i < CONFIG_SHARDS_MAX; i++)
        visit_file(options, i, visit, out);
    return 0;
}
