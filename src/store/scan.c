/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scan.h"

#include "store/log_format.h"
#include "store/segment_reader.h"

#include <errno.h>
#include <stdlib.h>

enum file_state {
    FILE_GONE = 0,   /* it was listed, and was given up since */
    FILE_SPARE,      /* holds nothing that counts */
    FILE_UNREADABLE, /* neither its header nor its first frame are whole */
    FILE_HEADLESS,   /* only its header is not whole */
    FILE_BEGUN,
};

struct found_file {
    uint64_t number;
    bool has_spare_name;
    enum file_state state;
    const char *why; /* it is unreadable; static */
    uint64_t bytes;
    struct log_header header; /* of a headless one: as its first frame says */
};

struct scanning {
    const struct files *files;
    const struct scan_hooks *hooks;
    struct found_file *found; /* spares last, else by their numbers */
    size_t count;
    size_t room;
    struct segment_bytes bytes;
    struct segment_bytes kept; /* the last one's, which is looked at first and read last */
    const struct found_file *kept_of;
    uint64_t oldest; /* number of the oldest segment that is needed */
    struct scan_summary summary;
};

static void complain(struct scanning *s, const char *name, const struct store_damage *damage)
{
    struct store_damage named = *damage;
    named.segment = name;
    s->summary.damages++;
    if (s->hooks->damage != NULL)
        s->hooks->damage(s->hooks->context, &named);
}

static void name_of(const struct found_file *f, char out[LOG_FORMAT_NAME_BYTES])
{
    if (f->has_spare_name)
        log_format_spare_name(f->number, out);
    else
        log_format_segment_name(f->number, out);
}

/* ---- which files there are ---- */

