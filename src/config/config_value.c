/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_value.h"

#include "config/config_term.h"
#include "config/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX (UINT64_C(1) << 40)

static void refuse(const struct setting *item, struct diagnostics *diagnostics, const char *advice)
{
    settings_complain(item, diagnostics, "%s = \"%.100s\": %s", item->key, item->text, advice);
}

/* After what config_term.h said: NULL is fine. */
static void judge(const struct setting *item, struct diagnostics *diagnostics, const char *advice)
{
    if (advice != NULL)
        refuse(item, diagnostics, advice);
}

void config_value_bool(const struct setting *item, struct diagnostics *diagnostics, bool *out)
{
    if (item != NULL)
        judge(item, diagnostics, config_term_switch(item->text, out));
}

void config_value_number(const struct setting *item, uint64_t low, uint64_t high,
                         struct diagnostics *diagnostics, uint64_t *out)
{
    char advice[80];

    if (item == NULL || config_term_number(item->text, low, high, out) == 0)
        return;
    snprintf(advice, sizeof(advice), "write a whole number from %" PRIu64 " to %" PRIu64, low,
             high);
    refuse(item, diagnostics, advice);
}

void config_value_choice(const struct setting *item, const char *const *words, size_t count,
                         struct diagnostics *diagnostics, unsigned *out)
{
    char advice[200];
    size_t used = 0;

    if (item == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(item->text, words[i]) == 0) {
            *out = (unsigned)i;
            return;
        }
    }
    const char *nearest = suggest_nearest(item->text, words, count);
    if (nearest != NULL) {
        snprintf(advice, sizeof(advice), "did you mean '%s'?", nearest);
    } else {
        used = (size_t)snprintf(advice, sizeof(advice), "write one of");
        for (size_t i = 0; i < count && used < sizeof(advice); i++)
            used += (size_t)snprintf(advice + used, sizeof(advice) - used, "%s %s",
                                     i == 0 ? "" : ",", words[i]);
    }
    refuse(item, diagnostics, advice);
}

enum policy_durability config_value_durability(const struct setting *item,
                                               struct diagnostics *diagnostics)
{
    static const char *const words[] = { "durable", "relaxed", "memory" };
    unsigned choice = POLICY_DURABLE;

    config_value_choice(item, words, MQTT_ARRAY_LEN(words), diagnostics, &choice);
    return (enum policy_durability)choice;
}

static void refuse_unit(const struct setting *item, const struct limit_row *row,
                        struct diagnostics *diagnostics)
{
    char suffixes[80];
    char advice[160];

    config_term_suffixes(row->unit, suffixes, sizeof(suffixes));
    snprintf(advice, sizeof(advice), "write a number in %s%s%s", row->unit,
             suffixes[0] != '\0' ? ", or with one of " : "", suffixes);
    refuse(item, diagnostics, advice);
}

void config_value_limit(const struct setting *item, const struct limit_row *row,
                        struct diagnostics *diagnostics, struct limits *out)
{
    uint64_t value = 0;
    char advice[120];

    if (item == NULL)
        return;
    int error = config_term_amount(item->text, row->unit, &value);
    if (error == -EINVAL) {
        refuse_unit(item, row, diagnostics);
        return;
    }
    if (error == 0 && limits_set(out, row, value) == 0)
        return;
    snprintf(advice, sizeof(advice), "write %" PRIu64 " to %" PRIu64 " %s", row->low, row->high,
             row->unit);
    refuse(item, diagnostics, advice);
}

void config_value_bytes(const struct setting *item, struct diagnostics *diagnostics,
                        uint64_t *out_bytes, bool *out_is_set)
{
    uint64_t bytes = 0;

    if (item == NULL)
        return;
    if (config_term_amount(item->text, "bytes", &bytes) < 0 || bytes > BYTES_MAX) {
        refuse(item, diagnostics, "write bytes, such as 4096, 64KiB or 10MiB; 0: no bound");
        return;
    }
    *out_bytes = bytes;
    *out_is_set = true;
}

void config_value_payload(const struct setting *item, struct diagnostics *diagnostics,
                          uint32_t *out_bytes)
{
    if (item != NULL)
        judge(item, diagnostics, config_term_payload(item->text, out_bytes));
}

void config_value_rate(const struct setting *item, struct diagnostics *diagnostics,
                       uint32_t *out_messages, uint32_t *out_seconds)
{
    if (item != NULL)
        judge(item, diagnostics, config_term_rate(item->text, out_messages, out_seconds));
}

void config_value_bound(const struct setting *item, const char *unit,
                        struct diagnostics *diagnostics, struct policy_rate *out)
{
    if (item != NULL)
        judge(item, diagnostics, config_term_bound(item->text, unit, out));
}

void config_value_depth(const struct setting *item, struct diagnostics *diagnostics,
                        uint32_t *out_levels)
{
    if (item != NULL)
        judge(item, diagnostics, config_term_depth(item->text, out_levels));
}

void config_value_expiry(const struct setting *item, struct diagnostics *diagnostics,
                         int64_t *out_date_s, int64_t *out_lasts_s)
{
    if (item != NULL)
        judge(item, diagnostics, config_term_expiry(item->text, out_date_s, out_lasts_s));
}

void config_value_name(const struct setting *item, struct diagnostics *diagnostics,
                       const char **out)
{
    if (item == NULL)
        return;
    if (identity_name_is_valid(item->text))
        *out = item->text;
    else
        refuse(item, diagnostics, "a name is made of letters, digits and . _ : -");
}

void config_value_text(const struct setting *item, struct diagnostics *diagnostics,
                       const char **out)
{
    if (item == NULL)
        return;
    if (item->text[0] == '\0')
        settings_complain(item, diagnostics, "'%s' is empty; write a value or remove it",
                          item->key);
    *out = item->text;
}

int config_value_file(const struct setting *item, struct diagnostics *diagnostics, char **out)
{
    char *path = NULL;

    if (item == NULL)
        return 0;
    if (item->text[0] == '\0')
        settings_complain(item, diagnostics, "'%s' is empty; write a value or remove it",
                          item->key);
    const char *slash = strrchr(item->file, '/');
    int folder = slash != NULL && item->text[0] != '/' ? (int)(slash - item->file) + 1 : 0;
    if (asprintf(&path, "%.*s%s", folder, item->file, item->text) < 0)
        return -ENOMEM;
    *out = path;
    return 0;
}
