/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as tacit.conf and command lines have them. Promises asserted: an address that is read
 * is written as text that is read as the same one; a server with a port has a port and a name that
 * ends. */
#include "base/invariant.h"
#include "net/address.h"
#include "terminated.h"
#include "tools/enroll_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT 40000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* "192.0.2.1:40000" or "[2001:db8::1]:40000", without the port. */
static void cut_port(char *shown)
{
    char *colon = strrchr(shown, ':');

    MQTT_INVARIANT(colon != NULL && strcmp(colon, ":40000") == 0);
    *colon = '\0';
    if (shown[0] == '[') {
        MQTT_INVARIANT(colon[-1] == ']');
        colon[-1] = '\0';
        memmove(shown, shown + 1, strlen(shown));
    }
}

static void check_address(const char *text)
{
    char shown[ADDRESS_TEXT_BYTES];
    char again[ADDRESS_TEXT_BYTES];
    struct address address;
    int error = address_parse(text, PORT, &address);

    MQTT_INVARIANT(error == 0 || error == -EINVAL);
    if (error != 0)
        return;
    MQTT_INVARIANT(address_port(&address) == PORT);
    MQTT_INVARIANT(address.is_any == (text[0] == '\0') || address.is_any);
    address_format(&address.raw, shown);
    cut_port(shown);
    MQTT_INVARIANT(address_parse(shown, PORT, &address) == 0);
    address_format(&address.raw, again);
    cut_port(again);
    MQTT_INVARIANT(strcmp(again, shown) == 0);
}

static void check_server(const char *text)
{
    char host[ENROLL_HOST_SIZE];
    uint16_t port = 0;

    if (!enroll_options_split(text, host, &port))
        return;
    MQTT_INVARIANT(port != 0 && host[0] != '\0');
    MQTT_INVARIANT(memchr(host, '\0', sizeof(host)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = terminated_copy(data, len);

    check_address(text);
    check_server(text);
    free(text);
    return 0;
}
