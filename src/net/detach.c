/* SPDX-License-Identifier: Apache-2.0 */
#include "net/detach.h"

#include "net/connection.h"

/* Rounds in the time that a connection has to be idle. Who was seen in one more without having done
 * anything has been for that long, and for at most a quarter more. */
#define ROUNDS       4u
#define QUIET_ROUNDS (ROUNDS + 1u)

/* In one turn. To look at one is some cache misses, to let it go some 20 µs. */
#define LOOKS_PER_TURN    512u
#define DETACHES_PER_TURN 16u

#define NEXT_SLICE_MS 1u

static void on_round(struct wheel_timer *timer, void *context, uint64_t now_ms);

/* Whose turn it is next; the end of a round is a link that belongs to no connection. */
void detach_open(struct net *net)
{
    list_init(&net->detach.due);
    list_init(&net->detach.attached);
    list_push_back(&net->detach.attached, &net->detach.end);
}

void detach_close(struct net *net)
{
    loop_cancel(net->loop, &net->detach.timer);
    list_unlink(&net->detach.end);
}

static uint64_t interval_ms(const struct net *net)
{
    return net->limits.tls_detach_idle_ms / ROUNDS;
}

static void arm(struct net *net, uint64_t due_ms)
{
    if (net->detach.is_armed)
        return;
    net->detach.is_armed = true;
    loop_arm(net->loop, &net->detach.timer, due_ms, on_round);
}

/* Behind the end of the round: it is looked at after a whole one at the earliest. */
static void attend(struct connection *connection)
{
    struct net *net = connection->net;
    connection->quiet_rounds = 1;
    list_push_back(&net->detach.attached, &connection_passage(connection)->queued);
    arm(net, loop_now_ms(net->loop) + interval_ms(net));
}

void detach_welcome(struct connection *connection)
{
    switch (tls_stream_wish(&connection->tls)) {
    case TLS_DETACH_OFF:
        connection_drop_passage(connection);
        break;
    case TLS_DETACH_IDLE:
    case TLS_DETACH_ALWAYS:
        attend(connection);
        break;
    }
}

/* Whether all leave at its listener, idle or not. */
static bool leaves_always(const struct connection *connection)
{
    return tls_stream_wish(&connection->tls) == TLS_DETACH_ALWAYS;
}

void detach_heard(struct connection *connection)
{
    if (connection->guest != 0 || !leaves_always(connection))
        return;
    struct net *net = connection->net;
    struct list *queued = &connection_passage(connection)->queued;
    list_unlink(queued);
    list_push_back(&net->detach.due, queued);
}

/* Who cannot go now is looked at again; who never can is not. True if it has gone. */
static bool detach(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct net *net = connection->net;
    list_unlink(&passage->queued);
    switch (tls_stream_detach(&connection->tls, net->tls)) {
    case TLS_STAYS:
        connection_drop_passage(connection);
        break;
    case TLS_NOT_YET:
        attend(connection);
        break;
    case TLS_DETACHED:
        connection_drop_passage(connection);
        net->stats.detached++;
        return true;
    }
    return false;
}

void detach_turn(struct net *net)
{
    if (list_is_empty(&net->detach.due))
        return;
    unsigned left = DETACHES_PER_TURN;
    for (; left > 0 && !list_is_empty(&net->detach.due); left--)
        (void)detach(MQTT_CONTAINER_OF(net->detach.due.next, struct passage, queued));
    if (!list_is_empty(&net->detach.due))
        loop_turn_again(net->loop);
    arm(net, loop_now_ms(net->loop) + interval_ms(net)); /* until it is calm */
}

/* Looks at the first. True if it was one that has gone. */
static bool look(struct net *net)
{
    struct list *link = net->detach.attached.next;
    struct passage *passage = MQTT_CONTAINER_OF(link, struct passage, queued);
    struct connection *connection = passage->connection;
    list_unlink(link);
    list_push_back(&net->detach.attached, link);
    /* Traffic begins the count anew, so that it ends at the bound. */
    connection->quiet_rounds++;
    bool is_due = connection->quiet_rounds >= QUIET_ROUNDS || leaves_always(connection);
    return is_due && detach(passage);
}

/* True at the end of the round. */
static bool look_at_some(struct net *net)
{
    unsigned looks = LOOKS_PER_TURN;
    unsigned detaches = DETACHES_PER_TURN;
    for (; looks > 0 && detaches > 0 && net->detach.attached.next != &net->detach.end; looks--)
        detaches -= look(net) ? 1 : 0;
    return net->detach.attached.next == &net->detach.end;
}

/* True if nobody is to leave OpenSSL, and nobody has come to it since the round before. */
static bool is_calm(struct net *net)
{
    bool is_new = net->detach.handshakes != net->stats.handshakes;
    net->detach.handshakes = net->stats.handshakes;
    return !is_new && list_is_empty(&net->detach.attached);
}

static void on_round(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct net *net = MQTT_CONTAINER_OF(timer, struct net, detach.timer);
    (void)context;
    net->detach.is_armed = false;
    if (!look_at_some(net)) {
        arm(net, now_ms + NEXT_SLICE_MS);
        return;
    }
    list_unlink(&net->detach.end);
    bool is_over = is_calm(net);
    list_push_back(&net->detach.attached, &net->detach.end);
    if (!is_over)
        arm(net, now_ms + interval_ms(net));
    else if (net->hooks.calm != NULL)
        net->hooks.calm(net->hooks.context);
}
