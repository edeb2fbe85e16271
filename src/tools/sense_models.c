/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_models.h"

#include "core/sensing_models.h"
#include "sense/model.h"
#include "tools/sense_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNWANTED UINT32_MAX

void sense_models_fini(struct sense_models *models)
{
    for (size_t i = 0; i < models->role_count; i++)
        free(models->roles[i]);
    free(models->roles);
    free(models->devices);
    free(models->places);
    memset(models, 0, sizeof(*models));
}

/* ---- which, and as what ---- */

/* Is the role among "ROLE,FROM=TO,..."? *out_to is what it is to be called. */
static bool is_wanted(const char *wanted, struct mqtt_span name, struct mqtt_span *out_to)
{
    *out_to = name;
    while (wanted != NULL) {
        size_t len = strcspn(wanted, ",");
        const char *equals = memchr(wanted, '=', len);
        struct mqtt_span from = { (const uint8_t *)wanted,
                                  equals != NULL ? (size_t)(equals - wanted) : len };
        if (span_equal(from, name)) {
            if (equals != NULL)
                *out_to = (struct mqtt_span){ (const uint8_t *)equals + 1, len - from.len - 1 };
            return out_to->len > 0;
        }
        if (wanted[len] == '\0')
            return false;
        wanted += len + 1;
    }
    return true;
}

/* ---- collecting ---- */

struct sense_models_role *sense_models_find(const struct sense_models *models, const char *name)
{
    for (size_t i = 0; i < models->role_count; i++)
        if (strcmp(models->roles[i]->name, name) == 0)
            return models->roles[i];
    return NULL;
}

/* One of that name, which may be there already. NULL: memory is out, or nothing can be called so. */
static struct sense_models_role *role_at(struct sense_models *models, struct mqtt_span name,
                                         uint32_t *out_place)
{
    char text[IDENTITY_NAME_BYTES + 1];

    if (name.len > IDENTITY_NAME_BYTES)
        return NULL;
    (void)snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.data);
    for (*out_place = 0; *out_place < models->role_count; ++*out_place)
        if (strcmp(models->roles[*out_place]->name, text) == 0)
            return models->roles[*out_place];
    void *more = realloc(models->roles, (models->role_count + 1) * sizeof(*models->roles));
    if (more == NULL)
        return NULL;
    models->roles = more;
    struct sense_models_role *role = calloc(1, sizeof(*role));
    if (role == NULL)
        return NULL;
    memcpy(role->name, text, sizeof(text));
    sense_role_init(&role->model);
    models->roles[models->role_count++] = role;
    return role;
}

static bool note_place(struct sense_models *models, uint32_t place)
{
    void *more = realloc(models->places, (models->place_count + 1) * sizeof(*models->places));

    if (more == NULL)
        return false;
    models->places = more;
    models->places[models->place_count++] = place;
    return true;
}

static bool knows_more(const struct sense_role *model, const struct sense_role *than)
{
    return model->phase > than->phase
           || (model->phase == than->phase && model->windows > than->windows);
}

static void note_role(struct sense_models *models, const struct sensing_part_role *head,
                      struct mqtt_span name, const struct sense_role *model)
{
    struct mqtt_span to;
    uint32_t place = UNWANTED;

    if (is_wanted(models->wanted, name, &to)) {
        struct sense_models_role *role = role_at(models, to, &place);
        if (role == NULL) {
            models->failed = true;
            return;
        }
        if (role->model.windows == 0 || knows_more(model, &role->model)) {
            role->head = *head;
            role->model = *model;
        }
    }
    models->failed = !note_place(models, place) || models->failed;
}

