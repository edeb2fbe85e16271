/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a disk whose power is cut, again and again. Every frame stands for one message that
 * is acknowledged once the store has confirmed it. After each cut the store is opened on what is
 * left, and has to hold exactly what some number of the frames make of it, all that were
 * acknowledged among them. The same numbers give the same run.
 *
 *     powercut CUTS [SEED [every-cut|every-failure|chance]]
 *
 * A part of the cuts goes through every operation of small logs, a part through every operation
 * that can fail, and the rest is chance: long logs, full disks, several failures. The last line
 * counts; the exit code is 0 if nothing was found, else 1. What was found is named by its kind and
 * its seed, with which that one can be said again. */
#include "base/attrs.h"
#include "powercut/damage.h"
#include "powercut/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL_STEPS 70u /* of a small log: it goes round its segments once */
#define OUTCOMES    4u  /* of each moment */
#define LIVES       8u
#define LONG_STEPS  500u

struct run {
    struct tally tally;
    uint64_t cuts; /* asked for */
    uint64_t seed;
    bool shows_progress;
};

static bool is_done(const struct run *run, unsigned percent)
{
    return run->tally.crashes * 100 >= run->cuts * percent;
}

static void show_progress(const struct run *run)
{
    if (run->shows_progress)
        (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " crashes", run->tally.crashes,
                      run->cuts);
}

static void cut(struct trial *trial)
{
    fake_files_cut(trial->disk);
    trial_power_on(trial);
}

/* ---- every operation of a small log ---- */

static uint64_t count_operations(struct run *run, uint64_t seed)
{
    struct tally tally = { 0 };
    struct trial trial;
    uint64_t count = 0;

    trial_init(&trial, &tally, "count", seed);
    if (trial_open(&trial, 0))
        trial_work(&trial, SMALL_STEPS);
    count = fake_files_count(trial.disk, FAKE_CHANGE);
    trial_fini(&trial);
    run->tally.others += tally.others;
    return count;
}

/* The power goes at operation `at`; with every second outcome again while the store recovers. */
static void cut_small(struct run *run, uint64_t seed, uint64_t at, unsigned outcome)
{
    struct trial trial;

    trial_init(&trial, &run->tally, "every-cut", seed);
    trial.where = at;
    trial.outcome = outcome;
    fake_files_cut_at(trial.disk, at);
    if (trial_open(&trial, 0))
        trial_work(&trial, SMALL_STEPS);
    /* Another chance for each outcome; what was before is the same for all. */
    trial.random.state ^= (uint64_t)(outcome + 1) << 32;
    cut(&trial);
    if (outcome % 2 == 1 && !is_done(run, 100)) {
        fake_files_cut_at(trial.disk, 1 + test_random_below(&trial.random, 16));
        if (trial_open(&trial, trial.model.confirmed))
            trial_work(&trial, 20);
        cut(&trial);
    }
    (void)trial_open(&trial, trial.model.confirmed);
    trial_fini(&trial);
}

static void cut_everywhere(struct run *run, unsigned percent)
{
    for (uint64_t seed = run->seed; !is_done(run, percent); seed++) {
        uint64_t count = count_operations(run, seed);
        for (uint64_t at = 1; at <= count + 1; at++) {
            for (unsigned outcome = 0; outcome < OUTCOMES; outcome++) {
                if (is_done(run, percent))
                    return;
                cut_small(run, seed, at, outcome);
            }
            show_progress(run);
        }
    }
}

/* ---- every operation fails ---- */

static const struct {
    int error;
    bool lasts;
} failures[] = { { EIO, false }, { ENOSPC, true }, { EROFS, true }, { EIO, true } };

static void fail_small(struct run *run, uint64_t seed, uint64_t at, unsigned failure)
{
    struct trial trial;

    trial_init(&trial, &run->tally, "every-failure", seed);
    trial.where = at;
    trial.outcome = failure;
    trial.may_refuse = true;
    fake_files_fail(trial.disk, FAKE_CHANGE, at, failures[failure].error, failures[failure].lasts);
    bool is_open = trial_open(&trial, 0);
    if (is_open)
        trial_work(&trial, SMALL_STEPS);
    trial_heal(&trial);
    trial.may_refuse = false;
    if (is_open || trial_open(&trial, 0))
        trial_recover(&trial);
    trial_work(&trial, (unsigned)test_random_below(&trial.random, 10));
    cut(&trial);
    (void)trial_open(&trial, trial.model.confirmed);
    trial_fini(&trial);
}

