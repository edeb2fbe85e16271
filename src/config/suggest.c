/* SPDX-License-Identifier: Apache-2.0 */
#include "config/suggest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 48 /* longer words are not looked at */

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment: three rows are enough, the one before last for swaps. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3];
        const unsigned *earlier = rows[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned replaced = before[j - 1] + (a[i - 1] != b[j - 1] ? 1u : 0u);
            now[j] = smallest(before[j] + 1, now[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && earlier[j - 2] + 1 < now[j])
                now[j] = earlier[j - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t len = strlen(word);
    unsigned best = len < 6 ? 1 : (unsigned)(len / 3);

    if (len == 0 || len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]);
        if (other > WORD_MAX)
            continue;
        unsigned apart = distance(word, len, candidates[i], other);
        /* All of a short word replaced is another word, not a slip. */
        if (apart < best + (nearest == NULL ? 1u : 0u) && apart < len && apart < other) {
            best = apart;
            nearest = candidates[i];
        }
    }
    return nearest;
}
