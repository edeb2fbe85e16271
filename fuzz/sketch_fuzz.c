/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a sketch: what is read is bounded, and is read back from what is written. */
#include "base/invariant.h"
#include "policy/sketch.h"

#include <stdlib.h>

#define ENTRIES 8

struct text {
    uint8_t *at;
    size_t len;
};

static int put(void *context, struct mqtt_span line)
{
    struct text *text = context;
    MQTT_INVARIANT(line.len <= SKETCH_LINE_BYTES);
    text->at = realloc(text->at, text->len + line.len);
    MQTT_INVARIANT(text->at != NULL);
    memcpy(text->at + text->len, line.data, line.len);
    text->len += line.len;
    return 0;
}

static struct text written(const struct sketch *sketch)
{
    struct text text = { NULL, 0 };
    MQTT_INVARIANT(sketch_write(sketch, put, &text) == 0);
    return text;
}

static void read_back(struct text text)
{
    struct sketch *again = sketch_new(&(struct siphash_key){ 3, 4 }, ENTRIES);
    MQTT_INVARIANT(again != NULL);
    size_t line = 0;
    MQTT_INVARIANT(sketch_read(again, (struct mqtt_span){ text.at, text.len }, &line) == 0);
    sketch_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sketch *sketch = sketch_new(&(struct siphash_key){ 1, 2 }, ENTRIES);
    MQTT_INVARIANT(sketch != NULL);
    size_t line = 0;
    int error = sketch_read(sketch, (struct mqtt_span){ data, size }, &line);
    MQTT_INVARIANT(error == 0 || line != 0);
    MQTT_INVARIANT(sketch_count(sketch) <= ENTRIES);
    struct text text = written(sketch);
    read_back(text);
    free(text.at);
    sketch_free(sketch);
    return 0;
}
