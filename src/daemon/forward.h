/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the audit log to syslog or the journal, besides its files: on another machine they tell
 * what was cut off here.
 *
 * They are read from the files, so that those of tools go as well, and nothing has to wait in memory: a
 * receiver that is slow, full, away or started again is tried again, and gets what it missed, in order,
 * also after a restart of this process (audit/folder.h, the file "forwarded"). What had been removed to
 * make room by then is counted. After a crash the last seconds may come twice. Sending never waits.
 *
 * Owner: one thread. Times are monotonic. */
#pragma once

#include "audit/statement.h"
#include "audit/tail.h"
#include "base/attrs.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

#define FORWARD_LOOK_MS  1000  /* until it is looked again whether a tool has written */
#define FORWARD_RETRY_MS 5     /* after a failure, then twice as long each time, */
#define FORWARD_PAUSE_MS 1000  /* but no longer than this */
#define FORWARD_STUCK_MS 1000  /* of failures, before it is told */
#define FORWARD_TELL_MS  60000 /* until it is told again */
#define FORWARD_NOTE_MS  2000  /* between two notes of how far it has come */
#define FORWARD_LAST_MS  500   /* that the end waits for the receiver */

/* Records that were never forwarded. */
struct forward_gap {
    uint64_t count; /* 0: none */
    uint64_t first; /* number of the first and of the last of them */
    uint64_t last;
    char since[AUDIT_STAMP_SIZE]; /* time of the record before the first */
    char until[AUDIT_STAMP_SIZE]; /* and of the one behind the last */
};

struct forward {
    struct config_audit_target to;
    const struct files *files; /* of the log's folder; NULL: not known yet */
    bool is_placed;            /* the tail is where the last time ended */
    struct audit_tail tail;
    struct audit_statement done; /* last record that was sent; sequence 0: none */
    bool is_noted;               /* in the folder */
    uint64_t noted_ms;
    int socket;          /* -1: none yet */
    int fault;           /* negative errno of the last try; 0: it succeeded */
    bool is_told;        /* that it fails */
    uint64_t failing_ms; /* since when */
    uint64_t told_ms;
    uint64_t wait_ms; /* of the last failure */
    uint64_t due_ms;
    struct forward_gap gap; /* not reported yet */
};

void forward_init(struct forward *forward, const struct config_audit_target *to);
void forward_fini(struct forward *forward);

/* A receiver that may be another one; what comes from now on goes there. */
void forward_set(struct forward *forward, const struct config_audit_target *to);

/* The folder is there, and stays. */
void forward_follow(struct forward *forward, const struct files *files);

/* Sends what there is, but not too much at once. While the receiver fails, only when it is due. */
void forward_go(struct forward *forward, uint64_t now_ms);

/* When to go again; 0: nothing is forwarded. */
uint64_t forward_due_ms(const struct forward *forward);

/* Everything that is in the log was sent. */
bool forward_is_done(const struct forward *forward, uint64_t last_sequence);

/* Notes how far it has come, for the next start. */
void forward_note(struct forward *forward, uint64_t now_ms);

/* What the operator should be told, each once. */
enum forward_news {
    FORWARD_NO_NEWS = 0,
    FORWARD_FAILS, /* and again while it does */
    FORWARD_GOES,  /* after it was told that it fails: everything was sent */
};
enum forward_news forward_take_news(struct forward *forward, uint64_t last_sequence,
                                    uint64_t now_ms);

/* True: records were removed before they could be sent. *out is what to write about them; they are
 * not told again. */
bool forward_take_gap(struct forward *forward, struct forward_gap *out);

/* Where to, as a path. */
const char *forward_path(const struct forward *forward);
