/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_load.h"

#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/publish.h"
#include "codec/suback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define BUFFER_BYTES (256u * 1024u)
#define AT_A_TIME    64u /* connections under way */
#define PACKET_MAX   268435460u
#define TOPIC_BYTES  320

static bool is_publisher(const struct bench_load *load, unsigned index)
{
    return index < load->plan->publishers;
}

static unsigned copies_of_each(const struct bench_plan *plan)
{
    return plan->scenario == BENCH_P2P ? 1 : plan->subscribers;
}

static void write_topic(const struct bench_load *load, unsigned publisher, char *out)
{
    const struct option_list *topics = &load->plan->options->topics;
    (void)snprintf(out, TOPIC_BYTES, "%.200s/%s/%u", topics->count > 0 ? topics->item[0] : "bench",
                   load->plan->run, publisher);
}

static void fail(struct bench_load *load, struct bench_connection *connection, const char *why)
{
    if (connection->state == BENCH_FAILED)
        return;
    if (load->failed++ == 0) {
        const char *detail = tacit_posix_error(connection->posix);
        (void)snprintf(load->error, sizeof(load->error), "%.200s",
                       detail[0] != '\0' ? detail : why);
    }
    if (connection->state == BENCH_READY)
        load->ready--;
    connection->state = BENCH_FAILED;
    connection->out.len = 0;
    connection->transport.close(connection->transport.context);
}

/* ---- becoming ready ---- */

static void become_ready(struct bench_load *load, struct bench_connection *connection)
{
    connection->state = BENCH_READY;
    load->ready++;
}

static void subscribe(struct bench_load *load, struct bench_connection *connection)
{
    char topic[TOPIC_BYTES];
    connection->state = BENCH_SUBSCRIBING;
    for (unsigned i = 0; i < connection->stream_count; i++) {
        write_topic(load, connection->first_publisher + i, topic);
        bench_connection_subscribe(connection, topic, (enum mqtt_qos)load->plan->qos,
                                   (uint16_t)(i + 1));
    }
}

static void on_connack(struct bench_load *load, struct bench_connection *connection,
                       const struct mqtt_frame *frame)
{
    struct mqtt_connack connack;
    if (mqtt_connack_decode(connection->version, frame->body, &connack) != MQTT_OK
        || connack.reason != 0) {
        fail(load, connection, "the broker refused CONNECT");
        return;
    }
    connection->receive_maximum =
        connection->version == MQTT_VERSION_5 ? connack.receive_maximum : UINT16_MAX;
    if (connection->stream_count > 0)
        subscribe(load, connection);
    else
        become_ready(load, connection);
}

static void on_suback(struct bench_load *load, struct bench_connection *connection,
                      const struct mqtt_frame *frame)
{
    struct mqtt_suback suback;
    if (mqtt_suback_decode(connection->version, MQTT_SUBACK, frame->body, &suback) != MQTT_OK
        || suback.reasons.data[0] >= 0x80)
        fail(load, connection, "the broker refused SUBSCRIBE");
    else if (suback.packet_id == connection->stream_count)
        become_ready(load, connection);
}

/* ---- messages ---- */

static void on_publish(struct bench_load *load, struct bench_connection *connection,
                       const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;
    uint32_t run = 0;
    uint32_t publisher = 0;
    uint64_t sequence = 0;
    if (mqtt_publish_decode(connection->version, frame->flags, frame->body, &publish) != MQTT_OK) {
        fail(load, connection, "the broker sent a malformed PUBLISH");
        return;
    }
    if (publish.qos != MQTT_QOS_0)
        bench_connection_ack(connection, publish.qos == MQTT_QOS_1 ? MQTT_PUBACK : MQTT_PUBREC,
                             publish.packet_id);
    if (publish.payload.len >= BENCH_STAMP_BYTES) {
        memcpy(&run, publish.payload.data, sizeof(run));
        memcpy(&publisher, publish.payload.data + 4, sizeof(publisher));
        memcpy(&sequence, publish.payload.data + 8, sizeof(sequence));
    }
    uint32_t stream = publisher - connection->first_publisher;
    if (publish.payload.len != load->plan->size || run != load->run_number
        || stream >= connection->stream_count || sequence >= load->connections[publisher].sent) {
        load->counts.corrupt++;
        return;
    }
    uint64_t before = load->counts.delivered;
    bench_stream_take(&connection->streams[stream], sequence, &load->counts);
    load->connections[publisher].arrived += load->counts.delivered - before;
}

static void on_ack(struct bench_load *load, struct bench_connection *connection,
                   const struct mqtt_frame *frame)
{
    struct mqtt_ack ack;
    if (mqtt_ack_decode(connection->version, frame->type, frame->body, &ack) != MQTT_OK
        || ack.reason >= 0x80) {
        fail(load, connection, "the broker refused a message");
        return;
    }
    if (frame->type == MQTT_PUBREC)
        bench_connection_ack(connection, MQTT_PUBREL, ack.packet_id);
    else if (frame->type == MQTT_PUBREL)
        bench_connection_ack(connection, MQTT_PUBCOMP, ack.packet_id);
    else
        connection->acked++;
}

