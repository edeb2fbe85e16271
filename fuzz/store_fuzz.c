/* SPDX-License-Identifier: Apache-2.0 */
/* Segments that anybody may have written, right check sums included. Promises asserted: reading
 * and opening come to an end; a scan changes nothing, and what it tells lies within the files; a
 * store that was opened takes a frame, confirms it, and has it, and all that it had before if
 * nothing was damaged, when it is opened again. */
#include "base/attrs.h"
#include "base/invariant.h"
#include "core/journal_op.h"
#include "store/checksum.h"
#include "store/fake_files.h"
#include "store/log_format.h"
#include "store/scan.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SEGMENTS_MOST 4u
#define FILE_BYTES    STORE_SEGMENT_LEAST
#define OPS_MOST      2048u
#define NEW_KEY       journal_key(JOURNAL_RETAINED, JOURNAL_NUMBER_MASK)

/* ---- the input tells how the files are made ---- */

static uint8_t take(struct mqtt_span *input)
{
    if (input->len == 0)
        return 0;
    uint8_t byte = input->data[0];
    input->data++;
    input->len--;
    return byte;
}

static size_t take_bytes(struct mqtt_span *input, uint8_t *out, size_t len)
{
    if (len > input->len)
        len = input->len;
    if (len > 0)
        memcpy(out, input->data, len);
    input->data += len;
    input->len -= len;
    return len;
}

/* Small, or any at all. */
static uint64_t take_number(struct mqtt_span *input)
{
    uint64_t number = take(input);
    if (number == UINT8_MAX)
        (void)take_bytes(input, (uint8_t *)&number, sizeof(number));
    return number;
}

static size_t make_op(struct mqtt_span *input, uint8_t *out)
{
    uint8_t how = take(input);
    uint64_t key = journal_key((enum journal_kind)(how >> 4), 1 + take(input) % 8);
    uint64_t body = (how & 2) != 0 ? journal_key(JOURNAL_BODY, 1 + take(input) % 4) : 0;
    if ((how & 1) == 0)
        return (size_t)(journal_drop(out, key) - out);
    uint8_t *at = journal_put_head(out, key, body, take(input));
    return (size_t)(at - out) + take_bytes(input, at, out[17]);
}

/* Whole operations, or what stands in the input. */
static size_t make_ops(struct mqtt_span *input, uint8_t out[OPS_MOST])
{
    size_t len = 0;
    uint8_t count = take(input);
    if (count >= 128)
        return take_bytes(input, out, count);
    for (; count % 8 > 0 && len + 300 < OPS_MOST; count--)
        len += make_op(input, out + len);
    return len;
}

/* Returns where the next one may begin. */
static size_t make_frame(struct mqtt_span *input, uint8_t *file, size_t at, uint64_t *sequence,
                         uint64_t mark)
{
    uint8_t ops[OPS_MOST] = { 0 };
    uint8_t how = take(input);
    size_t len = make_ops(input, ops);
    if ((how & 1) != 0)
        at = (size_t)log_format_round_up(at);
    if (at + LOG_FORMAT_HEAD_BYTES + len > FILE_BYTES)
        return FILE_BYTES;
    *sequence += 1 + ((how & 2) != 0 ? take_number(input) : 0);
    struct log_head head = {
        .length = (uint32_t)len,
        .mark = mark,
        .sequence = *sequence,
        .confirmed = (how & 4) != 0 ? take_number(input) : *sequence - 1,
        .oldest = (how & 8) != 0 ? take_number(input) : 0,
        .flags = (how & 16) != 0 ? LOG_FORMAT_COPY : 0,
        .ops_check = checksum_crc32c(0, (struct mqtt_span){ ops, len }),
    };
    log_format_write_head(&head, file + at);
    memcpy(file + at + LOG_FORMAT_HEAD_BYTES, ops, len);
    if ((how & 32) != 0)
        file[at + take(input) % (LOG_FORMAT_HEAD_BYTES + len)] ^= 1;
    return at + LOG_FORMAT_HEAD_BYTES + len;
}

static void make_segment(struct mqtt_span *input, struct fake_files *fake)
{
    char name[LOG_FORMAT_NAME_BYTES];
    static uint8_t file[FILE_BYTES];
    uint8_t how = take(input);
    uint64_t number = 1 + how % 8;
    struct log_header header = { .version = STORE_VERSION + (take(input) == 77),
                                 .number = (how & 8) != 0 ? take_number(input) : number,
                                 .first_sequence = take_number(input),
                                 .oldest = take_number(input),
                                 .mark = take(input) };
    uint64_t sequence = header.first_sequence - 1;
    size_t at = LOG_FORMAT_FIRST_FRAME;
    memset(file, 0, sizeof(file));
    log_format_write_header(&header, file);
    if ((how & 16) != 0)
        (void)take_bytes(input, file, LOG_FORMAT_HEADER_BYTES);
    for (uint8_t frames = take(input) % 16; frames > 0 && at < FILE_BYTES; frames--)
        at = make_frame(input, file, at, &sequence, header.mark);
    if ((how & 32) != 0)
        log_format_spare_name(number, name);
    else
        log_format_segment_name(number, name);
    fake_files_put(fake, name,
                   (struct mqtt_span){ file, (how & 64) != 0 ? at : (size_t)FILE_BYTES });
}

