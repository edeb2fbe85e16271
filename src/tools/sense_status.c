/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_status.h"

#include "pki/barred.h"
#include "policy/identity.h"
#include "tools/identity_print.h"
#include "tools/sense_files.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    struct barred *barred; /* addresses */
    size_t barred_count;
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

/* Those whose time is not over. */
static int read_barred(struct status *status)
{
    size_t count = 0;
    int error = barred_load(status->options->state, &status->barred, &count);

    for (size_t i = 0; error == 0 && i < count; i++)
        if (status->barred[i].until_s > (int64_t)time(NULL))
            status->barred[status->barred_count++] = status->barred[i];
    return error;
}

/* ---- printing ---- */

static void print_barred(const struct barred *barred)
{
    char until[IDENTITY_PRINT_TIME_SIZE];
    char place[BARRED_TEXT_BYTES];

    (void)printf("address %s is blocked until %s%s\n", barred_place_text(&barred->place, place),
                 identity_print_exact_time(barred->until_s, until),
                 barred->times > 1 ? ", not for the first time" : "");
}

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
    for (size_t i = 0; i < status->barred_count; i++)
        print_barred(&status->barred[i]);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static json_t *line_json(const struct line *line)
{
    return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I}", "role", line->name, "shard",
                     (int)line->shard, "phase", sense_files_phase(line->phase), "phase_s",
                     (json_int_t)line->phase_s, "windows", (json_int_t)line->windows, "devices",
                     (json_int_t)line->devices);
}

static json_t *barred_json(const struct barred *barred)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    char until[IDENTITY_PRINT_TIME_SIZE];
    char place[BARRED_TEXT_BYTES];

    return json_pack("{s:s, s:s, s:s, s:I}", "address", barred_place_text(&barred->place, place),
                     "since", identity_print_time_rfc3339(barred->since_s, since), "until",
                     identity_print_time_rfc3339(barred->until_s, until), "times",
                     (json_int_t)barred->times);
}

/* NULL: out of memory, which the document then is as well. */
static json_t *roles_json(const struct status *status)
{
    json_t *roles = json_array();

    for (size_t i = 0; i < status->count; i++)
        if (json_array_append_new(roles, line_json(&status->lines[i])) < 0) {
            json_decref(roles);
            return NULL;
        }
    return roles;
}

static json_t *blocked_json(const struct status *status)
{
    json_t *blocked = json_array();

    for (size_t i = 0; i < status->barred_count; i++)
        if (json_array_append_new(blocked, barred_json(&status->barred[i])) < 0) {
            json_decref(blocked);
            return NULL;
        }
    return blocked;
}

static int print_json(const struct status *status)
{
    return identity_print_document(
        json_pack("{s:s, s:i, s:i, s:o, s:o}", "state", status->options->state, "shards",
                  (int)status->files.read, "unreadable", (int)status->files.bad, "roles",
                  roles_json(status), "blocked", blocked_json(status)));
}

int sense_status(const struct identity_options *options)
{
    struct status status = { .options = options };
    const struct sense_files_visit visit = { &status, on_role, on_device };
    int code = sense_files_visit(options, &visit, &status.files);
    int error = code == 0 ? read_barred(&status) : 0;

    if (error != 0)
        (void)fprintf(stderr, "%s: which addresses are blocked cannot be read: %s\n",
                      options->command, strerror(-error));
    if (code == 0 && status.failed)
        code = identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    else if (code == 0)
        code = options->json ? print_json(&status) : print_people(&status);
    free(status.lines);
    free(status.barred);
    return code == IDENTITY_EXIT_DONE && (status.files.bad > 0 || error != 0) ? IDENTITY_EXIT_FAILED
                                                                              : code;
}
