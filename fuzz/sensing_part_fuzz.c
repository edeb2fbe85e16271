/* SPDX-License-Identifier: Apache-2.0 */
/* A file of learned behaviour that anybody may have made, its seal right: a role and two identities
 * of which the input says how they differ from new ones. Promises asserted: what is accepted is
 * sound, can be looked at for some windows, and stays sound; what is cut off is refused. */
#include "base/invariant.h"
#include "core/sensing_part.h"
#include "sense/explain.h"
#include "sense/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES    2u
#define WINDOWS    4u
#define NAME_BYTES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FILE_BYTES                                                                               \
    (sizeof(struct sensing_part_head) + sizeof(struct sensing_part_role) + NAME_BYTES            \
     + sizeof(struct sense_role)                                                                 \
     + DEVICES * (sizeof(struct sensing_part_device) + NAME_BYTES + sizeof(struct sense_device)) \
     + SENSING_PART_SEAL_BYTES)

struct file {
    size_t len;
    uint8_t bytes[FILE_BYTES];
};

static void put(struct file *file, const void *bytes, size_t len)
{
    MQTT_INVARIANT(len <= sizeof(file->bytes) - file->len);
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
}

/* What is put over it: where (two bytes, in parts of its size), how many, the bytes. */
static void spoil(struct file *file, const uint8_t *data, size_t len)
{
    while (len > 3) {
        size_t at = ((size_t)data[0] << 8 | data[1]) * file->len / 65536;
        size_t count = data[2] % 16 + 1u;
        count = count > len - 3 ? len - 3 : count;
        size_t fits = count > file->len - at ? file->len - at : count;
        memcpy(file->bytes + at, data + 3, fits);
        data += 3 + count;
        len -= 3 + count;
    }
}

static void make(struct file *file, const uint8_t *data, size_t len)
{
    static struct sense_role role;
    struct sensing_part_head head;
    struct sensing_part_role role_head;
    const struct sensing_part_device device_head = { .name_bytes = NAME_BYTES };
    const struct sense_device device = { .windows = 0 };

    memset(file, 0, sizeof(*file));
    memset(&head, 0, sizeof(head));
    memset(&role_head, 0, sizeof(role_head));
    sensing_part_begin(&head);
    head.roles = 1;
    head.devices = DEVICES;
    role_head.name_bytes = NAME_BYTES;
    sense_role_init(&role);
    put(file, &head, sizeof(head));
    put(file, &role_head, sizeof(role_head));
    put(file, "rolerole", NAME_BYTES);
    put(file, &role, sizeof(role));
    for (unsigned i = 0; i < DEVICES; i++) {
        put(file, &device_head, sizeof(device_head));
        put(file, "\1devi\0\0", NAME_BYTES);
        put(file, &device, sizeof(device));
    }
    spoil(file, data, len);
    uint64_t seal = sensing_part_seal((struct mqtt_span){ file->bytes, file->len });
    put(file, &seal, sizeof(seal));
}

static void live(struct sense_role *role, struct sense_device *device)
{
    const struct sense_publish publish = { .topic = 7, .bytes = 40, .has_value = true, .value = 3 };
    struct sense_standing standing;
    struct sense_reason reasons[SENSE_REASONS];

    sense_on_connect(device, 1000, 1, 60);
    for (uint64_t ms = 1000; ms < 1000 + (uint64_t)WINDOWS * SENSE_WINDOW_MS; ms += 1700) {
        (void)sense_on_publish(device, ms, &publish);
        (void)sense_on_delivered(device, ms, 1, false);
        (void)sense_on_denied(device, ms, true);
        if (sense_device_look(role, device, ms, &standing)) {
            char sentence[SENSE_SENTENCE_BYTES];
            unsigned count = sense_explain(role, device, &standing, reasons);
            sense_explain_sentence(SENSE_ATTACKING, reasons, count, sentence);
        }
    }
    MQTT_INVARIANT(sense_device_is_sound(device));
}

static void read_all(struct sensing_part *part)
{
    static struct sense_role role;
    struct sense_device device;
    struct sensing_part_role role_head;
    struct sensing_part_device device_head;
    struct mqtt_span name;

    for (uint32_t i = 0; i < part->head.roles; i++) {
        int error = sensing_part_role(part, &role_head, &name, &role);
        MQTT_INVARIANT(error == 0 || error == -EBADMSG);
        if (error != 0)
            return;
        MQTT_INVARIANT(sense_role_is_sound(&role));
    }
    for (uint32_t i = 0; part->head.roles > 0 && i < part->head.devices; i++) {
        int error = sensing_part_device(part, &device_head, &name, &device);
        MQTT_INVARIANT(error == 0 || error == -EBADMSG);
        if (error != 0)
            return;
        MQTT_INVARIANT(sense_device_is_sound(&device));
        live(&role, &device);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct file *file = malloc(sizeof(*file));
    struct sensing_part part;

    MQTT_INVARIANT(file != NULL);
    make(file, data, len);
    struct mqtt_span whole = { file->bytes, file->len };
    if (sensing_part_open(whole, &part) == 0)
        read_all(&part);
    whole.len -= len % 64 + 1;
    MQTT_INVARIANT(sensing_part_open(whole, &part) == -EBADMSG);
    free(file);
    return 0;
}
