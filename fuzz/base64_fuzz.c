/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as base64, and any bytes. Promises asserted: of the strict form there is one text for
 * the same bytes, so what is decoded is encoded to the very same text; what is encoded is decoded
 * to the same bytes; nothing is written beyond the room that was given. The first byte says which
 * alphabet and how much room. */
#include "base/invariant.h"
#include "pki/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_text(enum base64_alphabet alphabet, struct mqtt_span text, size_t room)
{
    uint8_t *bytes = malloc(room > 0 ? room : 1);
    size_t len = 0;

    MQTT_INVARIANT(bytes != NULL);
    int error = base64_decode(alphabet, text, bytes, room, &len);
    MQTT_INVARIANT(error == 0 || error == -EBADMSG);
    if (error == 0) {
        char *again = malloc(BASE64_SIZE(len));
        MQTT_INVARIANT(again != NULL && len <= room);
        size_t again_len = base64_encode(alphabet, (struct mqtt_span){ bytes, len }, again);
        MQTT_INVARIANT(again_len == text.len && again[again_len] == '\0');
        MQTT_INVARIANT(text.len == 0 || memcmp(again, text.data, text.len) == 0);
        free(again);
    }
    free(bytes);
}

static void write_text(enum base64_alphabet alphabet, struct mqtt_span bytes)
{
    char *text = malloc(BASE64_SIZE(bytes.len));
    uint8_t *again = malloc(bytes.len + 1);
    size_t len = 0;

    MQTT_INVARIANT(text != NULL && again != NULL);
    size_t text_len = base64_encode(alphabet, bytes, text);
    MQTT_INVARIANT(text_len < BASE64_SIZE(bytes.len));
    MQTT_INVARIANT(base64_decode(alphabet, span_of(text), again, bytes.len, &len) == 0);
    MQTT_INVARIANT(len == bytes.len && (len == 0 || memcmp(again, bytes.data, len) == 0));
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct mqtt_span rest = { data + 1, len - 1 };
    enum base64_alphabet alphabet = data[0] % 2 != 0 ? BASE64_URL : BASE64_STANDARD;

    read_text(alphabet, rest, data[0] < 128 ? rest.len : data[0] % 64);
    write_text(alphabet, rest);
    return 0;
}
