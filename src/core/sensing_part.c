/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_part.h"

#include "core/allowance.h"
#include "sense/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT64_C(0x32736e6573746361) /* reads differently where bytes stand otherwise */

_Static_assert(sizeof(uint64_t) == SENSING_PART_SEAL_BYTES, "a seal is a hash");

void sensing_part_begin(struct sensing_part_head *head)
{
    head->magic = MAGIC;
    head->version = SENSE_MODEL_VERSION;
    head->device_bytes = sizeof(struct sense_device);
    head->role_bytes = sizeof(struct sense_role);
}

uint64_t sensing_part_seal(struct mqtt_span bytes)
{
    static const struct siphash_key key = { 0x7461636974, 0x73656e7365 };

    return siphash(&key, bytes);
}

/* ---- writing ---- */

static void put(struct sensing_part_writer *writer, const void *bytes, size_t len)
{
    if (writer->at != NULL && len > 0) {
        memcpy(writer->at, bytes, len);
        writer->at += len;
    }
    writer->len += len;
}

void sensing_part_put_role(struct sensing_part_writer *writer, struct mqtt_span name,
                           const struct sensing_part_role *head, const struct sense_role *model)
{
    struct sensing_part_role own = *head;

    own.name_bytes = (uint32_t)name.len;
    put(writer, &own, sizeof(own));
    put(writer, name.data, name.len);
    put(writer, model, sizeof(*model));
    writer->roles++;
}

void sensing_part_put_device(struct sensing_part_writer *writer, struct mqtt_span name,
                             uint32_t role, const struct sense_device *model)
{
    const struct sensing_part_device head = { (uint32_t)name.len, role };

    put(writer, &head, sizeof(head));
    put(writer, name.data, name.len);
    put(writer, model, sizeof(*model));
    writer->devices++;
}

int sensing_part_write(struct mqtt_span before, const struct sensing_part_head *head,
                       sensing_part_emit emit, void *context, uint8_t **out, size_t *out_len)
{
    struct sensing_part_writer measured = { .at = NULL };
    struct sensing_part_head own = *head;

    emit(context, &measured);
    sensing_part_begin(&own);
    own.roles = measured.roles;
    own.devices = measured.devices;
    size_t len = sizeof(own) + measured.len;
    uint8_t *bytes = malloc(before.len + len + SENSING_PART_SEAL_BYTES);
    if (bytes == NULL)
        return -ENOMEM;
    struct sensing_part_writer writer = { .at = bytes };
    put(&writer, before.data, before.len);
    put(&writer, &own, sizeof(own));
    emit(context, &writer);
    uint64_t seal = sensing_part_seal((struct mqtt_span){ bytes + before.len, len });
    put(&writer, &seal, sizeof(seal));
    *out = bytes;
    *out_len = writer.len;
    return 0;
}

/* ---- reading ---- */

/* Copies `len` bytes, as they may lie anywhere; zeroes when they are not there. */
static void take(struct mqtt_reader *r, void *out, size_t len)
{
    struct mqtt_span bytes = mqtt_read_bytes(r, len);

    memset(out, 0, len);
    if (bytes.len == len && len > 0)
        memcpy(out, bytes.data, len);
}

bool sensing_part_is_ours(const struct sensing_part_head *head)
{
    struct sensing_part_head ours = { .magic = 0 };

    sensing_part_begin(&ours);
    return head->magic == ours.magic && head->version == ours.version
           && head->device_bytes == ours.device_bytes && head->role_bytes == ours.role_bytes;
}

static bool is_sound_head(const struct sensing_part_head *head)
{
    bool is_sound = sensing_part_is_ours(head);

    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++)
        is_sound = is_sound && sense_rate_is_sound(&head->of_source[i])
                   && sense_rate_is_sound(&head->of_listener[i]);
    return is_sound;
}

int sensing_part_open(struct mqtt_span bytes, struct sensing_part *out)
{
    struct sensing_part part;
    uint64_t seal;

    if (bytes.len < sizeof(part.head) + sizeof(seal))
        return -EBADMSG;
    struct mqtt_span sealed = { bytes.data, bytes.len - sizeof(seal) };
    memcpy(&seal, bytes.data + sealed.len, sizeof(seal));
    part.reader = mqtt_reader_over(sealed);
    take(&part.reader, &part.head, sizeof(part.head));
    size_t left = mqtt_reader_left(&part.reader);
    if (!is_sound_head(&part.head) || seal != sensing_part_seal(sealed)
        || part.head.roles > left / sizeof(struct sense_role)
        || part.head.devices > left / sizeof(struct sense_device))
        return -EBADMSG;
    *out = part;
    return 0;
}

int sensing_part_role(struct sensing_part *part, struct sensing_part_role *out,
                      struct mqtt_span *out_name, struct sense_role *out_model)
{
    take(&part->reader, out, sizeof(*out));
    *out_name = mqtt_read_bytes(&part->reader, out->name_bytes);
    take(&part->reader, out_model, sizeof(*out_model));
    bool is_sound = part->reader.status == MQTT_OK && out_name->len > 0
                    && memchr(out_name->data, 0, out_name->len) == NULL
                    && sense_role_is_sound(out_model);
    for (unsigned i = 0; i < SENSING_PART_VERDICTS; i++)
        is_sound = is_sound && sense_rate_is_sound(&out->groups[i]);
    if (!is_sound)
        mqtt_reader_fail(&part->reader, MQTT_ERR_TRAILING);
    return is_sound ? 0 : -EBADMSG;
}

int sensing_part_device(struct sensing_part *part, struct sensing_part_device *out,
                        struct mqtt_span *out_name, struct sense_device *out_model)
{
    struct sense_device device;

    take(&part->reader, out, sizeof(*out));
    *out_name = mqtt_read_bytes(&part->reader, out->name_bytes);
    take(&part->reader, &device, sizeof(device));
    bool is_sound = part->reader.status == MQTT_OK && out->role < part->head.roles
                    && allowance_owner_is_valid(*out_name) && out_name->data[0] <= 2
                    && sense_device_is_sound(&device);
    if (!is_sound)
        mqtt_reader_fail(&part->reader, MQTT_ERR_TRAILING);
    else
        sense_device_portray(&device, out_model);
    return is_sound ? 0 : -EBADMSG;
}
