/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of struct config that are about the process itself: its confinement, its keys, what it
 * writes down, and enrolment. What is borrowed, is from the configuration. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of tacitd when the audit log cannot be opened at the start. */
enum config_audit_log {
    CONFIG_AUDIT_ON = 0,   /* it serves, says so, and goes on trying */
    CONFIG_AUDIT_REQUIRED, /* it does not start */
    CONFIG_AUDIT_OFF,      /* there is to be none */
};

enum config_audit_forward {
    CONFIG_FORWARD_NONE = 0,
    CONFIG_FORWARD_SYSLOG,
    CONFIG_FORWARD_JOURNAL,
};

#define CONFIG_SOCKET_PATH_BYTES 108 /* longest path of a socket, and NUL */

/* Where each record goes, besides the file. */
struct config_audit_target {
    enum config_audit_forward forward;
    char path[CONFIG_SOCKET_PATH_BYTES]; /* "": the usual one */
};

/* The audit block. */
struct config_audit {
    enum config_audit_log log;
    struct config_audit_target target;
};

enum config_sense_mode {
    CONFIG_SENSE_OFF = 0,
    CONFIG_SENSE_OBSERVE, /* it learns, explains and tells, and does nothing */
    CONFIG_SENSE_DRY_RUN, /* and says what it would do */
    CONFIG_SENSE_RESPOND,
};

#define CONFIG_HOOK_TIMEOUT_MOST_S 3600u

/* The program that is run for each alarm, if it may be: hook/program.h. Strings are borrowed. */
struct config_hook {
    const char *path; /* absolute; NULL: none */
    uint32_t timeout_s;
    const char *file; /* where it stands */
    unsigned line;
    unsigned column;
};

/* The sense block: behavioural detection. */
struct config_sense {
    enum config_sense_mode mode;
    uint32_t learn_s; /* how long each role stays in each phase at least */
    uint32_t shape_s;
    uint32_t prove_s;
    uint32_t quarantine_s; /* how long one lasts */
    struct config_hook hook;
};

enum config_sandbox_mode {
    CONFIG_SANDBOX_REQUIRED = 0, /* or tacitd does not run */
    CONFIG_SANDBOX_ON,           /* as far as the kernel can */
    CONFIG_SANDBOX_OFF,
};

/* Strings are owned. */
struct config_paths {
    char **all;
    size_t count;
};

/* How the process confines itself. */
struct config_sandbox {
    enum config_sandbox_mode mode;
    const char *user; /* whom a tacitd that root starts becomes; NULL: stays; borrowed */
    struct config_paths readable; /* besides what the configuration names */
    struct config_paths writable; /* besides the state folder */
};

/* The ca block: where the CA's key is, if not in a plain file of the state folder. Strings are
 * owned; NULL where nothing was written. */
struct config_ca {
    char *key;             /* "pkcs11:…" */
    char *passphrase_file; /* of the keys in the state folder */
};

/* A manufacturer block: devices with a certificate of that CA may enrol by it, each once. Strings
 * are owned by the configuration. */
struct config_manufacturer {
    const char *name;
    char *ca;                /* file in PEM */
    const char *device_name; /* "%{serial}" or "%{common-name}", perhaps with something around it */
    const char *role;        /* one of struct config.roles */
    const char *tenant;      /* NULL: none */
    const char *site;        /* NULL: none */
};

/* The enrolment block. */
struct config_enrolment {
    bool is_on;
    bool is_own;         /* written by the operator; else the built-in one */
    const char *address; /* numeric; "": every address; borrowed */
    uint16_t port;
    struct config_manufacturer *manufacturers;
    size_t manufacturer_count;
    char *attestation_roots; /* file in PEM: who certifies TPMs; NULL: nobody */
    const char *file;        /* where it stands */
    unsigned line;
    unsigned column;
};
