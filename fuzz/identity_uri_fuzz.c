/* SPDX-License-Identifier: Apache-2.0 */
/* A URI from a certificate. Promise asserted: what is accepted is exactly what would be
 * written for it, with valid parts. */
#include "base/invariant.h"
#include "pki/identity_uri.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mqtt_span text = { data, len };
    struct identity_uri uri;
    char again[IDENTITY_URI_SIZE];
    int result = identity_uri_parse(text, &uri);
    MQTT_INVARIANT(result == 0 || result == -EINVAL);
    if (result == 0) {
        MQTT_INVARIANT(identity_uri_name_is_valid(uri.name));
        MQTT_INVARIANT(identity_uri_domain_is_valid(uri.trust_domain));
        MQTT_INVARIANT(identity_uri_format(&uri, again) == 0);
        MQTT_INVARIANT(span_equal(span_of(again), text));
    }
    return 0;
}
