/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_check.h"

#include "core/journal_op.h"
#include "tools/identity_print.h"
#include "tools/store_contents.h"
#include "tools/store_place.h"
#include "tools/store_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define STATE_ARGUMENT_BYTES 4200

struct checking {
    const struct identity_options *options;
    struct store_contents contents;
    json_t *damages; /* NULL: people read it */
    uint64_t unreadable;
    uint64_t lost_bodies;
    bool failed; /* out of memory */
};

static void tell(struct checking *checking, const char *segment, uint64_t offset, uint64_t bytes,
                 const char *what)
{
    if (checking->damages != NULL) {
        if (json_array_append_new(checking->damages,
                                  json_pack("{s:s, s:I, s:I, s:s}", "segment", segment, "offset",
                                            (json_int_t)offset, "bytes", (json_int_t)bytes, "what",
                                            what))
            < 0)
            checking->failed = true;
        return;
    }
    (void)printf("%s: offset %" PRIu64, segment, offset);
    if (bytes > 0)
        (void)printf(", %" PRIu64 " bytes", bytes);
    (void)printf(": %s\n", what);
}

static void on_damage(void *context, const struct store_damage *damage)
{
    tell(context, damage->segment, damage->offset, damage->bytes, damage->what);
}

static void check_record(struct checking *checking, const struct scan_frame *frame,
                         const struct journal_op *op)
{
    char text[120];
    char buffer[STORE_RECORD_KIND_BYTES];
    int error = op->verb == JOURNAL_PUT ? store_record_check(op->key, op->bytes) : 0;
    if (error == -ENOMEM)
        checking->failed = true;
    if (error == 0 || error == -ENOMEM)
        return;
    (void)snprintf(text, sizeof(text), "%s %" PRIu64 " %s", store_record_kind(op->key, buffer),
                   journal_number_of(op->key),
                   error == -EPROTO ? "was written by a newer version of tacitd"
                                    : "is no such record, though its check sum is right");
    tell(checking, frame->segment, frame->offset + (uint64_t)(op->bytes.data - frame->ops.data),
         op->bytes.len, text);
    checking->unreadable++;
}

static int on_frame(void *context, const struct scan_frame *frame)
{
    struct checking *checking = context;
    struct mqtt_span ops = frame->ops;
    struct journal_op op;
    int more = journal_op_next(&ops, &op);
    for (; more == 1; more = journal_op_next(&ops, &op))
        check_record(checking, frame, &op);
    int error = store_contents_apply(&checking->contents, frame->ops);
    if (error == -EBADMSG) {
        tell(checking, frame->segment, frame->offset, frame->ops.len,
             "the frame is whole, but holds no operations");
        checking->unreadable++;
        return 0;
    }
    return error;
}

static void on_lost(void *context, const struct store_item *item)
{
    struct checking *checking = context;
    (void)item;
    checking->lost_bodies++;
}

static void advise(const struct checking *checking)
{
    char state[STATE_ARGUMENT_BYTES];
    const char *argument = identity_options_state_argument(checking->options, state, sizeof(state));
    (void)printf("tacitd serves everything else, and puts these files aside in time. To have it "
                 "done now, and to be\ntold what was lost: stop tacitd, then `tacit store "
                 "repair%s`.\n"
                 "A disk that has lost this may lose more: look at its own reports (smartctl, "
                 "dmesg).\n",
                 argument);
}

static int print_people(const struct checking *checking, const struct scan_summary *summary)
{
    uint64_t damages = summary->damages + checking->unreadable;
    (void)printf(
        "%" PRIu64 " segments, %" PRIu64 " frames, %zu things, last sequence %" PRIu64 ": ",
        summary->segments, summary->frames, checking->contents.count, summary->last_sequence);
    if (damages + checking->lost_bodies == 0)
        (void)printf("all whole\n");
    else
        (void)printf("%" PRIu64 " places are damaged, %" PRIu64
                     " things lack the message they are about\n",
                     damages, checking->lost_bodies);
    if (summary->torn_bytes > 0)
        (void)printf("%" PRIu64 " bytes at the end were not confirmed to anybody, as is usual "
                     "after a crash or while\ntacitd runs.\n",
                     summary->torn_bytes);
    if (damages + checking->lost_bodies > 0)
        advise(checking);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int print_json(struct checking *checking, const struct scan_summary *summary)
{
    bool is_whole = summary->damages + checking->unreadable + checking->lost_bodies == 0;
    json_t *damages = checking->damages;
    checking->damages = NULL;
    return identity_print_document(json_pack(
        "{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "state", checking->options->state, "whole",
        (int)is_whole, "segments", (json_int_t)summary->segments, "frames",
        (json_int_t)summary->frames, "things", (json_int_t)checking->contents.count,
        "last_sequence", (json_int_t)summary->last_sequence, "unconfirmed_bytes",
        (json_int_t)summary->torn_bytes, "lost_bodies", (json_int_t)checking->lost_bodies,
        "damages", damages));
}

static int check(struct checking *checking, const struct store_place *place)
{
    struct scan_summary summary = { 0 };
    const struct scan_hooks hooks = { .context = checking, .frame = on_frame, .damage = on_damage };
    int error = store_place_scan(place, &hooks, &summary);
    if (error == 0 && checking->failed)
        error = -ENOMEM;
    if (error < 0)
        return store_place_fail(place, error);
    store_contents_settle(&checking->contents, on_lost, checking);
    bool is_damaged = summary.damages + checking->unreadable + checking->lost_bodies > 0;
    int result =
        checking->options->json ? print_json(checking, &summary) : print_people(checking, &summary);
    return result == IDENTITY_EXIT_DONE && is_damaged ? IDENTITY_EXIT_FAILED : result;
}

int store_check(const struct identity_options *options)
{
    struct store_place place;
    struct checking checking = { .options = options };
    int result = store_place_open(options, &place);
    if (result != 0)
        return result;
    checking.damages = options->json ? json_array() : NULL;
    if (options->json && checking.damages == NULL)
        result = store_place_fail(&place, -ENOMEM);
    else
        result = check(&checking, &place);
    json_decref(checking.damages);
    store_contents_fini(&checking.contents);
    store_place_close(&place);
    return result;
}
