/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/scribe_state.h"

#include <stdlib.h>
#include <time.h>

uint64_t scribe_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void scribe_queue_init(struct scribe_queue *queue)
{
    *queue = (struct scribe_queue){ .last = &queue->first };
}

void scribe_queue_push(struct scribe_queue *queue, struct scribe_waiting *waiting)
{
    waiting->next = NULL;
    *queue->last = waiting;
    queue->last = &waiting->next;
    queue->bytes += waiting->frame.ops.len;
    queue->frames++;
}

struct scribe_waiting *scribe_queue_pop(struct scribe_queue *queue)
{
    struct scribe_waiting *waiting = queue->first;

    if (waiting == NULL)
        return NULL;
    queue->first = waiting->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    queue->bytes -= waiting->frame.ops.len;
    queue->frames--;
    return waiting;
}

void scribe_waiting_free(struct scribe_waiting *waiting)
{
    if (waiting != NULL)
        free(waiting->bytes);
    free(waiting);
}

void scribe_queue_clear(struct scribe_queue *queue)
{
    struct scribe_waiting *waiting;

    while ((waiting = scribe_queue_pop(queue)) != NULL)
        scribe_waiting_free(waiting);
}
