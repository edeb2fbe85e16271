/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: how one identity reaches its broker, so that no path need be typed
 * after `tacit device add`. One JSON file each,
 * ${XDG_CONFIG_HOME:-~/.config}/tacit/profiles/NAME.json, mode 0600 in folders of
 * mode 0700. A profile holds names of files, never a key or a password.
 *
 * Functions return 0 or a negative errno and print nothing. */
#pragma once

#include "base/attrs.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_NAME_SIZE 65 /* bytes, NUL included */

/* Strings are NUL-terminated; an empty one means "not set". Paths are absolute. */
struct profile {
    char name[PROFILE_NAME_SIZE];
    char host[256];
    uint16_t port; /* 0: the usual one of the transport */
    char ca_file[PATH_MAX];
    char certificate_file[PATH_MAX];
    char key_file[PATH_MAX];
    char client_id[256];
    char enrolment[264]; /* HOST:PORT where its certificate is renewed */
};

/* 1..64 of letters, digits and "._:-", not starting with '.' or '-'. */
bool profile_name_is_valid(const char *name);

/* ${XDG_CONFIG_HOME:-~/.config}/tacit/devices/TRUST-DOMAIN, where keys and certificates lie unless
 * somebody says otherwise: devices of two brokers may have the same name. -ENOENT: no home;
 * -ENAMETOOLONG. */
MQTT_NODISCARD int profile_device_folder(const char *trust_domain, char *out, size_t size);

/* Writes the profile whole or not at all, creating the folders; an older profile
 * of that name is replaced. The first profile ever saved is the default one until
 * profile_make_default says otherwise. -EINVAL: bad name or no host. */
MQTT_NODISCARD int profile_save(const struct profile *profile);

/* -ENOENT: no such profile. -EBADMSG: the file is not a profile. */
MQTT_NODISCARD int profile_load(const char *name, struct profile *out);

/* -ENOENT: there was none. The default is forgotten if it was this one. */
MQTT_NODISCARD int profile_remove(const char *name);

/* The one that is used when none is named: the default if one is set and exists,
 * else the only one. -ENOENT: there is none at all. -ENOTUNIQ: several, and no
 * default. `out_name` has PROFILE_NAME_SIZE bytes. */
MQTT_NODISCARD int profile_default(char *out_name);
MQTT_NODISCARD int profile_make_default(const char *name);

/* Calls `visit` for each profile, by name, in alphabetical order. */
MQTT_NODISCARD int profile_list(void (*visit)(void *context, const char *name), void *context);

/* Where profile `name` lies (or would). -ENAMETOOLONG, -ENOENT without a home. */
MQTT_NODISCARD int profile_path(const char *name, char *out, size_t size);
