/* SPDX-License-Identifier: Apache-2.0 */
/* A line of a password file. Promise asserted: what is accepted is the name of an account and a
 * verifier that can be kept; what is not is complained about without what follows the colon. */
#include "base/invariant.h"
#include "pki/password_file.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct password_line line;
    struct pki_fault fault = { "" };
    int result = password_line_parse((struct mqtt_span){ data, len }, &line, &fault);

    MQTT_INVARIANT(result == 1 || result == 0 || result == -EINVAL);
    if (result == 1) {
        MQTT_INVARIANT(registry_name_is_valid(line.user));
        MQTT_INVARIANT(password_verifier_is_valid(line.verifier));
    }
    MQTT_INVARIANT((result < 0) == (fault.text[0] != '\0'));
    return 0;
}
