/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_bulk.h"

#define FIRST_BYTES  1024u
#define CHUNK_BYTES  65536u
#define LATER_BYTES  (16u * 1024u * 1024u)
#define JUDGES_IN_MS 1000 /* less than a deadline for CONNECT has */
#define TAKES_IN_MS  2000
#define KIB          1024u

/* Whole patterns, so that the next piece goes on where this one ends. */
static size_t fill(uint8_t *out, size_t size, struct mqtt_span pattern)
{
    size_t len = 0;

    for (; len + pattern.len <= size; len += pattern.len)
        memcpy(out + len, pattern.data, pattern.len);
    return len;
}

static bool has_closed(struct attack_link *link, uint32_t ms)
{
    uint8_t byte;

    return tacit_probe_receive(link->probe, &byte, sizeof(byte), ms) != 0;
}

/* Bytes that were taken before it closed, stopped reading, or all were offered. */
static size_t push(struct attack_link *link, const uint8_t *chunk, size_t len, bool *out_closed)
{
    size_t taken = 0;

    while (taken < LATER_BYTES) {
        int64_t sent = tacit_probe_send(link->probe, chunk, len, TAKES_IN_MS);
        *out_closed = sent < 0 || has_closed(link, 0);
        taken += sent > 0 ? (size_t)sent : 0;
        if (*out_closed || sent < (int64_t)len)
            break;
    }
    return taken;
}

void attack_bulk_judge(struct attack_link *link, const struct attack_bulk *bulk,
                       struct attack_finding *out)
{
    uint8_t chunk[CHUNK_BYTES];
    bool is_closed = false;
    size_t first = fill(chunk, FIRST_BYTES, bulk->pattern);

    if (!attack_link_send(link, bulk->head.data, bulk->head.len)
        || !attack_link_send(link, chunk, first) || has_closed(link, JUDGES_IN_MS)) {
        attack_check_judge(out, ATTACK_SAFE, "%s was refused after its header and %u bytes",
                           bulk->what, FIRST_BYTES);
        return;
    }
    size_t taken = push(link, chunk, fill(chunk, sizeof(chunk), bulk->pattern), &is_closed);
    if (taken >= LATER_BYTES)
        attack_check_judge(out, ATTACK_OPEN, "%s was not refused, and %zu KiB of it were taken",
                           bulk->what, taken / KIB);
    else if (is_closed)
        attack_check_judge(out, ATTACK_UNCLEAR,
                           "%s was refused after %zu KiB, which may have been in the buffers of "
                           "the kernel",
                           bulk->what, taken / KIB);
    else
        attack_check_judge(out, ATTACK_UNCLEAR,
                           "%s was not refused, but after %zu KiB the broker stopped reading",
                           bulk->what, taken / KIB);
}
