/* SPDX-License-Identifier: Apache-2.0 */
/* The queue against a plain model of it: a list of what must be in there. */
#include "client/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MODEL_MAX 512

struct model {
    uint32_t token;
    uint32_t len;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check(struct tacit_queue *queue, const struct model *model, unsigned count)
{
    const struct tacit_record *record = tacit_queue_next(queue, NULL);
    for (unsigned i = 0; i < count; i++) {
        assert_non_null(record);
        assert_int_equal(record->token, model[i].token);
        assert_int_equal(record->payload_len, model[i].len);
        struct mqtt_span payload = tacit_record_payload(record);
        for (size_t at = 0; at < payload.len; at++)
            assert_int_equal(payload.data[at], (uint8_t)(record->token + at));
        record = tacit_queue_next(queue, record);
    }
    assert_null(record);
}

static struct tacit_record *add_one(struct tacit_queue *queue, uint32_t token, uint32_t len)
{
    const struct tacit_record wanted = {
        .token = token, .topic_len = 1, .payload_len = len & 0xffff, .state = TACIT_RECORD_QUEUED
    };
    return tacit_queue_add(queue, &wanted);
}

static bool add(struct tacit_queue *queue, uint32_t token, uint32_t len)
{
    struct tacit_record *record = add_one(queue, token, len);
    if (record == NULL)
        return false;
    uint8_t *bytes = tacit_record_bytes(record);
    bytes[0] = 't';
    for (uint32_t at = 0; at < len; at++)
        bytes[1 + at] = (uint8_t)(token + at);
    return true;
}

static void run(uint32_t size, uint32_t seed)
{
    struct model model[MODEL_MAX];
    unsigned count = 0;
    struct tacit_queue queue;
    uint8_t *memory = malloc(size);
    tacit_queue_init(&queue, memory, size);
    for (uint32_t token = 1; token < 3000; token++) {
        uint32_t len = next_random(&seed) % 90;
        if (count < MODEL_MAX && add(&queue, token, len))
            model[count++] = (struct model){ token, len };
        else
            assert_int_not_equal(count, 0); /* an empty queue takes anything that fits */
        if (count > 0 && next_random(&seed) % 3 != 0) {
            unsigned victim = next_random(&seed) % count;
            struct tacit_record *record = tacit_queue_next(&queue, NULL);
            for (unsigned i = 0; i < victim; i++)
                record = tacit_queue_next(&queue, record);
            tacit_queue_remove(&queue, record);
            memmove(model + victim, model + victim + 1, (count - victim - 1) * sizeof(model[0]));
            count--;
        }
        check(&queue, model, count);
    }
    assert_true(tacit_queue_used(&queue) <= size);
    free(memory);
}

static void holds_what_was_put_in_order(void **state)
{
    (void)state;
    run(200, 1);
    run(1024, 2);
    run(4096, 3);
    run(9000, 4);
}

static void a_small_queue_uses_every_byte(void **state)
{
    (void)state;
    struct tacit_queue queue;
    uint64_t memory[64];
    tacit_queue_init(&queue, (uint8_t *)memory, sizeof(memory));
    unsigned fits = 0;
    while (add_one(&queue, 1, 31) != NULL)
        fits++;
    assert_int_equal(fits, sizeof(memory) / (sizeof(struct tacit_record) + 32));
    /* A gap anywhere is room again. */
    struct tacit_record *second = tacit_queue_next(&queue, tacit_queue_next(&queue, NULL));
    tacit_queue_remove(&queue, second);
    assert_non_null(add_one(&queue, 1, 31));
    assert_null(add_one(&queue, 1, 31));
}

static void remembers_where_sending_stopped(void **state)
{
    (void)state;
    struct tacit_queue queue;
    uint64_t memory[64];
    tacit_queue_init(&queue, (uint8_t *)memory, sizeof(memory));
    assert_null(tacit_queue_due(&queue));
    assert_true(add(&queue, 1, 4) && add(&queue, 2, 4) && add(&queue, 3, 4));
    struct tacit_record *record = tacit_queue_due(&queue);
    assert_int_equal(record->token, 1);
    record->state = TACIT_RECORD_SENT;
    record->qos = 1;
    record->packet_id = 9;
    record = tacit_queue_due(&queue);
    assert_int_equal(record->token, 2);
    assert_int_equal(tacit_queue_find(&queue, 9)->token, 1);
    assert_null(tacit_queue_find(&queue, 8));
    tacit_queue_remove(&queue, record);
    assert_int_equal(tacit_queue_due(&queue)->token, 3);
    tacit_queue_rewind(&queue, true);
    record = tacit_queue_due(&queue);
    assert_int_equal(record->token, 1);
    assert_int_equal(record->duplicate, 1);
    tacit_queue_rewind(&queue, false);
    assert_int_equal(tacit_queue_due(&queue)->duplicate, 0);
}

/* What is being written is found again wherever others go, and a dropped one keeps its head. */
static void those_before_move_up(void **state)
{
    (void)state;
    struct tacit_queue queue;
    uint64_t memory[64];
    tacit_queue_init(&queue, (uint8_t *)memory, sizeof(memory));
    assert_true(add(&queue, 1, 40) && add(&queue, 2, 40) && add(&queue, 3, 40)
                && add(&queue, 4, 40));
    queue.streaming = tacit_queue_next(&queue, queue.head);
    queue.streaming->state = TACIT_RECORD_SENT;
    tacit_queue_drop(&queue, tacit_queue_next(&queue, queue.streaming));
    assert_int_equal(queue.streaming->token, 2);
    assert_int_equal(tacit_queue_due(&queue)->token, 1);
    tacit_queue_remove(&queue, queue.head);
    assert_int_equal(queue.streaming->token, 2);
    assert_int_equal(tacit_queue_due(&queue)->token, 4);
    tacit_queue_compact(&queue);
    assert_int_equal(queue.streaming->token, 2);
    assert_ptr_equal(queue.head, memory);
    assert_int_equal(tacit_queue_due(&queue)->token, 4);
    const struct tacit_record *dropped = tacit_queue_next(&queue, queue.streaming);
    assert_int_equal(dropped->state, TACIT_RECORD_DROPPED);
    assert_int_equal(tacit_record_size(dropped), sizeof(*dropped));
    assert_int_equal(tacit_queue_used(&queue), 3 * sizeof(*dropped) + 2 * 44);
    tacit_queue_rewind(&queue, true);
    assert_int_equal(tacit_queue_due(&queue)->token, 2);
    assert_int_equal(dropped->state, TACIT_RECORD_DROPPED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_put_in_order),
        cmocka_unit_test(a_small_queue_uses_every_byte),
        cmocka_unit_test(remembers_where_sending_stopped),
        cmocka_unit_test(those_before_move_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
