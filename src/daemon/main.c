/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"
#include "daemon/server.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct options options;
    char why[DIAGNOSTIC_BYTES];

    if (options_parse(argc, argv, &options, why) != 0) {
        fprintf(stderr, "tacitd: %s\n", why);
        return SERVER_EXIT_USAGE;
    }
    switch (options.wish) {
    case OPTIONS_HELP:
        options_print_help();
        return SERVER_EXIT_CLEAN;
    case OPTIONS_HELP_LIMITS:
        options_print_limits();
        return SERVER_EXIT_CLEAN;
    case OPTIONS_VERSION:
        printf("tacitd %s\n", TACIT_VERSION);
        return SERVER_EXIT_CLEAN;
    case OPTIONS_CHECK:
        return server_check(&options);
    case OPTIONS_RUN:
        break;
    }
    return (int)server_run(&options, argv[0]);
}
