/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/words.h"

#include <string.h>

void steward_get_text(struct mqtt_reader *r, char *out, size_t size)
{
    struct mqtt_span text = mqtt_read_binary(r);

    if (text.len >= size || (text.len > 0 && memchr(text.data, '\0', text.len) != NULL))
        mqtt_reader_fail(r, MQTT_ERR_UTF8);
    if (r->status != MQTT_OK)
        return;
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

uint64_t steward_get_u64(struct mqtt_reader *r)
{
    uint64_t high = mqtt_read_u32(r);

    return high << 32 | mqtt_read_u32(r);
}

int64_t steward_get_s64(struct mqtt_reader *r)
{
    uint64_t bits = steward_get_u64(r);
    int64_t value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

bool steward_get_bool(struct mqtt_reader *r)
{
    uint8_t value = mqtt_read_u8(r);

    if (value > 1)
        mqtt_reader_fail(r, MQTT_ERR_FLAGS);
    return value == 1;
}

void steward_put_u64(struct mqtt_writer *w, uint64_t value)
{
    mqtt_write_u32(w, (uint32_t)(value >> 32));
    mqtt_write_u32(w, (uint32_t)value);
}

void steward_put_s64(struct mqtt_writer *w, int64_t value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    steward_put_u64(w, bits);
}
