/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of tls/stream.h for a stream that is detached. Inside tls/ only.
 *
 * Owner: as of the stream. */
#pragma once

#include "tls/stream.h"

/* Behind tls_stream_detach(): its `ssl` is still there. */
enum tls_detached tls_detached_open(struct tls_stream *stream, struct tls_shard *shard);
void tls_detached_close(struct tls_stream *stream, struct tls_shard *shard);
void tls_detached_leave(struct tls_stream *stream, struct tls_shard *shard);

MQTT_HOT enum tls_result tls_detached_read(struct tls_stream *stream, struct tls_shard *shard,
                                           uint8_t *into, size_t room, size_t *out_len);
MQTT_HOT MQTT_NODISCARD int tls_detached_write(struct tls_stream *stream, struct tls_shard *shard,
                                               struct mqtt_span plaintext);
void tls_detached_shutdown(struct tls_stream *stream, struct tls_shard *shard);
