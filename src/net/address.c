/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "base/decimal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void set_any(uint16_t port, struct address *out)
{
    *out = (struct address){ .len = sizeof(struct sockaddr_in6), .is_any = true };
    out->raw.ss_family = AF_INET6;
    address_set_port(out, port);
}

int address_parse(const char *text, uint16_t port, struct address *out)
{
    if (text == NULL || text[0] == '\0') {
        set_any(port, out);
        return 0;
    }
    struct addrinfo *found = NULL;
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                    .ai_socktype = SOCK_STREAM };
    if (getaddrinfo(text, NULL, &hints, &found) != 0)
        return -EINVAL;
    *out = (struct address){ .len = found->ai_addrlen };
    memcpy(&out->raw, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    address_set_port(out, port);
    return 0;
}

int address_of_path(const char *path, struct address *out)
{
    struct sockaddr_un unix_address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (len >= sizeof(unix_address.sun_path))
        return -ENAMETOOLONG;
    memcpy(unix_address.sun_path, path, len + 1);
    *out = (struct address){ .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1) };
    memcpy(&out->raw, &unix_address, sizeof(unix_address));
    return 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->raw.ss_family == AF_INET)
        ((struct sockaddr_in *)&address->raw)->sin_port = htons(port);
    else if (address->raw.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->raw)->sin6_port = htons(port);
}

uint16_t address_port(const struct address *address)
{
    if (address->raw.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address->raw)->sin_port);
    if (address->raw.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->raw)->sin6_port);
    return 0;
}

static struct porch_place place_of_v4(const void *bytes)
{
    struct porch_place place = { .len = 4, .network_len = 3 };
    memcpy(place.bytes, bytes, 4);
    return place;
}

struct porch_place address_place(const struct sockaddr_storage *raw)
{
    struct porch_place place = { .len = 8, .network_len = 6 };
    if (raw->ss_family == AF_INET)
        return place_of_v4(&((const struct sockaddr_in *)raw)->sin_addr);
    if (raw->ss_family != AF_INET6)
        return (struct porch_place){ 0 };
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)raw)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6))
        return place_of_v4(&v6->s6_addr[12]);
    memcpy(place.bytes, v6->s6_addr, 8);
    return place;
}

/* By hand: this is done for each connection, and inet_ntop() takes longer than an accept's share of it. */
static void format_v4(const void *host, in_port_t port, char *out)
{
    const uint8_t *bytes = host;
    for (size_t i = 0; i < 4; i++) {
        out = decimal_put(out, bytes[i]);
        *out++ = i < 3 ? '.' : ':';
    }
    *decimal_put(out, ntohs(port)) = '\0';
}

void address_format(const struct sockaddr_storage *raw, char out[ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (raw->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)raw;
        format_v4(&v4->sin_addr, v4->sin_port, out);
        return;
    }
    if (raw->ss_family != AF_INET6) {
        snprintf(out, ADDRESS_TEXT_BYTES, "unix");
        return;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)raw;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        format_v4(&v6->sin6_addr.s6_addr[12], v6->sin6_port, out);
        return;
    }
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%u", host, (unsigned)ntohs(v6->sin6_port));
}
