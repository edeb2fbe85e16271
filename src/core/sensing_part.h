/* SPDX-License-Identifier: Apache-2.0 */
/* The file of what one shard has learned of behaviour, thing by thing: a head, then its roles, then its
 * identities, then a seal over all of it. Who saves and loads is sensing_keep.h.
 *
 * Numbers and models are as they are in memory, so a file is good for machines of one kind and for
 * one version of the models. What is read from it is checked: it may be damaged, and whoever can
 * write into the state folder may have made it. Any thread. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"
#include "codec/reader.h"
#include "sense/device.h"
#include "sense/role.h"
#include "sense/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENSING_PART_VERDICTS   2u
#define SENSING_PART_SEAL_BYTES 8u

struct sensing_part_head {
    uint64_t magic;
    uint32_t version;
    uint32_t device_bytes;
    uint32_t role_bytes;
    uint32_t shard;
    uint32_t shard_count;
    uint32_t roles;
    uint32_t devices;
    uint32_t source_windows;
    uint64_t window_ms; /* limits.sense_window_ms where it was learned */
    uint64_t source_ms; /* so long sources have been learned */
    struct siphash_key key;
    struct sense_role_rate of_source[SENSE_SOURCE_FEATURES];
    struct sense_role_rate of_listener[SENSE_SOURCE_FEATURES];
};

/* Before the name of a role, which its model follows. */
struct sensing_part_role {
    uint32_t name_bytes;
    uint32_t windows;  /* closed in its phase */
    uint64_t phase_ms; /* so long it is in its phase */
    uint64_t learn_ms; /* so long it is to stay in SENSE_LEARN; 0: as the configuration says */
    struct sense_role_rate groups[SENSING_PART_VERDICTS];
    uint32_t group_windows[SENSING_PART_VERDICTS];
};

/* Before the name of an identity (allowance_owner()), which its model follows. */
struct sensing_part_device {
    uint32_t name_bytes;
    uint32_t role; /* place among the roles of the file */
};

struct sensing_part {
    struct sensing_part_head head;
    struct mqtt_reader reader;
};

/* Fills in what a head has that is the same in every file. */
void sensing_part_begin(struct sensing_part_head *head);

/* ---- writing ---- */

struct sensing_part_writer {
    uint8_t *at; /* NULL: it is only measured */
    size_t len;
    uint32_t roles;
    uint32_t devices;
};

/* All roles before the first identity. head->name_bytes is not looked at. */
void sensing_part_put_role(struct sensing_part_writer *writer, struct mqtt_span name,
                           const struct sensing_part_role *head, const struct sense_role *model);
void sensing_part_put_device(struct sensing_part_writer *writer, struct mqtt_span name,
                             uint32_t role, const struct sense_device *model);

/* A whole file, behind the bytes of `before`, malloc'ed: `emit` is called twice and puts the same both
 * times. Of the head what sensing_part_begin() fills in, and the numbers of roles and identities, are not
 * looked at. -ENOMEM. */
typedef void (*sensing_part_emit)(void *context, struct sensing_part_writer *writer);
MQTT_NODISCARD int sensing_part_write(struct mqtt_span before, const struct sensing_part_head *head,
                                      sensing_part_emit emit, void *context, uint8_t **out,
                                      size_t *out_len);

/* ---- reading ---- */

/* The seal over the bytes; it follows them. Tells damage, not forgery. */
uint64_t sensing_part_seal(struct mqtt_span bytes);

/* Is it of this version, and this kind of machine? */
bool sensing_part_is_ours(const struct sensing_part_head *head);

/* Borrows the bytes. 0 or -EBADMSG: damaged, or of another version. */
MQTT_NODISCARD int sensing_part_open(struct mqtt_span bytes, struct sensing_part *out);

/* The next role, head.roles times; then the next identity, head.devices times. Names are borrowed.
 * 0 or -EBADMSG, after which nothing more can be read. */
MQTT_NODISCARD int sensing_part_role(struct sensing_part *part, struct sensing_part_role *out,
                                     struct mqtt_span *out_name, struct sense_role *out_model);
/* With the evidence that there was when it was written. */
MQTT_NODISCARD int sensing_part_device(struct sensing_part *part, struct sensing_part_device *out,
                                       struct mqtt_span *out_name, struct sense_device *out_model);
