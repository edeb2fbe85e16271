/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit COMMAND ...`: finds the command in commands.def and hands over. */
#include "base/attrs.h"
#include "tools/attack.h"
#include "tools/audit.h"
#include "tools/ca.h"
#include "tools/canary.h"
#include "tools/daily.h"
#include "tools/demo.h"
#include "tools/device.h"
#include "tools/doctor.h"
#include "tools/enroll.h"
#include "tools/grant.h"
#include "tools/group.h"
#include "tools/key.h"
#include "tools/keys.h"
#include "tools/log.h"
#include "tools/options.h"
#include "tools/passwd.h"
#include "tools/policy.h"
#include "tools/revoke.h"
#include "tools/secrecy.h"
#include "tools/sense.h"
#include "tools/store.h"
#include "tools/up.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
#define COMMAND(name, run, help) { name, run, help },
#include "tools/commands.def"
#undef COMMAND
};

static void print_help(FILE *file)
{
    (void)fputs("usage: tacit COMMAND [OPTION...]\n\n", file);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(commands); i++)
        (void)fprintf(file, "  %-8s %s\n", commands[i].name, commands[i].help);
    (void)fputs("\n`tacit COMMAND --help` lists its options.\n", file);
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    secrecy_begin();
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
        || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("tacit " TACIT_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "tacit: there is no command '%s'; `tacit --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