static void fail_everywhere(struct run *run, unsigned percent)
{
    for (uint64_t seed = run->seed; !is_done(run, percent); seed++) {
        uint64_t count = count_operations(run, seed);
        for (uint64_t at = 1; at <= count; at++) {
            for (unsigned i = 0; i < MQTT_ARRAY_LEN(failures); i++) {
                if (is_done(run, percent))
                    return;
                fail_small(run, seed, at, i);
            }
            show_progress(run);
        }
    }
}

/* ---- chance ---- */

static void plan_trouble(struct trial *trial)
{
    size_t chance = test_random_below(&trial->random, 8);
    size_t which = test_random_below(&trial->random, MQTT_ARRAY_LEN(failures));
    uint64_t at = 1 + test_random_below(&trial->random, 150);

    if (chance == 0)
        fake_files_fail(trial->disk, FAKE_CHANGE, at, failures[which].error, failures[which].lasts);
    else if (chance == 1)
        fake_files_fail(trial->disk, FAKE_SYNC, at / 8 + 1, EIO, false);
    else if (chance == 2)
        fake_files_fail(trial->disk, FAKE_RESERVE, at / 16 + 1, ENOSPC, true);
    else if (chance == 3)
        fake_files_bound(trial->disk, trial->options.segment_bytes * (2 + at % 5));
}

static void live(struct trial *trial)
{
    if (test_random_below(&trial->random, 6) != 0)
        fake_files_cut_at(trial->disk, 1 + test_random_below(&trial->random, LONG_STEPS));
    if (!trial_open(trial, trial->model.confirmed))
        return;
    plan_trouble(trial);
    trial_work(trial, LONG_STEPS / 2);
    trial_heal(trial);
    if (test_random_below(&trial->random, 2) == 0)
        trial_recover(trial);
    trial_work(trial, LONG_STEPS / 2);
}

/* Confirms everything and closes, so that what is spoilt then was confirmed. */
static void end_and_spoil(struct trial *trial)
{
    if (trial->is_wrong || !trial_open(trial, trial->model.confirmed))
        return;
    trial_work(trial, 40);
    trial_recover(trial);
    trial_confirm_more(trial);
    trial_close(trial);
    damage_try(trial);
}

static void cut_by_chance(struct run *run, unsigned percent)
{
    for (uint64_t seed = run->seed; !is_done(run, percent); seed++) {
        struct trial trial;
        trial_init(&trial, &run->tally, "chance", seed);
        for (unsigned i = 0; i < LIVES && !is_done(run, percent); i++) {
            trial.where = i;
            live(&trial);
            cut(&trial);
            if (trial.is_wrong)
                break;
        }
        end_and_spoil(&trial);
        trial_fini(&trial);
        show_progress(run);
    }
}

static const struct {
    const char *name;
    void (*run)(struct run *run, unsigned percent);
    unsigned percent; /* of all cuts are made when it ends */
} parts[] = {
    { "every-cut", cut_everywhere, 50 },
    { "every-failure", fail_everywhere, 70 },
    { "chance", cut_by_chance, 100 },
};

static void run_parts(struct run *run, const char *only)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(parts); i++)
        if (only == NULL)
            parts[i].run(run, parts[i].percent);
        else if (strcmp(only, parts[i].name) == 0)
            parts[i].run(run, 100);
    if (run->shows_progress)
        (void)fputc('\n', stderr);
}

int main(int argc, char **argv)
{
    struct run run = { .seed = 1, .shows_progress = isatty(STDERR_FILENO) == 1 };
    const struct tally *tally = &run.tally;

    if (argc >= 2 && argc <= 4)
        run.cuts = strtoull(argv[1], NULL, 10);
    if (argc >= 3)
        run.seed = strtoull(argv[2], NULL, 10);
    if (run.cuts == 0) {
        (void)fprintf(stderr, "usage: powercut CUTS [SEED [every-cut|every-failure|chance]]\n");
        return 2;
    }
    run_parts(&run, argc == 4 ? argv[3] : NULL);
    if (tally->others > 0)
        (void)fprintf(stderr, "powercut: %" PRIu64 " other complaints, see above\n", tally->others);
    (void)printf("%" PRIu64 " crashes, %" PRIu64 " acknowledged, %" PRIu64 " lost, %" PRIu64
                 " duplicated, %" PRIu64 " reordered\n",
                 tally->crashes, tally->acknowledged, tally->lost, tally->duplicated,
                 tally->reordered);
    return tally->lost + tally->duplicated + tally->reordered + tally->others > 0;
}
