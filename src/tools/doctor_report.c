/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_report.h"

#include "base/invariant.h"
#include "tools/identity_print.h"

#include <stdarg.h>
#include <stdio.h>

#define EXIT_WARNS 1
#define EXIT_FAILS 3

static const char *const words[DOCTOR_VERDICTS] = {
    [DOCTOR_FAIL] = "fail",
    [DOCTOR_WARN] = "warn",
    [DOCTOR_OK] = "ok",
};

void doctor_report_add(struct doctor_report *report, const char *id, enum doctor_verdict verdict,
                       const char *advice, const char *format, ...)
{
    char text[DOCTOR_REPORT_EVIDENCE];
    va_list arguments;

    MQTT_INVARIANT(report->count < DOCTOR_REPORT_MAX);
    struct doctor_finding *finding = &report->all[report->count++];
    finding->id = id;
    finding->verdict = verdict;
    finding->advice = verdict != DOCTOR_OK ? advice : NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    /* Paths stand in it, and what a server said. */
    (void)identity_print_text(text, finding->evidence, sizeof(finding->evidence));
}

static size_t count_of(const struct doctor_report *report, enum doctor_verdict verdict)
{
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += report->all[i].verdict == verdict ? 1 : 0;
    return count;
}

enum doctor_verdict doctor_report_verdict(const struct doctor_report *report)
{
    enum doctor_verdict worst = report->count > 0 ? DOCTOR_OK : DOCTOR_FAIL;

    for (size_t i = 0; i < report->count; i++)
        if (report->all[i].verdict < worst)
            worst = report->all[i].verdict;
    return worst;
}

int doctor_report_exit(const struct doctor_report *report)
{
    static const int exits[DOCTOR_VERDICTS] = {
        [DOCTOR_FAIL] = EXIT_FAILS,
        [DOCTOR_WARN] = EXIT_WARNS,
        [DOCTOR_OK] = 0,
    };

    return exits[doctor_report_verdict(report)];
}

bool doctor_report_print(const struct doctor_report *report, const char *name)
{
    char shown[80];

    for (size_t i = 0; i < report->count; i++) {
        const struct doctor_finding *one = &report->all[i];
        (void)printf("%-4s  %-21s  %s\n", words[one->verdict], one->id, one->evidence);
        if (one->advice != NULL)
            (void)printf("%29s-> %s\n", "", one->advice);
    }
    (void)printf("%s: %s (%zu ok, %zu warn, %zu fail)\n",
                 identity_print_text(name, shown, sizeof(shown)),
                 words[doctor_report_verdict(report)], count_of(report, DOCTOR_OK),
                 count_of(report, DOCTOR_WARN), count_of(report, DOCTOR_FAIL));
    return fflush(stdout) == 0;
}

static json_t *finding_json(const struct doctor_finding *one)
{
    return json_pack("{s:s, s:s, s:s, s:s*}", "id", one->id, "verdict", words[one->verdict],
                     "evidence", one->evidence, "advice", one->advice);
}

bool doctor_report_print_json(const struct doctor_report *report, const char *name)
{
    char shown[80];
    json_t *checks = json_array();

    for (size_t i = 0; i < report->count; i++)
        (void)json_array_append_new(checks, finding_json(&report->all[i]));
    json_t *document =
        json_pack("{s:s, s:s, s:o}", "name", identity_print_text(name, shown, sizeof(shown)),
                  "verdict", words[doctor_report_verdict(report)], "checks", checks);
    return identity_print_document(document) == 0;
}
