/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

static const char usage[] =
    "usage: sense-replay --train FILE... --test FILE... [--apart] [--json]\n"
    "\n"
    "Learns from the training files what is usual, runs the test files through the\n"
    "detector, and prints one alarm a line.\n"
    "\n"
    "  --train FILE...  event files of good traffic\n"
    "  --test FILE...   event files to be judged\n"
    "  --apart          judge each test file by the training alone, not by those before it\n"
    "  --json           alarms as JSON objects\n"
    "  --help           this text\n"
    "\n"
    "Files are comma-separated, compressed by gzip or not; sense-replay(1) names the\n"
    "columns. Lines that cannot be read are named, and passed over.\n"
    "Exit code: 0, 1 a file cannot be read, 2 usage.\n";

/* File names are elements of argv. */
struct options {
    char **train;
    char **test;
    int train_count;
    int test_count;
    bool is_json;
    bool is_apart;
    bool helps;
};

struct telling {
    bool is_json;
    int error; /* the first */
};

static void object(const char *path, size_t line, const char *why)
{
    (void)fprintf(stderr, "sense-replay: %s:%zu: %s\n", path, line, why);
}

static void tell(const struct replay *replay, const struct replay_alarm *alarm, void *context)
{
    struct telling *telling = context;

    if (!telling->is_json)
        print_text(replay, alarm);
    else if (telling->error == 0)
        telling->error = print_json(replay, alarm);
    (void)fflush(stdout);
}

/* How many arguments from argv[at] on are files. */
static int count_files(int argc, char **argv, int at)
{
    int count = 0;

    while (at + count < argc && strncmp(argv[at + count], "--", 2) != 0)
        count++;
    return count;
}

static bool take_flag(const char *name, struct options *out)
{
    bool is_json = strcmp(name, "--json") == 0;
    bool is_apart = strcmp(name, "--apart") == 0;
    bool helps = strcmp(name, "--help") == 0;

    out->is_json = out->is_json || is_json;
    out->is_apart = out->is_apart || is_apart;
    out->helps = out->helps || helps;
    return is_json || is_apart || helps;
}

static bool take_option(int argc, char **argv, int *at, struct options *out)
{
    const char *name = argv[(*at)++];

    if (take_flag(name, out))
        return true;
    int files = count_files(argc, argv, *at);
    if (strcmp(name, "--train") == 0 && out->train == NULL) {
        out->train = argv + *at;
        out->train_count = files;
    } else if (strcmp(name, "--test") == 0 && out->test == NULL) {
        out->test = argv + *at;
        out->test_count = files;
    } else {
        return false;
    }
    *at += files;
    return files > 0;
}

static bool options_parse(int argc, char **argv, struct options *out)
{
    int at = 1;

    *out = (struct options){ .train = NULL };
    while (at < argc)
        if (!take_option(argc, argv, &at, out))
            return false;
    return out->helps || (out->train != NULL && out->test != NULL);
}

static void ignore(const char *path, size_t line, const char *why)
{
    (void)path;
    (void)line;
    (void)why;
}

/* Lines are objected to the first time that a file is read. */
static int run_files(struct replay *replay, char **paths, int count, bool is_first)
{
    for (int i = 0; i < count; i++) {
        struct trace trace;
        int error = trace_open(paths[i], is_first ? object : ignore, &trace);
        if (error != 0) {
            (void)fprintf(stderr, "sense-replay: %s: %s\n", paths[i], strerror(-error));
            return error;
        }
        if (is_first && trace.bad > 0)
            (void)fprintf(stderr, "sense-replay: %s: %zu lines passed over\n", paths[i], trace.bad);
        replay_run(replay, paths[i], &trace);
        trace_close(&trace);
    }
    return 0;
}

static int run_apart(struct replay *replay, char **paths, int count)
{
    struct replay_kept *kept = replay_keep(replay);
    int error = kept == NULL ? -ENOMEM : 0;

    for (int i = 0; i < count && error == 0; i++) {
        replay_return(replay, kept);
        error = run_files(replay, paths + i, 1, true);
    }
    replay_kept_free(kept);
    return error;
}

static int run(struct replay *replay, const struct options *options)
{
    for (int phase = SENSE_LEARN; phase < SENSE_WATCH; phase++) {
        replay_enter(replay, (enum sense_phase)phase);
        int error = run_files(replay, options->train, options->train_count, phase == SENSE_LEARN);
        if (error != 0)
            return error;
    }
    replay_enter(replay, SENSE_WATCH);
    if (options->is_apart)
        return run_apart(replay, options->test, options->test_count);
    return run_files(replay, options->test, options->test_count, true);
}

int main(int argc, char **argv)
{
    struct options options;

    if (!options_parse(argc, argv, &options)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (options.helps) {
        (void)fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    struct telling telling = { .is_json = options.is_json };
    struct replay *replay = replay_new(tell, &telling);
    int error = replay == NULL ? -ENOMEM : run(replay, &options);
    replay_free(replay);
    if (error == 0)
        error = telling.error;
    if (ferror(stdout) != 0 || fflush(stdout) != 0)
        error = -EIO;
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
