/* SPDX-License-Identifier: Apache-2.0 */
#include "powercut/trial.h"

#include "core/journal_op.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRIES 12

/* ---- saying what is wrong ---- */

static void say_where(const struct trial *trial)
{
    (void)fprintf(stderr, "powercut: %s, seed %llu, operation %llu, outcome %u: ", trial->what,
                  (unsigned long long)trial->seed, (unsigned long long)trial->where,
                  trial->outcome);
}

void trial_complain(struct trial *trial, const char *format, ...)
{
    va_list arguments;

    say_where(trial);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    trial->tally->others++;
}

static void count_verdict(struct trial *trial, const struct verdict *verdict)
{
    struct tally *tally = trial->tally;

    if (verdict->lost + verdict->duplicated + verdict->reordered == 0)
        return;
    trial->is_wrong = true;
    say_where(trial);
    (void)fprintf(stderr,
                  "%llu lost, %llu duplicated, %llu reordered (%zu frames given, %zu written, "
                  "%zu confirmed)\n",
                  (unsigned long long)verdict->lost, (unsigned long long)verdict->duplicated,
                  (unsigned long long)verdict->reordered, trial->model.given, trial->model.written,
                  trial->model.confirmed);
    tally->lost += verdict->lost;
    tally->duplicated += verdict->duplicated;
    tally->reordered += verdict->reordered;
}

/* ---- beginning and end ---- */

void trial_init(struct trial *trial, struct tally *tally, const char *what, uint64_t seed)
{
    *trial = (struct trial){ .tally = tally, .seed = seed, .what = what };
    trial->random.state = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
    trial->workload.random = &trial->random;
    trial->disk = fake_files_new(seed);
    trial->options.segment_bytes = STORE_SEGMENT_LEAST << test_random_below(&trial->random, 2);
    trial->options.most_bytes =
        trial->options.segment_bytes * (6 + test_random_below(&trial->random, 6));
    trial->workload.most_bytes = trial->options.most_bytes / 3;
    trial->workload.big_bytes = (size_t)trial->options.segment_bytes * 3 / 2;
}

void trial_close(struct trial *trial)
{
    store_close(trial->store);
    trial->store = NULL;
}

void trial_fini(struct trial *trial)
{
    trial_close(trial);
    model_fini(&trial->model);
    fake_files_free(trial->disk);
    trial->disk = NULL;
}

/* ---- opening and judging ---- */

static void on_damage(void *context, const struct store_damage *damage)
{
    struct trial *trial = context;

    trial->damages++;
    if (!trial->expects_damage && !fake_files_is_cut(trial->disk))
        trial_complain(trial, "a false alarm: %s, offset %llu, %llu bytes: %s", damage->segment,
                       (unsigned long long)damage->offset, (unsigned long long)damage->bytes,
                       damage->what);
}

struct reading {
    struct trial *trial;
    struct state found;
    uint64_t last_key;
};

/* Into a state by itself, whose things are what the store says they are. */
static int on_thing(void *context, const struct store_thing *thing)
{
    struct reading *reading = context;
    struct state *found = &reading->found;
    uint64_t bytes = state_hash_bytes(thing->bytes);
    uint64_t body = thing->body_key != 0 ? state_hash_bytes(thing->body) : 0;

    if (thing->key <= reading->last_key || journal_kind_of(thing->key) == JOURNAL_BODY)
        trial_complain(reading->trial, "key %llx does not belong behind %llx",
                       (unsigned long long)thing->key, (unsigned long long)reading->last_key);
    reading->last_key = thing->key;
    state_add(found, &(struct thing){
                         .key = thing->key,
                         .body = thing->body_key,
                         .bytes = bytes,
                         .hash = state_hash_thing(thing->key, bytes, thing->body_key, body),
                     });
    return 0;
}

