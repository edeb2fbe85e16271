/* SPDX-License-Identifier: Apache-2.0 */
/* The ratchet of a device that was enrolled here (docs/ratchet.md): NAME.ratchet beside its
 * certificate. Of several programs that connect with it, one at a time is between CONNECT and
 * CONNACK: the others wait. */
#pragma once

#include "base/attrs.h"

#include <limits.h>
#include <tacit/posix.h>
#include <tacit/ratchet.h>

struct device_ratchet {
    struct tacit_ratchet ratchet;
    struct tacit_ratchet_port port;
    struct tacit_posix *posix;
    struct tacit_transport transport; /* under ours */
    int lock;                         /* descriptor; -1: not held */
    char path[PATH_MAX];
};

/* NAME.ratchet for NAME.crt. -EINVAL: another name; -ENAMETOOLONG. */
MQTT_NODISCARD int device_ratchet_path(const char *certificate, char out[PATH_MAX]);

/* Makes the file, if there is none. Negative errno. */
MQTT_NODISCARD int device_ratchet_make(const char *path);

/* How often the ratchet in that file was turned. Negative errno: -ENOENT: there is none; -EBADMSG,
 * -EFBIG: it is none. */
MQTT_NODISCARD int device_ratchet_turns(const char *path, uint64_t *out_turns);

/* False: the device of that certificate has none, and connects without. `posix` outlives it. */
bool device_ratchet_init(struct device_ratchet *out, const char *certificate,
                         struct tacit_posix *posix);
void device_ratchet_fini(struct device_ratchet *ratchet);

/* For config.transport: that of `posix`, which waits for the others first. */
struct tacit_transport device_ratchet_transport(struct device_ratchet *ratchet);
