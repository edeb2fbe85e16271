/* SPDX-License-Identifier: Apache-2.0 */
/* A header and rows of an event file. Promises asserted: what is refused has a reason and leaves the
 * event as it was; what is read is within its ranges, and its spans lie in the line. */
#include "base/invariant.h"
#include "replay/event.h"

#include <stdlib.h>
#include <string.h>

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_span(struct mqtt_span span, const uint8_t *line, size_t len)
{
    if (span.len == 0)
        return;
    MQTT_INVARIANT(span.data >= line && span.len <= len);
    MQTT_INVARIANT((size_t)(span.data - line) <= len - span.len);
}

static void check_row(const struct replay_header *header, const uint8_t *data, size_t len)
{
    struct replay_event event = { .time_ms = UNTOUCHED };
    uint8_t *line = malloc(len + 1);

    MQTT_INVARIANT(line != NULL);
    for (size_t i = 0; i < len; i++)
        line[i] = data[i];
    if (replay_event_parse(header, line, len, &event) != NULL) {
        MQTT_INVARIANT(event.time_ms == UNTOUCHED);
    } else {
        MQTT_INVARIANT(event.type >= 1 && event.type <= 15 && event.qos <= 3);
        MQTT_INVARIANT(event.value - event.value == 0);
        check_span(event.client, line, len);
        check_span(event.topic, line, len);
        check_span(event.address, line, len);
        check_span(event.stream, line, len);
        check_span(event.run, line, len);
    }
    free(line);
}

/* The first line is the header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct replay_header header;
    const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
    size_t first = end != NULL ? (size_t)(end - data) : len;
    uint8_t *line = malloc(first + 1);

    MQTT_INVARIANT(line != NULL);
    for (size_t i = 0; i < first; i++)
        line[i] = data[i];
    const char *why = replay_header_parse(line, first, &header);
    free(line);
    if (why != NULL)
        return 0;
    MQTT_INVARIANT(header.count > 0 && header.count <= REPLAY_COLUMNS_MOST);
    while (first < len) {
        data += first + 1;
        len -= first + 1;
        end = len > 0 ? memchr(data, '\n', len) : NULL;
        first = end != NULL ? (size_t)(end - data) : len;
        check_row(&header, data, first);
    }
    return 0;
}
