/* SPDX-License-Identifier: Apache-2.0 */
/* Models of roles and devices, collected from what tacitd has learned or from an exported file. */
#pragma once

#include "base/attrs.h"
#include "core/sensing_part.h"
#include "policy/identity.h"
#include "tools/identity_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sense_models_role {
    char name[IDENTITY_NAME_BYTES + 1];
    struct sensing_part_role head;
    struct sense_role model;
};

struct sense_models_device {
    size_t len;
    uint8_t name[4 * (IDENTITY_NAME_BYTES + 1)]; /* what it is known by: core/allowance.h */
    uint32_t role;                               /* place among the roles */
    struct sense_device model;
};

/* Zeroed is empty. */
struct sense_models {
    const char *wanted; /* "ROLE,FROM=TO,...": which roles, and as what; NULL: all, as they are */
    bool wants_devices;
    uint64_t window_ms;
    struct siphash_key key; /* of names of topics; zero: of several, or without devices */
    bool has_key;
    struct sense_models_role **roles;
    size_t role_count;
    struct sense_models_device *devices;
    size_t device_count;
    uint32_t *places; /* of the roles of the file that is being collected; UINT32_MAX: not wanted */
    size_t place_count;
    unsigned file;
    bool failed; /* memory is out */
};

void sense_models_fini(struct sense_models *models);

/* What tacitd has written. Of a role that several shards have learned the one that has come the furthest,
 * then the one that knows the most. 0, or the exit code after saying what is wrong. */
MQTT_NODISCARD int sense_models_collect(const struct identity_options *options,
                                        struct sense_models *models);

/* What an exported file has, whole. 0, or the exit code after saying what is wrong with it. */
MQTT_NODISCARD int sense_models_take(const struct identity_options *options, struct mqtt_span bytes,
                                     struct sense_models *models);

/* NULL: it is not there. */
struct sense_models_role *sense_models_find(const struct sense_models *models, const char *name);

/* A role of which nothing is known. False: memory is out. */
MQTT_NODISCARD bool sense_models_add_blank(struct sense_models *models, const char *name);

/* As a file for sensing_models_open(); malloc'ed. -ENOMEM. */
MQTT_NODISCARD int sense_models_write(const struct sense_models *models, uint8_t **out,
                                      size_t *out_len);
