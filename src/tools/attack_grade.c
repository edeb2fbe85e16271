/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_grade.h"

static char letter_of_score(unsigned score)
{
    if (score >= 90)
        return 'A';
    if (score >= 75)
        return 'B';
    if (score >= 60)
        return 'C';
    return score >= 45 ? 'D' : 'F';
}

static char worse(char a, char b)
{
    return a > b ? a : b;
}

/* The best grade that these open doors allow. */
static char cap(unsigned critical, unsigned serious, unsigned critical_unclear)
{
    char best = critical_unclear > 0 ? 'B' : 'A';

    if (serious > 0)
        best = worse(best, serious > 1 ? 'C' : 'B');
    if (critical > 0)
        best = worse(best, critical > 1 ? 'F' : 'D');
    return best;
}

void attack_grade_decide(const struct attack_check *rows, const struct attack_finding *findings,
                         size_t count, struct attack_grade *out)
{
    unsigned all = 0;
    unsigned safe = 0;
    unsigned open = 0;
    unsigned critical_unclear = 0;
    unsigned open_critical = 0;
    unsigned open_serious = 0;

    *out = (struct attack_grade){ .letter = '-' };
    for (size_t i = 0; i < count; i++) {
        unsigned weight = (unsigned)rows[i].severity;
        bool is_critical = rows[i].severity == ATTACK_CRITICAL;
        enum attack_verdict verdict = findings[i].verdict;
        out->counts[verdict]++;
        all += weight;
        safe += verdict == ATTACK_SAFE ? weight : 0;
        open += verdict == ATTACK_OPEN ? weight : 0;
        critical_unclear += verdict == ATTACK_UNCLEAR && is_critical;
        open_critical += verdict == ATTACK_OPEN && is_critical;
        open_serious += verdict == ATTACK_OPEN && rows[i].severity == ATTACK_SERIOUS;
    }
    if (safe + open == 0)
        return;
    out->score = 100 * safe / (safe + open);
    out->checked_percent = 100 * (safe + open) / all;
    out->letter =
        worse(letter_of_score(out->score), cap(open_critical, open_serious, critical_unclear));
}
