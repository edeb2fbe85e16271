/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/fetch.h"
#include "base/invariant.h"
#include "net/connection.h"
#include "net/detach.h"
#include "net/handshake.h"
#include "net/porch.h"
#include "net/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_LINGER_MS  2000
#define EXPELLED_LINGER_MS 300 /* its connection has to be gone within a second (promise I4) */

/* A client's output can refill while it is sent; so often per turn, then others. */
#define PASSES_PER_TURN 4

/* ---- the transport port ---- */

static void on_wake(void *transport)
{
    transmit_later(transport);
}

static void on_close(void *transport, struct client *client)
{
    struct outbox *outbox = client_outbox(client);
    struct outbox rest = *outbox;
    uint32_t linger_ms = ((struct connection *)transport)->net->linger_ms;
    if (client_was_expelled(client) && linger_ms > EXPELLED_LINGER_MS)
        linger_ms = EXPELLED_LINGER_MS;
    *outbox = (struct outbox){ 0 };
    connection_end(transport, &rest, linger_ms);
}

static void on_resume(void *transport)
{
    receive_resume(transport);
}

struct transport_port net_transport(void)
{
    return (struct transport_port){ .wake = on_wake, .close = on_close, .resume = on_resume };
}

/* ---- end of turn ---- */

/* What the next ones need comes into the cache while one is sent for: of a thousand it is not there any more, as the
 * kernel needs some kilobytes for each. First the connection, then its client, then what that has to say. */
static void look_ahead(struct list *pass)
{
    struct list *first = pass->next;
    struct list *second = first->next;
    struct list *third = second->next;

    if (second == pass || third == pass)
        return;
    fetch_lines(MQTT_CONTAINER_OF(third, struct connection, dirty));
    fetch_lines(MQTT_CONTAINER_OF(second, struct connection, dirty)->client);
    struct connection *next = MQTT_CONTAINER_OF(first, struct connection, dirty);
    if (next->phase == PHASE_OPEN)
        fetch_lines(client_outbox(next->client)->first);
}

static void flush_dirty(struct net *net)
{
    struct list pass;
    list_init(&pass);
    while (!list_is_empty(&net->dirty))
        list_push_back(&pass, list_take_first(&net->dirty));
    struct list *link;
    while ((link = list_take_first(&pass)) != NULL) {
        look_ahead(&pass);
        transmit_flush(MQTT_CONTAINER_OF(link, struct connection, dirty));
    }
}

static void finish_drain(struct net *net)
{
    if (!net->drain.is_on || net->drain.done == NULL || net_connections(net) > 0)
        return;
    void (*done)(void *context) = net->drain.done;
    net->drain.done = NULL;
    loop_cancel(net->loop, &net->drain.timer);
    done(net->drain.context);
}

static void on_turn_end(struct loop_hook *hook)
{
    struct net *net = MQTT_CONTAINER_OF(hook, struct net, turn_end);
    /* First what the others wait for: a step takes as long as hundreds of messages. */
    flush_dirty(net);
    handshake_serve(net);
    for (int pass = 0; pass < PASSES_PER_TURN && !list_is_empty(&net->dirty); pass++)
        flush_dirty(net);
    if (!list_is_empty(&net->dirty))
        loop_turn_again(net->loop);
    detach_turn(net);
    finish_drain(net);
}

/* ---- open and close ---- */

static bool allocate_buffers(struct net *net)
{
    net->plain = malloc(NET_READ_BYTES);
    net->cipher = malloc(NET_CIPHER_BYTES);
    net->record = malloc(TLS_RECORD_BYTES);
    net->tls = tls_shard_new();
    return net->plain != NULL && net->cipher != NULL && net->record != NULL && net->tls != NULL;
}

static void release(struct net *net)
{
    if (net->spare_fd >= 0)
        close(net->spare_fd);
    tls_shard_free(net->tls);
    free(net->record);
    free(net->cipher);
    free(net->plain);
    free(net);
}

int net_open(const struct net_options *options, struct net **out)
{
    struct net *net = calloc(1, sizeof(*net));
    if (net == NULL)
        return -ENOMEM;
    net->loop = options->loop;
    net->broker = options->broker;
    net->porch = options->porch;
    net->decoy = options->decoy;
    net->shard = options->shard;
    net->limits = options->limits;
    net->hooks = options->hooks;
    net->linger_ms = options->linger_ms != 0 ? options->linger_ms : DEFAULT_LINGER_MS;
    list_init(&net->connections);
    list_init(&net->guests);
    list_init(&net->holders);
    handshake_open(net);
    detach_open(net);
    list_init(&net->dirty);
    list_init(&net->listeners);
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (net->spare_fd < 0 || !allocate_buffers(net)) {
        int error = net->spare_fd < 0 ? -errno : -ENOMEM;
        release(net);
        return error;
    }
    loop_hook_add(net->loop, &net->turn_end, on_turn_end);
    *out = net;
    return 0;
}

static void cut_all(struct net *net)
{
    while (!list_is_empty(&net->connections))
        connection_lost(MQTT_CONTAINER_OF(net->connections.next, struct connection, all));
}

void net_close(struct net *net)
{
    if (net == NULL)
        return;
    MQTT_INVARIANT(list_is_empty(&net->listeners));
    loop_deliver(net->loop);
    cut_all(net);
    detach_close(net);
    loop_cancel(net->loop, &net->drain.timer);
    loop_hook_remove(&net->turn_end);
    release(net);
}

void net_set_peers(struct net *net, struct net *const *nets, unsigned count)
{
    net->peers = nets;
    net->peer_count = count;
}

void net_set_limits(struct net *net, const struct limits *limits)
{
    net->limits = *limits;
    porch_set_limits(net->porch, limits);
}

/* ---- drain ---- */

static void on_drain_deadline(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    (void)context;
    (void)now_ms;
    cut_all(MQTT_CONTAINER_OF(timer, struct net, drain.timer));
}

void net_drain(struct net *net, uint64_t deadline_ms, void (*done)(void *context), void *context)
{
    net->drain.is_on = true;
    net->drain.done = done;
    net->drain.context = context;
    listener_pause_all(net);
    list_for_each_safe (link, following, &net->connections) {
        struct connection *connection = MQTT_CONTAINER_OF(link, struct connection, all);
        if (connection->phase < PHASE_OPEN)
            connection_free(connection);
    }
    loop_arm(net->loop, &net->drain.timer, deadline_ms, on_drain_deadline);
    loop_turn_again(net->loop);
}

/* ---- figures ---- */

void net_refuse(struct net *net, const struct connection_facts *facts, enum net_refusal why,
                const char *text)
{
    net->stats.refused[why]++;
    if (net->hooks.refused != NULL)
        net->hooks.refused(net->hooks.context, facts, why, text);
}

bool net_has_output(const struct net *net)
{
    return !list_is_empty(&net->dirty);
}

bool net_is_full(const struct net *net)
{
    uint64_t count = net_connections(net);
    for (unsigned i = 0; i < net->peer_count; i++) {
        if (net->peers[i] != net)
            count += net_connections(net->peers[i]);
    }
    return count >= net->limits.connections;
}

const struct net_stats *net_statistics(const struct net *net)
{
    return &net->stats;
}

uint64_t net_connections(const struct net *net)
{
    return atomic_load_explicit(&net->count, memory_order_relaxed);
}
