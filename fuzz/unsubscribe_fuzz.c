/* SPDX-License-Identifier: Apache-2.0 */
/* An UNSUBSCRIBE that is accepted can be walked to its end, and encoded again it
 * is the same bytes. */
#include "codec/subscribe.h"
#include "codec_promise.h"

#define MOST_ENTRIES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0]);
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_span filters[MOST_ENTRIES];
    struct mqtt_span filter;
    struct mqtt_unsubscribe u;

    if (mqtt_unsubscribe_decode(version, body, &u) != MQTT_OK)
        return 0;
    promise(u.packet_id != 0 && u.count > 0);
    promise(lies_in(u.properties, body) && lies_in(u.entries, body));

    struct mqtt_reader r = mqtt_reader_over(u.entries);
    unsigned count = 0;
    while (mqtt_unsubscribe_next(&r, &filter)) {
        promise(lies_in(filter, u.entries));
        if (count < MOST_ENTRIES)
            filters[count] = filter;
        count++;
    }
    promise(count == u.count && mqtt_reader_left(&r) == 0);
    if (count > MOST_ENTRIES)
        return 0;

    struct mqtt_writer w = writer_for(body);
    mqtt_unsubscribe_encode(&w, version, u.packet_id, u.properties, filters, count);
    promise(span_equal(frame_of(&w, MQTT_UNSUBSCRIBE).body, body));
    free(w.start);
    return 0;
}
