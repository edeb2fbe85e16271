/* SPDX-License-Identifier: Apache-2.0 */
/* A token that anybody may have sent. Promise asserted: none is taken that the key has not signed,
 * and of this key nobody has the other half. */
#include "base/invariant.h"
#include "pki/jwt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct jwt_key *load(void)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                              "-----END PUBLIC KEY-----\n";
    char path[] = "/tmp/jwt-fuzz-XXXXXX";
    struct jwt_key *key = NULL;
    int fd = mkstemp(path);

    MQTT_INVARIANT(fd >= 0 && write(fd, pem, sizeof(pem) - 1) == (ssize_t)sizeof(pem) - 1);
    MQTT_INVARIANT(jwt_key_load(path, &key, NULL) == 0);
    close(fd);
    unlink(path);
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct jwt_key *key;
    const struct jwt_rules rules = { .issuer = "house", .audience = "mqtt", .name_claim = "sub" };
    struct jwt_claims claims;
    const char *why = NULL;

    if (key == NULL)
        key = load();
    int result =
        jwt_verify(key, &rules, (struct mqtt_span){ data, len }, 1800000000, &claims, &why);
    MQTT_INVARIANT(result == -EACCES && why != NULL);
    (void)jwt_is_likely((struct mqtt_span){ data, len });
    return 0;
}
