/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack.h"

#include <stdio.h>
#include <string.h>

const char *attack_verdict_text(enum attack_verdict verdict)
{
    static const char *const texts[] = {
        [ATTACK_ATTACKING] = "attacking", [ATTACK_ATTACKED] = "attacked", [ATTACK_SOURCE] = "source"
    };

    return texts[verdict];
}

/* A list of strings out of words with spaces between. */
static void put_features(const char *words, FILE *out)
{
    const char *comma = "";

    fputs("\"features\":[", out);
    while (*words != '\0') {
        const int len = (int)strcspn(words, " ");

        fprintf(out, "%s\"%.*s\"", comma, len, words);
        words += len;
        words += *words == ' ';
        comma = ",";
    }
    fputs("]}\n", out);
}

static void put_head(const struct attack *attack, FILE *out)
{
    fprintf(out, "{\"attack\":\"%s\",\"intensity\":\"%s\",\"from\":%.6f,\"to\":%.6f,",
            attack->kind->id, attack->kind->intensity, fleet_time_s(attack->start_us),
            fleet_time_s(attack->end_us));
}

static void put_victim(const struct attack_victim *victim, FILE *out)
{
    const struct fleet_device *device = victim->device;

    if (device != NULL)
        fprintf(out, "\"device\":\"%s\",\"persona\":\"%s\",\"address\":\"%s\",", device->id,
                device->persona->name, device->address);
    if (victim->connections > 0)
        fprintf(out, "\"source\":\"%s\",", victim->address);
    if (victim->touched > 0)
        fprintf(out, "\"first\":%.6f,\"last\":%.6f,", fleet_time_s(victim->first_us),
                fleet_time_s(victim->last_us));
    fprintf(out, "\"touched\":%llu,", (unsigned long long)victim->touched);
}

void attack_truth(const struct attack *attack, FILE *out)
{
    for (uint32_t i = 0; i < attack->count; i++) {
        put_head(attack, out);
        put_victim(&attack->victims[i], out);
        fprintf(out, "\"verdict\":\"%s\",", attack_verdict_text(attack->kind->verdict));
        put_features(attack->kind->features, out);
    }
}
