/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/place.h"

#include <arpa/inet.h>
#include <string.h>

size_t place_of(const char *address, uint8_t out[PLACE_BYTES])
{
    char host[64];
    uint8_t bytes[16];
    size_t len = address[0] == '[' ? strcspn(address + 1, "]%") : strcspn(address, ":");
    const char *start = address[0] == '[' ? address + 1 : address;

    if (len >= sizeof(host))
        return 0;
    memcpy(host, start, len);
    host[len] = '\0';
    if (address[0] == '[' && inet_pton(AF_INET6, host, bytes) == 1) {
        memcpy(out, bytes, PLACE_BYTES);
        return PLACE_BYTES;
    }
    if (address[0] != '[' && inet_pton(AF_INET, host, bytes) == 1) {
        memcpy(out, bytes, 4);
        return 4;
    }
    return 0;
}
