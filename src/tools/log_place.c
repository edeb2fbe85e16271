/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_place.h"

#include "store/segment_reader.h"

#include <errno.h>
#include <string.h>

static uint64_t bytes_of(const struct files *files, uint64_t number)
{
    char name[AUDIT_NAME_BYTES];
    struct file *file = NULL;

    if (files->open(files->context, audit_folder_name(number, name), FILE_READ, &file) != 0)
        return 0;
    int64_t size = files->size(file);
    files->close(file);
    return size > 0 ? (uint64_t)size : 0;
}

/* A copy that may only be read has no lock, and nobody who writes. */
static int take_picture(struct log_place *place)
{
    const struct files *files = &place->audit.files;

    (void)!audit_place_lock(&place->audit);
    int error = audit_folder_read(files, &place->files);
    if (error == 0 && place->files.count > 0)
        place->last_bytes = bytes_of(files, place->files.numbers[place->files.count - 1]);
    place->has_head =
        audit_folder_read_head(files, &place->head) == 0
        && audit_statement_is_signed(&place->head, AUDIT_STATES_HEAD, &place->audit.port);
    audit_place_unlock(&place->audit);
    return error;
}

int log_place_open(const struct identity_options *options, struct log_place *out)
{
    struct pki_fault fault = { "out of memory" };
    struct log_place *place = out;

    *place = (struct log_place){ .options = options };
    int error = audit_place_exists(options->state)
                    ? audit_place_read(options->state, options->public_key, &place->audit, &fault)
                    : pki_fail(&fault, -ENOENT, "there is no audit log in %s", options->state);
    if (error < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    error = take_picture(place);
    if (error == 0)
        return 0;
    int code = log_place_fail(place, error);
    log_place_close(place);
    return code;
}

int log_place_relist(struct log_place *place)
{
    audit_folder_fini(&place->files);
    place->files = (struct audit_folder){ 0 };
    return take_picture(place);
}

void log_place_close(struct log_place *place)
{
    audit_folder_fini(&place->files);
    audit_place_close(&place->audit);
}

int log_place_read(const struct log_place *place, size_t index, log_place_line on_line,
                   void *context, size_t *out_rest)
{
    struct segment_bytes bytes = { 0 };
    char name[AUDIT_NAME_BYTES];
    uint64_t most = index + 1 == place->files.count ? place->last_bytes : UINT32_MAX;
    struct mqtt_span line;
    int error = segment_bytes_load(
        &place->audit.files, audit_folder_name(place->files.numbers[index], name), most, &bytes);

    struct mqtt_span rest = { bytes.data, error == 0 ? bytes.len : 0 };
    while (error == 0 && audit_folder_next_line(&rest, &line))
        error = on_line(context, line);
    *out_rest = rest.len;
    segment_bytes_fini(&bytes);
    return error;
}

int log_place_fail(const struct log_place *place, int error)
{
    return identity_options_fail(place->options, IDENTITY_EXIT_FAILED, "cannot read %s: %s",
                                 place->audit.folder, strerror(-error));
}
