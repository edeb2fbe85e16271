/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_import.h"

#include "pki/behaviour_file.h"
#include "pki/private_file.h"
#include "tools/known_role.h"
#include "tools/read_all.h"
#include "tools/sense_models.h"
#include "tools/sense_order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES ((size_t)1 << 30) /* longest that is read */

struct importing {
    const struct identity_options *options;
    char before_path[PATH_MAX];
    uint8_t *file; /* as it was read */
    size_t file_len;
    uint8_t *earlier; /* what `.before` was until now; NULL: there was none */
    size_t earlier_len;
    struct sense_models models; /* that are to be taken up */
    struct sense_models before; /* that they take the place of */
    uint8_t *order;             /* the models as bytes */
    size_t order_len;
    struct sensing_answer answer;
};

/* ---- reading ---- */

static int read_stdin(uint8_t **out, size_t *out_len)
{
    char *bytes = NULL;
    int error = read_all(stdin, FILE_BYTES, &bytes, out_len);

    *out = (uint8_t *)bytes;
    return error;
}

static int read_models(struct importing *importing)
{
    const struct identity_options *options = importing->options;
    const char *path = options->undo ? importing->before_path : options->operands[0];
    bool is_stdin = !options->undo && strcmp(path, "-") == 0;
    int error = is_stdin
                    ? read_stdin(&importing->file, &importing->file_len)
                    : private_file_read(path, FILE_BYTES, &importing->file, &importing->file_len);

    if (error == -ENOENT && options->undo)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "nothing was imported, so there is nothing to undo");
    if (error != 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s: %s", path,
                                     strerror(-error));
    importing->models.wanted = options->role;
    importing->models.wants_devices = options->devices || options->undo;
    return sense_models_take(options, (struct mqtt_span){ importing->file, importing->file_len },
                             &importing->models);
}

/* A role that is none is a slip of the pen, which nobody would notice. */
static int check_roles(const struct importing *importing)
{
    const struct identity_options *options = importing->options;

    if (importing->models.role_count == 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "no such role is in the file: %.140s",
                                     options->role != NULL ? options->role : "it has none");
    for (size_t i = 0; i < importing->models.role_count && !options->undo; i++) {
        struct pki_fault fault = { "out of memory" };
        if (known_role_find(options, importing->models.roles[i]->name, NULL, &fault) != 0)
            return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                         "%s; --role FROM=TO takes it up under another name",
                                         fault.text);
    }
    return 0;
}

/* ---- what was there before ---- */

static int compare(const void *a, const void *b)
{
    const struct sense_models_device *one = a;
    const struct sense_models_device *other = b;

    if (one->len != other->len)
        return one->len < other->len ? -1 : 1;
    return memcmp(one->name, other->name, one->len);
}

/* Only what is to be replaced. */
static void thin_devices(struct importing *importing)
{
    struct sense_models *wanted = &importing->models;
    struct sense_models *before = &importing->before;
    size_t kept = 0;

    if (wanted->device_count == 0)
        return; /* of which there is none before, either */
    qsort(wanted->devices, wanted->device_count, sizeof(*wanted->devices), compare);
    for (size_t i = 0; i < before->device_count; i++)
        if (bsearch(&before->devices[i], wanted->devices, wanted->device_count,
                    sizeof(*wanted->devices), compare)
            != NULL)
            before->devices[kept++] = before->devices[i];
    before->device_count = kept;
}

static char *names_of(const struct sense_models *models)
{
    char *names = malloc(models->role_count * (IDENTITY_NAME_BYTES + 2));
    size_t len = 0;

    for (size_t i = 0; names != NULL && i < models->role_count; i++)
        len += (size_t)sprintf(names + len, "%s%s", i > 0 ? "," : "", models->roles[i]->name);
    return names;
}

static int find_before(struct importing *importing)
{
    struct sense_models *before = &importing->before;
    char *names = names_of(&importing->models);
    int code = names != NULL ? sense_order_refresh(importing->options) : IDENTITY_EXIT_FAILED;

    before->wanted = names;
    before->wants_devices = importing->models.device_count > 0;
    if (code == 0)
        code = sense_models_collect(importing->options, before);
    before->wanted = NULL;
    free(names);
    if (before->window_ms == 0)
        before->window_ms = importing->models.window_ms;
    for (size_t i = 0; code == 0 && i < importing->models.role_count; i++)
        if (!sense_models_add_blank(before, importing->models.roles[i]->name))
            code = IDENTITY_EXIT_FAILED;
    thin_devices(importing);
    return code;
}

static int keep_before(struct importing *importing)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    int error = private_file_read(importing->before_path, FILE_BYTES, &importing->earlier,
                                  &importing->earlier_len);

    if (error == 0 || error == -ENOENT)
        error = sense_models_write(&importing->before, &bytes, &len);
    if (error == 0)
        error = private_file_write(importing->before_path, (struct mqtt_span){ bytes, len },
                                   PRIVATE_FILE_REPLACE);
    free(bytes);
    return error == 0 ? 0
                      : identity_options_fail(importing->options, IDENTITY_EXIT_FAILED, "%s: %s",
                                              importing->before_path, strerror(-error));
}

/* Nothing was taken up, so what was kept is what an undo still has to put back. */
static void put_back(const struct importing *importing)
{
    const struct mqtt_span earlier = { importing->earlier, importing->earlier_len };

    if (importing->earlier != NULL)
        (void)!private_file_write(importing->before_path, earlier, PRIVATE_FILE_REPLACE);
    else
        (void)remove(importing->before_path);
}

/* ---- taking up ---- */

static int take_up(struct importing *importing)
{
    struct sensing_order order = { .kind = SENSING_ORDER_TAKE };
    int code = 0;

    if (sense_models_write(&importing->models, &importing->order, &importing->order_len) != 0)
        return identity_options_fail(importing->options, IDENTITY_EXIT_FAILED, "out of memory");
    order.models = (struct mqtt_span){ importing->order, importing->order_len };
    code = sense_order_give(importing->options, &order, &importing->answer);
    if (code != 0)
        return code;
    if (importing->answer.result != SENSING_DONE)
        put_back(importing);
    return sense_order_tell(importing->options, importing->options->undo ? "undo" : "import", NULL,
                            &importing->answer);
}

static int run(struct importing *importing)
{
    const struct identity_options *options = importing->options;

    if (options->undo == (options->operand_count > 0) || (options->undo && options->role != NULL))
        return identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                     "which file? or --undo, and nothing else");
    if (behaviour_file_beside(options->state, BEHAVIOUR_BEFORE, importing->before_path) != 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "the path is too long");
    int code = read_models(importing);
    if (code == 0)
        code = check_roles(importing);
    if (code == 0)
        code = find_before(importing);
    if (code == 0)
        code = keep_before(importing);
    return code == 0 ? take_up(importing) : code;
}

int sense_import(const struct identity_options *options)
{
    struct importing *importing = calloc(1, sizeof(*importing));

    if (importing == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    importing->options = options;
    int code = run(importing);
    sense_models_fini(&importing->models);
    sense_models_fini(&importing->before);
    free(importing->file);
    free(importing->earlier);
    free(importing->order);
    free(importing);
    return code;
}
