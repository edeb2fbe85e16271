/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of struct server that are busy with one thing each. Owner: the main thread; what the
 * keeper has for a while says so. */
#pragma once

#include "audit/place.h"
#include "config/config.h"
#include "confine/confine.h"
#include "confine/privileges.h"
#include "core/sensing_answer.h"
#include "core/sensing_order.h"
#include "daemon/bar.h"
#include "daemon/endpoint.h"
#include "daemon/log.h"
#include "daemon/ruling.h"
#include "daemon/upkeep.h"
#include "est/est.h"
#include "hook/link.h"
#include "loop/helpers.h"
#include "pki/state.h"
#include "steward/link.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct server;

#define SERVER_DIGEST_SIZE 65 /* SHA-256 in hex and NUL */

/* What tells one state of a file from another. */
struct server_stamp {
    uint64_t inode;
    int64_t changed_ns;
};

/* Has the registry changed, or has a grant expired? One at a time. */
struct server_check {
    struct helper_job job;
    struct server *server;
    struct ruling *basis; /* counted */
    unsigned basis_number;
    struct ruling *made; /* counted; NULL: nothing has changed */
    int status;
    bool wants_observed; /* a tool waits for what was observed */
    bool takes_order;    /* if there is one */
    uint8_t *order;      /* what a tool wants of what was learned of behaviour; NULL: nothing */
    size_t order_len;
};

/* What a tool wants done to what was learned of behaviour, from its file to its answer. One at a time. */
struct server_ordering {
    struct helper_job job;
    struct server *server;
    uint8_t *bytes;               /* of the order; NULL: there is none */
    struct sensing_order order;   /* borrows from them */
    unsigned missing;             /* shards that have not answered yet */
    struct sensing_answer answer; /* the keeper's while its job is on */
};

/* The certificates of the state folder: renewed when it is time, read again when they are others.
 * One at a time. */
struct server_certificates {
    struct helper_job job;
    struct server *server;
    struct wheel_timer timer;
    struct config *config; /* counted, while it is on */
    unsigned checks;
    struct server_stamp stamps[2]; /* of the CA's and the server's; as they were last */
    bool have_changed; /* so it is looked whether one has to be renewed, an hour early */
    bool is_put_off;   /* that look: to the next time */
    bool is_new_day;   /* of this run: what is said once a day is said */
    int status;        /* of a renewal */
    struct state_made made;
    struct pki_fault fault;
};

/* One at a time; a second SIGHUP waits. */
struct server_reload {
    struct helper_job job;
    struct server *server;
    bool is_on;
    bool is_wanted; /* again, when this one is over */
    bool is_wanted_of_certificates;
    struct config *config; /* counted; while only certificates are read */
    int status;            /* of those */
    char path[PATH_MAX];   /* that was read; empty: built-in */
    char digest[SERVER_DIGEST_SIZE];
    struct ruling *ruling; /* counted; NULL: it failed */
    char why[ENDPOINT_WHY_BYTES];
};

/* What the shards observed, on its way to the file. */
struct server_observing {
    struct helper_job job;
    struct server *server;
    int64_t began_s;       /* this run, UTC */
    struct sketch *all;    /* what the file has; the keeper's; NULL: not read yet */
    struct sketch **parts; /* of the shards, two for each at most */
    unsigned count;
    unsigned missing; /* shards that have not answered yet */
    unsigned rounds;
    bool is_keeping; /* the keeper has the parts */
    bool is_wanted;  /* somebody waits for the file: another round is to follow */
    bool is_answer;  /* this round is for somebody who waits; the keeper's while it works */
};

/* Enrolment over HTTPS. The keeper's while its job is on. */
struct server_enrolment {
    struct helper_job job;
    struct server *server;
    struct est *est;       /* NULL: off */
    struct config *config; /* counted; what est borrows from; NULL: none yet */
    struct config *next;   /* counted; the one it is to follow */
    int fd;                /* listens at the place of `config`; -1: none */
    int next_fd;           /* at that of `next`, where it is another; -1: none */
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    char authority[PATH_MAX];
    char root[PATH_MAX];
    char crl[PATH_MAX];
    struct est_manufacturer *manufacturers;
};

/* What has to be looked after (upkeep.h). One round at a time; the endpoints are the keeper's while
 * it has them. */
struct server_upkeep {
    struct helper_job job;
    struct server *server;
    struct config *config; /* counted; of this round */
    struct upkeep care;
    unsigned rounds;
    bool is_on;
    bool is_wanted; /* publishing, once more */
    bool publishes; /* this round does */
    bool has_endpoints;
    bool has_staple; /* a new one, not loaded yet */
};

/* What the process has given up, for good. Written before the shards run. */
struct server_confinement {
    struct confine *confine; /* NULL: nothing */
    struct confine_report report;
    enum config_sandbox_mode mode;
    struct steward_link *steward; /* who has the CA's key; NULL: not yet, or no more */
    bool is_steward_gone;         /* and that was said; the keeper's */
    struct privileges_user user;  /* whom it became; the name is empty: stayed who it was */
    struct audit_place audit;     /* opened for the recorder; without a key: nothing is */
};

/* Addresses that are blocked. The keeper's, but for what is thread-safe. */
struct server_bar {
    struct bar *bar;
    uint64_t shown;  /* its version, as tools see it */
    bool is_failing; /* to show it, and that was said */
};

/* The program that is run for each alarm, in another process. */
struct server_hook {
    struct hook_link *link; /* NULL: there is none, or no more */
    struct loop_watch watch;
    struct hook_options options;       /* of the start; its path is the configuration's of then */
    struct config *config;             /* counted */
    unsigned waits[LOG_KIND_COUNT];    /* alarms that it has not answered, of each kind */
    uint64_t left_out[LOG_KIND_COUNT]; /* it was not told of, since the last one that it was */
    enum hook_outcome last;            /* as the log has it */
};
