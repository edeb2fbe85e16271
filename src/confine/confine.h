/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement: what a process gives up for good before it reads what strangers send.
 *
 *   files    Landlock: only the paths of the plan can be opened, made, renamed or removed
 *   network  no connect() at all, no sockets but TCP and Unix ones, or none; Landlock refuses TCP once
 *            more
 *   calls    seccomp: system calls of calls.def, for all threads; all else fails with EPERM
 *   memory   nothing becomes executable any more
 *   others   no tracing, no signals, no abstract sockets of processes outside
 *
 * Prepared and entered once, by the first thread, before there are others: Landlock counts for the
 * thread that enters and for those that it starts. What the kernel does not have is left out and
 * told; what it has is never left. Instrumented builds are not confined (build.h). */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFINE_TEXT_BYTES 320

enum confine_access {
    CONFINE_READ = 0, /* files, and what is in folders */
    CONFINE_WRITE,    /* that, and make, write, rename and remove */
    CONFINE_SOCKETS,  /* make a Unix socket in the folder, and remove it */
    CONFINE_ACCESS_COUNT,
};

/* A file, or a folder with everything below it; symbolic links are followed now. */
struct confine_path {
    const char *path; /* borrowed for the call */
    enum confine_access access;
};

struct confine_plan {
    const struct confine_path *paths;
    size_t path_count;
    bool has_network;      /* sockets are made, bound and accepted on */
    bool loads_modules;    /* a PKCS#11 module is still to be loaded, and may talk to its daemon by
                              a Unix socket: code of files may be mapped, connect() may be called */
    bool reaches_abstract; /* a service manager listens on an abstract socket */
};

/* What is in force. Zero is nothing. */
struct confine_report {
    int landlock;     /* ABI of the kernel; 0: files are not confined */
    unsigned calls;   /* system calls that may still be made; 0: not confined */
    bool has_network; /* Landlock refuses outbound TCP, too: from ABI 4 on */
    bool has_scopes;  /* abstract sockets and signals: from ABI 6 on */
    bool has_memory;  /* the kernel itself refuses executable memory: from Linux 6.3 on */
    bool is_instrumented;
    int files_error; /* why not; 0: confined */
    int calls_error; /* likewise */
};

struct confine;

/* What would be in force here, without giving anything up. */
void confine_look(struct confine_report *out);

/* Opens the paths of the plan; those that are not there are left out. -ENOMEM; -E2BIG: too many
 * paths. The object remembers what is covered until confine_free(). */
MQTT_NODISCARD int confine_prepare(const struct confine_plan *plan, struct confine **out);
void confine_free(struct confine *confine); /* NULL is fine */

/* From here on, for the calling thread and those that it starts; there is no way back. Once. What
 * could not be put in force is in the report. */
void confine_enter(struct confine *confine, struct confine_report *out);

/* Both files and system calls are confined. */
bool confine_is_whole(const struct confine_report *report);

/* One line for the log, "confined: landlock 7, seccomp 130 calls, no new privileges" or what is
 * missing and why. `out` has CONFINE_TEXT_BYTES. */
void confine_describe(const struct confine_report *report, char *out);

/* May the path still be opened (made, for what is not there) like that? Always, where files are not
 * confined; NULL is not confined. Thread: any, after confine_enter(). */
bool confine_covers(const struct confine *confine, const char *path, enum confine_access access);
