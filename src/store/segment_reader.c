/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment_reader.h"

#include "store/checksum.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES  ((size_t)2 * 1024 * 1024)
#define READ_BYTES  ((size_t)1024 * 1024)
#define SMALL_BYTES ((size_t)64 * 1024) /* stays in the cache of a core */

/* ---- the bytes ---- */

/* In huge pages, where the system gives them to who asks: faults for the small ones would take
 * longer than the reading. Mapped by hand, as what malloc() has mapped once it takes from the heap ever after:
 * then tables of which little is used, which come later, are memory as a whole. */
static uint8_t *map_huge(size_t rounded)
{
    uint8_t *all = mmap(NULL, rounded + HUGE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_BYTES - (uintptr_t)all % HUGE_BYTES) % HUGE_BYTES;
    if (before > 0)
        (void)munmap(all, before);
    (void)munmap(all + before + rounded, HUGE_BYTES - before);
    (void)madvise(all + before, rounded, MADV_HUGEPAGE);
    return all + before;
}

static size_t round_huge(size_t len)
{
    return (len + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
}

static void release(struct segment_bytes *bytes)
{
    if (bytes->room >= HUGE_BYTES)
        (void)munmap(bytes->data, round_huge(bytes->room));
    else
        free(bytes->data);
    *bytes = (struct segment_bytes){ 0 };
}

static int make_room(struct segment_bytes *bytes, size_t len)
{
    if (len <= bytes->room)
        return 0;
    release(bytes);
    bytes->data = len < HUGE_BYTES ? malloc(len) : map_huge(round_huge(len));
    if (bytes->data == NULL)
        return -ENOMEM;
    bytes->room = len;
    bytes->is_blank = len >= HUGE_BYTES;
    return 0;
}

static void note_hole(struct segment_bytes *bytes, size_t at, size_t len)
{
    memset(bytes->data + at, 0, len);
    if (!bytes->has_holes)
        bytes->hole = at;
    bytes->has_holes = true;
}

/* Block by block, as one bad sector is no reason to lose a megabyte. */
static void read_what_can_be_read(const struct files *files, struct file *file,
                                  struct segment_bytes *bytes, size_t at, size_t len)
{
    for (size_t done = 0; done < len; done += LOG_FORMAT_BLOCK_BYTES) {
        size_t some = len - done < LOG_FORMAT_BLOCK_BYTES ? len - done : LOG_FORMAT_BLOCK_BYTES;
        int64_t n = files->read(file, at + done, bytes->data + at + done, some);
        if (n != (int64_t)some)
            note_hole(bytes, at + done, some);
    }
}

static bool are_zero(const uint8_t *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* The block with what may follow that is not zero: a segment that was reserved and ended early would be
 * read for nothing, and made in memory before. */
static size_t next_data(const struct files *files, struct file *file, size_t at)
{
    uint64_t found = files->find_data == NULL ? at : files->find_data(file, at);
    if (found > SIZE_MAX - READ_BYTES)
        return SIZE_MAX - READ_BYTES;
    size_t block = (size_t)found / LOG_FORMAT_BLOCK_BYTES * LOG_FORMAT_BLOCK_BYTES;
    return block > at ? block : at;
}

/* Reads by way of `small`, and keeps what is not zero: memory that nobody has touched yet is zero, and
 * nobody has to make it so. */
static void read_sparse(const struct files *files, struct file *file, struct segment_bytes *bytes,
                        size_t from, uint8_t *small)
{
    size_t known = from; /* below it was asked for, not more often than each READ_BYTES */
    for (size_t at = from; at < bytes->len; at += SMALL_BYTES) {
        if (at >= known) {
            at = next_data(files, file, at);
            known = at + READ_BYTES;
        }
        if (at >= bytes->len)
            return;
        size_t some = bytes->len - at < SMALL_BYTES ? bytes->len - at : SMALL_BYTES;
        int64_t n = files->read(file, at, small, some);
        if (n != (int64_t)some)
            read_what_can_be_read(files, file, bytes, at, some);
        else if (!are_zero(small, some))
            memcpy(bytes->data + at, small, some);
    }
}

/* A segment that was reserved and is not full is zero from some block on. */
static bool ends_in_zeros(const uint8_t *piece, size_t len)
{
    return len >= LOG_FORMAT_BLOCK_BYTES
           && are_zero(piece + len - LOG_FORMAT_BLOCK_BYTES, LOG_FORMAT_BLOCK_BYTES);
}

static void read_all(const struct files *files, struct file *file, struct segment_bytes *bytes)
{
    uint8_t *small = bytes->is_blank ? malloc(SMALL_BYTES) : NULL;
    bool is_rest_sparse = false;
    size_t at = 0;

    bytes->is_blank = false;
    while (at < bytes->len && !is_rest_sparse) {
        /* Most often all there is lies in the beginning. */
        size_t most = small != NULL && at == 0 ? SMALL_BYTES : READ_BYTES;
        size_t some = bytes->len - at < most ? bytes->len - at : most;
        int64_t n = files->read(file, at, bytes->data + at, some);
        if (n != (int64_t)some)
            read_what_can_be_read(files, file, bytes, at, some);
        is_rest_sparse = small != NULL && ends_in_zeros(bytes->data + at, some);
        at += some;
    }
    if (is_rest_sparse)
        read_sparse(files, file, bytes, at, small);
    free(small);
}

int segment_bytes_load(const struct files *files, const char *name, uint64_t most,
                       struct segment_bytes *bytes)
{
    struct file *file;
    int error = files->open(files->context, name, FILE_READ, &file);
    if (error < 0)
        return error;
    int64_t size = files->size(file);
    if (size > 0 && (uint64_t)size > most)
        size = (int64_t)most;
    if (size > UINT32_MAX)
        size = -EFBIG;
    error = size < 0 ? (int)size : make_room(bytes, (size_t)size);
    if (error == 0) {
        bytes->len = (size_t)size;
        bytes->has_holes = false;
        read_all(files, file, bytes);
    }
    files->close(file);
    return error;
}

void segment_bytes_fini(struct segment_bytes *bytes)
{
    release(bytes);
}

/* ---- one frame ---- */

static bool head_at(struct mqtt_span bytes, size_t at, struct log_head *out)
{
    return at <= bytes.len && bytes.len - at >= LOG_FORMAT_HEAD_BYTES
           && log_format_read_head(bytes.data + at, out);
}

static bool own_head_at(const struct segment_reader *r, size_t at, struct log_head *out)
{
    return head_at(r->bytes, at, out) && out->mark == r->mark && out->confirmed < out->sequence;
}

static size_t end_of(size_t at, const struct log_head *head)
{
    return at + LOG_FORMAT_HEAD_BYTES + head->length;
}

static bool ops_are_whole(struct mqtt_span bytes, size_t at, const struct log_head *head,
                          struct mqtt_span *out)
{
    if (end_of(at, head) > bytes.len)
        return false;
    *out = (struct mqtt_span){ bytes.data + at + LOG_FORMAT_HEAD_BYTES, head->length };
    return checksum_crc32c(0, *out) == head->ops_check;
}

bool segment_reader_first_head(struct mqtt_span bytes, struct log_head *out)
{
    struct mqtt_span ops;
    return head_at(bytes, LOG_FORMAT_FIRST_FRAME, out)
           && ops_are_whole(bytes, LOG_FORMAT_FIRST_FRAME, out, &ops);
}

/* Is the frame with the expected sequence there? */
static bool take(struct segment_reader *r, size_t at, struct segment_step *out)
{
    if (!own_head_at(r, at, &out->head) || out->head.sequence != r->expected
        || !ops_are_whole(r->bytes, at, &out->head, &out->ops))
        return false;
    out->offset = at;
    r->frame_at = at;
    r->at = end_of(at, &out->head);
    r->expected++;
    return true;
}

uint64_t segment_bytes_mark(const struct segment_bytes *bytes)
{
    struct log_header header;
    struct log_head head;
    if (bytes->len >= LOG_FORMAT_HEADER_BYTES
        && log_format_read_header(bytes->data, &header) == LOG_HEADER_GOOD)
        return header.mark;
    if (segment_reader_first_head((struct mqtt_span){ bytes->data, bytes->len }, &head))
        return head.mark;
    return 0;
}

/* ---- what is not whole ---- */

/* Where to look after `at`: behind a frame whose head can be trusted, else at the next block. Only
 * there: the operations hold what peers have sent, and a frame that is found by its look alone
 * might be one of theirs. (They do not know the mark either.) */
static size_t after(const struct segment_reader *r, size_t at)
{
    struct log_head head;
    if (own_head_at(r, at, &head) && end_of(at, &head) <= r->bytes.len)
        return end_of(at, &head);
    return (size_t)log_format_round_up(at + 1);
}

/* What was confirmed is said by the last frames; those before a gap say less than it misses. */
static uint64_t find_witness(const struct segment_reader *r)
{
    struct log_head head;
    uint64_t highest = 0;
    for (size_t at = r->at; at < r->bytes.len; at = after(r, at)) {
        if (own_head_at(r, at, &head) && head.confirmed > highest)
            highest = head.confirmed;
    }
    return highest;
}

/* The next frame that is whole, of whatever sequence. */
static bool find_next(const struct segment_reader *r, size_t *out, struct log_head *head)
{
    struct mqtt_span ops;
    for (size_t at = r->at; at < r->bytes.len; at = after(r, at)) {
        if (own_head_at(r, at, head) && head->sequence >= r->expected && head->sequence < r->limit
            && ops_are_whole(r->bytes, at, head, &ops)) {
            *out = at;
            return true;
        }
    }
    return false;
}

static bool is_zero(struct mqtt_span bytes, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < bytes.len; i++) {
        if (bytes.data[i] != 0)
            return false;
    }
    return true;
}

/* Where the frame that is expected should begin: at once, or in the next block. */
static size_t gap_begins(const struct segment_reader *r)
{
    size_t next = (size_t)log_format_round_up(r->at);
    return is_zero(r->bytes, r->at, next) ? next : r->at;
}

static const char *what_is_wrong(const struct segment_reader *r, size_t at)
{
    struct log_head head;
    if (at >= r->bytes.len)
        return "the file ends before its last frame";
    if (!own_head_at(r, at, &head))
        return "no frame begins where the next one should";
    if (head.sequence != r->expected)
        return "frames are missing";
    if (end_of(at, &head) > r->bytes.len)
        return "the file ends within a frame";
    return "a frame's check sum is wrong";
}

/* Bytes that begin like a frame of this segment, whole or not? */
static bool begins_like_own(const struct segment_reader *r, size_t at)
{
    const size_t mark_at = 8;
    return at < r->bytes.len && r->bytes.len - at >= mark_at + sizeof(r->mark)
           && memcmp(r->bytes.data + at + mark_at, &r->mark, sizeof(r->mark)) == 0;
}

/* Up to where something of this segment's was written: a recycled file has others' bytes behind. */
static size_t torn_end(const struct segment_reader *r, size_t begin)
{
    struct log_head head;
    size_t end = begin;
    for (size_t at = begin; at < r->bytes.len; at = after(r, at)) {
        if (own_head_at(r, at, &head))
            end = end_of(at, &head);
        else if (begins_like_own(r, at))
            end = (size_t)log_format_round_up(at + 1);
    }
    return end < r->bytes.len ? end : r->bytes.len;
}

/* Nothing but what was never written, or what an earlier use of the file has left? */
static bool is_clean_end(const struct segment_reader *r)
{
    if (begins_like_own(r, r->at))
        return false;
    for (size_t at = (size_t)log_format_round_up(r->at); at < r->bytes.len;
         at += LOG_FORMAT_BLOCK_BYTES) {
        if (begins_like_own(r, at))
            return false;
    }
    return true;
}

static enum segment_verdict end_here(struct segment_reader *r, struct segment_step *out)
{
    r->limit = r->expected;
    if (is_clean_end(r))
        return SEGMENT_END;
    out->offset = r->at;
    out->bytes = torn_end(r, r->at) - r->at;
    return SEGMENT_TORN;
}

static enum segment_verdict judge(struct segment_reader *r, struct segment_step *out)
{
    size_t found;
    if (!r->is_witnessed) {
        r->witnessed = find_witness(r);
        r->is_witnessed = true;
    }
    bool was_confirmed =
        r->limit != SEGMENT_READER_NO_LIMIT || r->witnessed >= r->expected || r->has_holes;
    bool is_found = find_next(r, &found, &out->head);
    if (!was_confirmed
        || (!is_found && r->limit == SEGMENT_READER_NO_LIMIT && r->witnessed < r->expected))
        return end_here(r, out);

    out->offset = gap_begins(r);
    out->what = what_is_wrong(r, out->offset);
    out->is_at_end = !is_found;
    if (is_found) {
        out->bytes = found > out->offset ? found - out->offset : 0;
        r->expected = out->head.sequence;
        r->at = found;
    } else {
        out->bytes = 0;
        r->expected = r->limit != SEGMENT_READER_NO_LIMIT ? r->limit : r->witnessed + 1;
        r->at = out->offset;
    }
    return SEGMENT_DAMAGE;
}

enum segment_verdict segment_reader_next(struct segment_reader *reader, struct segment_step *out)
{
    *out = (struct segment_step){ 0 };
    if (reader->expected >= reader->limit)
        return SEGMENT_END;
    if (take(reader, reader->at, out) || take(reader, (size_t)log_format_round_up(reader->at), out))
        return SEGMENT_FRAME;
    return judge(reader, out);
}
