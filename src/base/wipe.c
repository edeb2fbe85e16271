/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wipe.h"

void wipe_bytes(void *secret, size_t len)
{
    if (len == 0)
        return;
    memset(secret, 0, len);
    /* Claims to read the bytes, so that the stores before it are not dead. */
    __asm__ volatile("" : : "r"(secret) : "memory");
}

bool wipe_equal(struct mqtt_span a, struct mqtt_span b)
{
    if (a.len != b.len)
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < a.len; i++) {
        difference |= (unsigned)(a.data[i] ^ b.data[i]);
        /* Hides the value from the optimiser, which could otherwise leave early. */
        __asm__ volatile("" : "+r"(difference));
    }
    return difference == 0;
}
