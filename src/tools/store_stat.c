/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_stat.h"

#include "core/journal_op.h"
#include "tools/identity_print.h"
#include "tools/store_contents.h"
#include "tools/store_place.h"
#include "tools/store_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct kind_figures {
    uint64_t things;
    uint64_t bytes;
};

struct figures {
    struct store_contents contents;
    struct scan_summary summary;
    uint64_t bytes; /* of all files */
    uint64_t used_bytes;
    uint64_t spares;
    uint64_t damaged_segments;
    uint64_t copies; /* frames */
    uint64_t living_bytes;
    struct kind_figures kinds[JOURNAL_KINDS];
};

static int on_frame(void *context, const struct scan_frame *frame)
{
    struct figures *figures = context;
    int error = store_contents_apply(&figures->contents, frame->ops);
    figures->copies += frame->is_copy;
    /* What is wrong is for check to say. */
    return error == -EBADMSG ? 0 : error;
}

static void on_segment(void *context, const struct scan_segment *segment)
{
    struct figures *figures = context;
    figures->bytes += segment->bytes;
    figures->used_bytes += segment->used_bytes;
    figures->spares += segment->is_spare;
    figures->damaged_segments += segment->is_damaged;
}

static void count_things(struct figures *figures)
{
    const struct store_contents *contents = &figures->contents;
    for (size_t i = 0; i < contents->count; i++) {
        struct kind_figures *kind = &figures->kinds[journal_kind_of(contents->items[i].key)];
        uint64_t bytes = JOURNAL_PUT_BYTES + contents->items[i].len;
        kind->things++;
        kind->bytes += bytes;
        figures->living_bytes += bytes;
    }
}

static double ratio(const struct figures *figures)
{
    return figures->bytes > 0 ? (double)figures->living_bytes / (double)figures->bytes : 0;
}

static int print_people(const struct figures *figures)
{
    char buffer[STORE_RECORD_KIND_BYTES];
    (void)printf("segments        %" PRIu64 " (%" PRIu64 " damaged), and %" PRIu64 " in reserve\n",
                 figures->summary.segments, figures->damaged_segments, figures->spares);
    (void)printf("bytes           %" PRIu64 " (%" PRIu64 " written)\n", figures->bytes,
                 figures->used_bytes);
    (void)printf("living          %" PRIu64 " bytes, %.1f %%\n", figures->living_bytes,
                 100 * ratio(figures));
    (void)printf("frames          %" PRIu64 " (%" PRIu64 " copied by housekeeping)\n",
                 figures->summary.frames, figures->copies);
    (void)printf("last sequence   %" PRIu64 "\n", figures->summary.last_sequence);
    for (unsigned i = 0; i < JOURNAL_KINDS; i++)
        if (figures->kinds[i].things > 0)
            (void)printf("%-15s %" PRIu64 ", %" PRIu64 " bytes\n",
                         store_record_kind(journal_key((enum journal_kind)i, 0), buffer),
                         figures->kinds[i].things, figures->kinds[i].bytes);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static json_t *kinds_json(const struct figures *figures)
{
    char buffer[STORE_RECORD_KIND_BYTES];
    json_t *object = json_object();
    for (unsigned i = 0; i < JOURNAL_KINDS && object != NULL; i++) {
        const struct kind_figures *kind = &figures->kinds[i];
        if (kind->things == 0)
            continue;
        if (json_object_set_new(object,
                                store_record_kind(journal_key((enum journal_kind)i, 0), buffer),
                                json_pack("{s:I, s:I}", "things", (json_int_t)kind->things, "bytes",
                                          (json_int_t)kind->bytes))
            < 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static int print_json(const struct identity_options *options, const struct figures *figures)
{
    return identity_print_document(json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:o}", "state",
        options->state, "segments", (json_int_t)figures->summary.segments, "spare_segments",
        (json_int_t)figures->spares, "damaged_segments", (json_int_t)figures->damaged_segments,
        "bytes", (json_int_t)figures->bytes, "used_bytes", (json_int_t)figures->used_bytes,
        "living_bytes", (json_int_t)figures->living_bytes, "living_things",
        (json_int_t)figures->contents.count, "living_ratio", ratio(figures), "frames",
        (json_int_t)figures->summary.frames, "copied_frames", (json_int_t)figures->copies,
        "last_sequence", (json_int_t)figures->summary.last_sequence, "things",
        kinds_json(figures)));
}

int store_stat(const struct identity_options *options)
{
    struct store_place place;
    struct figures figures = { 0 };
    const struct scan_hooks hooks = { .context = &figures,
                                      .frame = on_frame,
                                      .segment = on_segment };
    int result = store_place_open(options, &place);
    if (result != 0)
        return result;
    int error = store_place_scan(&place, &hooks, &figures.summary);
    if (error < 0) {
        result = store_place_fail(&place, error);
    } else {
        store_contents_settle(&figures.contents, NULL, NULL);
        count_things(&figures);
        result = options->json ? print_json(options, &figures) : print_people(&figures);
    }
    if (error == 0 && figures.summary.damages > 0)
        (void)fprintf(stderr, "%s: parts of it are damaged; tacit store check says which\n",
                      options->command);
    store_contents_fini(&figures.contents);
    store_place_close(&place);
    return result;
}
