/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/config_value.h"
#include "pki/pkcs11.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int config_ca_read(const struct settings_block *block, struct diagnostics *diagnostics,
                   struct config_ca *out)
{
    const struct setting *key = settings_value(block, "key");
    const struct setting *passphrase = settings_value(block, "passphrase-file");

    if (config_value_file(passphrase, diagnostics, &out->passphrase_file) != 0)
        return -ENOMEM;
    if (key == NULL)
        return 0;
    if (!pkcs11_uri_is_valid(key->text))
        settings_complain(key, diagnostics,
                          "key = \"%.100s\": write pkcs11:token=...;object=...?pin-source="
                          "file:PATH; the PIN itself does not belong here",
                          strstr(key->text, "pin-value") != NULL ? "pkcs11:..." : key->text);
    out->key = strdup(key->text);
    return out->key != NULL ? 0 : -ENOMEM;
}

void config_ca_fini(struct config_ca *ca)
{
    free(ca->key);
    free(ca->passphrase_file);
}
