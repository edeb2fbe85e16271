/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/portrait.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_BYTES 8 /* of an IPv6 address: its /64 */

static void copy(const char *from, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", from);
}

/* "[2001:db8::1%zone]:40000" */
static void place_of_v6(const char *address, char out[PORTRAIT_ADDRESS_BYTES])
{
    char text[PORTRAIT_ADDRESS_BYTES];
    struct in6_addr raw;

    copy(address + 1, text, sizeof(text));
    text[strcspn(text, "%]")] = '\0';
    copy(text, out, PORTRAIT_ADDRESS_BYTES);
    if (inet_pton(AF_INET6, text, &raw) != 1)
        return;
    memset(raw.s6_addr + PREFIX_BYTES, 0, sizeof(raw.s6_addr) - PREFIX_BYTES);
    if (inet_ntop(AF_INET6, &raw, text, sizeof(text)) != NULL)
        copy(text, out, PORTRAIT_ADDRESS_BYTES);
}

void portrait_take(struct portrait *out, const struct connection_facts *facts, int64_t now_s)
{
    memset(out, 0, sizeof(*out));
    out->since_s = now_s;
    copy(facts->address, out->address, sizeof(out->address));
    copy(facts->peer->serial, out->serial, sizeof(out->serial));
    if (out->address[0] == '[') {
        place_of_v6(out->address, out->place);
        return;
    }
    copy(out->address, out->place, sizeof(out->place));
    out->place[strcspn(out->place, ":")] = '\0';
}

bool portrait_read(struct mqtt_span note, struct portrait *out)
{
    if (note.len != sizeof(*out))
        return false;
    memcpy(out, note.data, sizeof(*out));
    return true;
}
