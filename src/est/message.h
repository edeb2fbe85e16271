/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the requests and answers of EST (RFC 7030, RFC 8951), as bytes. Pure functions;
 * what they read may come from anybody. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define EST_MESSAGE_NAME_SIZE  256 /* of a user in Basic authentication, NUL included */
#define EST_MESSAGE_TOKEN_SIZE 256

/* What a header Authorization says. The token is a secret: wipe it. */
struct est_message_credentials {
    bool has_name; /* with Bearer there is none */
    char name[EST_MESSAGE_NAME_SIZE];
    char token[EST_MESSAGE_TOKEN_SIZE];
};

/* "Basic BASE64(NAME:TOKEN)" or "Bearer TOKEN". -EBADMSG: neither, too long, or with a NUL. */
MQTT_NODISCARD int est_message_credentials(struct mqtt_span header,
                                           struct est_message_credentials *out);

/* Is the value of a header Content-Type of that type, whatever its parameters? */
bool est_message_is_type(struct mqtt_span header, const char *type);

/* The operation named by a path, "simpleenroll" for "/.well-known/est/simpleenroll" and for
 * "/.well-known/est/LABEL/simpleenroll"; .len is 0 where it is no path of EST. Borrowed. */
struct mqtt_span est_message_operation(struct mqtt_span path);
