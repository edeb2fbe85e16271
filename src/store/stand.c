/* SPDX-License-Identifier: Apache-2.0 */
#include "store/stand.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_BYTES 65536

void stand_init(struct stand *stand)
{
    *stand = (struct stand){ .options = { .segment_bytes = STORE_SEGMENT_LEAST,
                                          .most_bytes = UINT64_C(1) << 40 } };
    (void)snprintf(stand->folder, sizeof(stand->folder), "/tmp/tacit-store-XXXXXX");
    assert_non_null(mkdtemp(stand->folder));
    assert_int_equal(files_open(stand->folder, &stand->files), 0);
    stand->options.files = stand->files;
}

static int no_sync(struct file *file)
{
    (void)file;
    return 0;
}

static int no_sync_folder(void *context)
{
    (void)context;
    return 0;
}

void stand_hurry(struct stand *stand)
{
    stand->options.files.sync = no_sync;
    stand->options.files.sync_folder = no_sync_folder;
    stand->options.files.reserve = stand->files.truncate;
}

static int remove_one(void *visitor, const char *name)
{
    const struct stand *stand = visitor;
    return stand->files.remove(stand->files.context, name);
}

void stand_fini(struct stand *stand)
{
    stand_close(stand);
    assert_int_equal(stand->files.list(stand->files.context, remove_one, stand), 0);
    files_close(&stand->files);
    assert_int_equal(rmdir(stand->folder), 0);
}

static void note_damage(void *context, const struct store_damage *damage)
{
    struct stand *stand = context;
    stand->damages++;
    stand->damage = *damage;
    (void)snprintf(stand->damaged_name, sizeof(stand->damaged_name), "%s", damage->segment);
    stand->damage.segment = stand->damaged_name;
    assert_non_null(damage->what);
}

int stand_open(struct stand *stand)
{
    stand->damages = 0;
    assert_null(stand->store);
    return store_open(&stand->options, note_damage, stand, &stand->found, &stand->store);
}

void stand_close(struct stand *stand)
{
    if (stand->store != NULL)
        (void)stand_free_all(store_take_confirmed(stand->store));
    store_close(stand->store);
    stand->store = NULL;
}

void stand_reopen(struct stand *stand)
{
    stand_close(stand);
    assert_int_equal(stand_open(stand), 0);
}

struct stand_frame *stand_frame_new(void)
{
    struct stand_frame *frame = calloc(1, sizeof(*frame));
    assert_non_null(frame);
    return frame;
}

void stand_frame_free(struct stand_frame *frame)
{
    free(frame->ops);
    free(frame);
}

size_t stand_free_all(struct store_frame *frames)
{
    size_t count = 0;
    while (frames != NULL) {
        struct store_frame *next = frames->next;
        stand_frame_free((struct stand_frame *)(void *)frames);
        frames = next;
        count++;
    }
    return count;
}

static uint8_t *more(struct stand_frame *frame, size_t len)
{
    size_t have = frame->frame.ops.len;
    if (have + len > frame->room) {
        frame->room = 2 * (have + len);
        frame->ops = realloc(frame->ops, frame->room);
        assert_non_null(frame->ops);
    }
    frame->frame.ops = (struct mqtt_span){ frame->ops, have + len };
    return frame->ops + have;
}

void stand_put(struct stand_frame *frame, uint64_t key, uint64_t body, struct mqtt_span bytes)
{
    uint8_t *at = more(frame, JOURNAL_PUT_BYTES + bytes.len);
    at = journal_put_head(at, key, body, (uint32_t)bytes.len);
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
}

void stand_put_text(struct stand_frame *frame, uint64_t key, uint64_t body, const char *text)
{
    stand_put(frame, key, body, span_of(text));
}

void stand_drop(struct stand_frame *frame, uint64_t key)
{
    (void)journal_drop(more(frame, JOURNAL_DROP_BYTES), key);
}

void stand_commit(struct stand *stand, struct stand_frame *frame)
{
    assert_int_equal(store_write(stand->store, &frame->frame), 0);
    assert_int_equal(store_sync(stand->store), 0);
    (void)stand_free_all(store_take_confirmed(stand->store));
}

struct text {
    char *bytes;
    size_t len;
};

static int add_text(void *context, const struct store_thing *thing)
{
    struct text *text = context;
    int n = snprintf(text->bytes + text->len, TEXT_BYTES - text->len, "%s%" PRIx64 "=%.*s%s%.*s",
                     text->len > 0 ? " " : "", thing->key, (int)thing->bytes.len,
                     thing->bytes.len > 0 ? (const char *)thing->bytes.data : "",
                     thing->body_key != 0 ? "/" : "", (int)thing->body.len,
                     thing->body.len > 0 ? (const char *)thing->body.data : "");
    assert_true(n > 0 && (size_t)n < TEXT_BYTES - text->len);
    text->len += (size_t)n;
    return 0;
}

const char *stand_text(struct stand *stand)
{
    static char bytes[TEXT_BYTES];
    struct text text = { .bytes = bytes };
    bytes[0] = '\0';
    assert_int_equal(store_each(stand->store, add_text, &text), 0);
    return bytes;
}

static void path_of(const struct stand *stand, const char *name, char out[STAND_PATH_BYTES])
{
    (void)snprintf(out, STAND_PATH_BYTES, "%s/%s", stand->folder, name);
}

uint8_t *stand_slurp(const struct stand *stand, const char *name, size_t *out_len)
{
    char path[STAND_PATH_BYTES];
    path_of(stand, name, path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, len, f), len);
    (void)fclose(f);
    *out_len = len;
    return bytes;
}

void stand_spill(const struct stand *stand, const char *name, const uint8_t *bytes, size_t len)
{
    char path[STAND_PATH_BYTES];
    path_of(stand, name, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

void stand_remove(const struct stand *stand, const char *name)
{
    assert_int_equal(stand->files.remove(stand->files.context, name), 0);
}

bool stand_has(const struct stand *stand, const char *name)
{
    char path[STAND_PATH_BYTES];
    path_of(stand, name, path);
    return access(path, F_OK) == 0;
}

unsigned stand_count(const struct stand *stand, const char *prefix)
{
    unsigned count = 0;
    DIR *dir = opendir(stand->folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    (void)closedir(dir);
    return count;
}
