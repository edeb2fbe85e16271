/* SPDX-License-Identifier: Apache-2.0 */
#include "store/living.h"

#include <errno.h>
#include <stdlib.h>

static bool is_body(uint64_t key)
{
    return journal_kind_of(key) == JOURNAL_BODY;
}

void living_fini(struct living *living)
{
    key_index_fini(&living->index);
    free(living->slots);
    free(living->idle);
    *living = (struct living){ 0 };
}

int living_reserve_slots(struct living *living, size_t count)
{
    if (count <= living->slot_count)
        return 0;
    size_t room = living->slot_count != 0 ? living->slot_count : 8;
    while (room < count)
        room *= 2;
    struct living_slot *larger = reallocarray(living->slots, room, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    for (size_t i = living->slot_count; i < room; i++)
        larger[i] = (struct living_slot){ 0 };
    living->slots = larger;
    living->slot_count = room;
    return 0;
}

static int reserve_idle(struct living *living, size_t count)
{
    if (count <= living->idle_room)
        return 0;
    size_t room = living->idle_room != 0 ? living->idle_room : 64;
    while (room < count)
        room *= 2;
    uint64_t *larger = reallocarray(living->idle, room, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    living->idle = larger;
    living->idle_room = room;
    return 0;
}

int living_reserve(struct living *living, struct mqtt_span ops)
{
    struct journal_op op;
    size_t count = 0;
    size_t keys = 0;
    int found = journal_op_next(&ops, &op);
    for (; found == 1; found = journal_op_next(&ops, &op)) {
        count++;
        key_index_prefetch(&living->index, op.key);
        if (op.verb == JOURNAL_PUT)
            keys += op.body != 0 ? 2 : 1;
    }
    if (found < 0)
        return found;
    int error = reserve_idle(living, living->idle_count + count);
    return error < 0 ? error : key_index_reserve(&living->index, keys);
}

/* ---- one operation ---- */

static void unplace(struct living *living, struct key_index_entry *entry, uint64_t sequence)
{
    if (entry->bytes == 0)
        return;
    struct living_slot *slot = &living->slots[entry->slot];
    slot->bytes -= entry->bytes;
    if (slot->bytes == 0)
        slot->emptied_at = sequence;
    living->bytes -= entry->bytes;
    living->died += entry->bytes;
    living->things--;
    entry->bytes = 0;
}

static void place(struct living *living, struct key_index_entry *entry,
                  const struct living_frame *frame, struct mqtt_span op)
{
    unplace(living, entry, frame->sequence);
    entry->slot = frame->slot;
    entry->offset = frame->offset + (uint32_t)(op.data - frame->ops.data);
    entry->bytes = (uint32_t)op.len;
    living->slots[entry->slot].bytes += op.len;
    living->bytes += op.len;
    living->things++;
}

static void note_idle(struct living *living, uint64_t body)
{
    if (!living->replays)
        living->idle[living->idle_count++] = body;
}

static void unneed(struct living *living, uint64_t body)
{
    struct key_index_entry *entry = body != 0 ? key_index_find(&living->index, body) : NULL;
    if (entry == NULL || entry->need == 0)
        return;
    entry->need--;
    if (entry->need == 0)
        note_idle(living, body);
}

static void put(struct living *living, const struct living_frame *frame,
                const struct journal_op *op, struct mqtt_span whole)
{
    struct key_index_entry *entry = key_index_place(&living->index, op->key);
    place(living, entry, frame, whole);
    if (is_body(op->key)) {
        if (entry->need == 0)
            note_idle(living, op->key);
        return;
    }
    uint64_t before = entry->need;
    entry->need = op->body;
    if (before == op->body)
        return;
    if (op->body != 0)
        key_index_place(&living->index, op->body)->need++;
    unneed(living, before);
}

static void drop(struct living *living, const struct living_frame *frame, uint64_t key)
{
    struct key_index_entry *entry = key_index_find(&living->index, key);
    if (entry == NULL)
        return;
    unplace(living, entry, frame->sequence);
    /* Somebody still needs it: it may be put again. */
    if (is_body(key) && entry->need != 0)
        return;
    uint64_t body = is_body(key) ? 0 : entry->need;
    key_index_remove(&living->index, entry);
    unneed(living, body);
}

static void end_frame(struct living *living, uint64_t sequence)
{
    for (size_t i = 0; i < living->idle_count; i++) {
        struct key_index_entry *entry = key_index_find(&living->index, living->idle[i]);
        if (entry == NULL || entry->need != 0)
            continue;
        unplace(living, entry, sequence);
        key_index_remove(&living->index, entry);
    }
    living->idle_count = 0;
}

static void note_highest(struct living *living, uint64_t key)
{
    uint64_t *highest = &living->highest[journal_kind_of(key)];
    if (journal_number_of(key) > *highest)
        *highest = journal_number_of(key);
}

void living_apply(struct living *living, const struct living_frame *frame)
{
    struct mqtt_span rest = frame->ops;
    const uint8_t *begin = rest.data;
    uint64_t died = living->died;
    struct journal_op op;
    while (journal_op_next(&rest, &op) == 1) {
        if (op.verb == JOURNAL_PUT)
            put(living, frame, &op, (struct mqtt_span){ begin, (size_t)(rest.data - begin) });
        else
            drop(living, frame, op.key);
        begin = rest.data;
        if (living->replays) {
            note_highest(living, op.key);
            note_highest(living, op.body);
        }
    }
    if (frame->sequence >= living->applied) {
        living->applied = frame->sequence;
        end_frame(living, frame->sequence);
    }
    if (frame->is_copy)
        living->died = died;
}

/* ---- all of them ---- */

/* Takes out those for which `is_lost` says so. A removal moves others to the same place, which is
 * looked at again. */
static uint64_t sweep(struct living *living, uint64_t sequence, uint32_t slot,
                      bool (*is_lost)(const struct living *living,
                                      const struct key_index_entry *entry, uint32_t slot))
{
    struct key_index *index = &living->index;
    uint64_t lost = 0;
    for (size_t at = 0; index->table != NULL && at <= index->mask;) {
        struct key_index_entry *entry = &index->table[at];
        if (entry->key == 0 || !is_lost(living, entry, slot)) {
            at++;
            continue;
        }
        uint64_t body = is_body(entry->key) ? 0 : entry->need;
        unplace(living, entry, sequence);
        key_index_remove(index, entry);
        if (body != 0)
            unneed(living, body);
        lost++;
    }
    return lost;
}

static bool lacks_body(const struct living *living, const struct key_index_entry *entry,
                       uint32_t slot)
{
    (void)slot;
    if (is_body(entry->key) || entry->need == 0)
        return false;
    const struct key_index_entry *body = key_index_find(&living->index, entry->need);
    return body == NULL || body->bytes == 0;
}

static bool is_idle_body(const struct living *living, const struct key_index_entry *entry,
                         uint32_t slot)
{
    (void)living;
    (void)slot;
    return is_body(entry->key) && entry->need == 0;
}

static bool lies_in(const struct living *living, const struct key_index_entry *entry, uint32_t slot)
{
    (void)living;
    return entry->bytes != 0 && entry->slot == slot;
}

uint64_t living_settle(struct living *living)
{
    uint64_t lost = sweep(living, 0, 0, lacks_body);
    (void)sweep(living, 0, 0, is_idle_body);
    living->replays = false;
    living->died = 0;
    return lost;
}

uint64_t living_forget(struct living *living, uint32_t slot, uint64_t sequence)
{
    /* Not in the middle of a frame: bodies are swept, too, instead of being noted as idle. */
    living->replays = true;
    uint64_t lost = sweep(living, sequence, slot, lies_in);
    lost += sweep(living, sequence, 0, lacks_body);
    (void)sweep(living, sequence, 0, is_idle_body);
    living->replays = false;
    return lost;
}

bool living_is_here(const struct living *living, uint64_t key, uint32_t slot, uint32_t offset)
{
    const struct key_index_entry *entry = key_index_find(&living->index, key);
    return entry != NULL && entry->bytes != 0 && entry->slot == slot && entry->offset == offset;
}
