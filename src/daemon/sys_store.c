/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sys_store.h"

#include <inttypes.h>
#include <stdio.h>

#define PREFIX "$SYS/broker/store/"

static uint64_t bucket_us(unsigned bucket)
{
    return UINT64_C(1) << (bucket + 5);
}

uint64_t sys_store_quantile_us(const struct scribe_figures *figures, unsigned share)
{
    uint64_t wanted = (figures->confirmed_frames * share + 999) / 1000;
    uint64_t seen = 0;
    unsigned bucket = 0;

    if (figures->confirmed_frames == 0)
        return 0;
    for (; bucket + 1 < SCRIBE_BUCKETS; bucket++) {
        seen += figures->latency[bucket];
        if (seen >= wanted)
            break;
    }
    return bucket_us(bucket);
}

/* Pairs of an upper bound and how many came within it and above the one before. The last bucket has
 * no bound. */
static void write_histogram(const struct scribe_figures *figures, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "{\"unit\":\"us\",\"below\":{");

    for (unsigned i = 0; i + 1 < SCRIBE_BUCKETS && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s\"%" PRIu64 "\":%" PRIu64,
                                i > 0 ? "," : "", bucket_us(i), figures->latency[i]);
    if (len < size)
        snprintf(out + len, size - len,
                 "},\"above\":%" PRIu64 ",\"count\":%" PRIu64 ",\"sum\":%" PRIu64 "}",
                 figures->latency[SCRIBE_BUCKETS - 1], figures->confirmed_frames,
                 figures->latency_sum_us);
}

static const char *state_name(enum store_state state)
{
    static const char *const names[] = {
        [STORE_FAILED] = "failed",
        [STORE_FULL] = "full",
        [STORE_OPEN] = "open",
    };

    return names[state];
}

void sys_store_publish(struct broker *broker, const struct scribe_figures *figures, uint64_t now_ms)
{
    const struct store_figures *store = &figures->store;
    const struct {
        const char *topic;
        uint64_t value;
    } numbers[] = {
        { PREFIX "segments", store->segments },
        { PREFIX "segments/damaged", store->damaged_segments },
        { PREFIX "bytes", store->bytes },
        { PREFIX "bytes/living", store->living_bytes },
        { PREFIX "bytes/waiting", figures->waiting_bytes },
        { PREFIX "bytes/written", store->written_bytes },
        { PREFIX "bytes/copied", store->copied_bytes },
        { PREFIX "things", store->living_things },
        { PREFIX "frames", figures->confirmed_frames },
        { PREFIX "syncs", store->syncs },
        { PREFIX "latency/p50-us", sys_store_quantile_us(figures, 500) },
        { PREFIX "latency/p99-us", sys_store_quantile_us(figures, 990) },
    };
    char text[1024];

    broker_publish_sys_text(broker, PREFIX "state", state_name(figures->state), now_ms);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(numbers); i++) {
        snprintf(text, sizeof(text), "%" PRIu64, numbers[i].value);
        broker_publish_sys_text(broker, numbers[i].topic, text, now_ms);
    }
    snprintf(text, sizeof(text), "%.6f",
             store->bytes > 0 ? (double)store->living_bytes / (double)store->bytes : 0.0);
    broker_publish_sys_text(broker, PREFIX "living-ratio", text, now_ms);
    write_histogram(figures, text, sizeof(text));
    broker_publish_sys_text(broker, PREFIX "latency", text, now_ms);
}
