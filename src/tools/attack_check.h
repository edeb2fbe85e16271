/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of `tacit attack`: one table, attack_checks.def, and what comes of each row. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attack_env;

/* Nothing counts as safe that was not seen to be. */
enum attack_verdict {
    ATTACK_UNCLEAR = 0, /* tried, and the answers allow no judgement */
    ATTACK_SAFE,
    ATTACK_OPEN,
    ATTACK_SKIPPED, /* not tried; the evidence says why */
    ATTACK_VERDICT_COUNT,
};

/* How much an open door weighs. */
enum attack_severity {
    ATTACK_MINOR = 1,
    ATTACK_SERIOUS = 3,
    ATTACK_CRITICAL = 8,
};

/* When a check runs: most of some is waiting, others must have the broker for themselves. */
enum attack_turn {
    ATTACK_BESIDE, /* from the start, beside the others */
    ATTACK_IN_TURN,
    ATTACK_ALONE, /* when all others are done */
};

/* What a check cannot do without. */
enum attack_need {
    ATTACK_NEEDS_NOTHING = 0,
    ATTACK_NEEDS_TLS = 1,
    ATTACK_NEEDS_FIRST = 2,
    ATTACK_NEEDS_SECOND = 4,
    ATTACK_NEEDS_TOPIC = 8,
    ATTACK_NEEDS_CHANGE = 16,
    ATTACK_NEEDS_REVOKE = 32,
    ATTACK_NEEDS_RESTART = 64,
    ATTACK_IS_SLOW = 128, /* left out by --quick */
};

#define ATTACK_EVIDENCE_SIZE 1600

/* Text is printable ASCII, whatever the broker sent. Plain bytes: it crosses a pipe. */
struct attack_finding {
    enum attack_verdict verdict;
    unsigned parts;   /* that were judged */
    bool is_left_out; /* skipped because the operator said so */
    uint32_t took_ms;
    char evidence[ATTACK_EVIDENCE_SIZE];
};

struct attack_check {
    const char *id;
    void (*run)(const struct attack_env *env, struct attack_finding *out);
    enum attack_severity severity;
    enum attack_turn turn;
    unsigned needs; /* of enum attack_need */
    const char *title, *proves, *why, *fix;
    const char *tacitd, *mosquitto; /* the same in the words of their configuration */
};

/* The table, and the number of its rows. */
extern const struct attack_check attack_check_rows[];
size_t attack_check_count(void);

/* NULL: there is no check of that id. */
const struct attack_check *attack_check_find(const char *id);

/* "safe", "open", "unclear", "skipped"; "minor", "serious", "critical". */
const char *attack_check_verdict_name(enum attack_verdict verdict);
const char *attack_check_severity_name(enum attack_severity severity);

/* Judges one part and adds a sentence about it. One open part makes all open; else one unclear part
 * makes all unclear. What does not fit in the evidence is cut off. */
void attack_check_judge(struct attack_finding *finding, enum attack_verdict verdict,
                        const char *format, ...) MQTT_PRINTF(3, 4);

/* Adds a sentence that judges nothing. */
void attack_check_note(struct attack_finding *finding, const char *format, ...) MQTT_PRINTF(2, 3);

/* The checks themselves, each in a file of its own: attack_NAME.c. */
#define CHECK(id, name, severity, turn, needs, title, proves, why, fix, tacitd, mosquitto) \
    void attack_##name(const struct attack_env *env, struct attack_finding *out);
#include "tools/attack_checks.def"
#undef CHECK