static void check_highest(struct trial *trial)
{
    for (size_t i = 0; i < trial->model.base.count; i++) {
        uint64_t key = trial->model.base.things[i].key;
        if (trial->found.highest[journal_kind_of(key)] < journal_number_of(key)) {
            trial_complain(trial, "the highest number of kind %u is said to be %llu, there is %llu",
                           journal_kind_of(key),
                           (unsigned long long)trial->found.highest[journal_kind_of(key)],
                           (unsigned long long)journal_number_of(key));
            return;
        }
    }
}

static void judge(struct trial *trial, size_t least)
{
    struct reading reading = { .trial = trial };
    int error = store_each(trial->store, on_thing, &reading);

    if (error < 0) {
        trial_complain(trial, "store_each: %s", strerror(-error));
    } else {
        size_t bodies = (size_t)trial->found.things - reading.found.count;
        struct verdict verdict = model_judge(&trial->model, &reading.found, bodies, least);
        count_verdict(trial, &verdict);
        model_settle(&trial->model, verdict.survived);
        if (!trial->is_wrong)
            check_highest(trial);
    }
    state_fini(&reading.found);
}

int trial_open_only(struct trial *trial)
{
    trial->options.files = fake_files_port(trial->disk);
    trial->damages = 0;
    trial->found = (struct store_found){ 0 };
    int error = store_open(&trial->options, on_damage, trial, &trial->found, &trial->store);
    if (error < 0)
        trial->store = NULL;
    return error;
}

bool trial_open(struct trial *trial, size_t least)
{
    int error = trial_open_only(trial);

    if (fake_files_is_cut(trial->disk)) {
        trial_close(trial);
        return false;
    }
    if (error < 0) {
        if (!trial->may_refuse)
            trial_complain(trial, "store_open: %s", strerror(-error));
        return false;
    }
    trial->had_failures = store_state(trial->store) == STORE_FAILED;
    judge(trial, least);
    if (!trial->is_wrong && test_random_below(&trial->random, 16) == 0)
        trial_compact(trial);
    return !trial->is_wrong;
}

void trial_power_on(struct trial *trial)
{
    uint64_t seed = test_random_next(&trial->random);
    struct fake_files *after =
        fake_files_after_cut(trial->disk, seed, test_random_below(&trial->random, 2) == 0);

    trial_close(trial);
    fake_files_free(trial->disk);
    trial->disk = after;
    trial->tally->crashes++;
}

/* ---- working ---- */

/* Those who were told nothing when the power went are told nothing. */
static void collect(struct trial *trial)
{
    struct store_frame *frame =
        fake_files_is_cut(trial->disk) ? NULL : store_take_confirmed(trial->store);

    for (; frame != NULL; frame = frame->next) {
        if (!model_confirm(&trial->model, frame)) {
            trial_complain(trial, "frame %llu is confirmed before its turn",
                           (unsigned long long)frame->sequence);
            return;
        }
        trial->tally->acknowledged++;
    }
}

static void note_written(struct trial *trial)
{
    struct model *model = &trial->model;
    uint64_t sequence = store_written_sequence(trial->store);

    for (size_t i = model->written; i < model->given; i++)
        if (model->frames[i]->frame.sequence <= sequence)
            model->written = i + 1;
}

static void give(struct trial *trial)
{
    struct store_frame *first = NULL;
    struct store_frame **end = &first;

    trial->workload.only_drops = store_state(trial->store) == STORE_FULL;
    for (size_t n = 1 + test_random_below(&trial->random, 4); n > 0; n--) {
        *end = workload_frame(&trial->workload, &trial->model);
        end = &(*end)->next;
    }
    int error = store_write(trial->store, first);
    if (error == 0)
        note_written(trial);
    else
        trial->had_failures = true;
    if (error < 0 && store_state(trial->store) == STORE_OPEN && !fake_files_is_cut(trial->disk))
        trial_complain(trial, "store_write failed (%s), and the state is open", strerror(-error));
    /* Those who do not have to wait for the disk may be told at once, but not before. */
    if (test_random_below(&trial->random, 8) == 0)
        collect(trial);
}

