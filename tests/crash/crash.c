/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 against the real tacitd, again and again, and a model that knows what it owes.
 *
 *     crash [--crashes N] [--lives N] [--seed N] [--jobs N] [--folder DIR] [--told N] [--gently 1]
 *           [--durability durable|relaxed|memory] [--shards N]
 *
 * N crashes are cut into series of so many lives; each has a state folder and a seed of its own
 * (the first one's and those that follow it), and ends with a life in which everything that is
 * still owed is collected. The environment: TACITD, TACIT_SHIM_LIBRARY. The last line counts; exit
 * code 0 when nothing was lost, duplicated, reordered or answered wrongly. */
#include "crash/series.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MOST 64u

struct settings {
    uint64_t crashes, lives, seed, jobs, told, gently, shards;
    const char *folder;
    const char *durability;
    const char *program;
    const char *shim;
};

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && *out > 0;
}

static bool read_settings(int count, char **words, struct settings *out)
{
    const struct {
        const char *name;
        uint64_t *number;
    } options[] = {
        { "--crashes", &out->crashes }, { "--lives", &out->lives }, { "--seed", &out->seed },
        { "--jobs", &out->jobs },       { "--told", &out->told },   { "--gently", &out->gently },
        { "--shards", &out->shards },
    };
    int at = 1;

    for (; at + 1 < count; at += 2) {
        bool is_known = true;
        if (strcmp(words[at], "--folder") == 0)
            out->folder = words[at + 1];
        else if (strcmp(words[at], "--durability") == 0)
            out->durability = words[at + 1];
        else
            is_known = false;
        for (unsigned i = 0; !is_known && i < MQTT_ARRAY_LEN(options); i++)
            is_known = strcmp(words[at], options[i].name) == 0
                       && read_number(words[at + 1], options[i].number);
        if (!is_known)
            return false;
    }
    return at == count && out->jobs <= JOBS_MOST;
}

/* The number of crashes in a series; 0: there is no such series any more. */
static unsigned lives_of(const struct settings *settings, uint64_t series)
{
    uint64_t first = series * settings->lives;

    if (first >= settings->crashes)
        return 0;
    uint64_t left = settings->crashes - first;
    return (unsigned)(left < settings->lives ? left : settings->lives);
}

static int work(const struct settings *settings, struct report *report)
{
    static struct broker broker;
    char folder[PATH_MAX];

    snprintf(folder, sizeof(folder), "%s/tacit-crash-XXXXXX", settings->folder);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    int error =
        broker_init(&broker, settings->program, settings->shim, folder, settings->durability);
    if (error != 0) {
        fprintf(stderr, "crash: %s: %s\n", folder, strerror(-error));
        return 1;
    }
    for (;;) {
        uint64_t number = __atomic_fetch_add(&report->next_series, 1, __ATOMIC_RELAXED);
        struct place place = { .report = report,
                               .seed = settings->seed + number,
                               .lives = lives_of(settings, number) };
        if (place.lives == 0)
            break;
        (void)series_run(&broker, &place);
    }
    broker_fini(&broker);
    return 0;
}

static bool run(const struct settings *settings, struct report *report)
{
    pid_t workers[JOBS_MOST];
    bool is_well = true;

    fflush(stdout);
    for (unsigned i = 0; i < settings->jobs; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            exit(work(settings, report));
        }
    }
    for (unsigned i = 0; i < settings->jobs; i++) {
        int status = 0;
        if (workers[i] < 0 || waitpid(workers[i], &status, 0) < 0 || status != 0)
            is_well = false;
    }
    return is_well;
}

static void set_defaults(struct settings *settings)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    *settings = (struct settings){ .crashes = 1000, .lives = 100, .seed = 1, .told = 8 };
    settings->jobs = processors < 2 ? 2 : processors > 8 ? 8 : (uint64_t)processors * 3 / 2;
    settings->durability = "durable";
    settings->program = getenv("TACITD");
    settings->shim = getenv("TACIT_SHIM_LIBRARY");
    /* A kill does not need a disk; what it may lose is the shim's business. */
    settings->folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    if (settings->folder == NULL)
        settings->folder = "/tmp";
}

int main(int count, char **words)
{
    static char buffer[1 << 20];
    struct settings settings;
    struct report *report = report_new();
    int64_t began_us = broker_now_us();

    /* What one worker says of a failure stays in one piece. */
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    set_defaults(&settings);
    if (report == NULL || settings.program == NULL || settings.shim == NULL
        || !read_settings(count, words, &settings)) {
        fprintf(stderr, "usage: TACITD=FILE TACIT_SHIM_LIBRARY=FILE crash [--crashes N] "
                        "[--lives N] [--seed N] [--jobs N] [--folder DIR] [--told N] [--gently 1] "
                        "[--durability LEVEL] [--shards N]\n");
        return 2;
    }
    report->most_told = (uint32_t)settings.told;
    report->shards = (uint32_t)settings.shards;
    report->is_gentle = settings.gently > 0;
    bool is_well = run(&settings, report);
    printf("seed %" PRIu64 ", %" PRIu64 " of the crashes before anybody was served, %" PRIu64
           " deliveries, %" PRIu64 " promised, %" PRIu64 " wrong answers, %.1f s\n",
           settings.seed, report->early, report->delivered, report->owed,
           report->faults[FAULT_WRONG], (double)(broker_now_us() - began_us) / 1e6);
    printf("%" PRIu64 " crashes, %" PRIu64 " acknowledged, %" PRIu64 " lost, %" PRIu64
           " duplicated, %" PRIu64 " reordered\n",
           report->crashes, report->acknowledged, report->faults[FAULT_LOST],
           report->faults[FAULT_DUPLICATED], report->faults[FAULT_REORDERED]);
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        is_well = is_well && report->faults[i] == 0;
    return is_well && report->crashes >= settings.crashes ? 0 : 1;
}
