/* SPDX-License-Identifier: Apache-2.0 */
/* Words that stand for something, in files, certificates and on command lines. Promise asserted: a
 * word that is read is the one that is written for what it means, and no other word is. The first
 * byte says of which kind. */
#include "base/invariant.h"
#include "pki/identity_extension.h"
#include "pki/identity_uri.h"
#include "pki/key.h"
#include "pki/registry_life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define READ(kind, type, text)                                     \
    do {                                                           \
        enum type value;                                           \
        int error = kind##_parse(text, &value);                    \
        MQTT_INVARIANT(error == 0 || error == -EINVAL);            \
        if (error == 0)                                            \
            MQTT_INVARIANT(strcmp(kind##_text(value), text) == 0); \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    char *text = malloc(len);
    MQTT_INVARIANT(text != NULL);
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    if (data[0] % 4 == 0)
        READ(key_algorithm, key_algorithm, text);
    else if (data[0] % 4 == 1)
        READ(identity_uri_kind, identity_kind, text);
    else if (data[0] % 4 == 2)
        READ(identity_extension_protection, key_protection, text);
    else
        READ(registry_reason, registry_reason, text);
    free(text);
    return 0;
}