static void sync_now(struct trial *trial)
{
    size_t written = trial->model.written;
    int error = store_sync(trial->store);

    trial->had_failures |= error < 0;
    collect(trial);
    if (fake_files_is_cut(trial->disk))
        return;
    if (error < 0 && store_state(trial->store) != STORE_FAILED)
        trial_complain(trial, "store_sync failed (%s), and the state is %d", strerror(-error),
                       store_state(trial->store));
    if (error == 0 && trial->model.confirmed < written && !trial->had_failures)
        trial_complain(trial, "%zu frames were written before the sync, %zu are confirmed", written,
                       trial->model.confirmed);
}

static int retry(struct trial *trial)
{
    int error = store_retry(trial->store);

    collect(trial);
    if (error == 0 && !fake_files_is_cut(trial->disk)) {
        if (trial->model.confirmed != trial->model.given)
            trial_complain(trial, "after store_retry %zu of %zu frames are confirmed",
                           trial->model.confirmed, trial->model.given);
        note_written(trial);
    }
    return error;
}

void trial_heal(struct trial *trial)
{
    for (unsigned i = 0; i < FAKE_KINDS; i++)
        fake_files_fail(trial->disk, (enum fake_operation)i, 0, 0, false);
    fake_files_bound(trial->disk, UINT64_MAX);
}

void trial_confirm_more(struct trial *trial)
{
    for (unsigned i = 0; i < 2; i++) {
        give(trial);
        sync_now(trial);
    }
}

/* The process dies and is started again, while the system goes on: what was written is there,
 * unless the disk has failed; and what is there lasts from now on, as others act on it. After a
 * failed sync the system shows what the disk does not have, and will never be brought there. */
static void die(struct trial *trial)
{
    bool had_failures = trial->had_failures;

    trial_heal(trial);
    collect(trial);
    trial_close(trial);
    (void)trial_open(trial, had_failures ? trial->model.confirmed : trial->model.written);
}

void trial_compact(struct trial *trial)
{
    int error = store_compact(trial->store);

    if (error < 0)
        trial->had_failures = true;
    if (error < 0 && store_state(trial->store) == STORE_OPEN && !fake_files_is_cut(trial->disk))
        trial_complain(trial, "store_compact: %s", strerror(-error));
}

void trial_step(struct trial *trial)
{
    size_t chance = test_random_below(&trial->random, 1000);

    if (store_state(trial->store) != STORE_OPEN && chance < 400)
        (void)retry(trial);
    else if (chance < 450)
        give(trial);
    else if (chance < 700)
        sync_now(trial);
    else if (chance < 985)
        (void)store_tend(trial->store);
    else if (chance < 993)
        die(trial);
    else
        store_set_bound(trial->store, trial->options.most_bytes);
    if (trial->store != NULL && store_state(trial->store) == STORE_FAILED)
        trial->had_failures = true;
}

void trial_work(struct trial *trial, unsigned steps)
{
    for (unsigned i = 0;
         i < steps && trial->store != NULL && !trial->is_wrong && !fake_files_is_cut(trial->disk);
         i++)
        trial_step(trial);
}

void trial_recover(struct trial *trial)
{
    int error = 0;

    if (trial->store == NULL || fake_files_is_cut(trial->disk))
        return;
    for (unsigned i = 0; i < RETRIES && store_state(trial->store) != STORE_OPEN; i++)
        error = retry(trial);
    if (store_state(trial->store) == STORE_FAILED && !fake_files_is_cut(trial->disk))
        trial_complain(trial, "it does not recover: %s", strerror(-error));
    sync_now(trial);
    if (trial->model.confirmed != trial->model.given && !fake_files_is_cut(trial->disk))
        trial_complain(trial, "the disk is well, and %zu of %zu frames are confirmed",
                       trial->model.confirmed, trial->model.given);
}