static void dispatch(struct bench_load *load, struct bench_connection *connection,
                     const struct mqtt_frame *frame)
{
    if (frame->type == MQTT_PUBLISH && connection->stream_count > 0)
        on_publish(load, connection, frame);
    else if (frame->type >= MQTT_PUBACK && frame->type <= MQTT_PUBCOMP)
        on_ack(load, connection, frame);
    else if (frame->type == MQTT_CONNACK && connection->state == BENCH_CONNECTING)
        on_connack(load, connection, frame);
    else if (frame->type == MQTT_SUBACK && connection->state == BENCH_SUBSCRIBING)
        on_suback(load, connection, frame);
    else
        fail(load, connection, "the broker ended the connection or sent what it may not");
}

/* ---- bytes ---- */

/* Handles the whole packets in `bytes`; the rest is kept for the next time. */
static void consume(struct bench_load *load, struct bench_connection *connection,
                    struct mqtt_span bytes)
{
    struct mqtt_frame frame;
    enum mqtt_status status = MQTT_PENDING;
    while (bytes.len > 0 && connection->state != BENCH_FAILED) {
        status = mqtt_frame_decode(bytes, PACKET_MAX, &frame);
        if (status != MQTT_OK)
            break;
        dispatch(load, connection, &frame);
        bytes.data += frame.len;
        bytes.len -= frame.len;
    }
    if (status != MQTT_OK && status != MQTT_PENDING)
        fail(load, connection, mqtt_status_text(status));
    /* `bytes` may lie in `partial` itself. */
    if (connection->partial.len == 0 && bytes.len > 0)
        memcpy(bench_bytes_add(&connection->partial, bytes.len), bytes.data, bytes.len);
    else if (bytes.len > 0)
        memmove(connection->partial.memory, bytes.data, bytes.len);
    connection->partial.len = bytes.len;
}

static void take_received(struct bench_load *load, struct bench_connection *connection, size_t len)
{
    struct bench_bytes *partial = &connection->partial;
    if (partial->len == 0) {
        consume(load, connection, (struct mqtt_span){ load->buffer, len });
        return;
    }
    memcpy(bench_bytes_add(partial, len), load->buffer, len);
    consume(load, connection, (struct mqtt_span){ partial->memory, partial->len });
}

static void receive(struct bench_load *load, struct bench_connection *connection)
{
    int got;
    do {
        got = connection->transport.receive(connection->transport.context, load->buffer,
                                            BUFFER_BYTES);
        if (got > 0)
            take_received(load, connection, (size_t)got);
        /* TLS may hold more than the socket shows. */
    } while (got > 0 && connection->state != BENCH_FAILED
             && (connection->encrypted || got == (int)BUFFER_BYTES));
    if (got < 0)
        fail(load, connection, "connection lost");
}

static void continue_opening(struct bench_load *load, struct bench_connection *connection)
{
    char client_id[300];
    const struct target *target = &load->plan->target;
    const char *prefix = load->plan->options->client_id;
    int status = connection->transport.open(
        connection->transport.context, (struct tacit_bytes){ target->host, strlen(target->host) },
        target->port);
    if (status == TACIT_AGAIN)
        return;
    if (status != TACIT_OK) {
        fail(load, connection, "no connection");
        return;
    }
    (void)snprintf(client_id, sizeof(client_id), "%.200s-%s-%u", prefix != NULL ? prefix : "bench",
                   load->plan->run, (unsigned)(connection - load->connections));
    connection->state = BENCH_CONNECTING;
    bench_connection_hello(connection, client_id, load->plan->options->user_name,
                           target->password[0] != '\0' ? target->password : NULL);
}

static bool begin(struct bench_load *load, unsigned index)
{
    struct bench_connection *connection = &load->connections[index];
    connection->posix =
        load->tls != NULL ? tacit_posix_tls_new(load->tls) : tacit_posix_insecure_new();
    if (connection->posix == NULL)
        return false;
    connection->transport = tacit_posix_transport(connection->posix);
    connection->encrypted = load->tls != NULL;
    connection->state = BENCH_OPENING;
    continue_opening(load, connection);
    return true;
}

/* ---- the turn ---- */

/* How many more messages this publisher may send now. */
static uint64_t window_left(const struct bench_load *load,
                            const struct bench_connection *connection)
{
    const struct bench_plan *plan = load->plan;
    uint64_t copies = copies_of_each(plan);
    uint64_t under_way = connection->sent - connection->arrived / copies;
    uint64_t left = under_way < plan->window ? plan->window - under_way : 0;
    if (plan->qos == 0)
        return left;
    uint64_t limit =
        plan->window < connection->receive_maximum ? plan->window : connection->receive_maximum;
    uint64_t unacked = connection->sent - connection->acked;
    uint64_t acks_left = unacked < limit ? limit - unacked : 0;
    return left < acks_left ? left : acks_left;
}

