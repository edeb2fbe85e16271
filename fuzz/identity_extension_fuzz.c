/* SPDX-License-Identifier: Apache-2.0 */
/* The extension of a certificate that anybody may have made. Promise asserted: what is accepted
 * is encoded to the very same bytes. */
#include "base/invariant.h"
#include "pki/identity_extension.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct identity_extension extension;
    uint8_t again[IDENTITY_EXTENSION_MAX_BYTES];
    size_t again_len = 0;
    int result = identity_extension_decode((struct mqtt_span){ data, len }, &extension);
    MQTT_INVARIANT(result == 0 || result == -EBADMSG);
    if (result != 0)
        return 0;
    MQTT_INVARIANT(identity_extension_encode(&extension, again, &again_len) == 0);
    MQTT_INVARIANT(again_len == len && memcmp(again, data, len) == 0);
    return 0;
}
