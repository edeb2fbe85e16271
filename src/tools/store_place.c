/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024.0 * 1024.0)

int store_place_open(const struct identity_options *options, struct store_place *out)
{
    struct pki_fault fault = { "the path is too long" };
    struct store_place place = { .options = options };
    int error = state_check(options->state, &fault);
    if (error == 0)
        error = state_path(options->state, STATE_STORE, place.path);
    if (error < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    error = files_open(place.path, &place.files);
    if (error == -ENOENT)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "there is no %s: tacitd has kept nothing here yet",
                                     place.path);
    if (error < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "cannot read %s: %s",
                                     place.path, strerror(-error));
    *out = place;
    return 0;
}

void store_place_close(struct store_place *place)
{
    files_close(&place->files);
}

/* Between the scan and the caller's hooks. */
struct reading {
    const struct scan_hooks *hooks;
    uint64_t bytes;
    bool shows;
};

static void clear_line(const struct reading *reading)
{
    if (reading->shows)
        (void)fputs("\r\033[K", stderr);
}

static int on_frame(void *context, const struct scan_frame *frame)
{
    const struct reading *reading = context;
    return reading->hooks->frame != NULL ? reading->hooks->frame(reading->hooks->context, frame)
                                         : 0;
}

static void on_segment(void *context, const struct scan_segment *segment)
{
    struct reading *reading = context;
    if (reading->hooks->segment != NULL)
        reading->hooks->segment(reading->hooks->context, segment);
    reading->bytes += segment->bytes;
    if (reading->shows)
        (void)fprintf(stderr, "\r%.0f MiB read", (double)reading->bytes / MIB);
}

static void on_damage(void *context, const struct store_damage *damage)
{
    const struct reading *reading = context;
    clear_line(reading);
    if (reading->hooks->damage != NULL)
        reading->hooks->damage(reading->hooks->context, damage);
}

int store_place_scan(const struct store_place *place, const struct scan_hooks *hooks,
                     struct scan_summary *out)
{
    /* What goes to a terminal as well would be mixed up with the figures. */
    struct reading reading = { .hooks = hooks,
                               .shows = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1 };
    const struct scan_hooks between = {
        .context = &reading,
        .frame = on_frame,
        .segment = on_segment,
        .damage = on_damage,
    };
    int error = store_scan(&place->files, &between, out);
    clear_line(&reading);
    return error;
}

int store_place_fail(const struct store_place *place, int error)
{
    if (error == -EPROTO)
        return identity_options_fail(
            place->options, IDENTITY_EXIT_FAILED,
            "%s was written by a newer version of tacitd: use the tacit that came with it",
            place->path);
    if (error == -ENOMEM)
        return identity_options_fail(place->options, IDENTITY_EXIT_FAILED, "out of memory");
    return identity_options_fail(place->options, IDENTITY_EXIT_FAILED, "cannot read %s: %s",
                                 place->path, strerror(-error));
}
