/* SPDX-License-Identifier: Apache-2.0 */
/* log FOLDER [MESSAGES]: what the store's log costs by itself, as JSON.
 *
 * cpu_us_per_message: store_write() of frames of 100 messages, each with a body of 120 bytes, a
 * delivery of 45 that needs it, and the end of an older delivery; without system calls.
 * recover_s_per_million: opening a log of MESSAGES (a million) that wait, and reading them in
 * order, from the page cache. FOLDER is empty, and is left with the log in it. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEGMENT_BYTES  (UINT64_C(16) << 20)
#define PER_FRAME      100u
#define BODY_BYTES     120u
#define DELIVERY_BYTES 45u
#define WAITING        10000u /* deliveries that are alive while the CPU is measured */

static void fail(const char *what, int error)
{
    (void)fprintf(stderr, "log: %s: %s\n", what, strerror(-error));
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint8_t *put(uint8_t *at, uint64_t key, uint64_t body, uint32_t len)
{
    at = journal_put_head(at, key, body, len);
    memset(at, (int)(key & 0xff), len);
    return at + len;
}

/* Messages from `first` on; `drops`: those of WAITING before go. */
static size_t fill_frame(uint8_t *ops, uint64_t first, bool drops)
{
    uint8_t *at = ops;
    for (uint64_t n = first; n < first + PER_FRAME; n++) {
        at = put(at, journal_key(JOURNAL_BODY, n), 0, BODY_BYTES);
        at =
            put(at, journal_key(JOURNAL_DELIVERY, n), journal_key(JOURNAL_BODY, n), DELIVERY_BYTES);
        if (drops && n > WAITING)
            at = journal_drop(at, journal_key(JOURNAL_DELIVERY, n - WAITING));
    }
    return (size_t)(at - ops);
}

static struct store *open_store(struct files files, struct store_found *found)
{
    struct store *store;
    const struct store_options options = { .files = files,
                                           .segment_bytes = SEGMENT_BYTES,
                                           .most_bytes = UINT64_C(1) << 40 };
    int error = store_open(&options, NULL, NULL, found, &store);
    if (error < 0)
        fail("opening the store", error);
    return store;
}

static void write_frame(struct store *store, struct store_frame *frame)
{
    frame->next = NULL;
    int error = store_write(store, frame);
    if (error == 0)
        error = store_sync(store);
    if (error < 0)
        fail("writing", error);
    (void)store_take_confirmed(store);
}

/* ---- the processor ---- */

static int write_nothing(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                         size_t count)
{
    (void)file;
    (void)offset;
    (void)pieces;
    (void)count;
    return 0;
}

static int sync_nothing(struct file *file)
{
    (void)file;
    return 0;
}

static double measure_writing(struct files files, uint8_t *ops)
{
    struct store_found found;
    const uint64_t messages = 2000000;
    double cpu = 0;
    files.write = write_nothing;
    files.sync = sync_nothing;
    struct store *store = open_store(files, &found);
    for (uint64_t n = 1; n < messages; n += PER_FRAME) {
        struct store_frame frame = { .ops = { ops, fill_frame(ops, n, true) } };
        double began = seconds(CLOCK_PROCESS_CPUTIME_ID);
        write_frame(store, &frame);
        cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - began;
        (void)store_tend(store);
    }
    store_close(store);
    return cpu * 1e6 / (double)messages;
}

static int remove_one(void *visitor, const char *name)
{
    const struct files *files = visitor;
    return strncmp(name, "log-", 4) == 0 || strncmp(name, "spare-", 6) == 0
               ? files->remove(files->context, name)
               : 0;
}

/* ---- recovery ---- */

static int count_thing(void *context, const struct store_thing *thing)
{
    uint64_t *bytes = context;
    *bytes += thing->bytes.len + thing->body.len;
    return 0;
}

static void measure_recovery(struct files files, uint8_t *ops, uint64_t messages, double cpu)
{
    struct store_found found;
    uint64_t bytes = 0;
    struct store *store = open_store(files, &found);
    for (uint64_t n = 1; n <= messages; n += PER_FRAME) {
        struct store_frame frame = { .ops = { ops, fill_frame(ops, n, false) } };
        write_frame(store, &frame);
        (void)store_tend(store);
    }
    store_close(store);
    double began = seconds(CLOCK_MONOTONIC);
    store = open_store(files, &found);
    double opened = seconds(CLOCK_MONOTONIC);
    int error = store_each(store, count_thing, &bytes);
    double read = seconds(CLOCK_MONOTONIC);
    if (error < 0 || found.things != 2 * messages)
        fail("reading it again", error < 0 ? error : -1);
    (void)printf("{ \"cpu_us_per_message\": %.3f, \"messages\": %llu, \"log_bytes\": %llu,\n"
                 "  \"open_s\": %.3f, \"each_s\": %.3f, \"recover_s_per_million\": %.3f }\n",
                 cpu, (unsigned long long)messages, (unsigned long long)store_figures(store).bytes,
                 opened - began, read - opened, (read - began) * 1e6 / (double)messages);
    store_close(store);
}

int main(int argc, char **argv)
{
    struct files files;
    if (argc < 2 || argc > 3) {
        (void)fputs("usage: log FOLDER [MESSAGES]\n", stderr);
        return 2;
    }
    uint64_t messages = argc == 3 ? strtoull(argv[2], NULL, 10) : 1000000;
    messages -= messages % PER_FRAME;
    int error = files_open(argv[1], &files);
    if (error < 0)
        fail(argv[1], error);
    uint8_t *ops = malloc((size_t)PER_FRAME * 512);
    if (ops == NULL)
        fail("memory", -12);
    double cpu = measure_writing(files, ops);
    error = files.list(files.context, remove_one, &files);
    if (error < 0)
        fail("removing the first log", error);
    measure_recovery(files, ops, messages, cpu);
    free(ops);
    files_close(&files);
    return 0;
}
