/* SPDX-License-Identifier: Apache-2.0 */
#include "net/connection.h"

#include "base/zeroed.h"
#include "net/guest.h"
#include "vault/vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_ready(struct loop_watch *watch, unsigned ready)
{
    struct connection *connection = MQTT_CONTAINER_OF(watch, struct connection, watch);
    connection->has_ended = (ready & LOOP_ENDED) != 0;
    /* One thing a call: either may free it, and what is still true is reported again. */
    if (connection->is_waiting && (ready & LOOP_READABLE) != 0)
        connection_lost(connection); /* it is not watched for that: the socket broke */
    else if ((ready & LOOP_READABLE) != 0)
        receive_ready(connection);
    else
        transmit_flush(connection);
}

/* ---- into and out of a net ---- */

static void enter(struct net *net, struct connection *connection)
{
    connection->net = net;
    list_push_back(&net->connections, &connection->all);
    guest_enter(connection);
    atomic_fetch_add_explicit(&net->count, 1, memory_order_relaxed);
}

static void leave(struct connection *connection)
{
    struct net *net = connection->net;
    if (connection_passage(connection) != NULL)
        loop_cancel(net->loop, &connection_passage(connection)->timer);
    if (connection->phase <= PHASE_OPEN)
        guest_step_aside(connection);
    list_unlink(&connection->dirty);
    list_unlink(&connection->all);
    atomic_fetch_sub_explicit(&net->count, 1, memory_order_relaxed);
}

void connection_close_tls(struct connection *connection)
{
    struct net *net = connection->net;
    net->stats.detached_closed += tls_stream_is_detached(&connection->tls) ? 1 : 0;
    tls_stream_close(&connection->tls, net->tls);
}

void connection_free(struct connection *connection)
{
    struct net *net = connection->net;
    leave(connection);
    guest_leave(connection);
    loop_close_watched(net->loop, &connection->watch);
    if (connection->phase > PHASE_OPEN && connection_passage(connection) != NULL)
        outbox_clear(&connection_passage(connection)->closing,
                     broker_outbox_pools(connection_broker(connection)));
    if (connection->phase == PHASE_GREETING)
        tls_context_free(connection->tls_context);
    connection_close_tls(connection);
    free(connection->facts.tls);
    free(connection->input);
    free(connection->output);
    connection_drop_passage(connection);
    free(connection);
    net->stats.closed++;
    /* A drain may wait for the last one. */
    if (net->drain.is_on)
        loop_turn_again(net->loop);
}

void connection_lost(struct connection *connection)
{
    struct net *net = connection->net;
    if (connection->phase == PHASE_OPEN)
        client_lost(connection->client, loop_now_ms(net->loop));
    /* Its outbox went with the client. */
    if (connection->phase == PHASE_OPEN)
        connection->phase = PHASE_CONNECTING;
    connection_free(connection);
}

void connection_refuse(struct connection *connection, enum net_refusal why, const char *text)
{
    net_refuse(connection->net, &connection->facts, why, text);
    connection_free(connection);
}

/* ---- accept ---- */

/* Its facts are there. False: out of memory. */
static bool begin_passage(struct connection *connection)
{
    struct passage *passage = vault_brief_alloc(sizeof(*passage));
    if (passage == NULL)
        return false;
    passage->connection = connection;
    connection->facts.opening = &passage->opening;
    return true;
}

void connection_drop_passage(struct connection *connection)
{
    vault_brief_free(connection_passage(connection));
    connection->facts.opening = NULL;
}

static struct connection *connection_new(int fd, const struct connection_start *start)
{
    size_t address_bytes = strlen(start->address) + 1;
    struct connection *connection = zeroed_alloc(sizeof(*connection) + address_bytes);
    if (connection == NULL)
        return NULL;
    memcpy(connection->address, start->address, address_bytes);
    connection->watch.fd = fd;
    connection->phase = start->tls != NULL ? PHASE_GREETING : PHASE_CONNECTING;
    connection->facts =
        (struct connection_facts){ .listener = start->listener, .address = connection->address };
    if (begin_passage(connection)) {
        connection->facts.opening->is_tls = start->tls != NULL;
        connection->tls_context = start->tls != NULL ? tls_context_ref(start->tls) : NULL;
        return connection;
    }
    free(connection);
    return NULL;
}

const char *connection_objection(const struct connection *connection)
{
    const struct net_hooks *hooks = &connection->net->hooks;
    return hooks->check_peer != NULL ? hooks->check_peer(hooks->context, &connection->facts) : NULL;
}

/* Starts to listen to it; frees it on failure. */
static bool watch(struct connection *connection)
{
    struct net *net = connection->net;
    unsigned interest = connection->is_blocked ? LOOP_READABLE | LOOP_WRITABLE : LOOP_READABLE;
    int fd = connection->watch.fd;
    if (loop_watch(net->loop, &connection->watch, fd, interest, on_ready) < 0) {
        connection_refuse(connection, NET_REFUSED_MEMORY, "the kernel cannot watch its socket");
        return false;
    }
    guest_watch_time(connection);
    return true;
}

static void welcome(struct connection *connection)
{
    const char *text =
        connection->phase == PHASE_CONNECTING ? connection_objection(connection) : NULL;
    if (text != NULL)
        connection_refuse(connection, NET_REFUSED_PEER, text);
    else
        (void)watch(connection);
}

