/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_print.h"

/* What stands first in a report: what is to be done. */
static const enum attack_verdict order[] = { ATTACK_OPEN, ATTACK_UNCLEAR, ATTACK_SAFE,
                                             ATTACK_SKIPPED };

static const char *of_what(const struct attack_grade *grade)
{
    return grade->checked_percent < 100 ? " of what was checked" : "";
}

static void print_grade(FILE *file, const struct attack_outcome *outcome)
{
    const struct attack_grade *grade = &outcome->grade;

    if (grade->letter == '-')
        (void)fprintf(file, "No grade: nothing could be judged.\n");
    else
        (void)fprintf(file, "Grade %c%s: score %u of 100; %u %% of the weight was judged.\n",
                      grade->letter, of_what(grade), grade->score, grade->checked_percent);
    (void)fprintf(file, "%u safe, %u open, %u unclear, %u skipped.\n", grade->counts[ATTACK_SAFE],
                  grade->counts[ATTACK_OPEN], grade->counts[ATTACK_UNCLEAR],
                  grade->counts[ATTACK_SKIPPED]);
}

static void print_one(FILE *file, const struct attack_check *check,
                      const struct attack_finding *finding)
{
    (void)fprintf(file, "%s  %s (%s, %s)\n", attack_check_verdict_name(finding->verdict), check->id,
                  check->title, attack_check_severity_name(check->severity));
    (void)fprintf(file, "  seen: %s.\n", finding->evidence);
    if (finding->verdict == ATTACK_OPEN)
        (void)fprintf(file, "  why:  %s.\n  fix:  %s.\n  in tacitd: %s.\n  in mosquitto: %s.\n",
                      check->why, check->fix, check->tacitd, check->mosquitto);
    (void)fputc('\n', file);
}

/* What the operator left out himself is counted, not listed. */
static void print_skipped(FILE *file, const struct attack_outcome *outcome)
{
    unsigned left_out = 0;

    for (size_t i = 0; i < outcome->count; i++) {
        const struct attack_finding *finding = &outcome->findings[i];
        if (finding->verdict != ATTACK_SKIPPED)
            continue;
        if (finding->is_left_out)
            left_out++;
        else
            (void)fprintf(file, "skipped  %s: %s\n", outcome->rows[i].id, finding->evidence);
    }
    if (left_out > 0)
        (void)fprintf(file, "skipped  %u checks that were left out by option\n", left_out);
    if (outcome->grade.counts[ATTACK_SKIPPED] > 0)
        (void)fputc('\n', file);
}

void attack_print_people(FILE *file, const struct attack_outcome *outcome)
{
    (void)fprintf(file, "%s (%s)\n\n", outcome->broker, outcome->address);
    for (size_t v = 0; v < MQTT_ARRAY_LEN(order) && order[v] != ATTACK_SKIPPED; v++)
        for (size_t i = 0; i < outcome->count; i++)
            if (outcome->findings[i].verdict == order[v])
                print_one(file, &outcome->rows[i], &outcome->findings[i]);
    print_skipped(file, outcome);
    print_grade(file, outcome);
}

static json_t *advice_json(const struct attack_check *check)
{
    return json_pack("{s:s, s:s}", "tacitd", check->tacitd, "mosquitto", check->mosquitto);
}

static json_t *check_json(const struct attack_check *check, const struct attack_finding *finding)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o?, s:I}", "id", check->id,
                     "verdict", attack_check_verdict_name(finding->verdict), "evidence",
                     finding->evidence, "severity", attack_check_severity_name(check->severity),
                     "title", check->title, "proves", check->proves, "why", check->why, "fix",
                     check->fix, "advice", advice_json(check), "took_ms",
                     (json_int_t)finding->took_ms);
}

json_t *attack_print_json(const struct attack_outcome *outcome)
{
    const struct attack_grade *grade = &outcome->grade;
    char letter[2] = { grade->letter, '\0' };
    json_t *checks = json_array();

    for (size_t i = 0; i < outcome->count; i++)
        if (json_array_append_new(checks, check_json(&outcome->rows[i], &outcome->findings[i]))
            < 0) {
            json_decref(checks);
            return NULL;
        }
    return json_pack("{s:s, s:s, s:s?, s:i, s:i, s:{s:i, s:i, s:i, s:i}, s:o}", "broker",
                     outcome->broker, "address", outcome->address, "grade",
                     grade->letter == '-' ? NULL : letter, "score", (int)grade->score,
                     "checked_percent", (int)grade->checked_percent, "counts", "safe",
                     (int)grade->counts[ATTACK_SAFE], "open", (int)grade->counts[ATTACK_OPEN],
                     "unclear", (int)grade->counts[ATTACK_UNCLEAR], "skipped",
                     (int)grade->counts[ATTACK_SKIPPED], "checks", checks);
}

/* Evidence as a line of Markdown, in which nothing of the broker's is markup. */
static void print_escaped(FILE *file, const char *text)
{
    static const char markup[] = "\\`*_{}[]<>()#+-!|&~";

    for (; *text != '\0'; text++) {
        for (const char *c = markup; *c != '\0'; c++)
            if (*c == *text)
                (void)fputc('\\', file);
        (void)fputc(*text, file);
    }
}

static void report_one(FILE *file, const struct attack_check *check,
                       const struct attack_finding *finding)
{
    (void)fprintf(file, "### %s: %s\n\n%s, %s.\n\n* what it proves: %s\n* seen: ", check->id,
                  attack_check_verdict_name(finding->verdict), check->title,
                  attack_check_severity_name(check->severity), check->proves);
    print_escaped(file, finding->evidence);
    if (finding->verdict == ATTACK_OPEN)
        (void)fprintf(file,
                      "\n* why it matters: %s\n* how to fix it: %s\n* in tacitd: `%s`\n* in "
                      "mosquitto: `%s`",
                      check->why, check->fix, check->tacitd, check->mosquitto);
    (void)fputs("\n\n", file);
}

void attack_print_report(FILE *file, const struct attack_outcome *outcome)
{
    (void)fputs("# Attack on ", file);
    print_escaped(file, outcome->broker);
    (void)fputs(" (", file);
    print_escaped(file, outcome->address);
    (void)fputs(")\n\n", file);
    print_grade(file, outcome);
    for (size_t v = 0; v < MQTT_ARRAY_LEN(order); v++) {
        if (outcome->grade.counts[order[v]] == 0)
            continue;
        (void)fprintf(file, "\n## What is %s\n\n", attack_check_verdict_name(order[v]));
        for (size_t i = 0; i < outcome->count; i++)
            if (outcome->findings[i].verdict == order[v])
                report_one(file, &outcome->rows[i], &outcome->findings[i]);
    }
}

void attack_print_list(FILE *file, const struct attack_check *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fprintf(file, "%-24s %-9s %s\n", rows[i].id,
                      attack_check_severity_name(rows[i].severity), rows[i].title);
}

json_t *attack_print_list_json(const struct attack_check *rows, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o?}", "id", rows[i].id,
                                "severity", attack_check_severity_name(rows[i].severity), "title",
                                rows[i].title, "proves", rows[i].proves, "why", rows[i].why, "fix",
                                rows[i].fix, "advice", advice_json(&rows[i]));
        if (json_array_append_new(list, one) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
