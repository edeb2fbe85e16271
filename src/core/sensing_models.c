/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char line[] = "tacit behaviour models, format 1; see tacit-sense(1)\n";

struct mqtt_span sensing_models_line(void)
{
    return (struct mqtt_span){ (const uint8_t *)line, sizeof(line) - 1 };
}

int sensing_models_open(struct mqtt_span bytes, struct sensing_part *out)
{
    struct sensing_part_head head;
    struct mqtt_span before = sensing_models_line();

    if (!span_starts_with(bytes, before))
        return -EINVAL;
    struct mqtt_span part = { bytes.data + before.len, bytes.len - before.len };
    if (part.len < sizeof(head))
        return -EBADMSG;
    memcpy(&head, part.data, sizeof(head));
    if (!sensing_part_is_ours(&head))
        return -EPROTO;
    return sensing_part_open(part, out);
}

int sensing_models_check(struct mqtt_span bytes)
{
    struct sense_role *model = malloc(sizeof(*model));
    struct sensing_part part = { .head = { .roles = 0 } };
    int error = model != NULL ? sensing_models_open(bytes, &part) : -ENOMEM;

    for (uint32_t i = 0; error == 0 && i < part.head.roles; i++) {
        struct sensing_part_role head;
        struct mqtt_span name;
        error = sensing_part_role(&part, &head, &name, model);
    }
    for (uint32_t i = 0; error == 0 && i < part.head.devices; i++) {
        struct sensing_part_device head;
        struct sense_device device;
        struct mqtt_span name;
        error = sensing_part_device(&part, &head, &name, &device);
    }
    free(model);
    return error == 0 && mqtt_reader_left(&part.reader) > 0 ? -EBADMSG : error;
}

void sensing_models_strip(struct sense_device *device, bool is_same_key)
{
    sense_device_rest(device);
    device->address = device->address_before = 0;
    if (is_same_key)
        return;
    memset(device->known, 0, sizeof(device->known));
    memset(device->values, 0, sizeof(device->values));
    memset(device->rates, 0, sizeof(device->rates));
    device->windows = 0;
}
