/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/persona.h"

#include "bench/sense/fleet_time.h"

#include <string.h>

#define HOURS 24

static const uint8_t profiles[][HOURS] = {
#define PROFILE(name, ...) { __VA_ARGS__ },
#include "bench/sense/profiles.def"
#undef PROFILE
};

/* clang-format off: the columns of personas.def become initialisers. */
#define RHYTHM(idle, active, jitter, per_day, s, profile, weekend)   \
    {                                                                \
        idle, active, jitter, per_day, s, PERSONA_##profile, weekend \
    }
#define PAYLOAD(form, bytes, spread, topics, qos)  \
    {                                              \
        PERSONA_##form, bytes, spread, topics, qos \
    }
#define LINK(stay, keepalive, drops, outage, loss, backlog)     \
    {                                                           \
        PERSONA_##stay, keepalive, drops, outage, loss, backlog \
    }
#define HEARS(ear, messages, bytes, personas)    \
    {                                            \
        PERSONA_##ear, messages, bytes, personas \
    }
#define PERSONA(name, share, rhythm, payload, link, hears, what) \
    { #name, what, share, rhythm, payload, link, hears },
/* clang-format on */
static const struct persona table[] = {
#include "bench/sense/personas.def"
};

unsigned persona_count(void)
{
    return sizeof table / sizeof table[0];
}

const struct persona *persona_at(unsigned number)
{
    return &table[number - 1];
}

unsigned persona_number(const struct persona *persona)
{
    return (unsigned)(persona - table) + 1;
}

unsigned persona_find(const char *name)
{
    for (unsigned number = 1; number <= persona_count(); number++)
        if (strcmp(table[number - 1].name, name) == 0)
            return number;
    return 0;
}

static unsigned heaviest(const uint8_t *weights)
{
    unsigned most = 0;

    for (unsigned hour = 0; hour < HOURS; hour++)
        most = weights[hour] > most ? weights[hour] : most;
    return most;
}

/* The first day of 1970 was a Thursday. */
static unsigned weekday(int64_t local_us)
{
    return (unsigned)((local_us / FLEET_DAY_US + 3) % 7);
}

double persona_likelihood(const struct persona *persona, int64_t local_us)
{
    const uint8_t *weights = profiles[persona->rhythm.profile];
    const double day = weekday(local_us) >= 5 ? persona->rhythm.weekend : 1;
    const double most = persona->rhythm.weekend > 1 ? persona->rhythm.weekend : 1;
    const int64_t hour = local_us % FLEET_DAY_US / FLEET_HOUR_US;

    return day / most * weights[hour] / heaviest(weights);
}

double persona_peak_per_s(const struct persona *persona)
{
    const uint8_t *weights = profiles[persona->rhythm.profile];
    const double most = persona->rhythm.weekend > 1 ? persona->rhythm.weekend : 1;
    unsigned sum = 0;

    for (unsigned hour = 0; hour < HOURS; hour++)
        sum += weights[hour];
    return persona->rhythm.activities_per_day / fleet_time_s(FLEET_DAY_US) * HOURS
           * heaviest(weights) * most / sum;
}
