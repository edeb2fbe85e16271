/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever has taken tacitd over would try, tried in any of its threads: SIGUSR2 to a thread
 * makes it try all of attempts.c, and write a line for each to a file,
 *
 *   THREAD attempt ERRNO            0: it was allowed
 *
 * then "THREAD done 0"; to standard error where the process has closed the file, as the steward has. The
 * environment says what with; without PROBE_REPORT nothing
 * happens. Everything is safe in a signal handler. */
#pragma once

#include <stddef.h>

#define PROBE_REPORT     "TACIT_PROBE_REPORT"     /* the file; opened at the start */
#define PROBE_FOREIGN    "TACIT_PROBE_FOREIGN"    /* folder of somebody else with a file "secret" */
#define PROBE_STATE      "TACIT_PROBE_STATE"      /* the state folder */
#define PROBE_PORT       "TACIT_PROBE_PORT"       /* somebody listens there on 127.0.0.1 */
#define PROBE_SOCKET     "TACIT_PROBE_SOCKET"     /* likewise, a Unix socket */
#define PROBE_VICTIM     "TACIT_PROBE_VICTIM"     /* process to trace, read and signal */
#define PROBE_OLD_KERNEL "TACIT_PROBE_OLD_KERNEL" /* set: there is no Landlock */

#define PROBE_PATH_BYTES 512

struct probe_targets {
    char secret[PROBE_PATH_BYTES];
    char foreign_new[PROBE_PATH_BYTES];
    char own_new[PROBE_PATH_BYTES];
    char state_new[PROBE_PATH_BYTES]; /* in the state folder itself */
    char ca_key[PROBE_PATH_BYTES];
    char root_key[PROBE_PATH_BYTES];
    char admin_key[PROBE_PATH_BYTES];
    char ca_folder[PROBE_PATH_BYTES];
    char stolen[PROBE_PATH_BYTES]; /* the key of the CA, under another name */
    char socket[PROBE_PATH_BYTES];
    int port;
    int victim;
};

/* 0 or an errno. */
typedef int (*probe_attempt)(const struct probe_targets *targets);

struct probe_row {
    const char *name;
    probe_attempt attempt;
};

/* All of them, the last row without a name. */
extern const struct probe_row probe_rows[];
