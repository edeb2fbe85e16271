/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log of a state folder: its files, its key and its lock, for those who write to it and
 * those who read it. Owner: one thread. Functions return 0 or a negative errno with the reason in
 * *fault. */
#pragma once

#include "audit/journal.h"
#include "audit/port.h"
#include "base/attrs.h"
#include "pki/audit_key.h"
#include "pki/fault.h"
#include "pki/state.h"
#include "store/files.h"

#include <stdbool.h>
#include <stdint.h>

/* Opaque but for its size: files and port are for the functions of this layer. */
struct audit_place {
    char folder[STATE_PATH_SIZE];
    struct files files;
    struct audit_key *key; /* NULL: none could be read */
    struct audit_port port;
    int lock; /* descriptor while it is held; -1: it is not */
};

/* To write: makes folder and key where there is none. What audit_key_open() says too. */
MQTT_NODISCARD int audit_place_open(const char *state_dir, struct audit_place *out,
                                    struct pki_fault *fault);

/* To read, with the public key in that file; NULL: the one of the folder. -ENOENT: there is no log,
 * or not that key. */
MQTT_NODISCARD int audit_place_read(const char *state_dir, const char *key_path,
                                    struct audit_place *out, struct pki_fault *fault);
void audit_place_close(struct audit_place *place); /* after its journal */

/* Has a log ever begun there? */
bool audit_place_exists(const char *state_dir);

/* Waits until nobody writes, and holds the others off. For who reads, -EACCES and the like are no
 * reason not to. */
MQTT_NODISCARD int audit_place_lock(struct audit_place *place);
void audit_place_unlock(struct audit_place *place);

/* The options of a journal here: files, port, lock and a new id are set. The place stays where it is
 * as long as there is the journal. -EIO. */
MQTT_NODISCARD int audit_place_options(struct audit_place *place,
                                       struct audit_journal_options *out);
