/* SPDX-License-Identifier: Apache-2.0 */
/* A reference is "host", "host:port" or "[address]:port", or several of them with blanks between,
 * of which the first one is used. What looks like anything else is not followed: a name goes to
 * the transport, which is not to wonder about it. */
#include "client/redirect.h"

#define LONGEST_HOST 253u

struct reference {
    struct mqtt_span host;
    uint16_t port; /* 0: not said */
};

static bool is_alphanumeric(uint8_t c)
{
    uint8_t lower = c | 0x20;
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

/* Bytes at the front of `text` that may be part of a name, or in brackets of an address. */
static size_t host_len(struct mqtt_span text, bool in_brackets)
{
    size_t len = 0;
    while (len < text.len
           && (is_alphanumeric(text.data[len]) || text.data[len] == '.'
               || text.data[len] == (in_brackets ? ':' : '-')))
        len++;
    return len;
}

static struct mqtt_span skip(struct mqtt_span text, size_t len)
{
    return (struct mqtt_span){ text.data + len, text.len - len };
}

static bool begins_with(struct mqtt_span text, char c)
{
    return text.len > 0 && text.data[0] == (uint8_t)c;
}

/* Up to the end or a blank. 0 if that is not a port. */
static uint16_t parse_port(struct mqtt_span digits)
{
    uint32_t port = 0;
    for (size_t i = 0; i < digits.len && digits.data[i] != ' '; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || port > UINT16_MAX)
            return 0;
        port = port * 10 + (uint32_t)(digits.data[i] - '0');
    }
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* `text` is not empty. */
static bool parse(struct mqtt_span text, struct reference *out)
{
    bool in_brackets = begins_with(text, '[');
    text = skip(text, in_brackets);
    size_t len = host_len(text, in_brackets);
    *out = (struct reference){ .host = { text.data, len } };
    text = skip(text, len);
    if (in_brackets && !begins_with(text, ']'))
        return false;
    text = skip(text, in_brackets);
    if (begins_with(text, ':')) {
        out->port = parse_port(skip(text, 1));
        if (out->port == 0)
            return false;
    } else if (text.len > 0 && text.data[0] != ' ') {
        return false;
    }
    return len > 0 && len <= LONGEST_HOST;
}

bool tacit_is_redirected(struct tacit_client *client, enum tacit_status status, uint8_t reason)
{
    const struct tacit_event *event = client->event;
    const struct tacit_config *config = client->config;
    struct tacit_redirect *redirect = &client->redirect;
    struct reference reference;
    bool lasted = client->state == TACIT_CLIENT_ONLINE
                  && client->clock.up_ms >= tacit_longest_retry_ms(client);
    uint8_t hops = lasted ? 0 : client->hops;
    client->hops = 0;
    if (status != TACIT_REFUSED
        || (reason != MQTT_USE_ANOTHER_SERVER && reason != MQTT_SERVER_MOVED)
        || hops >= config->redirects || event->server_reference.len == 0
        || !parse(tacit_span(event->server_reference), &reference))
        return false;
    ptrdiff_t host_at = reference.host.data - client->receive.memory;
    if (host_at > UINT16_MAX)
        return false;
    redirect->host_at = (uint16_t)host_at;
    redirect->host_len = (uint8_t)reference.host.len;
    redirect->port = reference.port != 0 ? reference.port : config->port;
    client->hops = (uint8_t)(hops + 1);
    return true;
}
