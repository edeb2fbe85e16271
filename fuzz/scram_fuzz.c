/* SPDX-License-Identifier: Apache-2.0 */
/* The two messages of a SCRAM client, with a zero byte between them. Promises asserted: what is
 * accepted has a user and a nonce that fit, and what the server answers can be read; nothing proves
 * a key that nobody has. */
#include "base/invariant.h"
#include "pki/scram.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct scram_keys keys = { .rounds = SCRAM_ROUNDS_MIN };
    const uint8_t *zero = len > 0 ? memchr(data, 0, len) : NULL;
    size_t first_len = zero != NULL ? (size_t)(zero - data) : len;
    struct scram_first first;
    struct scram_exchange exchange;
    char out[SCRAM_FINAL_SIZE];
    int result = scram_read_first((struct mqtt_span){ data, first_len }, &first);

    MQTT_INVARIANT(result == 0 || result == -EBADMSG || result == -ENOTSUP);
    if (result != 0)
        return 0;
    MQTT_INVARIANT(first.user[0] != '\0' && strlen(first.user) < SCRAM_USER_SIZE);
    MQTT_INVARIANT(first.nonce[0] != '\0');
    scram_begin(&first, &keys, "ours", &exchange);
    MQTT_INVARIANT(strncmp(exchange.server_first + 2, first.nonce, strlen(first.nonce)) == 0);
    MQTT_INVARIANT(strstr(exchange.server_first, ",i=4096") != NULL);
    if (zero == NULL)
        return 0;
    result = scram_finish(&exchange, (struct mqtt_span){ zero + 1, len - first_len - 1 }, out);
    MQTT_INVARIANT(result == -EACCES || result == -EBADMSG);
    return 0;
}
