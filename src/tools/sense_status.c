/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_status.h"

#include "policy/identity.h"
#include "tools/identity_print.h"
#include "tools/sense_files.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* One role on one shard. */
struct line {
    char name[IDENTITY_NAME_BYTES + 1];
    enum sense_phase phase;
    unsigned shard;
    uint64_t phase_s;
    uint32_t windows;
    uint32_t devices;
};

struct status {
    const struct identity_options *options;
    struct line *lines;
    size_t count;
    size_t first; /* of the file that is read */
    unsigned file;
    bool failed; /* memory is out */
    struct sense_files_count files;
};

/* ---- reading ---- */

static void on_role(void *context, const struct sense_file *file,
                    const struct sensing_part_role *head, struct mqtt_span name,
                    const struct sense_role *model)
{
    struct status *status = context;
    struct line *lines = realloc(status->lines, (status->count + 1) * sizeof(*lines));

    if (lines == NULL) {
        status->failed = true;
        return;
    }
    if (status->count == 0 || status->file != file->number)
        status->first = status->count;
    status->file = file->number;
    status->lines = lines;
    struct line *line = &lines[status->count++];
    *line = (struct line){
        .phase = model->phase,
        .shard = file->head->shard,
        .phase_s = head->phase_ms / 1000,
        .windows = head->windows,
    };
    snprintf(line->name, sizeof(line->name), "%.*s", (int)name.len, (const char *)name.data);
}

static void on_device(void *context, const struct sense_file *file,
                      const struct sensing_part_device *head, struct mqtt_span name,
                      const struct sense_device *model)
{
    struct status *status = context;

    (void)file;
    (void)name;
    (void)model;
    if (!status->failed)
        status->lines[status->first + head->role].devices++;
}

/* ---- printing ---- */

static int print_people(const struct status *status)
{
    if (status->files.read == 0)
        (void)printf("nothing was learned yet, or detection is off\n");
    for (size_t i = 0; i < status->count; i++) {
        const struct line *line = &status->lines[i];
        (void)printf("role %s, shard %u: %s, for %llu s, %u windows, %u devices\n", line->name,
                     line->shard, sense_files_phase(line->phase), (unsigned long long)line->phase_s,
                     line->windows, line->devices);
    }
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static json_t *line_json(const struct line *line)
{
    return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I}", "role", line->name, "shard",
                     (int)line->shard, "phase", sense_files_phase(line->phase), "phase_s",
                     (json_int_t)line->phase_s, "windows", (json_int_t)line->windows, "devices",
                     (json_int_t)line->devices);
}

static int print_json(const struct status *status)
{
    json_t *roles = json_array();

    for (size_t i = 0; i < status->count; i++)
        if (json_array_append_new(roles, line_json(&status->lines[i])) < 0) {
            json_decref(roles);
            roles = NULL;
            break;
        }
    return identity_print_document(
        json_pack("{s:s, s:i, s:i, s:o}", "state", status->options->state, "shards",
                  (int)status->files.read, "unreadable", (int)status->files.bad, "roles", roles));
}

int sense_status(const struct identity_options *options)
{
    struct status status = { .options = options };
    const struct sense_files_visit visit = { &status, on_role, on_device };
    int code = sense_files_visit(options, &visit, &status.files);

    if (code == 0 && status.failed)
        code = identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    else if (code == 0)
        code = options->json ? print_json(&status) : print_people(&status);
    free(status.lines);
    return code == IDENTITY_EXIT_DONE && status.files.bad > 0 ? IDENTITY_EXIT_FAILED : code;
}
