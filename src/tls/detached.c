/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/detached.h"

#include "base/wipe.h"
#include "tls/departure.h"
#include "tls/record.h"
#include "tls/record_kept.h"
#include "tls/shard.h"

#include <errno.h>
#include <stdlib.h>

static struct tls_sink output_of(struct tls_shard *shard)
{
    return (struct tls_sink){ shard->output, TLS_OUTPUT_BYTES, shard->output_len };
}

static void explain(struct tls_shard *shard)
{
    if (shard->failure[0] == '\0')
        tls_shard_fail(shard, "%s", tls_record_engine_failure(shard->engine));
}

/* ---- open and close ---- */

/* A stream that has come from another shard may be the first one here. */
static bool has_engine(struct tls_shard *shard)
{
    if (MQTT_UNLIKELY(shard->engine == NULL)) {
        shard->engine = tls_record_engine_new(TLS_RECORD_SLOTS);
        if (shard->engine == NULL)
            tls_shard_fail(shard, "out of memory");
    }
    return shard->engine != NULL;
}

enum tls_detached tls_detached_open(struct tls_stream *stream, struct tls_shard *shard)
{
    struct tls_records *records = has_engine(shard) ? calloc(1, sizeof(*records)) : NULL;
    if (records == NULL)
        return TLS_NOT_YET;
    const struct tls_record_secrets secrets = tls_departure_secrets(stream->ssl);
    int error = tls_records_open(records, shard->engine, &secrets);
    if (error < 0) {
        free(records);
        return error == -ENOMEM ? TLS_NOT_YET : TLS_STAYS;
    }
    stream->records = records;
    return TLS_DETACHED;
}

void tls_detached_close(struct tls_stream *stream, struct tls_shard *shard)
{
    if (shard->engine != NULL)
        tls_records_close(stream->records, shard->engine);
    else
        tls_kept_free(
            stream->records->kept); /* nothing was done here; what it left was forgotten there */
    wipe_bytes(stream->records, sizeof(*stream->records));
    free(stream->records);
    stream->records = NULL;
}

void tls_detached_leave(struct tls_stream *stream, struct tls_shard *shard)
{
    if (shard->engine != NULL)
        tls_records_leave(stream->records, shard->engine);
}

/* ---- records ---- */

enum tls_result tls_detached_read(struct tls_stream *stream, struct tls_shard *shard, uint8_t *into,
                                  size_t room, size_t *out_len)
{
    if (!has_engine(shard))
        return TLS_FAILED;
    struct tls_sink plaintext = { into, room, 0 };
    struct tls_sink output = output_of(shard);
    enum tls_result result =
        tls_records_read(stream->records, shard->engine, &shard->input, &plaintext, &output);
    shard->output_len = output.len;
    if (MQTT_LIKELY(result == TLS_DONE))
        *out_len = plaintext.len;
    else if (result == TLS_FAILED)
        explain(shard);
    return result;
}

int tls_detached_write(struct tls_stream *stream, struct tls_shard *shard,
                       struct mqtt_span plaintext)
{
    if (!has_engine(shard))
        return -EPROTO;
    struct tls_sink output = output_of(shard);
    int error = tls_records_write(stream->records, shard->engine, plaintext, &output);
    shard->output_len = output.len;
    if (MQTT_LIKELY(error == 0))
        return 0;
    explain(shard);
    return -EPROTO;
}

void tls_detached_shutdown(struct tls_stream *stream, struct tls_shard *shard)
{
    if (!has_engine(shard))
        return;
    struct tls_sink output = output_of(shard);
    tls_records_shutdown(stream->records, shard->engine, &output);
    shard->output_len = output.len;
}
