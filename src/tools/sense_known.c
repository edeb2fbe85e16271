/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_known.h"

#include "sense/explain.h"
#include "sense/known.h"

#include <stdio.h>

#define CELL_BYTES 40

static const char *cell(char out[CELL_BYTES], bool is_known, double value)
{
    if (is_known)
        (void)snprintf(out, CELL_BYTES, "%.4g", value);
    else
        (void)snprintf(out, CELL_BYTES, "-");
    return out;
}

static const char *range(char out[CELL_BYTES], const struct sense_known *known)
{
    if (known->has_range)
        (void)snprintf(out, CELL_BYTES, "%.3g to %.3g", (double)known->low, (double)known->high);
    else
        (void)snprintf(out, CELL_BYTES, "-");
    return out;
}

static void print_row(const struct sense_known *known, enum sense_feature feature, bool is_device)
{
    char own[CELL_BYTES], of_role[CELL_BYTES], weight[CELL_BYTES], usual[CELL_BYTES];

    if (!known->has_own && !known->has_role && !known->has_range)
        return;
    (void)printf("  %-36s %-20s", sense_feature_text(feature), range(usual, known));
    if (is_device)
        (void)printf(" %-10s %-5s", cell(own, known->has_own, (double)known->own),
                     cell(weight, known->has_own, 100 * (double)known->weight));
    (void)printf(" %-10s %s\n", cell(of_role, known->has_role, (double)known->of_role),
                 sense_feature_unit(feature));
}

void sense_known_print(const struct sense_role *role, const struct sense_device *device,
                       bool is_device)
{
    (void)printf("  %-36s %-20s", "it", "usual now");
    if (is_device)
        (void)printf(" %-10s %-5s", "own", "own %");
    (void)printf(" %-10s unit\n", "role");
    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        struct sense_known known;
        sense_known_of(role, device, (enum sense_feature)i, &known);
        print_row(&known, (enum sense_feature)i, is_device);
    }
}

void sense_known_print_evidence(const struct sense_role *role, const struct sense_device *device,
                                const struct sense_standing *standing)
{
    struct sense_reason reasons[SENSE_REASONS];
    char sentence[SENSE_SENTENCE_BYTES];
    unsigned count = sense_explain(role, device, standing, reasons);

    if (count == 0) {
        (void)printf("evidence now: none\n");
        return;
    }
    sense_explain_sentence(sense_standing_verdict(standing), reasons, count, sentence);
    (void)printf("evidence now: %.1f bits, of %.2f for an alarm: %s\n", (double)standing->evidence,
                 (double)SENSE_ALARM_BITS, sentence);
}

static void set(json_t *object, const char *key, bool is_known, float value)
{
    (void)json_object_set_new(object, key, is_known ? json_real((double)value) : json_null());
}

static json_t *row_json(const struct sense_known *known, enum sense_feature feature, float bits,
                        bool is_device)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "feature", sense_feature_key(feature), "text",
                            sense_feature_text(feature), "unit", sense_feature_unit(feature));

    if (row == NULL)
        return NULL;
    set(row, "low", known->has_range, known->low);
    set(row, "high", known->has_range, known->high);
    set(row, "of_role", known->has_role, known->of_role);
    if (!is_device)
        return row;
    set(row, "own", known->has_own, known->own);
    set(row, "own_weight", true, known->weight);
    set(row, "bits", true, bits);
    return row;
}

json_t *sense_known_json(const struct sense_role *role, const struct sense_device *device,
                         const struct sense_standing *standing, bool is_device)
{
    json_t *rows = json_array();

    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        struct sense_known known;
        sense_known_of(role, device, (enum sense_feature)i, &known);
        json_t *row = row_json(&known, (enum sense_feature)i, standing->bits[i], is_device);
        if (json_array_append_new(rows, row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}
