/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a device that enrols: key, certificate, and those that follow them when it gets
 * another key. They change in an order in which a crash at any point leaves a pair that belongs
 * together, or what enroll_files_recover() makes one of. */
#pragma once

#include "base/attrs.h"
#include "pki/certificate.h"
#include "pki/fault.h"
#include "pki/key.h"

#include <limits.h>
#include <stdbool.h>

struct enroll_files {
    char key[PATH_MAX];
    char certificate[PATH_MAX];
    char next_key[PATH_MAX]; /* ".next" behind it, as the next one */
    char next_certificate[PATH_MAX];
    char authority[PATH_MAX];
    char ratchet[PATH_MAX]; /* device_ratchet.h */
};

/* In the folder `out`, NULL for the usual one of that trust domain, which is made if need be.
 * Negative errno with the reason in *fault, as all here. */
MQTT_NODISCARD int enroll_files_place(const char *out, const char *trust_domain, const char *name,
                                      struct enroll_files *files, struct pki_fault *fault);

/* Those that a profile names. */
MQTT_NODISCARD int enroll_files_of(const char *key, const char *certificate, const char *authority,
                                   struct enroll_files *files, struct pki_fault *fault);

/* Completes a change of the key that was interrupted after the answer had come. */
MQTT_NODISCARD int enroll_files_recover(const struct enroll_files *files, struct pki_fault *fault);

/* The certificate of the key, or of the next key, which takes its place then. */
MQTT_NODISCARD int enroll_files_store(const struct enroll_files *files,
                                      const struct certificate *certificate, bool is_next,
                                      struct pki_fault *fault);
