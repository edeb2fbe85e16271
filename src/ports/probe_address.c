/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int tacit_probe_resolve(const char *host, char out[TACIT_PROBE_ADDRESS_SIZE],
                        char error[TACIT_PROBE_ERROR_SIZE])
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char text[TACIT_PROBE_ADDRESS_SIZE];
    int failed = getaddrinfo(host, NULL, &hints, &found);

    if (failed == 0)
        failed = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0,
                             NI_NUMERICHOST);
    freeaddrinfo(found);
    if (failed != 0) {
        (void)snprintf(error, TACIT_PROBE_ERROR_SIZE, "%.100s: %s", host, gai_strerror(failed));
        return -ENOENT;
    }
    memcpy(out, text, sizeof(text));
    return 0;
}

static enum tacit_probe_reach reach_of_v4(uint32_t address)
{
    if (address >> 24 == 127)
        return TACIT_PROBE_LOOPBACK;
    if (address >> 24 == 10 || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8)
        return TACIT_PROBE_PRIVATE;
    return TACIT_PROBE_PUBLIC;
}

enum tacit_probe_reach tacit_probe_reach(const char *address)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, address, &four) == 1)
        return reach_of_v4(ntohl(four.s_addr));
    if (inet_pton(AF_INET6, address, &six) != 1)
        return TACIT_PROBE_PUBLIC;
    if (IN6_IS_ADDR_LOOPBACK(&six))
        return TACIT_PROBE_LOOPBACK;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        memcpy(&four, six.s6_addr + 12, sizeof(four));
        return reach_of_v4(ntohl(four.s_addr));
    }
    return (six.s6_addr[0] & 0xFE) == 0xFC ? TACIT_PROBE_PRIVATE : TACIT_PROBE_PUBLIC;
}
