/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a key, tried: whether it signs, and whether it comes out. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/key.h"

/* Signs something and verifies it with the public half. -EIO: it does not sign, or not rightly. */
MQTT_NODISCARD int key_trial_sign(const struct key *key, struct pki_fault *fault);

/* Who wants the key. */
enum key_trial_thief {
    KEY_TRIAL_ROOT = 0, /* on this machine, while it runs */
    KEY_TRIAL_DISK,     /* has an image of its disk */
    KEY_TRIAL_FOLDER,   /* has the device's files, as a backup has them */
    KEY_TRIAL_THIEVES,
};

enum key_trial_end {
    KEY_TRIAL_GIVEN = 0, /* the private number came out, and was wiped */
    KEY_TRIAL_UNKNOWN,   /* it could not be tried, or what was refused is not all there is */
    KEY_TRIAL_REFUSED,
    KEY_TRIAL_ENDS,
};

struct key_trial {
    enum key_trial_end end;
    char told[PKI_FAULT_BYTES]; /* what was done, and what came of it: a clause */
};

/* Tries it on the key at that place with what such a thief would have. A token and a TPM are asked
 * for what they must not give. */
void key_trial_steal(const char *place, enum key_trial_thief thief, struct key_trial *out);
