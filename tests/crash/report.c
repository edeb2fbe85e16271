/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/report.h"

#include "crash/plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

static const char *const names[FAULT_COUNT] = {
    [FAULT_LOST] = "lost",
    [FAULT_DUPLICATED] = "duplicated",
    [FAULT_REORDERED] = "reordered",
    [FAULT_WRONG] = "wrong",
};

struct report *report_new(void)
{
    void *memory = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void report_add(uint64_t *counter, uint64_t by)
{
    __atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

bool report_begin(const struct place *place, enum fault fault, unsigned count)
{
    struct report *report = place->report;

    report_add(&report->faults[fault], count);
    if (__atomic_fetch_add(&report->told, 1, __ATOMIC_RELAXED) >= report->most_told)
        return false;
    flockfile(stdout);
    printf("%s (seed %" PRIu64 ", life %u): ", names[fault], place->seed, place->life);
    return true;
}

void report_say(const char *format, ...)
{
    va_list more;

    va_start(more, format);
    vprintf(format, more);
    va_end(more);
}

/* One worker and one series: the same choices again, the timing as the machine has it. */
void report_end(const struct place *place)
{
    char text[128];

    for (unsigned life = place->life > 3 ? place->life - 3 : 1;
         life <= place->life && life <= place->lives; life++) {
        struct plan plan = plan_of(place->seed, life);
        plan_text(&plan, text, sizeof(text));
        printf("  life %u: %s\n", life, text);
    }
    printf("    again: tests/crash/run --seed %" PRIu64 " --crashes %u --lives %u --jobs 1\n",
           place->seed, place->lives, place->lives);
    fflush(stdout);
    funlockfile(stdout);
}

void report_fault(const struct place *place, enum fault fault, const char *format, ...)
{
    va_list more;

    if (!report_begin(place, fault, 1))
        return;
    va_start(more, format);
    vprintf(format, more);
    va_end(more);
    printf("\n");
    report_end(place);
}
