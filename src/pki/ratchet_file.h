/* SPDX-License-Identifier: Apache-2.0 */
/* Where the ratchets of devices stand (promise I6, docs/ratchet.md): ratchet.db, one row a device. It
 * has secrets that let nobody in; who reads them can go on with a ratchet if he has the device's
 * key as well.
 *
 * What was committed survives a power cut. Owner: the thread that opened it; other processes may
 * have it open as well. Functions return a negative errno with the reason in *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/identity_uri.h"
#include "ratchet/record.h"

#include <stdint.h>

#define RATCHET_FILE_TEXT_SIZE 129 /* longest address, serial or client identifier kept, and NUL */
#define RATCHET_FILE_PIN_BYTES 32  /* SHA-256 of a public key */

struct ratchet_file;

struct ratchet_file_entry {
    char name[IDENTITY_URI_NAME_SIZE];
    uint8_t key_sha256[RATCHET_FILE_PIN_BYTES]; /* that the device had then */
    struct ratchet_record record;
    /* The connection that took the last step; texts are cut. */
    int64_t since_s; /* UTC */
    char address[RATCHET_FILE_TEXT_SIZE];
    char serial[RATCHET_FILE_TEXT_SIZE];
    char client_id[RATCHET_FILE_TEXT_SIZE];
};

/* `makes`: the file, if there is none; else -ENOENT. -EBADMSG: damaged. */
MQTT_NODISCARD int ratchet_file_open(const char *path, bool makes, struct ratchet_file **out,
                                     struct pki_fault *fault);
void ratchet_file_close(struct ratchet_file *file); /* NULL is fine */

/* What is done between the two is durable, all of it, when `end` returns 0; `keeps` false takes it
 * back. */
MQTT_NODISCARD int ratchet_file_begin(struct ratchet_file *file, struct pki_fault *fault);
MQTT_NODISCARD int ratchet_file_end(struct ratchet_file *file, bool keeps, struct pki_fault *fault);

/* -ENOENT: it has none, *fault untouched. -EBADMSG: its row is no ratchet. What is found has secrets,
 * which are the caller's to wipe. */
MQTT_NODISCARD int ratchet_file_find(struct ratchet_file *file, const char *name,
                                     struct ratchet_file_entry *out, struct pki_fault *fault);

/* Adds it, or replaces the one of that name. */
MQTT_NODISCARD int ratchet_file_save(struct ratchet_file *file,
                                     const struct ratchet_file_entry *entry,
                                     struct pki_fault *fault);

/* The next one that comes under this name is believed. 1: done; 0: there was none. */
MQTT_NODISCARD int ratchet_file_forget(struct ratchet_file *file, const char *name,
                                       struct pki_fault *fault);

/* Calls `visit` with each name. */
typedef int (*ratchet_file_visit)(void *context, const char *name);
MQTT_NODISCARD int ratchet_file_each(struct ratchet_file *file, ratchet_file_visit visit,
                                     void *context, struct pki_fault *fault);