static void note_device(struct sense_models *models, const struct sensing_part_device *head,
                        struct mqtt_span name, const struct sense_device *model)
{
    if (models->failed || !models->wants_devices || models->places[head->role] == UNWANTED
        || name.len > sizeof(models->devices->name))
        return;
    void *more = realloc(models->devices, (models->device_count + 1) * sizeof(*models->devices));
    if (more == NULL) {
        models->failed = true;
        return;
    }
    models->devices = more;
    struct sense_models_device *device = &models->devices[models->device_count++];
    *device = (struct sense_models_device){ .len = name.len, .role = models->places[head->role] };
    memcpy(device->name, name.data, name.len);
    sense_device_keepsake(model, &device->model);
}

/* The key is told when it is that of all. */
static void begin_file(struct sense_models *models, const struct sensing_part_head *head)
{
    models->place_count = 0;
    models->window_ms = head->window_ms;
    if (!models->has_key)
        models->key = head->key;
    else if (models->key.low != head->key.low || models->key.high != head->key.high)
        models->key = (struct siphash_key){ 0 };
    models->has_key = true;
}

static void on_role(void *context, const struct sense_file *file,
                    const struct sensing_part_role *head, struct mqtt_span name,
                    const struct sense_role *model)
{
    struct sense_models *models = context;

    if (!models->has_key || models->file != file->number)
        begin_file(models, file->head);
    models->file = file->number;
    note_role(models, head, name, model);
}

static void on_device(void *context, const struct sense_file *file,
                      const struct sensing_part_device *head, struct mqtt_span name,
                      const struct sense_device *model)
{
    (void)file;
    note_device(context, head, name, model);
}

int sense_models_collect(const struct identity_options *options, struct sense_models *models)
{
    const struct sense_files_visit visit = { models, on_role, on_device };
    struct sense_files_count count;
    int code = sense_files_visit(options, &visit, &count);

    if (code == 0 && count.bad > 0)
        return IDENTITY_EXIT_FAILED; /* why was said */
    if (code == 0 && models->failed)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    return code;
}

/* ---- a file ---- */

static const char *why_not(int error)
{
    switch (error) {
    case -EINVAL:
        return "it is no file of tacit sense export";
    case -EPROTO:
        return "it is of another version of tacit, or of another kind of machine";
    case -ENOMEM:
        return "out of memory";
    default:
        return "it is damaged";
    }
}

int sense_models_take(const struct identity_options *options, struct mqtt_span bytes,
                      struct sense_models *models)
{
    struct sensing_part part;
    int error = sensing_models_check(bytes);

    if (error == 0)
        error = sensing_models_open(bytes, &part);
    if (error == 0) {
        const struct sense_files_visit visit = { models, on_role, on_device };
        const struct sense_file file = { .head = &part.head };
        begin_file(models, &part.head);
        error = sense_files_visit_part(&part, &file, &visit);
    }
    if (error == 0 && models->failed)
        error = -ENOMEM;
    return error == 0 ? 0
                      : identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", why_not(error));
}

bool sense_models_add_blank(struct sense_models *models, const char *name)
{
    uint32_t place;

    return role_at(models, span_of(name), &place) != NULL;
}

static void emit(void *context, struct sensing_part_writer *writer)
{
    const struct sense_models *models = context;

    for (size_t i = 0; i < models->role_count; i++) {
        const struct sense_models_role *role = models->roles[i];
        sensing_part_put_role(writer, span_of(role->name), &role->head, &role->model);
    }
    for (size_t i = 0; i < models->device_count; i++) {
        const struct sense_models_device *device = &models->devices[i];
        sensing_part_put_device(writer, (struct mqtt_span){ device->name, device->len },
                                device->role, &device->model);
    }
}

int sense_models_write(const struct sense_models *models, uint8_t **out, size_t *out_len)
{
    struct sensing_part_head head;
    struct sense_models own = *models;

    memset(&head, 0, sizeof(head));
    head.shard_count = 1;
    head.window_ms = models->window_ms;
    if (models->device_count > 0)
        head.key = models->key;
    return sensing_part_write(sensing_models_line(), &head, emit, &own, out, out_len);
}