static void publish(struct bench_load *load)
{
    for (unsigned i = 0; i < load->plan->publishers; i++) {
        struct bench_connection *connection = &load->connections[i];
        if (connection->state != BENCH_READY)
            continue;
        for (uint64_t left = window_left(load, connection); left > 0; left--)
            bench_connection_publish(connection);
    }
}

static void set_pollers(struct bench_load *load)
{
    for (unsigned i = 0; i < load->started; i++) {
        const struct bench_connection *connection = &load->connections[i];
        bool writes = connection->out.len > 0 || tacit_posix_wants_write(connection->posix);
        load->pollers[i].fd = tacit_posix_descriptor(connection->posix);
        load->pollers[i].events = (short)(writes ? POLLIN | POLLOUT : POLLIN);
        if (connection->state == BENCH_OPENING && tacit_posix_wants_write(connection->posix))
            load->pollers[i].events = POLLOUT;
    }
}

void bench_load_turn(struct bench_load *load, int timeout_ms)
{
    while (load->started < load->count && load->started - load->ready - load->failed < AT_A_TIME) {
        if (!begin(load, load->started))
            break;
        load->started++;
    }
    set_pollers(load);
    (void)poll(load->pollers, load->started, timeout_ms);
    for (unsigned i = 0; i < load->started; i++) {
        struct bench_connection *connection = &load->connections[i];
        if (load->pollers[i].revents == 0 || connection->state == BENCH_FAILED)
            continue;
        if (connection->state == BENCH_OPENING)
            continue_opening(load, connection);
        else if ((load->pollers[i].revents & ~POLLOUT) != 0)
            receive(load, connection);
    }
    if (load->publishing)
        publish(load);
    for (unsigned i = 0; i < load->started; i++) {
        struct bench_connection *connection = &load->connections[i];
        if (connection->out.len > 0 && !bench_connection_flush(connection))
            fail(load, connection, "connection lost");
    }
}

bool bench_load_is_drained(const struct bench_load *load)
{
    uint64_t copies = copies_of_each(load->plan);
    for (unsigned i = 0; i < load->plan->publishers; i++) {
        const struct bench_connection *connection = &load->connections[i];
        if (connection->arrived < connection->sent * copies
            || (load->plan->qos > 0 && connection->acked < connection->sent))
            return false;
    }
    return true;
}

/* ---- life ---- */

static bool prepare(struct bench_load *load, unsigned index)
{
    const struct bench_plan *plan = load->plan;
    struct bench_connection *connection = &load->connections[index];
    char topic[TOPIC_BYTES];
    connection->version = (enum mqtt_version)plan->version;
    if (is_publisher(load, index)) {
        write_topic(load, index, topic);
        bench_connection_prepare(connection, topic, (enum mqtt_qos)plan->qos, load->run_number,
                                 index, plan->size);
        return true;
    }
    if (plan->subscribers == 0)
        return true;
    bool pairs = plan->scenario == BENCH_P2P;
    connection->first_publisher = pairs ? index - plan->publishers : 0;
    connection->stream_count = pairs ? 1 : plan->publishers;
    connection->streams = calloc(connection->stream_count, sizeof(*connection->streams));
    return connection->streams != NULL;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool bench_load_open(struct bench_load *out, const struct bench_plan *plan)
{
    unsigned count = plan->publishers + plan->subscribers + plan->idlers;
    *out = (struct bench_load){ .plan = plan, .count = count };
    raise_file_limit();
    if (tacit_posix_random(NULL, &out->run_number, sizeof(out->run_number)) < 0)
        out->run_number = 1;
    if (plan->target.encrypted)
        out->tls = target_tls_new(&plan->target, plan->options);
    if (plan->target.encrypted && out->tls == NULL)
        return false;
    out->connections = calloc(count, sizeof(*out->connections));
    out->pollers = calloc(count, sizeof(*out->pollers));
    out->buffer = malloc(BUFFER_BYTES);
    bool complete = out->connections != NULL && out->pollers != NULL && out->buffer != NULL;
    for (unsigned i = 0; complete && i < count; i++)
        complete = prepare(out, i);
    if (complete)
        return true;
    options_complain(plan->options, "out of memory");
    bench_load_close(out);
    return false;
}

void bench_load_close(struct bench_load *load)
{
    for (unsigned i = 0; load->connections != NULL && i < load->count; i++)
        bench_connection_fini(&load->connections[i]);
    free(load->connections);
    free(load->pollers);
    free(load->buffer);
    tacit_tls_free(load->tls);
    *load = (struct bench_load){ 0 };
}
