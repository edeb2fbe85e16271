/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a sealed key, which anybody may have written. Promise asserted: what is accepted is
 * encoded to the very same bytes. */
#include "base/invariant.h"
#include "keystore/sealed_format.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sealed_format sealed;
    uint8_t again[SEALED_FORMAT_MAX_BYTES];
    int result = sealed_format_decode((struct mqtt_span){ data, len }, &sealed);

    MQTT_INVARIANT(result == 0 || result == -EBADMSG || result == -ENOTSUP);
    if (result != 0)
        return 0;
    MQTT_INVARIANT(sealed_format_encode(&sealed, again) == len && memcmp(again, data, len) == 0);
    return 0;
}
