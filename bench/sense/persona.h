/* SPDX-License-Identifier: Apache-2.0 */
/* What kinds of devices there are: personas.def, one kind a row. A persona is a role. */
#pragma once

#include <stdint.h>

#define PERSONAS_MAX 32u /* so many a mask can name */

/* When in the day the activities of a persona begin: profiles.def. */
enum persona_profile {
#define PROFILE(name, ...) PERSONA_##name,
#include "bench/sense/profiles.def"
#undef PROFILE
    PERSONA_PROFILE_COUNT
};

/* What its payloads look like. */
enum persona_form { PERSONA_NUMBER, PERSONA_JSON, PERSONA_BINARY, PERSONA_IMAGE };

/* How it keeps its connection. */
enum persona_stay {
    PERSONA_STAYS,        /* all the time, as far as the network lets it */
    PERSONA_PER_ACTIVITY, /* while it is active, and says good-bye */
    PERSONA_PER_REPORT,   /* for one report, and sleeps in between */
};

/* What it subscribes to. */
enum persona_ear { PERSONA_DEAF, PERSONA_COMMANDED, PERSONA_WIDE };

/* It reports each idle_s, and in an activity each active_s. */
struct persona_rhythm {
    double idle_s;   /* 0: only in activities */
    double active_s; /* 0: as when it is idle */
    double jitter;   /* deviation, as a share of the interval; 1 and more: Poisson */
    double activities_per_day;
    double activity_s; /* median */
    enum persona_profile profile;
    double weekend; /* activities on Saturday and Sunday, 1: as on other days */
};

struct persona_payload {
    enum persona_form form;
    double bytes; /* median; a number is as long as its digits */
    double spread;
    unsigned topics; /* reports go to them in turn */
    int qos;
};

struct persona_link {
    enum persona_stay stay;
    unsigned keepalive_s;
    double drops_per_day;
    double outage_s;  /* median */
    double loss;      /* share of reports that never come */
    unsigned backlog; /* reports kept while there is no connection */
};

/* COMMANDED: each activity begins with so many messages from the back end. WIDE: it hears whatever
 * these personas publish. */
struct persona_hears {
    enum persona_ear ear;
    unsigned messages;
    double bytes;
    uint32_t personas; /* bit n - 1: persona n */
};

struct persona {
    const char *name;
    const char *what;
    unsigned share; /* of 1,000 devices */
    struct persona_rhythm rhythm;
    struct persona_payload payload;
    struct persona_link link;
    struct persona_hears hears;
};

unsigned persona_count(void);

/* Number 1 to persona_count(). */
const struct persona *persona_at(unsigned number);
unsigned persona_number(const struct persona *persona);

/* 0: there is none of that name. */
unsigned persona_find(const char *name);

/* How likely an activity is at a moment of local time, beside the likeliest hour: 0 to 1. */
double persona_likelihood(const struct persona *persona, int64_t local_us);

/* Activities in a second in the likeliest hour; 0: it has none. */
double persona_peak_per_s(const struct persona *persona);
