/* SPDX-License-Identifier: Apache-2.0 */
#include "client/alias.h"

#include <string.h>

struct slot {
    uint16_t len; /* 0: unused */
    uint16_t age; /* table clock at the last use */
};

static size_t stride(uint16_t slot_bytes)
{
    return sizeof(struct slot) + slot_bytes;
}

static uint8_t *place(const struct tacit_alias_table *table, unsigned index)
{
    return table->slots + index * stride(table->slot_bytes);
}

/* Slots are copied out: topics of any length make them unaligned. */
static struct slot load(const struct tacit_alias_table *table, unsigned index)
{
    struct slot slot;
    memcpy(&slot, place(table, index), sizeof(slot));
    return slot;
}

static void store(struct tacit_alias_table *table, unsigned index, struct mqtt_span topic)
{
    struct slot slot = { (uint16_t)topic.len, ++table->clock };
    memcpy(place(table, index), &slot, sizeof(slot));
    memcpy(place(table, index) + sizeof(slot), topic.data, topic.len);
}

static struct mqtt_span topic_of(const struct tacit_alias_table *table, unsigned index)
{
    return (struct mqtt_span){ place(table, index) + sizeof(struct slot), load(table, index).len };
}

size_t tacit_alias_bytes(uint16_t capacity, uint16_t slot_bytes)
{
    return capacity * stride(slot_bytes);
}

void tacit_alias_reset(struct tacit_alias_table *table, uint16_t maximum, uint16_t slot_bytes)
{
    table->maximum = maximum;
    table->slot_bytes = slot_bytes;
    memset(table->slots, 0, tacit_alias_bytes(maximum, slot_bytes));
}

uint16_t tacit_alias_find(struct tacit_alias_table *table, struct mqtt_span topic)
{
    for (unsigned i = 0; i < table->maximum; i++) {
        if (topic.len > 0 && span_equal(topic_of(table, i), topic)) {
            struct slot slot = { (uint16_t)topic.len, ++table->clock };
            memcpy(place(table, i), &slot, sizeof(slot));
            return (uint16_t)(i + 1);
        }
    }
    return 0;
}

uint16_t tacit_alias_assign(struct tacit_alias_table *table, struct mqtt_span topic)
{
    unsigned oldest = 0;
    uint16_t oldest_age = 0;
    if (table->maximum == 0 || topic.len == 0 || topic.len > table->slot_bytes)
        return 0;
    for (unsigned i = 0; i < table->maximum; i++) {
        struct slot slot = load(table, i);
        if (slot.len == 0) {
            oldest = i;
            break;
        }
        /* Modulo 65,536: after a very long silence a slot may look younger than it
         * is, which costs one needless reassignment. */
        uint16_t age = (uint16_t)(table->clock - slot.age);
        if (age >= oldest_age) {
            oldest = i;
            oldest_age = age;
        }
    }
    store(table, oldest, topic);
    return (uint16_t)(oldest + 1);
}

bool tacit_alias_set(struct tacit_alias_table *table, uint16_t alias, struct mqtt_span topic)
{
    if (alias == 0 || alias > table->maximum)
        return false;
    bool fits = topic.len <= table->slot_bytes;
    store(table, alias - 1u, fits ? topic : (struct mqtt_span){ topic.data, 0 });
    return true;
}

struct mqtt_span tacit_alias_get(const struct tacit_alias_table *table, uint16_t alias)
{
    if (alias == 0 || alias > table->maximum)
        return (struct mqtt_span){ NULL, 0 };
    return topic_of(table, alias - 1u);
}
