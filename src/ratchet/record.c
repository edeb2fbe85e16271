/* SPDX-License-Identifier: Apache-2.0 */
#include "ratchet/record.h"

#include "base/wipe.h"

/* Was the message made by who has that step? Negative: HMAC failed. */
static int is_of(const struct ratchet_step *step, const struct ratchet_hmac *hmac,
                 const struct ratchet_message *message, const uint8_t *binding)
{
    struct ratchet_message expected = *message;
    int error = ratchet_prove(hmac, step->secret, binding, &expected);
    bool is_equal = wipe_equal((struct mqtt_span){ expected.proof, RATCHET_KEY_BYTES },
                               (struct mqtt_span){ message->proof, RATCHET_KEY_BYTES });

    wipe_bytes(&expected, sizeof(expected));
    if (error < 0)
        return error;
    return is_equal && step->counter == message->counter;
}

uint64_t ratchet_record_counter(const struct ratchet_record *record)
{
    if (record->has_next)
        return record->next.counter;
    return record->has_base ? record->base.counter : 0;
}

/* Moves the base to where the device stands. 1: done; 0: it stands nowhere that is known. */
static int find_base(struct ratchet_record *record, const struct ratchet_hmac *hmac,
                     const struct ratchet_message *message, const uint8_t *binding)
{
    int found = record->has_next ? is_of(&record->next, hmac, message, binding) : 0;

    if (found > 0) {
        record->base = record->next;
        record->has_base = true;
        return 1;
    }
    if (found < 0)
        return found;
    return record->has_base ? is_of(&record->base, hmac, message, binding) : 1;
}

/* Of the order of connections only those of one run tell: others ended with their run. */
static bool is_late(const struct ratchet_record *record, const struct ratchet_arrival *arrival)
{
    return record->arrival.run == arrival->run && arrival->order < record->arrival.order;
}

enum ratchet_verdict ratchet_record_judge(struct ratchet_record *record,
                                          const struct ratchet_hmac *hmac,
                                          const struct ratchet_message *message,
                                          const uint8_t *binding,
                                          const struct ratchet_arrival *arrival, bool believes)
{
    struct ratchet_record changed = *record;
    enum ratchet_verdict verdict = RATCHET_TAKEN;

    if (is_late(record, arrival))
        return RATCHET_LATE;
    int found = find_base(&changed, hmac, message, binding);
    if (found == 0 && believes) {
        changed.has_base = false;
        found = 1;
    }
    if (found == 0)
        verdict =
            message->counter > ratchet_record_counter(record) ? RATCHET_AHEAD : RATCHET_FORKED;
    else if (found < 0 || ratchet_advance(hmac, binding, message, &changed.next) < 0)
        verdict = RATCHET_FAILED;
    if (verdict == RATCHET_TAKEN) {
        changed.has_next = true;
        changed.arrival = *arrival;
        *record = changed;
    }
    wipe_bytes(&changed, sizeof(changed));
    return verdict;
}

bool ratchet_record_confirm(struct ratchet_record *record, const struct ratchet_arrival *arrival)
{
    if (!record->has_next || record->arrival.run != arrival->run
        || record->arrival.order != arrival->order)
        return false;
    record->base = record->next;
    record->has_base = true;
    record->has_next = false;
    wipe_bytes(&record->next, sizeof(record->next));
    return true;
}
