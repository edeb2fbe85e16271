/* SPDX-License-Identifier: Apache-2.0 */
#include "net/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Spans in one sendmsg(). */
#define MOST_SPANS 64

/* A chunk from so many bytes on is worth a record of its own; smaller ones are
 * copied together. */
#define RECORD_WORTH_BYTES 8192u

/* Ciphertext for a peer that does not read: more than a turn makes, so that only one
 * who provokes answers without reading them gets there. */
#define HELD_MAX_BYTES 524288u

void transmit_later(struct connection *connection)
{
    if (!connection->is_blocked && !list_is_linked(&connection->dirty))
        list_push_back(&connection->net->dirty, &connection->dirty);
}

int transmit_watch(struct connection *connection)
{
    unsigned interest = connection->is_waiting ? 0 : LOOP_READABLE;

    if (connection->is_blocked)
        interest |= LOOP_WRITABLE;
    return loop_watch_change(connection->net->loop, &connection->watch, interest);
}

static int set_blocked(struct connection *connection, bool is_blocked)
{
    if (connection->phase == PHASE_OPEN && (is_blocked || connection->is_blocked))
        client_full(connection->client, is_blocked, loop_now_ms(connection->net->loop));
    connection->is_blocked = is_blocked;
    return transmit_watch(connection);
}

/* Sends; *out_sent may be less than asked for, also 0. Negative errno when the socket
 * broke. */
static int send_parts(struct connection *connection, struct iovec *parts, size_t count,
                      size_t *out_sent)
{
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
    int fd = connection->watch.fd;
    /* For one part the kernel has less to copy in. */
    ssize_t sent = count == 1 ? send(fd, parts->iov_base, parts->iov_len, flags)
                              : sendmsg(fd, &message, flags);
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        return -errno;
    *out_sent = sent > 0 ? (size_t)sent : 0;
    return 0;
}

/* ---- plaintext ---- */

static int flush_plain(struct connection *connection, struct outbox *outbox, bool *out_full)
{
    struct outbox_pools *pools = broker_outbox_pools(connection_broker(connection));
    MQTT_UNINITIALIZED struct mqtt_span spans[MOST_SPANS];
    MQTT_UNINITIALIZED struct iovec parts[MOST_SPANS];
    while (outbox_ready(outbox) > 0) {
        size_t count = outbox_peek(outbox, spans, MOST_SPANS);
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            /* sendmsg() does not write through it. */
            parts[i].iov_base = (void *)(uintptr_t)spans[i].data;
            parts[i].iov_len = spans[i].len;
            total += spans[i].len;
        }
        size_t sent = 0;
        int error = send_parts(connection, parts, count, &sent);
        if (error < 0)
            return error;
        outbox_consume(outbox, pools, sent);
        if (sent < total) {
            *out_full = true;
            return 0;
        }
    }
    return 0;
}

/* ---- TLS ---- */

static int hold(struct connection *connection, struct mqtt_span bytes)
{
    struct held *before = connection->output;
    size_t old_len = before != NULL ? before->end - before->begin : 0;
    if (old_len + bytes.len > HELD_MAX_BYTES)
        return -ENOBUFS;
    struct held *output = malloc(sizeof(*output) + old_len + bytes.len);
    if (output == NULL)
        return -ENOMEM;
    *output = (struct held){ .capacity = old_len + bytes.len, .end = old_len + bytes.len };
    if (before != NULL)
        memcpy(output->bytes, before->bytes + before->begin, old_len);
    memcpy(output->bytes + old_len, bytes.data, bytes.len);
    free(before);
    connection->output = output;
    return set_blocked(connection, true);
}

/* By transmit_keep(), and not because the socket is full. */
static bool is_kept(const struct connection *connection)
{
    return connection->output != NULL && !connection->is_blocked;
}

static bool is_stuck(const struct connection *connection)
{
    return connection->output != NULL && connection->is_blocked;
}

/* What was kept goes in front of what is encrypted now, if there is room. */
static void join_kept(struct connection *connection)
{
    const struct held *kept = connection->output;
    struct mqtt_span bytes = { kept->bytes + kept->begin, kept->end - kept->begin };
    if (!tls_shard_put_first(connection->net->tls, bytes))
        return;
    free(connection->output);
    connection->output = NULL;
}

static int send_bytes(struct connection *connection, struct mqtt_span bytes, size_t *out_sent)
{
    struct iovec part = { .iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len };
    return send_parts(connection, &part, 1, out_sent);
}

int transmit_ciphertext(struct connection *connection)
{
    struct tls_shard *tls = connection->net->tls;
    struct mqtt_span bytes = tls_shard_output(tls);
    if (bytes.len == 0)
        return 0;
    if (MQTT_UNLIKELY(is_kept(connection))) {
        join_kept(connection);
        bytes = tls_shard_output(tls);
    }
    size_t sent = 0;
    int error = 0;
    if (connection->output == NULL)
        error = send_bytes(connection, bytes, &sent);
    if (error == 0 && sent < bytes.len)
        error = hold(connection, (struct mqtt_span){ bytes.data + sent, bytes.len - sent });
    tls_shard_clear(tls);
    return error;
}

