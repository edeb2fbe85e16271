/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard has learned of behaviour, as bytes for a file, and back.
 *
 * The file is this machine's own: numbers and models are as they are in memory, and a file of
 * another machine, version or build is refused, after which everything is learned anew. Owner: the
 * shard, or whoever owns it before it runs and after. docs/detection.md says what is in it. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct broker;
struct sense_role;
struct sensed_role;
struct sensing_part_role;

/* What was learned so far, and the evidence that there is, which only those see who read the file, and
 * not the one who loads it; malloc'ed. 0 and no bytes when detection is
 * off. -ENOMEM. */
MQTT_NODISCARD int sensing_keep_save(struct broker *broker, uint64_t now_ms, uint8_t **out,
                                     size_t *out_len);

/* Takes up what was saved, before the first client. Of a broker with as many shards, only the part
 * of this shard; with another number, the devices and roles of all parts, as far as there is room.
 * 0, also when detection is off or the part is another shard's; -EBADMSG: the bytes are damaged, or
 * of another version; nothing was taken then, or only what is sound; -ENOMEM likewise. */
MQTT_NODISCARD int sensing_keep_load(struct broker *broker, struct mqtt_span bytes,
                                     uint64_t now_ms);

/* The role is as it was when it was saved. */
void sensing_keep_teach(struct sensed_role *role, const struct sensing_part_role *head,
                        const struct sense_role *model, uint64_t now_ms);

/* The key of names and places in what was learned; borrowed. NULL: detection is off. */
const struct siphash_key *sensing_keep_key(const struct broker *broker);
