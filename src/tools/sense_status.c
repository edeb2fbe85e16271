/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_status.h"

#include "config/config.h"
#include "core/sensing_part.h"
#include "pki/barred.h"
#include "pki/behaviour_file.h"
#include "pki/state.h"
#include "policy/identity.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const phases[] = {
    [SENSE_LEARN] = "learn",
    [SENSE_SHAPE] = "shape",
    [SENSE_PROVE] = "prove",
    [SENSE_WATCH] = "watch",
};

/* One role on one shard. */
struct line {
    char name[IDENTITY_NAME_BYTES + 1];
    unsigned phase;
    unsigned shard;
    uint64_t phase_s;
    uint32_t windows;
    uint32_t devices;
};

struct status {
    const struct identity_options *options;
    struct line *lines;
    size_t count;
    unsigned shards; /* files that were read */
    unsigned bad;
    struct barred *barred; /* addresses */
    size_t barred_count;
};

/* ---- reading ---- */

static struct line line_of(const struct sensing_part *part, const struct sensing_part_role *head,
                           struct mqtt_span name, const struct sense_role *model)
{
    struct line line = {
        .phase = (unsigned)model->phase,
        .shard = part->head.shard,
        .phase_s = head->phase_ms / 1000,
        .windows = head->windows,
    };

    snprintf(line.name, sizeof(line.name), "%.*s", (int)name.len, (const char *)name.data);
    return line;
}

static int read_roles(struct sensing_part *part, struct line *lines)
{
    struct sense_role *model = malloc(sizeof(*model));
    int error = model != NULL ? 0 : -ENOMEM;

    for (uint32_t i = 0; error == 0 && i < part->head.roles; i++) {
        struct sensing_part_role head;
        struct mqtt_span name;
        error = sensing_part_role(part, &head, &name, model);
        if (error == 0)
            lines[i] = line_of(part, &head, name, model);
    }
    free(model);
    return error;
}

static int count_devices(struct sensing_part *part, struct line *lines)
{
    int error = 0;

    for (uint32_t i = 0; error == 0 && i < part->head.devices; i++) {
        struct sensing_part_device head;
        struct sense_device device;
        struct mqtt_span name;
        error = sensing_part_device(part, &head, &name, &device);
        if (error == 0)
            lines[head.role].devices++;
    }
    return error;
}

static int read_part(struct status *status, struct mqtt_span bytes)
{
    struct sensing_part part;
    int error = sensing_part_open(bytes, &part);

    if (error != 0)
        return error;
    size_t room = status->count + part.head.roles + 1;
    struct line *lines = realloc(status->lines, room * sizeof(*lines));
    if (lines == NULL)
        return -ENOMEM;
    status->lines = lines;
    error = read_roles(&part, lines + status->count);
    if (error == 0)
        error = count_devices(&part, lines + status->count);
    if (error == 0)
        status->count += part.head.roles;
    return error;
}

/* What cannot be read is told, and the rest is shown. */
static void read_file(struct status *status, unsigned shard)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    int error = behaviour_file_read(status->options->state, shard, &bytes, &len);

    if (error == -ENOENT)
        return;
    if (error == 0)
        error = read_part(status, (struct mqtt_span){ bytes, len });
    free(bytes);
    status->shards++;
    if (error == 0)
        return;
    status->bad++;
    (void)fprintf(stderr, "%s: what shard %u has learned cannot be read: %s\n",
                  status->options->command, shard,
                  error == -EBADMSG ? "damaged, or of another version" : strerror(-error));
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
    if (status->shards == 0)
        (void)printf("nothing was learned yet, or detection is off\n");
    for (size_t i = 0; i < status->count; i++) {
        const struct line *line = &status->lines[i];
        (void)printf("role %s, shard %u: %s, for %llu s, %u windows, %u devices\n", line->name,
                     line->shard, phases[line->phase], (unsigned long long)line->phase_s,
                     line->windows, line->devices);
    }
    for (size_t i = 0; i < status->barred_count; i++)
        print_barred(&status->barred[i]);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static json_t *line_json(const struct line *line)
{
    return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I}", "role", line->name, "shard",
                     (int)line->shard, "phase", phases[line->phase], "phase_s",
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
    return identity_print_document(json_pack("{s:s, s:i, s:i, s:o, s:o}", "state",
                                             status->options->state, "shards", (int)status->shards,
                                             "unreadable", (int)status->bad, "roles",
                                             roles_json(status), "blocked", blocked_json(status)));
}

int sense_status(const struct identity_options *options)
{
    struct status status = { .options = options };
    struct pki_fault fault = { "the path is too long" };

    if (state_check(options->state, &fault) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    for (unsigned i = 0; i < CONFIG_SHARDS_MAX; i++)
        read_file(&status, i);
    int error = read_barred(&status);
    if (error != 0)
        (void)fprintf(stderr, "%s: which addresses are blocked cannot be read: %s\n",
                      options->command, strerror(-error));
    int code = options->json ? print_json(&status) : print_people(&status);
    free(status.lines);
    free(status.barred);
    return code == IDENTITY_EXIT_DONE && (status.bad > 0 || error != 0) ? IDENTITY_EXIT_FAILED
                                                                        : code;
}
