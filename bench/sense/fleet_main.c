/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the trace of a simulated fleet to standard output: fleet_options.c says how it is used. */
#include "bench/sense/attack.h"
#include "bench/sense/fleet_event.h"
#include "bench/sense/fleet_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void list_personas(void)
{
    printf("%-4s%-13s%6s  %9s %9s %7s %4s  %s\n", "", "persona", "share", "idle s", "active s",
           "bytes", "qos", "what it is");
    for (unsigned number = 1; number <= persona_count(); number++) {
        const struct persona *persona = persona_at(number);

        printf("%-4u%-13s%6u  %9g %9g %7g %4d  %s\n", number, persona->name, persona->share,
               persona->rhythm.idle_s, persona->rhythm.active_s, persona->payload.bytes,
               persona->payload.qos, persona->what);
    }
}

static void list_events(void)
{
    printf("\n%-12s%10s  %s\n", "event", "seconds", "what it is");
    for (unsigned i = 0; i < fleet_event_count(); i++) {
        const struct fleet_event_kind *kind = fleet_event_at(i);

        printf("%-12s%10g  %s\n", kind->name, kind->for_s, kind->what);
    }
}

static void list_attacks(void)
{
    printf("\n%-22s%-11s%-44s%s\n", "attack", "verdict", "features", "what it is");
    for (unsigned i = 0; i < attack_count(); i++) {
        const struct attack_kind *kind = attack_at(i);
        char name[40];

        (void)snprintf(name, sizeof name, "%s:%s", kind->id, kind->intensity);
        printf("%-22s%-11s%-44s%s\n", name, attack_verdict_text(kind->verdict), kind->features,
               kind->what);
    }
}

static int failed(const char *what)
{
    fprintf(stderr, "bench-fleet: %s: %s\n", what, strerror(errno));
    return 1;
}

static int write_truth(const struct fleet *fleet, const char *path)
{
    FILE *out = fopen(path, "we");

    if (out == NULL)
        return failed(path);
    fleet_truth(fleet, out);
    const bool whole = ferror(out) == 0;
    return fclose(out) == 0 && whole ? 0 : failed(path);
}

static int run(const struct fleet_options *options)
{
    struct fleet fleet;
    const char *complaint = NULL;
    int code = 0;

    if (!fleet_init(&fleet, &options->plan, stdout, &complaint)) {
        fprintf(stderr, "bench-fleet: %s; --list prints what there is\n", complaint);
        return 2;
    }
    fleet_run(&fleet);
    if (fflush(stdout) != 0)
        code = failed("standard output");
    if (code == 0 && options->truth != NULL)
        code = write_truth(&fleet, options->truth);
    fleet_fini(&fleet);
    return code;
}

int main(int argc, char **argv)
{
    struct fleet_options options;

    switch (fleet_options_read(argc, argv, &options)) {
    case FLEET_RUN:
        return run(&options);
    case FLEET_HELP:
        fputs(fleet_options_help, stdout);
        return 0;
    case FLEET_LIST:
        list_personas();
        list_events();
        list_attacks();
        return 0;
    case FLEET_COMPLAIN:
        break;
    }
    fprintf(stderr, "bench-fleet: %s: %s\n", options.about, options.complaint);
    return 2;
}