/* ---- what is promised ---- */

struct tally {
    struct fake_files *fake;
    uint64_t frames;
    uint64_t damages;
    uint64_t things;
    uint64_t last_key;
    bool has_new;
};

static int on_frame(void *context, const struct scan_frame *frame)
{
    struct tally *tally = context;
    struct mqtt_span file = fake_files_get(tally->fake, frame->segment);
    MQTT_INVARIANT(frame->offset <= file.len && frame->ops.len <= file.len - frame->offset);
    tally->frames++;
    return 0;
}

static void on_damage(void *context, const struct store_damage *damage)
{
    struct tally *tally = context;
    MQTT_INVARIANT(damage->what != NULL && damage->segment != NULL);
    tally->damages++;
}

static int on_thing(void *context, const struct store_thing *thing)
{
    struct tally *tally = context;
    MQTT_INVARIANT(thing->key > tally->last_key);
    MQTT_INVARIANT(journal_kind_of(thing->key) != JOURNAL_BODY);
    tally->last_key = thing->key;
    tally->things++;
    tally->has_new |= thing->key == NEW_KEY && span_equal(thing->bytes, span_of("new"));
    return 0;
}

static int scan(struct fake_files *fake)
{
    struct files files = fake_files_port(fake);
    struct tally tally = { .fake = fake };
    struct scan_summary summary = { 0 };
    const struct scan_hooks hooks = { .context = &tally, .frame = on_frame, .damage = on_damage };
    uint64_t changes = fake_files_count(fake, FAKE_CHANGE);
    int result = store_scan(&files, &hooks, &summary);
    MQTT_INVARIANT(result == 0 || result == -EPROTO);
    MQTT_INVARIANT(fake_files_count(fake, FAKE_CHANGE) == changes);
    if (result == 0)
        MQTT_INVARIANT(summary.frames == tally.frames && summary.damages == tally.damages);
    return result;
}

static struct store *open_store(struct fake_files *fake, struct tally *tally)
{
    struct store_found found = { 0 };
    struct store *store = NULL;
    const struct store_options options = { .files = fake_files_port(fake),
                                           .segment_bytes = FILE_BYTES,
                                           .most_bytes = 64 * FILE_BYTES };
    *tally = (struct tally){ .fake = fake };
    int result = store_open(&options, on_damage, tally, &found, &store);
    MQTT_INVARIANT(result == 0 || result == -EPROTO);
    if (result < 0)
        return NULL;
    MQTT_INVARIANT(found.damages == tally->damages);
    MQTT_INVARIANT(store_each(store, on_thing, tally) == 0);
    MQTT_INVARIANT(found.things >= tally->things);
    return store;
}

/* False: it could not be written, as sequences or numbers have come to their end. */
static bool add_one(struct store *store)
{
    uint8_t ops[JOURNAL_PUT_BYTES + 3];
    memcpy(journal_put_head(ops, NEW_KEY, 0, 3), "new", 3);
    struct store_frame frame = { .ops = { ops, sizeof(ops) } };
    bool is_done = store_write(store, &frame) == 0 && store_sync(store) == 0;
    for (int i = 0; i < 12 && store_tend(store); i++)
        ;
    if (is_done)
        MQTT_INVARIANT(store_take_confirmed(store) == &frame);
    /* The frame is on this stack, so the store goes first. */
    store_close(store);
    return is_done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mqtt_span input = { data, len };
    struct fake_files *fake = fake_files_new(1);
    struct tally before;
    struct tally after;
    for (unsigned i = 0; i < SEGMENTS_MOST && input.len > 0; i++)
        make_segment(&input, fake);
    int result = scan(fake);
    struct store *store = open_store(fake, &before);
    MQTT_INVARIANT((store == NULL) == (result == -EPROTO));
    if (store != NULL && add_one(store)) {
        store = open_store(fake, &after);
        MQTT_INVARIANT(store != NULL && after.has_new);
        /* Where something is damaged the next reading may understand more of it. */
        if (before.damages == 0)
            MQTT_INVARIANT(after.things == before.things + !before.has_new);
        store_close(store);
    }
    fake_files_free(fake);
    return 0;
}
