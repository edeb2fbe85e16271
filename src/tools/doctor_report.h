/* SPDX-License-Identifier: Apache-2.0 */
/* What a doctor finds: a line for each check. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero is the worst, and counts more than what is behind it. */
enum doctor_verdict {
    DOCTOR_FAIL = 0,
    DOCTOR_WARN,
    DOCTOR_OK,
    DOCTOR_VERDICTS,
};

#define DOCTOR_REPORT_MAX      32
#define DOCTOR_REPORT_EVIDENCE 700

struct doctor_finding {
    const char *id;
    enum doctor_verdict verdict;
    char evidence[DOCTOR_REPORT_EVIDENCE]; /* what was done and seen */
    const char *advice;                    /* static; NULL: none */
};

/* A zero one is empty. */
struct doctor_report {
    struct doctor_finding all[DOCTOR_REPORT_MAX];
    size_t count;
};

/* `id` and `advice` are static; advice is for what is not ok, and kept for that only. */
__attribute__((format(printf, 5, 6))) void
doctor_report_add(struct doctor_report *report, const char *id, enum doctor_verdict verdict,
                  const char *advice, const char *format, ...);

/* The worst there is; of an empty one DOCTOR_FAIL. */
enum doctor_verdict doctor_report_verdict(const struct doctor_report *report);

/* 0 when all is well, 1 when something warns, 3 when something fails. */
int doctor_report_exit(const struct doctor_report *report);

/* Prints it about `name`. False: it could not be written. */
MQTT_NODISCARD bool doctor_report_print(const struct doctor_report *report, const char *name);
MQTT_NODISCARD bool doctor_report_print_json(const struct doctor_report *report, const char *name);
