/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/subcommand.h"

#include "tools/administration.h"
#include "tools/identity_options.h"

#include <stdio.h>
#include <string.h>

static int print_help(const char *usage)
{
    return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
}

static int run(const struct subcommands *all, const struct subcommand *row, int argc, char **argv)
{
    struct identity_options o;
    if (identity_options_parse(argc, argv, row->command, row->options, &o) < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return print_help(all->usage);
    if (o.operand_count < row->least)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "%s", row->missing);
    if (row->most >= 0 && o.operand_count > row->most)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                     o.operands[row->most]);
    return administration_note(&o, row->run(&o));
}

int subcommand_run(const struct subcommands *all, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < all->count; i++)
        if (strcmp(argv[1], all->rows[i].name) == 0)
            return run(all, &all->rows[i], argc - 1, argv + 1);

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return print_help(all->usage);
    if (argc > 1)
        (void)fprintf(stderr, "%s: there is no '%s'; see %s --help\n", all->command, argv[1],
                      all->command);
    else
        (void)fputs(all->usage, stderr);
    return IDENTITY_EXIT_USAGE;
}
