/* SPDX-License-Identifier: Apache-2.0 */
/* How a received message is printed: as mosquitto_sub -F writes it, or as JSON.
 *
 *   %%  a percent sign       %t  topic            %p  payload
 *   %x  %X  payload in hex   %l  payload length   %q  QoS      %r  retain (0, 1)
 *   %I  time, ISO 8601       %U  time, seconds since 1970 with nanoseconds
 *   %j  JSON                 %J  JSON, the payload being JSON itself
 *   %C  content type         %D  correlation data %E  expiry, seconds
 *   %F  payload format       %P  user properties  %R  response topic
 *   %S  subscription identifiers
 *   @x  what strftime(3) makes of %x; @@ an at sign
 *   \n \t \r \a \e \0 \\     as in C */
#pragma once

#include <tacit/client.h>

#include "base/attrs.h"

#include <stdio.h>
#include <time.h>

struct format_input {
    const struct tacit_message *message; /* payload: all of it */
    struct timespec received;
};

/* Is there nothing in it that format_print does not know? Else *out is the place. */
MQTT_NODISCARD bool format_is_valid(const char *format, const char **out);

/* The message as one JSON object; with `payload_is_json` the payload stands in it as
 * JSON, if it is some. Bytes that are no text are given in hex, as "payload_hex". */
void format_json(FILE *file, const struct format_input *input, bool payload_is_json);

/* "2025-01-31T12:00:00.000000+0100"; 64 bytes are enough. */
void format_iso_time(char *out, size_t size, const struct timespec *time);

void format_print(FILE *file, const char *format, const struct format_input *input);
