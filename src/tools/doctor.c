/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"

#include "tools/doctor_patient.h"
#include "tools/identity_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char usage[] =
    "usage: tacit doctor [--as NAME] [--offline] [--json]\n"
    "\n"
    "On a device: who can get at its key, and what will keep it from its broker, soon or now. "
    "What\n"
    "can be tried is tried. Changes nothing.\n"
    "\n"
    "  --as NAME  the device of this profile (default: the default profile)\n"
    "  --offline  do not ask the broker\n"
    "  --json     answer as JSON\n"
    "\n"
    "Exit codes: 0 all is well; 1 something warns; 2 wrong options, or no such device; 3 "
    "something\n"
    "fails.\n";

static void examine(const struct doctor_patient *patient, bool is_offline,
                    struct doctor_report *report)
{
    doctor_look_at_key(patient, report);
    doctor_look_at_certificate(patient, report);
    doctor_look_at_files(patient, report);
    doctor_look_at_ratchet(patient, report);
    doctor_look_at_readers(patient, report);
    doctor_look_at_memory(patient, report);
    doctor_look_at_machine(patient, report);
    if (!is_offline)
        doctor_look_at_servers(patient, report);
}

static int look_at(const struct identity_options *o, const struct profile *place)
{
    struct doctor_patient patient = { .place = place, .now_s = (int64_t)time(NULL) };
    struct doctor_report *report = calloc(1, sizeof(*report));

    if (report == NULL)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "out of memory");
    keys_print_of(place, patient.now_s, &patient.facts);
    patient.is_soft = patient.facts.key.protection < KEY_PROTECTION_PKCS11;
    examine(&patient, o->offline, report);
    bool is_written = o->json ? doctor_report_print_json(report, place->name)
                              : doctor_report_print(report, place->name);
    int code = is_written ? doctor_report_exit(report) : IDENTITY_EXIT_USAGE;
    free(report);
    return code;
}

static int run(const struct identity_options *o)
{
    char name[PROFILE_NAME_SIZE] = "";
    int error = o->as == NULL ? profile_default(name) : 0;
    struct profile *place = calloc(1, sizeof(*place));

    if (place == NULL)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "out of memory");
    if (error == 0)
        error = profile_load(o->as != NULL ? o->as : name, place);
    int code = IDENTITY_EXIT_USAGE;
    if (error < 0 || place->key_file[0] == '\0')
        (void)identity_options_fail(o, IDENTITY_EXIT_USAGE, "%s",
                                    o->as != NULL ? "there is no good profile of that name"
                                                  : "which device? Say --as NAME");
    else
        code = look_at(o, place);
    free(place);
    return code;
}

int command_doctor(int argc, char **argv)
{
    struct identity_options o;

    if (identity_options_parse(argc, argv, "tacit doctor", "as offline json ", &o) < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_USAGE : IDENTITY_EXIT_DONE;
    if (o.operand_count > 0)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                     o.operands[0]);
    return run(&o);
}
