/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authentication.h"

#include "base/wipe.h"
#include "codec/disconnect.h"
#include "core/client.h"
#include "core/dispatch.h"
#include "core/encode.h"
#include "core/standing.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int authentication_begin(struct client *client, struct mqtt_span method,
                         struct mqtt_span connect_body)
{
    struct authentication *a = malloc(sizeof(*a) + method.len + connect_body.len);

    if (a == NULL)
        return -ENOMEM;
    *a = (struct authentication){ .method_len = method.len, .connect_len = connect_body.len };
    if (method.len > 0)
        memcpy(a->bytes, method.data, method.len);
    if (connect_body.len > 0)
        memcpy(a->bytes + method.len, connect_body.data, connect_body.len);
    client->authentication = a;
    return 0;
}

struct mqtt_span authentication_method(const struct client *client)
{
    const struct authentication *a = client->authentication;

    return a != NULL ? (struct mqtt_span){ a->bytes, a->method_len } : (struct mqtt_span){ 0 };
}

struct mqtt_span authentication_connect(const struct client *client)
{
    const struct authentication *a = client->authentication;

    return (struct mqtt_span){ a->bytes + a->method_len, a->connect_len };
}

/* The CONNECT may have a password. */
static void forget_connect(struct authentication *a)
{
    wipe_bytes(a->bytes + a->method_len, a->connect_len);
    a->connect_len = 0;
}

void authentication_settle(struct client *client)
{
    struct authentication *a = client->authentication;

    if (a == NULL)
        return;
    a->exchange = NULL;
    a->is_under_way = false;
    forget_connect(a);
    if (a->method_len > 0)
        return;
    free(a);
    client->authentication = NULL;
}

void authentication_abandon(struct client *client)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    struct authentication *a = client->authentication;

    if (a == NULL)
        return;
    if (a->exchange != NULL && port->abandon != NULL)
        port->abandon(port->context, a->exchange);
    forget_connect(a);
    free(a);
    client->authentication = NULL;
}

/* One step of a re-authentication. The session and its rights stay those of the
 * CONNECT: it must be the same identity that proves itself again. */
static enum mqtt_status reauthenticate(struct client *client, const struct mqtt_auth *auth)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    struct authentication *a = client->authentication;
    struct admission_answer answer = { .exchange = a->exchange };
    const struct admission_request request = {
        .client = client,
        .facts = client->facts,
        .method = authentication_method(client),
        .data = auth->data,
        .is_reauthentication = true,
        .exchange = a->exchange,
    };
    enum admission admission = port->decide(port->context, &request, &answer);

    a->exchange = admission == ADMISSION_CONTINUE ? answer.exchange : NULL;
    a->is_under_way = admission == ADMISSION_CONTINUE;
    if (admission == ADMISSION_CONTINUE) {
        encode_auth(client, MQTT_CONTINUE_AUTHENTICATION, request.method, answer.data);
        return MQTT_OK;
    }
    if (admission != ADMISSION_ALLOW
        || !identity_equal(&answer.identity, client->session->identity)) {
        client_doom(client, MQTT_NOT_AUTHORIZED, "re-authentication failed");
        return MQTT_OK;
    }
    if (!session_admit(client->session, answer.role)) {
        client_doom(client, MQTT_NOT_AUTHORIZED, "re-authentication led to another topic space");
        return MQTT_OK;
    }
    client->broker->generation++;
    client->broker->route_epoch++; /* what was allowed before is judged again */
    encode_auth(client, MQTT_SUCCESS, request.method, answer.data);
    return MQTT_OK;
}

enum mqtt_status on_reauth(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    struct mqtt_auth auth;
    enum mqtt_status status;

    (void)now_ms;
    if (client->version != MQTT_VERSION_5)
        return MQTT_ERR_PROTOCOL;
    status = mqtt_auth_decode(frame->body, &auth);
    if (status != MQTT_OK)
        return status;
    /* [MQTT-4.12.0-7] without a method in CONNECT there is no AUTH, and
     * [MQTT-4.12.1-1] the method stays the same. */
    if (client->authentication == NULL || !span_equal(auth.method, authentication_method(client)))
        return MQTT_ERR_PROTOCOL;
    uint8_t expected =
        client->authentication->is_under_way ? MQTT_CONTINUE_AUTHENTICATION : MQTT_REAUTHENTICATE;
    if (auth.reason != expected)
        return MQTT_ERR_PROTOCOL;
    return reauthenticate(client, &auth);
}
