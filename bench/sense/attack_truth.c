/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack.h"

#include <stdio.h>
#include <string.h>

static double seconds(int64_t us)
{
    return (double)us / FLEET_SECOND_US;
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
            attack->kind->id, attack->kind->intensity, seconds(attack->start_us),
            seconds(attack->end_us));
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
        fprintf(out, "\"first\":%.6f,\"last\":%.6f,", seconds(victim->first_us),
                seconds(victim->last_us));
    fprintf(out, "\"touched\":%llu,", (unsigned long long)victim->touched);
}

void attack_truth(const struct attack *attack, FILE *out)
{
    static const char *const verdicts[] = {
        [ATTACK_ATTACKING] = "attacking", [ATTACK_ATTACKED] = "attacked", [ATTACK_SOURCE] = "source"
    };

    for (uint32_t i = 0; i < attack->count; i++) {
        put_head(attack, out);
        put_victim(&attack->victims[i], out);
        fprintf(out, "\"verdict\":\"%s\",", verdicts[attack->kind->verdict]);
        put_features(attack->kind->features, out);
    }
}
