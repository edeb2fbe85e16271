/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_explain.h"

#include "policy/identity.h"
#include "sense/evidence.h"
#include "tools/identity_print.h"
#include "tools/sense_alarm.h"
#include "tools/sense_files.h"
#include "tools/sense_known.h"
#include "tools/sense_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is explained: of a device where it is known best, of a role each shard's. */
struct subject {
    const struct identity_options *options;
    const char *wanted; /* the device; NULL: the role */
    bool is_found;
    bool failed; /* memory is out */
    char role[IDENTITY_NAME_BYTES + 1];
    uint32_t place;  /* of the role in its file */
    uint32_t passed; /* roles of the file */
    uint32_t shard;
    uint64_t window_ms;
    int64_t written_s;
    struct sensing_part_role head;
    struct sense_role *model;
    struct sense_device device; /* zeroes: a role */
    json_t *all;                /* of a role: what was found */
};

/* ---- finding ---- */

static void on_device(void *context, const struct sense_file *file,
                      const struct sensing_part_device *head, struct mqtt_span name,
                      const struct sense_device *model)
{
    struct subject *subject = context;

    if (strcmp(sense_files_device(name), subject->wanted) != 0
        || (subject->is_found && model->windows <= subject->device.windows))
        return;
    subject->is_found = true;
    subject->place = head->role;
    subject->shard = file->head->shard;
    subject->device = *model;
}

static void keep_role(struct subject *subject, const struct sense_file *file,
                      const struct sensing_part_role *head, struct mqtt_span name,
                      const struct sense_role *model)
{
    subject->shard = file->head->shard;
    subject->window_ms = file->head->window_ms;
    subject->written_s = file->written_s;
    subject->head = *head;
    *subject->model = *model;
    (void)snprintf(subject->role, sizeof(subject->role), "%.*s", (int)name.len,
                   (const char *)name.data);
}

static void on_its_role(void *context, const struct sense_file *file,
                        const struct sensing_part_role *head, struct mqtt_span name,
                        const struct sense_role *model)
{
    struct subject *subject = context;

    if (file->head->shard == subject->shard && subject->passed++ == subject->place)
        keep_role(subject, file, head, name, model);
}

/* ---- telling ---- */

static double seconds_of(const struct subject *subject, uint32_t windows)
{
    return (double)windows * (double)subject->window_ms / 1000;
}

static int64_t age_s(const struct subject *subject)
{
    int64_t age = (int64_t)time(NULL) - subject->written_s;

    return age > 0 ? age : 0;
}

static void print_head(const struct subject *subject)
{
    char text[IDENTITY_PRINT_TIME_SIZE];
    const struct sense_device *device = &subject->device;

    if (subject->wanted != NULL)
        (void)printf("device %s of role %s, shard %u: known for %.0f s (%u windows)\n",
                     subject->wanted, subject->role, subject->shard,
                     seconds_of(subject, device->windows), device->windows);
    (void)printf("role %s, shard %u: %s, for %llu s; learned from %.0f s of its devices (%u "
                 "windows)\n",
                 subject->role, subject->shard, sense_files_phase(subject->model->phase),
                 (unsigned long long)(subject->head.phase_ms / 1000),
                 seconds_of(subject, subject->model->windows), subject->model->windows);
    (void)printf("as of %s, %lld s ago; a window is %.4g s\n",
                 identity_print_exact_time(subject->written_s, text), (long long)age_s(subject),
                 (double)subject->window_ms / 1000);
}

static json_t *role_json(const struct subject *subject)
{
    char text[IDENTITY_PRINT_TIME_SIZE];

    return json_pack(
        "{s:s, s:I, s:s, s:I, s:I, s:I, s:s, s:I}", "role", subject->role, "shard",
        (json_int_t)subject->shard, "phase", sense_files_phase(subject->model->phase), "phase_s",
        (json_int_t)(subject->head.phase_ms / 1000), "role_windows",
        (json_int_t)subject->model->windows, "window_ms", (json_int_t)subject->window_ms, "as_of",
        identity_print_time_rfc3339(subject->written_s, text), "age_s", (json_int_t)age_s(subject));
}

