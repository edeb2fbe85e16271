/* SPDX-License-Identifier: Apache-2.0 */
#include "net/handshake.h"

#include "base/invariant.h"
#include "base/zeroed.h"
#include "net/guest.h"
#include "net/porch.h"
#include "tls/hello.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Who has waited for so long at the head of a queue is a sign that it is not going to be emptied:
 * then every other one served is the newest, for whom it is not too late. */
#define PATIENCE_MS 500

void handshake_open(struct net *net)
{
    for (size_t i = 0; i < HANDSHAKE_CLASS_COUNT; i++)
        list_init(&net->handshakes.waiting[i]);
    net->handshakes.left = net->limits.handshakes_per_turn;
}

/* ---- the first look ---- */

static void mark(struct connection *connection, size_t bytes)
{
    int value = (int)bytes;
    (void)setsockopt(connection->watch.fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
    connection->is_marked = bytes > 1;
}

/* Nothing more will come to what has. */
static bool has_ended(const struct connection *connection)
{
    struct pollfd ask = { .fd = connection->watch.fd, .events = POLLRDHUP };
    return poll(&ask, 1, 0) == 1;
}

static void hung_up(struct connection *connection)
{
    connection_refuse(connection, NET_REFUSED_HANDSHAKE, "the client hung up");
}

/* Is the whole ClientHello there? Until then the kernel keeps it and does not wake us: who sends it
 * byte by byte costs nothing. */
static bool look(struct connection *connection, struct tls_hello *out)
{
    struct net *net = connection->net;
    ssize_t got = recv(connection->watch.fd, net->cipher, TLS_HELLO_MAX_BYTES, MSG_PEEK);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got > 0)
        *out = tls_hello_read((struct mqtt_span){ net->cipher, (size_t)got });
    if (got <= 0 || (out->wants > 0 && has_ended(connection))) {
        hung_up(connection);
        return false;
    }
    if (out->wants > 0) {
        mark(connection, out->wants);
        return false;
    }
    if (connection->is_marked)
        mark(connection, 1);
    return true;
}

/* ---- the queue ---- */

static enum handshake_class class_of(const struct connection *connection,
                                     const struct tls_hello *hello)
{
    if (connection->phase == PHASE_HANDSHAKE)
        return HANDSHAKE_STARTED;
    enum porch_standing standing = porch_standing(connection->net->porch, connection->guest);
    if (standing == PORCH_KNOWN
        || (hello->ticket.len > 0 && tls_context_remembers(connection->tls_context, hello->ticket)))
        return HANDSHAKE_FAVOURED;
    return standing == PORCH_STILL ? HANDSHAKE_STILL : HANDSHAKE_CROWD;
}

/* Those who have come in this turn and were not served are not watched any more. The ones before them are
 * not already. */
static void park(struct list *queue)
{
    struct list *link = queue->prev;

    while (link != queue) {
        MQTT_INVARIANT(link != NULL);
        struct connection *connection = MQTT_CONTAINER_OF(link, struct passage, queued)->connection;
        link = link->prev; /* hanging up takes it out of the queue */
        if ((connection->watch.interest & LOOP_READABLE) == 0)
            return;
        if (transmit_watch(connection) < 0)
            hung_up(connection);
    }
}

static bool is_anybody_waiting(const struct handshakes *handshakes)
{
    for (size_t i = 0; i < HANDSHAKE_CLASS_COUNT; i++) {
        if (!list_is_empty(&handshakes->waiting[i]))
            return true;
    }
    return false;
}

static void wait(struct connection *connection, enum handshake_class class)
{
    connection->is_waiting = true;
    list_push_back(&connection->net->handshakes.waiting[class],
                   &connection_passage(connection)->queued);
}

bool handshake_is_due(struct connection *connection)
{
    struct handshakes *handshakes = &connection->net->handshakes;
    struct tls_hello hello = { 0 };
    if (connection->phase == PHASE_GREETING && !look(connection, &hello))
        return false;
    if (!handshakes->is_serving) {
        wait(connection, class_of(connection, &hello));
        return false;
    }
    handshakes->left--;
    return true;
}

/* Each class has its share of the turns, so that none is starved by those before it; what a class
 * does not use is for the first that has somebody. */
