/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack.h"

#include "tools/attack_env.h"
#include "tools/attack_print.h"
#include "tools/attack_recon.h"
#include "tools/attack_run.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "tacit attack: %s: %s\n", what, why);
    return IDENTITY_EXIT_FAILED;
}

static int write_report(const char *path, const struct attack_outcome *outcome)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        return fail(path, strerror(errno));
    attack_print_report(file, outcome);
    bool is_written = ferror(file) == 0;
    is_written &= fclose(file) == 0;
    return is_written ? IDENTITY_EXIT_DONE : fail(path, "it cannot be written");
}

static int print(const struct attack_options *options, const struct attack_outcome *outcome)
{
    int result = IDENTITY_EXIT_DONE;

    if (options->json)
        result = identity_print_document(attack_print_json(outcome));
    else
        attack_print_people(stdout, outcome);
    if (fflush(stdout) != 0)
        result = IDENTITY_EXIT_FAILED;
    if (options->report != NULL && write_report(options->report, outcome) != IDENTITY_EXIT_DONE)
        result = IDENTITY_EXIT_FAILED;
    return result;
}

static int attack(const struct attack_env *env)
{
    char broker[ATTACK_HOST_SIZE + 16];
    struct attack_outcome outcome = { .broker = broker,
                                      .address = env->address,
                                      .rows = attack_check_rows,
                                      .count = attack_check_count() };
    struct attack_finding *findings = calloc(outcome.count, sizeof(*findings));

    if (findings == NULL)
        return fail("memory", strerror(ENOMEM));
    bool is_v6 = strchr(env->host, ':') != NULL;
    (void)snprintf(broker, sizeof(broker), "%s%s%s:%u", is_v6 ? "[" : "", env->host,
                   is_v6 ? "]" : "", env->port);
    (void)fprintf(stderr, "attacking %s (%s)\n", broker, env->address);
    attack_run_all(env, findings);
    outcome.findings = findings;
    attack_grade_decide(outcome.rows, findings, outcome.count, &outcome.grade);
    int result = print(env->options, &outcome);
    free(findings);
    if (result == IDENTITY_EXIT_DONE && outcome.grade.counts[ATTACK_OPEN] > 0)
        return IDENTITY_EXIT_FOUND;
    return result;
}

static int list(const struct attack_options *options)
{
    if (options->json)
        return identity_print_document(
            attack_print_list_json(attack_check_rows, attack_check_count()));
    attack_print_list(stdout, attack_check_rows, attack_check_count());
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int command_attack(int argc, char **argv)
{
    struct attack_options options;
    struct attack_env env;
    int result = IDENTITY_EXIT_FAILED;

    if (attack_options_parse(argc, argv, &options) < 0)
        return IDENTITY_EXIT_USAGE;
    if (options.help) {
        attack_options_print();
        return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
    }
    if (options.list)
        return list(&options);
    if (attack_env_open(&options, &env) < 0)
        result = IDENTITY_EXIT_USAGE;
    else if (attack_recon_run(&env))
        result = attack(&env);
    attack_env_close(&env);
    return result;
}
