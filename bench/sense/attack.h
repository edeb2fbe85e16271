/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on a fleet that runs: attacks.def, one kind and intensity a row. An attack adds rows in
 * the name of devices or from addresses of its own, or changes what devices publish. Whatever it
 * draws is its own chance. */
#pragma once

#include "bench/sense/fleet.h"

/* What a detector should say. */
enum attack_verdict { ATTACK_ATTACKING, ATTACK_ATTACKED, ATTACK_SOURCE };

/* Whom it needs. */
enum attack_aim {
    ATTACK_AT_BROKER,  /* no device: it comes from an address without a name */
    ATTACK_BY_DEVICES, /* devices that are no longer their owner's */
    ATTACK_BY_ROLE,    /* alike; a share of one persona, which is its amount */
};

struct attack_victim {
    struct fleet_device *device; /* NULL: at the broker */
    struct fleet_speaker line;   /* the attacker's own connection */
    char client_id[32];
    char address[32];
    uint32_t connections;
    unsigned steps; /* how often it has acted */
    int64_t due_us;
    uint64_t touched; /* how often something was done or changed */
    int64_t first_us;
    int64_t last_us;
};

struct attack_kind {
    const char *id;
    const char *intensity;

    /* Does something with one victim; returns when it does the next. NULL: it only changes. */
    int64_t (*act)(struct attack *attack, struct fleet *fleet, struct attack_victim *victim,
                   int64_t now_us);

    /* Looks at what a victim publishes; as fleet_censor. NULL: it changes nothing. */
    bool (*censor)(struct attack *attack, struct attack_victim *victim, int64_t at_us,
                   struct fleet_message *message, bool *changed);
    double amount;     /* what it means is act's and censor's business */
    double interval_s; /* alike */
    enum attack_aim aim;
    uint32_t devices; /* unless the specification says */
    enum attack_verdict verdict;
    const char *features; /* which the explanation should name, separated by spaces */
    const char *what;
};

struct attack {
    const struct attack_kind *kind;
    struct test_random random;
    int64_t start_us;
    int64_t end_us;
    uint32_t origin;
    uint32_t sequence; /* of the rows from its own addresses */
    bool begun;
    bool ended;
    struct attack_victim *victims;
    uint32_t count;
};

unsigned attack_count(void);
const struct attack_kind *attack_at(unsigned index);

/* NULL: there is no such row. */
const struct attack_kind *attack_find(const char *id, const char *intensity);

/* The index-th attack of the plan, which is possible. The devices are there. */
void attack_init(struct attack *attack, struct fleet *fleet, unsigned index);
void attack_fini(struct attack *attack);
int64_t attack_due_us(const struct attack *attack);
void attack_do(struct attack *attack, struct fleet *fleet, int64_t now_us);

/* What all attacks together make of a message; `context` is the fleet. See fleet_censor. */
bool attack_look(void *context, const struct fleet_device *device, int64_t at_us,
                 struct fleet_message *message, bool *changed);
const char *attack_verdict_text(enum attack_verdict verdict);
void attack_truth(const struct attack *attack, FILE *out);
