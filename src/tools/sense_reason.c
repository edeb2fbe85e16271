/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_reason.h"

#include "sense/feature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the words up to `mark`, and the mark. */
static bool take_words(const char **at, const char *mark, char out[SENSE_REASON_WORD_BYTES])
{
    const char *end = strstr(*at, mark);
    size_t len = end != NULL ? (size_t)(end - *at) : 0;

    if (len == 0 || len >= SENSE_REASON_WORD_BYTES)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at = end + strlen(mark);
    return true;
}

static bool take_number(const char **at, const char *mark, double *out)
{
    char *end = NULL;
    double number = strtod(*at, &end);

    if (end == *at || strncmp(end, mark, strlen(mark)) != 0)
        return false;
    *out = number;
    *at = end + strlen(mark);
    return true;
}

bool sense_reason_take(const char *text, struct sense_told *out)
{
    struct sense_told told;
    double for_s = 0;
    const char *at = text;
    bool is_whole = take_words(&at, ": ", told.feature) && take_number(&at, " ", &told.observed)
                    && take_words(&at, ", usual ", told.unit) && take_number(&at, " to ", &told.low)
                    && take_number(&at, ", ", &told.high)
                    && take_number(&at, " bits, model ", &told.bits)
                    && take_words(&at, ", for ", told.model) && take_number(&at, " s", &for_s)
                    && *at == '\0' && for_s >= 0 && for_s <= UINT32_MAX;

    if (!is_whole)
        return false;
    told.for_s = (uint64_t)for_s;
    *out = told;
    return true;
}

static const char *text_of(const char *key)
{
    for (unsigned i = 0; i < SENSE_FEATURES; i++)
        if (strcmp(sense_feature_key((enum sense_feature)i), key) == 0)
            return sense_feature_text((enum sense_feature)i);
    return key; /* of another version */
}

static const char *whose(const char *model)
{
    if (strcmp(model, "own") == 0)
        return "as it has been itself";
    if (strcmp(model, "role") == 0)
        return "as the devices of its role are";
    return "and more is against a rule that needs no learning";
}

void sense_reason_sentence(const struct sense_told *told, char *out)
{
    (void)snprintf(out, SENSE_REASON_SENTENCE_BYTES,
                   "It %s: %.4g %s, where %.4g to %.4g is usual, %s; that has gone on for %llu s "
                   "(%.0f bits)",
                   text_of(told->feature), told->observed, told->unit, told->low, told->high,
                   whose(told->model), (unsigned long long)told->for_s, told->bits);
}