int transmit_keep(struct connection *connection)
{
    struct tls_shard *tls = connection->net->tls;
    struct mqtt_span bytes = tls_shard_output(tls);
    if (bytes.len == 0)
        return 0;
    struct held *kept = connection->output == NULL ? malloc(sizeof(*kept) + bytes.len) : NULL;
    if (kept == NULL)
        return transmit_ciphertext(connection);
    *kept = (struct held){ .capacity = bytes.len, .end = bytes.len };
    memcpy(kept->bytes, bytes.data, bytes.len);
    connection->output = kept;
    tls_shard_clear(tls);
    return 0;
}

static int flush_held(struct connection *connection)
{
    struct held *output = connection->output;
    size_t sent = 0;
    int error = send_bytes(
        connection,
        (struct mqtt_span){ output->bytes + output->begin, output->end - output->begin }, &sent);
    if (error < 0)
        return error;
    output->begin += sent;
    if (output->begin < output->end)
        return 0;
    free(output);
    connection->output = NULL;
    return 0;
}

/* The next record's plaintext, and how much of the outbox it takes. */
static struct mqtt_span next_record(const struct net *net, const struct outbox *outbox)
{
    MQTT_UNINITIALIZED struct mqtt_span spans[MOST_SPANS];
    size_t count = outbox_peek(outbox, spans, MOST_SPANS);
    if (count == 1 || spans[0].len >= RECORD_WORTH_BYTES) {
        size_t len = spans[0].len < TLS_RECORD_BYTES ? spans[0].len : TLS_RECORD_BYTES;
        return (struct mqtt_span){ spans[0].data, len };
    }
    size_t len = 0;
    for (size_t i = 0; i < count && len < TLS_RECORD_BYTES; i++) {
        size_t room = TLS_RECORD_BYTES - len;
        size_t part = spans[i].len < room ? spans[i].len : room;
        memcpy(net->record + len, spans[i].data, part);
        len += part;
    }
    return (struct mqtt_span){ net->record, len };
}

static int flush_tls(struct connection *connection, struct outbox *outbox)
{
    struct net *net = connection->net;
    struct outbox_pools *pools = broker_outbox_pools(connection_broker(connection));
    while (outbox_ready(outbox) > 0 && !is_stuck(connection)) {
        while (outbox_ready(outbox) > 0 && tls_shard_room(net->tls) > 0) {
            struct mqtt_span record = next_record(net, outbox);
            int error = tls_stream_write(&connection->tls, net->tls, record);
            if (error < 0) {
                tls_shard_clear(net->tls);
                return error;
            }
            outbox_consume(outbox, pools, record.len);
        }
        int error = transmit_ciphertext(connection);
        if (error < 0)
            return error;
    }
    return 0;
}

/* ---- both ---- */

static int send_waiting(struct connection *connection, struct outbox *outbox, bool *out_full)
{
    bool is_ready = outbox != NULL && outbox_ready(outbox) > 0;
    bool goes_along = is_ready && is_kept(connection);
    int error = connection->output != NULL && !goes_along ? flush_held(connection) : 0;
    if (error == 0 && is_ready && (connection->output == NULL || goes_along)) {
        if (!tls_stream_is_open(&connection->tls))
            return flush_plain(connection, outbox, out_full);
        connection->quiet_rounds = 0;
        error = flush_tls(connection, outbox);
    }
    *out_full = connection->output != NULL;
    return error;
}

/* Watches for writing if, and only if, the socket is full: no system call as long as
 * it takes everything. */
static int flush(struct connection *connection, struct outbox *outbox)
{
    bool is_full = false;
    int error = send_waiting(connection, outbox, &is_full);
    return error < 0 ? error : set_blocked(connection, is_full);
}

static void flush_open(struct connection *connection)
{
    struct outbox *outbox = client_outbox(connection->client);
    size_t before = outbox->bytes;
    if (flush(connection, outbox) < 0)
        connection_lost(connection);
    else if (outbox->bytes < before)
        client_sent(connection->client, loop_now_ms(connection->net->loop));
}

static void flush_closing(struct connection *connection)
{
    if (connection_passage(connection) == NULL) {
        connection_free(connection);
        return;
    }
    struct outbox *closing = &connection_passage(connection)->closing;
    int error = flush(connection, closing);
    if (error == 0 && closing->bytes == 0 && tls_stream_is_open(&connection->tls)) {
        tls_stream_shutdown(&connection->tls, connection->net->tls);
        error = transmit_ciphertext(connection);
        connection->facts.peer = NULL;
        connection_close_tls(connection);
    }
    if (error < 0)
        connection_free(connection);
    else if (closing->bytes == 0 && connection->output == NULL)
        connection_linger(connection);
}

void transmit_flush(struct connection *connection)
{
    list_unlink(&connection->dirty);
    if (connection->phase == PHASE_OPEN)
        flush_open(connection);
    else if (connection->phase == PHASE_FLUSHING)
        flush_closing(connection);
    else if (flush(connection, NULL) < 0)
        connection_free(connection);
}
