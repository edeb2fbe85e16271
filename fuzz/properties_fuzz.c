/* SPDX-License-Identifier: Apache-2.0 */
/* A block that is accepted can be walked to its end, and what is found in it is
 * written back in the same bytes. */
#include "codec/properties.h"
#include "codec_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    struct mqtt_span bytes = { data + 1, size - 1 };
    struct mqtt_reader r = mqtt_reader_over(bytes);
    struct mqtt_span block = mqtt_properties_read(&r, (enum mqtt_packet_type)(data[0] & 0x0f));
    struct mqtt_property property;
    size_t total = 0;

    promise(r.status == MQTT_OK || block.len == 0);
    promise(lies_in(block, bytes));
    struct mqtt_reader walk = mqtt_reader_over(block);
    struct mqtt_writer w = writer_for(block);
    while (mqtt_properties_next(&walk, &property)) {
        promise(lies_in(property.name, block) && lies_in(property.value, block));
        total += mqtt_property_size(&property);
        mqtt_property_write(&w, &property);
    }
    promise(walk.status == MQTT_OK && w.status == MQTT_OK && total == block.len);
    promise(span_equal(mqtt_writer_written(&w), block));
    free(w.start);
    return 0;
}
