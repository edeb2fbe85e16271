/* SPDX-License-Identifier: Apache-2.0 */
/* Who is looked at, and the checks. Each adds to the report, changes nothing, and asks only for what
 * its name says. */
#pragma once

#include "tools/doctor_report.h"
#include "tools/keys_print.h"

#include <stdbool.h>
#include <stdint.h>

struct doctor_patient {
    const struct profile *place; /* borrowed */
    struct keys_print facts;
    int64_t now_s;
    bool is_soft; /* the private number comes into this machine's memory when it is used */
};

void doctor_look_at_key(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_certificate(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_files(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_ratchet(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_readers(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_memory(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_machine(const struct doctor_patient *patient, struct doctor_report *report);
void doctor_look_at_servers(const struct doctor_patient *patient, struct doctor_report *report);