void connection_open(struct net *net, int fd, const struct connection_start *start)
{
    bool is_over = false;
    uint32_t guest = guest_admit(net, start, &is_over);
    if (guest == 0) {
        close(fd);
        return;
    }
    struct connection *connection = connection_new(fd, start);
    if (connection == NULL) {
        close(fd);
        porch_leave(net->porch, guest, false, 0);
        net_refuse(net, NULL, NET_REFUSED_MEMORY, "out of memory");
        return;
    }
    bool is_full = net_is_full(net);
    connection->guest = guest;
    connection_passage(connection)->accepted_ms = loop_now_ms(net->loop);
    connection->facts.opening->accepted_ns = loop_clock_ns();
    enter(net, connection);
    net->stats.accepted++;
    if (is_full)
        connection_refuse(connection, NET_REFUSED_CONNECTIONS, "limit of open connections");
    else if (!is_over || guest_yield(connection, PORCH_PLACES))
        welcome(connection);
}

/* ---- to its home ---- */

static bool open_client(struct connection *connection, struct mqtt_span bytes)
{
    struct net *net = connection->net;
    uint64_t now_ms = loop_now_ms(net->loop);
    struct broker *broker = connection_broker(connection);
    struct client *client = broker != NULL
                                ? client_open(broker, connection, &connection->facts,
                                              connection_passage(connection)->accepted_ms, now_ms)
                                : NULL;
    if (client == NULL) {
        connection_refuse(connection, NET_REFUSED_CONNECTIONS, "limit of open connections");
        return false;
    }
    loop_cancel(net->loop, &connection_passage(connection)->timer);
    connection->client = client;
    connection->phase = PHASE_OPEN;
    return receive_bytes(connection, bytes);
}

/* On the home shard's thread. */
static void on_adopt(struct loop_message *message, struct loop *loop)
{
    (void)loop;
    struct connection *connection = MQTT_CONTAINER_OF(message, struct passage, message)->connection;
    struct net *net = connection->net;
    enter(net, connection);
    net->stats.moved_in++;
    if (tls_stream_is_open(&connection->tls))
        tls_stream_join(&connection->tls, net->tls);
    if (net->drain.is_on) {
        connection_free(connection);
        return;
    }
    if (!watch(connection))
        return;
    struct held *first = connection->input;
    connection->input = NULL;
    (void)open_client(connection, (struct mqtt_span){ first->bytes, first->end });
    free(first);
}

static void move(struct connection *connection, struct net *home, struct mqtt_span bytes)
{
    struct held *first = malloc(sizeof(*first) + bytes.len);
    if (first == NULL) {
        connection_refuse(connection, NET_REFUSED_MEMORY, "out of memory");
        return;
    }
    *first = (struct held){ .capacity = bytes.len, .end = bytes.len };
    memcpy(first->bytes, bytes.data, bytes.len);
    free(connection->input);
    connection->input = first;
    loop_unwatch(connection->net->loop, &connection->watch);
    leave(connection);
    connection->net->stats.moved_out++;
    if (tls_stream_is_open(&connection->tls))
        tls_stream_leave(&connection->tls, connection->net->tls);
    connection->net = home;
    loop_post(home->loop, &connection_passage(connection)->message, on_adopt);
}

bool connection_arrive(struct connection *connection, struct mqtt_span bytes)
{
    struct net *net = connection->net;
    int home = broker_home_shard(net->broker, bytes);
    if (home < 0) {
        /* The core refuses a CONNECT that is too long by its header. */
        if (bytes.len <= net->limits.connect_packet_bytes)
            return true;
        connection_refuse(connection, NET_REFUSED_SIZE, "the first packet is too large");
        return false;
    }
    const struct net_hooks *hooks = &net->hooks;
    connection->is_decoy =
        hooks->is_decoy != NULL && hooks->is_decoy(hooks->context, &connection->facts, bytes);
    if (connection->is_decoy)
        home = 0;
    if ((unsigned)home == net->shard || (unsigned)home >= net->peer_count)
        return open_client(connection, bytes);
    move(connection, net->peers[home], bytes);
    return false;
}

/* ---- the end ---- */

static void on_linger_deadline(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    (void)context;
    (void)now_ms;
    connection_free(MQTT_CONTAINER_OF(timer, struct passage, timer)->connection);
}

/* It has bytes to send yet, and so long for that and for the peer to close. Without memory for that
 * it goes at the end of this turn. Takes `rest`. */
static void begin_to_end(struct connection *connection, struct outbox *rest, uint32_t linger_ms)
{
    struct net *net = connection->net;
    guest_step_aside(connection);
    connection->phase = PHASE_FLUSHING;
    if (connection_passage(connection) == NULL && !begin_passage(connection)) {
        outbox_clear(rest, broker_outbox_pools(connection_broker(connection)));
        connection->is_blocked = false;
        return;
    }
    connection_passage(connection)->closing = *rest;
    loop_arm(net->loop, &connection_passage(connection)->timer, loop_now_ms(net->loop) + linger_ms,
             on_linger_deadline);
}

void connection_end(struct connection *connection, struct outbox *rest, uint32_t linger_ms)
{
    begin_to_end(connection, rest, linger_ms);
    connection->is_waiting = false;
    free(connection->input);
    connection->input = NULL;
    transmit_later(connection);
}

void connection_dismiss(struct connection *connection, enum net_refusal why, const char *text)
{
    struct outbox nothing = { 0 };
    net_refuse(connection->net, &connection->facts, why, text);
    begin_to_end(connection, &nothing, connection->net->linger_ms);
    transmit_flush(connection);
}

/* To close at once would reset the connection if the peer is still sending, and
 * the reset can overtake our last words. Who has closed already is not told that we do, nor asked. */
void connection_linger(struct connection *connection)
{
    connection->phase = PHASE_LINGERING;
    if (connection->has_ended)
        connection_free(connection);
    else if (receive_rest(connection))
        (void)shutdown(connection->watch.fd, SHUT_WR);
}