static struct list *next_queue(struct handshakes *handshakes)
{
    static const uint8_t shares[] = {
        HANDSHAKE_FAVOURED, HANDSHAKE_STARTED, HANDSHAKE_FAVOURED, HANDSHAKE_STILL,
        HANDSHAKE_FAVOURED, HANDSHAKE_STARTED, HANDSHAKE_STILL,    HANDSHAKE_CROWD,
    };
    unsigned turn = handshakes->turns++ % MQTT_ARRAY_LEN(shares);
    struct list *queue = &handshakes->waiting[shares[turn]];
    for (size_t i = 0; list_is_empty(queue) && i < HANDSHAKE_CLASS_COUNT; i++)
        queue = &handshakes->waiting[i];
    return queue;
}

static struct connection *next_waiting(struct net *net)
{
    struct list *queue = next_queue(&net->handshakes);
    if (list_is_empty(queue))
        return NULL;
    struct connection *oldest = MQTT_CONTAINER_OF(queue->next, struct passage, queued)->connection;
    if (connection_passage(oldest)->accepted_ms + PATIENCE_MS < loop_now_ms(net->loop)
        && net->handshakes.turns % 2 == 0)
        return MQTT_CONTAINER_OF(queue->prev, struct passage, queued)->connection;
    return oldest;
}

void handshake_serve(struct net *net)
{
    struct handshakes *handshakes = &net->handshakes;
    struct connection *connection = NULL;
    handshakes->is_serving = true;
    if (handshakes->has_others)
        handshakes->left = 1;
    while (handshakes->left > 0 && (connection = next_waiting(net)) != NULL) {
        list_unlink(&connection_passage(connection)->queued);
        connection->is_waiting = false;
        if (transmit_watch(connection) < 0)
            hung_up(connection);
        else
            receive_ready(connection);
    }
    handshakes->is_serving = false;
    handshakes->has_others = false;
    handshakes->left = net->limits.handshakes_per_turn;
    for (size_t i = 0; i < HANDSHAKE_CLASS_COUNT; i++)
        park(&handshakes->waiting[i]);
    if (is_anybody_waiting(handshakes))
        loop_turn_again(net->loop);
}

/* ---- a step ---- */

static bool begin(struct connection *connection)
{
    struct net *net = connection->net;
    connection->facts.tls = zeroed_alloc(sizeof(*connection->facts.tls));
    if (connection->facts.tls == NULL
        || tls_stream_open(&connection->tls, connection->tls_context, net->tls) < 0) {
        connection_refuse(connection, NET_REFUSED_MEMORY, "out of memory");
        return false;
    }
    tls_context_free(connection->tls_context);
    connection->tls_context = NULL;
    connection->phase = PHASE_HANDSHAKE;
    return guest_hold(connection);
}

static bool shake_hands(struct connection *connection)
{
    struct net *net = connection->net;
    struct tls_agreed *agreed = connection->facts.tls;
    enum tls_result result = tls_stream_handshake(&connection->tls, net->tls, agreed);
    /* What is left to say with TLS 1.3 are tickets: nobody waits for them, CONNACK takes them along. */
    bool can_wait = result == TLS_DONE && tls_stream_is_1_3(&connection->tls);
    int error = can_wait ? transmit_keep(connection) : transmit_ciphertext(connection);
    if (result == TLS_FAILED) {
        connection_dismiss(connection, NET_REFUSED_HANDSHAKE, tls_shard_failure(net->tls));
        return false;
    }
    if (error < 0) {
        hung_up(connection);
        return false;
    }
    if (result != TLS_DONE)
        return false;
    net->stats.handshakes++;
    net->stats.resumed += agreed->is_resumed ? 1 : 0;
    connection->facts.peer = connection->tls.peer;
    connection->facts.opening->stream = &connection->tls;
    const char *text = connection_objection(connection);
    if (text != NULL) {
        connection_dismiss(connection, NET_REFUSED_PEER, text);
        return false;
    }
    connection->phase = PHASE_CONNECTING;
    return true;
}

bool handshake_step(struct connection *connection)
{
    if (connection->phase == PHASE_GREETING && !begin(connection))
        return false;
    return shake_hands(connection);
}