static int add_file(void *visitor, const char *name)
{
    struct scanning *s = visitor;
    uint64_t number = log_format_segment_number(name);
    uint64_t spare = log_format_spare_number(name);
    if (number == 0 && spare == 0)
        return 0;
    if (s->count == s->room) {
        size_t room = s->room != 0 ? 2 * s->room : 16;
        struct found_file *larger = reallocarray(s->found, room, sizeof(*larger));
        if (larger == NULL)
            return -ENOMEM;
        s->found = larger;
        s->room = room;
    }
    s->found[s->count++] =
        (struct found_file){ .number = number != 0 ? number : spare, .has_spare_name = spare != 0 };
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct found_file *x = a;
    const struct found_file *y = b;
    if (x->has_spare_name != y->has_spare_name)
        return x->has_spare_name ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

/* ---- what their headers say ---- */

/* Errors that are not the file's fault. */
static bool is_ours(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EACCES
           || error == -EPERM;
}

static int cannot_open(struct found_file *f, int error)
{
    if (is_ours(error))
        return error;
    f->state = error == -ENOENT ? FILE_GONE : FILE_UNREADABLE;
    f->why = "the file cannot be opened";
    return 0;
}

/* The frames tell what the header would have told: that is worth reading the file for. */
static int look_without_header(struct scanning *s, struct found_file *f, const char *name)
{
    struct log_head head;
    int error = segment_bytes_load(s->files, name, UINT64_MAX, &s->bytes);
    if (error < 0)
        return cannot_open(f, error);
    f->bytes = s->bytes.len;
    if (!segment_reader_first_head((struct mqtt_span){ s->bytes.data, s->bytes.len }, &head)) {
        f->state = FILE_UNREADABLE;
        f->why = "neither the header nor the first frame is whole: nothing in it can be used";
        return 0;
    }
    f->state = FILE_HEADLESS;
    f->header = (struct log_header){ .version = STORE_VERSION,
                                     .number = f->number,
                                     .first_sequence = head.sequence,
                                     .oldest = head.oldest <= f->number ? head.oldest : 0,
                                     .mark = head.mark };
    return 0;
}

static int look(struct scanning *s, struct found_file *f)
{
    uint8_t in[LOG_FORMAT_HEADER_BYTES];
    char name[LOG_FORMAT_NAME_BYTES];
    struct file *file;
    name_of(f, name);
    int error = s->files->open(s->files->context, name, FILE_READ, &file);
    if (error < 0)
        return cannot_open(f, error);
    int64_t size = s->files->size(file);
    int64_t n = s->files->read(file, 0, in, sizeof(in));
    s->files->close(file);
    f->bytes = size > 0 ? (uint64_t)size : 0;
    f->state = FILE_SPARE;
    if (f->has_spare_name)
        return 0;

    enum log_header_verdict verdict = LOG_HEADER_BAD;
    if (n == (int64_t)sizeof(in))
        verdict = log_format_read_header(in, &f->header);
    if (verdict == LOG_HEADER_NEWER) {
        complain(s, name, &(struct store_damage){ .what = "written by a newer version" });
        return -EPROTO;
    }
    if (verdict == LOG_HEADER_BAD || f->header.number != f->number)
        return look_without_header(s, f, name);
    f->state = FILE_BEGUN;
    return 0;
}

static bool is_begun(const struct found_file *f)
{
    return f->state == FILE_BEGUN || f->state == FILE_HEADLESS;
}

/* NULL: none. */
static const struct found_file *next_begun(const struct scanning *s, size_t from)
{
    for (size_t i = from; i < s->count; i++) {
        if (is_begun(&s->found[i]))
            return &s->found[i];
    }
    return NULL;
}

/* ---- frames ---- */

/* The segment behind it was begun when this one was complete. */
static uint64_t bytes_in_use(const struct found_file *f, const struct found_file *next)
{
    bool is_known = next != NULL && next->state == FILE_BEGUN && next->number == f->number + 1
                    && next->header.blocks_before > 0;

    return is_known ? (uint64_t)next->header.blocks_before * LOG_FORMAT_BLOCK_BYTES : UINT64_MAX;
}

static int load(struct scanning *s, const struct found_file *f, const char *name,
                const struct found_file *next)
{
    if (s->kept_of != f)
        return segment_bytes_load(s->files, name, bytes_in_use(f, next), &s->bytes);
    segment_bytes_fini(&s->bytes);
    s->bytes = s->kept;
    s->kept = (struct segment_bytes){ 0 };
    s->kept_of = NULL;
    return 0;
}

/* 1: there it is. 0: it has gone since, or cannot be read any more. */
static int begin_reading(struct scanning *s, struct found_file *f, const char *name,
                         struct segment_reader *out)
{
    const struct found_file *next = next_begun(s, (size_t)(f - s->found) + 1);
    int error = load(s, f, name, next);
    if (error < 0)
        return cannot_open(f, error);
    *out = (struct segment_reader){ .bytes = { s->bytes.data, s->bytes.len },
                                    .mark = f->header.mark,
                                    .expected = f->header.first_sequence,
                                    .limit = next != NULL ? next->header.first_sequence
                                                          : SEGMENT_READER_NO_LIMIT,
                                    .has_holes = s->bytes.has_holes,
                                    .at = LOG_FORMAT_FIRST_FRAME };
    return 1;
}

/* Segments that were given up may be there again after a power cut, or still; their place in the
 * log may be one of a gap by then, so that what they hold must not come back. The last frames say
 * which ones those are. */
static int find_oldest(struct scanning *s)
{
    struct found_file *last = NULL;
    for (size_t i = 0; i < s->count; i++) {
        struct found_file *f = &s->found[i];
        if (!is_begun(f))
            continue;
        last = f;
        if (f->header.oldest > s->oldest)
            s->oldest = f->header.oldest;
    }
    if (last == NULL)
        return 0;
    struct segment_reader reader;
    struct segment_step step;
    char name[LOG_FORMAT_NAME_BYTES];
    name_of(last, name);
    int ready = begin_reading(s, last, name, &reader);
    if (ready <= 0)
        return ready;
    enum segment_verdict verdict;
    while ((verdict = segment_reader_next(&reader, &step)) != SEGMENT_END) {
        if (verdict == SEGMENT_TORN)
            break;
        if (verdict == SEGMENT_FRAME && step.head.oldest > s->oldest
            && step.head.oldest <= last->number)
            s->oldest = step.head.oldest;
    }
    s->kept = s->bytes;
    s->kept_of = last;
    s->bytes = (struct segment_bytes){ 0 };
    return 0;
}

/* Frames are missing behind `f`. Were they in it, or in a file that is missing, too? */
static void complain_about_end(struct scanning *s, const struct found_file *f, const char *name,
                               const struct store_damage *damage)
{
    const struct found_file *next = next_begun(s, (size_t)(f - s->found) + 1);
    if (next == NULL || next->number == f->number + 1) {
        complain(s, name, damage);
    } else if (next == f + 1) {
        char missing[LOG_FORMAT_NAME_BYTES];
        log_format_segment_name(f->number + 1, missing);
        complain(s, missing, &(struct store_damage){ .what = "the segment is missing" });
    }
    /* Else a file between them cannot be read, which is said of that one. */
}

static int hand_on(struct scanning *s, const struct found_file *f, const char *name,
                   const struct segment_step *step)
{
    s->summary.frames++;
    if (s->hooks->frame == NULL)
        return 0;
    return s->hooks->frame(
        s->hooks->context,
        &(struct scan_frame){ .segment = name,
                              .segment_number = f->number,
                              .offset = step->offset,
                              .sequence = step->head.sequence,
                              .is_copy = (step->head.flags & LOG_FORMAT_COPY) != 0,
                              .ops = step->ops });
}

static int read_frames(struct scanning *s, const struct found_file *f, const char *name,
                       struct segment_reader *reader)
{
    struct segment_step step;
    for (;;) {
        struct store_damage damage = { 0 };
        int result = 0;
        switch (segment_reader_next(reader, &step)) {
        case SEGMENT_END:
            return 0;
        case SEGMENT_TORN:
            s->summary.torn_bytes += step.bytes;
            return 0;
        case SEGMENT_DAMAGE:
            damage.offset = step.offset;
            damage.bytes = step.bytes;
            damage.what = step.what;
            if (step.is_at_end)
                complain_about_end(s, f, name, &damage);
            else
                complain(s, name, &damage);
            break;
        case SEGMENT_FRAME:
            result = hand_on(s, f, name, &step);
            break;
        }
        if (result != 0)
            return result;
    }
}

static void tell_segment(struct scanning *s, const struct found_file *f, const char *name,
                         uint64_t used, bool is_damaged)
{
    bool is_spare = f->state == FILE_SPARE;
    if (!is_spare)
        s->summary.segments++;
    if (s->hooks->segment == NULL)
        return;
    s->hooks->segment(s->hooks->context,
                      &(struct scan_segment){ .name = name,
                                              .number = f->number,
                                              .first_sequence = f->header.first_sequence,
                                              .bytes = f->bytes,
                                              .used_bytes = used,
                                              .version = is_spare ? 0 : STORE_VERSION,
                                              .is_damaged = is_damaged,
                                              .is_spare = is_spare });
}

static int read_segment(struct scanning *s, struct found_file *f, const char *name)
{
    struct segment_reader reader;
    uint64_t damages = s->summary.damages;
    if (f->state == FILE_HEADLESS)
        complain(s, name,
                 &(struct store_damage){ .bytes = LOG_FORMAT_HEADER_BYTES,
                                         .what = "the header is damaged; its frames are used" });
    int ready = begin_reading(s, f, name, &reader);
    if (ready < 0 || f->state == FILE_GONE)
        return ready;
    uint64_t used = 0;
    if (ready == 0) {
        s->summary.has_unread_end = true;
        complain(s, name, &(struct store_damage){ .bytes = f->bytes, .what = f->why });
    } else {
        if (s->bytes.has_holes)
            complain(s, name,
                     &(struct store_damage){ .offset = s->bytes.hole,
                                             .what = "the file cannot be read here" });
        int result = read_frames(s, f, name, &reader);
        if (result != 0)
            return result;
        s->summary.last_sequence = reader.expected - 1;
        s->summary.has_unread_end = s->bytes.has_holes;
        used = reader.at;
    }
    tell_segment(s, f, name, used, s->summary.damages != damages);
    return 0;
}

/* ---- all of it ---- */

static int read_file(struct scanning *s, struct found_file *f)
{
    char name[LOG_FORMAT_NAME_BYTES];
    name_of(f, name);
    if (f->state != FILE_GONE && f->number < s->oldest && !f->has_spare_name)
        f->state = FILE_SPARE;
    switch (f->state) {
    case FILE_GONE:
        break;
    case FILE_UNREADABLE:
        s->summary.has_unread_end = true;
        complain(s, name, &(struct store_damage){ .bytes = f->bytes, .what = f->why });
        tell_segment(s, f, name, 0, true);
        break;
    case FILE_SPARE:
        tell_segment(s, f, name, 0, false);
        break;
    case FILE_HEADLESS:
    case FILE_BEGUN:
        return read_segment(s, f, name);
    }
    return 0;
}

/* The front of the log, which no sequence misses. */
static void look_for_oldest(struct scanning *s)
{
    char name[LOG_FORMAT_NAME_BYTES];
    size_t i = 0;
    while (i < s->count && s->found[i].number < s->oldest)
        i++;
    bool is_there = i < s->count && !s->found[i].has_spare_name && s->found[i].number == s->oldest;
    if (s->oldest == 0 || is_there)
        return;
    log_format_segment_name(s->oldest, name);
    complain(s, name, &(struct store_damage){ .what = "the segment is missing" });
}

static int scan_all(struct scanning *s)
{
    int result = s->files->list(s->files->context, add_file, s);
    if (result == 0 && s->count > 0)
        qsort(s->found, s->count, sizeof(*s->found), by_number);
    for (size_t i = 0; i < s->count && result == 0; i++)
        result = look(s, &s->found[i]);
    if (result == 0)
        result = find_oldest(s);
    if (result == 0)
        look_for_oldest(s);
    for (size_t i = 0; i < s->count && result == 0; i++)
        result = read_file(s, &s->found[i]);
    return result;
}

int store_scan(const struct files *files, const struct scan_hooks *hooks, struct scan_summary *out)
{
    struct scanning scanning = { .files = files, .hooks = hooks };
    int result = scan_all(&scanning);
    segment_bytes_fini(&scanning.bytes);
    segment_bytes_fini(&scanning.kept);
    free(scanning.found);
    if (result == 0)
        *out = scanning.summary;
    return result;
}
