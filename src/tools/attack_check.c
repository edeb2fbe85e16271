/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The table's words, each once. */
enum {
    NOTHING = ATTACK_NEEDS_NOTHING,
    TLS = ATTACK_NEEDS_TLS,
    FIRST = ATTACK_NEEDS_FIRST,
    SECOND = ATTACK_NEEDS_SECOND,
    TOPIC = ATTACK_NEEDS_TOPIC,
    CHANGE = ATTACK_NEEDS_CHANGE,
    REVOKE = ATTACK_NEEDS_REVOKE,
    RESTART = ATTACK_NEEDS_RESTART,
    IS_SLOW = ATTACK_IS_SLOW,
};

const struct attack_check attack_check_rows[] = {
#define CHECK(id, name, severity, turn, needs, title, proves, why, fix, tacitd, mosquitto) \
    { id,  attack_##name, ATTACK_##severity, ATTACK_##turn, needs, title, proves, why,     \
      fix, tacitd,        mosquitto },
#include "tools/attack_checks.def"
#undef CHECK
};

size_t attack_check_count(void)
{
    return MQTT_ARRAY_LEN(attack_check_rows);
}

const struct attack_check *attack_check_find(const char *id)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(attack_check_rows); i++)
        if (strcmp(attack_check_rows[i].id, id) == 0)
            return &attack_check_rows[i];
    return NULL;
}

const char *attack_check_verdict_name(enum attack_verdict verdict)
{
    switch (verdict) {
    case ATTACK_SAFE:
        return "safe";
    case ATTACK_OPEN:
        return "open";
    case ATTACK_SKIPPED:
        return "skipped";
    case ATTACK_UNCLEAR:
    case ATTACK_VERDICT_COUNT:
        break;
    }
    return "unclear";
}

const char *attack_check_severity_name(enum attack_severity severity)
{
    switch (severity) {
    case ATTACK_MINOR:
        return "minor";
    case ATTACK_SERIOUS:
        return "serious";
    case ATTACK_CRITICAL:
        break;
    }
    return "critical";
}

MQTT_PRINTF(2, 0)
static void add(struct attack_finding *finding, const char *format, va_list arguments)
{
    size_t used = strnlen(finding->evidence, ATTACK_EVIDENCE_SIZE - 1);
    char *at = finding->evidence + used;
    size_t room = ATTACK_EVIDENCE_SIZE - used;

    if (used > 0 && room > 3) {
        memcpy(at, "; ", 3);
        at += 2;
        room -= 2;
    }
    (void)vsnprintf(at, room, format, arguments);
    /* Topics and reasons come from the broker, and go to a terminal and into a report. */
    for (; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

void attack_check_note(struct attack_finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(finding, format, arguments);
    va_end(arguments);
}

void attack_check_judge(struct attack_finding *finding, enum attack_verdict verdict,
                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(finding, format, arguments);
    va_end(arguments);
    if (finding->parts++ == 0 || verdict == ATTACK_OPEN
        || (verdict == ATTACK_UNCLEAR && finding->verdict == ATTACK_SAFE))
        finding->verdict = verdict;
}
