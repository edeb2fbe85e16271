/* SPDX-License-Identifier: Apache-2.0 */
/* The second word of a command, as in `tacit device add`. */
#pragma once

#include <stddef.h>

struct identity_options;

struct subcommand {
    const char *name;
    const char *command; /* for messages: "tacit device add" */
    const char *options; /* that it knows, as identity_options_parse() takes them */
    int least;           /* words besides its options */
    int most;            /* -1: any number */
    const char *missing; /* what is said when there are too few */
    int (*run)(const struct identity_options *options);
};

struct subcommands {
    const char *command; /* "tacit device" */
    const char *usage;   /* what --help prints */
    const struct subcommand *rows;
    size_t count;
};

/* Reads the command line behind `command`, argv[1] being the second word, and runs what it says.
 * Returns the exit code. */
int subcommand_run(const struct subcommands *all, int argc, char **argv);
