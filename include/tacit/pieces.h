/* SPDX-License-Identifier: Apache-2.0 */
/* Messages whose payload is larger than any memory here: the application hands it over piece by
 * piece while it is written, and the pieces go from its memory to the transport.
 *
 *     tacit_publish_begin(client, &message, &token);      message.payload.len is the whole
 *     ...
 *     case TACIT_EVENT_WANTED:                            whenever there may be room for more
 *         read what begins at event.offset of event.total, of the payload of event.token
 *         tacit_publish_part(client, event.token, event.offset, piece, &taken);
 *
 * The client does not have the payload, so it cannot send it again by itself: when a connection
 * ends before the message is done with, WANTED asks for it on the next one, from offset 0. So the
 * application keeps it, or can make it again, until the event DELIVERED (QoS 1) or until the last
 * byte was taken (QoS 0); one that cannot calls tacit_cancel. For the same reason such a message
 * is not in config.store: after a reboot the application publishes it anew.
 *
 * One payload passes at a time; what else is to be sent waits for its end, answers to the server
 * included. An application that hands over nothing for as long as the keep-alive interval loses
 * the connection (DOWN with TACIT_TIMEOUT), and is asked from the beginning on the next one. */
#pragma once

#include "tacit/client.h"

/* Queues topic and properties. `message->payload.len` is the number of bytes of the whole payload;
 * `data` is not looked at. QoS is 0 or 1: what QoS 2 promises takes a client that has the payload.
 * Otherwise as tacit_publish. */
enum tacit_status tacit_publish_begin(struct tacit_client *client,
                                      const struct tacit_message *message, uint32_t *out_token);

/* Hands over the bytes from `offset` on, which is where WANTED said or behind what was taken since.
 * *out_taken has the bytes that left, also when it fails; `piece` is not needed afterwards.
 * TACIT_OK: all of it. TACIT_AGAIN: the transport takes no more now; the rest at the next WANTED.
 * TACIT_ARGUMENT: that is not what comes next, since the connection has ended meanwhile for example.
 * TACIT_IO: the connection is over; tacit_poll says so. */
enum tacit_status tacit_publish_part(struct tacit_client *client, uint32_t token, uint32_t offset,
                                     struct tacit_bytes piece, size_t *out_taken);