static json_t *document_of(const struct subject *subject, const struct sense_alarm *alarm)
{
    json_t *document = role_json(subject);
    struct sense_standing standing = { .evidence = 0 };

    if (document == NULL)
        return NULL;
    sense_device_standing(subject->model, &subject->device, &standing);
    (void)json_object_set_new(
        document, "features",
        sense_known_json(subject->model, &subject->device, &standing, subject->wanted != NULL));
    if (subject->wanted == NULL)
        return document;
    (void)json_object_set_new(document, "device", json_string(subject->wanted));
    (void)json_object_set_new(document, "windows", json_integer(subject->device.windows));
    (void)json_object_set_new(document, "known_s",
                              json_real(seconds_of(subject, subject->device.windows)));
    (void)json_object_set_new(document, "evidence_bits", json_real((double)standing.evidence));
    (void)json_object_set_new(document, "last_alarm", sense_alarm_json(alarm));
    return document;
}

static int tell_device(const struct subject *subject)
{
    struct sense_alarm *alarm = malloc(sizeof(*alarm));
    struct sense_standing standing;
    int code = alarm != NULL
                   ? sense_alarm_find(subject->options, subject->wanted, alarm)
                   : identity_options_fail(subject->options, IDENTITY_EXIT_FAILED, "out of memory");

    if (code == 0 && subject->options->json) {
        code = identity_print_document(document_of(subject, alarm));
    } else if (code == 0) {
        print_head(subject);
        sense_known_print(subject->model, &subject->device, true);
        sense_device_standing(subject->model, &subject->device, &standing);
        sense_known_print_evidence(subject->model, &subject->device, &standing);
        sense_alarm_print(alarm);
        code = fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
    }
    free(alarm);
    return code;
}

static void on_wanted_role(void *context, const struct sense_file *file,
                           const struct sensing_part_role *head, struct mqtt_span name,
                           const struct sense_role *model)
{
    struct subject *subject = context;

    if (!span_equal(name, span_of(subject->options->role)))
        return;
    keep_role(subject, file, head, name, model);
    subject->is_found = true;
    if (subject->options->json) {
        json_t *document = document_of(subject, NULL);
        if (json_array_append_new(subject->all, document) != 0)
            subject->failed = true;
        return;
    }
    print_head(subject);
    sense_known_print(model, &subject->device, false);
}

/* ---- the command ---- */

static int explain_role(struct subject *subject)
{
    const struct sense_files_visit visit = { subject, on_wanted_role, NULL };
    const char *role = subject->options->role;
    struct sense_files_count count;

    subject->all = json_array();
    int code = sense_files_visit(subject->options, &visit, &count);
    if (code == 0 && !subject->is_found)
        code = identity_options_fail(
            subject->options, IDENTITY_EXIT_FAILED,
            "nothing was learned of a role '%.140s'; tacit sense status shows those there are",
            role);
    else if (code == 0 && subject->options->json && !subject->failed)
        code =
            identity_print_document(json_pack("{s:s, s:O}", "role", role, "shards", subject->all));
    else if (code == 0 && (subject->failed || fflush(stdout) != 0))
        code = IDENTITY_EXIT_FAILED;
    json_decref(subject->all);
    return code;
}

static int explain_device(struct subject *subject)
{
    const struct sense_files_visit first = { subject, NULL, on_device };
    const struct sense_files_visit then = { subject, on_its_role, NULL };
    struct sense_files_count count;
    int code = sense_files_visit(subject->options, &first, &count);

    if (code != 0)
        return code;
    if (!subject->is_found)
        return identity_options_fail(
            subject->options, IDENTITY_EXIT_FAILED,
            "nothing was learned of a device '%.140s': it has not been here yet, or its role says "
            "sense = off, or tacitd has not written it down yet (limit sense-save-s)",
            subject->wanted);
    code = sense_files_visit(subject->options, &then, &count);
    if (code == 0 && subject->window_ms == 0)
        code = identity_options_fail(subject->options, IDENTITY_EXIT_FAILED,
                                     "it is being written anew; once more, please");
    return code == 0 ? tell_device(subject) : code;
}

int sense_explain_what(const struct identity_options *options)
{
    struct subject subject = { .options = options };
    bool is_device = options->operand_count > 0;

    if (is_device == (options->role != NULL))
        return identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                     "which device? or --role ROLE, but not both");
    subject.model = malloc(sizeof(*subject.model));
    if (subject.model == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    subject.wanted = is_device ? options->operands[0] : NULL;
    /* What cannot be had now is as it was a while ago, and how long that is, is said. */
    (void)!sense_order_refresh(options);
    int code = is_device ? explain_device(&subject) : explain_role(&subject);
    free(subject.model);
    return code;
}
