/* SPDX-License-Identifier: Apache-2.0 */
/* A claim about all inputs up to a bound, one harness for two engines.
 *
 * A harness draws its input with proof_choose(), calls the code and states what
 * must hold with proof_check(). Here an odometer runs it once for every input: the
 * choices of a run are its digits, and the next run turns the last digit that can
 * be turned. How many choices there are may depend on those before. Under CBMC the
 * same harness is one run over free variables.
 *
 *     PROOF(varint_is_canonical)    at the end of the file makes the program. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __CPROVER__

unsigned nondet_unsigned(void);

static inline unsigned proof_choose(unsigned count)
{
    unsigned choice = nondet_unsigned();
    __CPROVER_assume(choice < count);
    return choice;
}

#define proof_check(claim) __CPROVER_assert((claim), #claim)

#define PROOF(harness) \
    int main(void)     \
    {                  \
        harness();     \
        return 0;      \
    }

#else

#define PROOF_MOST_CHOICES 32

struct odometer {
    unsigned digit[PROOF_MOST_CHOICES];
    unsigned base[PROOF_MOST_CHOICES];
    unsigned length; /* digits known from the run before, up to the one turned */
    unsigned at;     /* digits drawn in this run */
};

/* The one mutable object of a proof program. */
static struct odometer proof_odometer;

/* One of 0 .. count - 1; count is at least 1. */
static inline unsigned proof_choose(unsigned count)
{
    struct odometer *o = &proof_odometer;
    unsigned at = o->at++;

    if (at < o->length)
        return o->digit[at];
    if (at >= PROOF_MOST_CHOICES)
        abort();
    o->digit[at] = 0;
    o->base[at] = count;
    o->length = at + 1;
    return 0;
}

/* Prints the claim and the choices that refute it. */
_Noreturn static inline void proof_refuted(const char *file, int line, const char *claim)
{
    fprintf(stderr, "%s:%d: refuted: %s\nchoices:", file, line, claim);
    for (unsigned i = 0; i < proof_odometer.at; i++)
        fprintf(stderr, " %u", proof_odometer.digit[i]);
    fprintf(stderr, "\n");
    exit(1);
}

#define proof_check(claim) ((claim) ? (void)0 : proof_refuted(__FILE__, __LINE__, #claim))

/* Turns to the next input; 0 when all have been seen. */
static inline int proof_turn(void)
{
    struct odometer *o = &proof_odometer;

    o->length = o->at;
    o->at = 0;
    while (o->length > 0) {
        if (++o->digit[o->length - 1] < o->base[o->length - 1])
            return 1;
        o->length--;
    }
    return 0;
}

static inline int proof_run(const char *name, void (*harness)(void))
{
    uint64_t inputs = 0;

    do {
        harness();
        inputs++;
    } while (proof_turn());
    printf("%s: %llu inputs\n", name, (unsigned long long)inputs);
    return 0;
}

#define PROOF(harness)                       \
    int main(void)                           \
    {                                        \
        return proof_run(#harness, harness); \
    }

#endif
