/* SPDX-License-Identifier: Apache-2.0 */
/* The grade of `tacit attack`: pure, from the verdicts alone.
 *
 * The score is the weight of what is safe among what is safe or open, in percent: a critical check
 * weighs 8, a serious one 3, a minor one 1. A from 90, B from 75, C from 60, D from 45, else F.
 * Whatever the score, an open door caps it: one minor at A, one serious at B, several serious at C,
 * one critical at D, several critical at F; and a critical check that was tried and gave no clear
 * answer caps it at B. Skipped and unclear checks do not count for the score: they limit what the
 * grade is about, which `checked_percent` says. */
#pragma once

#include "tools/attack_check.h"

struct attack_grade {
    char letter; /* 'A' to 'F'; '-': nothing could be judged */
    unsigned score;
    unsigned checked_percent;              /* of the weight of all checks, those that were judged */
    unsigned counts[ATTACK_VERDICT_COUNT]; /* checks by verdict */
};

/* `rows` and `findings` have `count` members each. */
void attack_grade_decide(const struct attack_check *rows, const struct attack_finding *findings,
                         size_t count, struct attack_grade *out);
