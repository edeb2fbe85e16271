/* SPDX-License-Identifier: Apache-2.0 */
#include "net/guest.h"

#include "net/porch.h"

#include <stdlib.h>

/* Guests that are compared when one has to go: so many of the newest and of the oldest, so that
 * nobody hides a crowd behind a few. */
#define SAMPLE 16
#define RIVALS (4 * SAMPLE)

/* What OpenSSL holds for one connection during a handshake, and until its CONNECT: docs/siege.md
 * has the measurement. */
#define TLS_BYTES 49152u

/* ---- coming and going ---- */

/* Who has to go because memory is short goes before anything is spent on it. */
static uint32_t admit_while_short(struct net *net, const struct connection_facts *facts,
                                  uint32_t guest)
{
    if (!porch_bars(net->porch, guest))
        return guest;
    porch_leave(net->porch, guest, false, 0);
    net_refuse(net, facts, NET_REFUSED_SHORT, "limits.memory_bytes");
    return 0;
}

static bool is_barred(const struct net *net, const struct porch_place *place)
{
    const struct net_hooks *hooks = &net->hooks;

    return hooks->is_barred != NULL && place->len > 0 && hooks->is_barred(hooks->context, place);
}

uint32_t guest_admit(struct net *net, const struct connection_start *start, bool *out_is_over)
{
    struct connection_opening opening = { .is_tls = start->tls != NULL };
    const struct connection_facts facts = { .listener = start->listener,
                                            .address = start->address,
                                            .opening = &opening };
    uint32_t guest = 0;

    if (MQTT_UNLIKELY(is_barred(net, &start->place))) {
        net_refuse(net, &facts, NET_REFUSED_BARRED, "tacit sense status");
        return 0;
    }
    switch (porch_enter(net->porch, &start->place, loop_now_ms(net->loop), &guest)) {
    case PORCH_FULL:
        net_refuse(net, &facts, NET_REFUSED_UNPROVED, "limits.unproved");
        break;
    case PORCH_ADDRESS:
        net_refuse(net, &facts, NET_REFUSED_ADDRESS, "limits.unproved_per_address");
        break;
    case PORCH_NETWORK:
        net_refuse(net, &facts, NET_REFUSED_NETWORK, "limits.unproved_per_network");
        break;
    case PORCH_OVER:
        *out_is_over = true;
        break;
    case PORCH_IN:
        *out_is_over = false;
        break;
    }
    if (guest != 0 && MQTT_UNLIKELY(broker_refuses_newcomers(net->broker)))
        return admit_while_short(net, &facts, guest);
    return guest;
}

void guest_enter(struct connection *connection)
{
    struct net *net = connection->net;
    struct list *link = &connection_passage(connection)->guests;
    *link = (struct list){ 0 };
    if (connection->guest == 0)
        return;
    porch_move(net->porch, connection->guest, net->shard);
    list_push_back(connection->is_holder ? &net->holders : &net->guests, link);
}

void guest_step_aside(struct connection *connection)
{
    if (connection_passage(connection) == NULL)
        return;
    list_unlink(&connection_passage(connection)->guests);
    list_unlink(&connection_passage(connection)->queued);
}

void guest_leave(struct connection *connection)
{
    if (connection->guest != 0)
        porch_leave(connection->net->porch, connection->guest, false, 0);
    connection->guest = 0;
}

void guest_let_in(struct connection *connection)
{
    struct net *net = connection->net;
    guest_step_aside(connection);
    porch_leave(net->porch, connection->guest, true, loop_now_ms(net->loop));
    connection->guest = 0;
}

/* ---- too many, too much ---- */

static const struct {
    enum net_refusal why;
    const char *text;
} reasons[] = {
    [PORCH_PLACES] = { NET_REFUSED_UNPROVED, "limits.unproved" },
    [PORCH_BYTES] = { NET_REFUSED_BYTES, "limits.unproved_bytes" },
};

static void send_away(struct connection *connection, enum porch_want want)
{
    net_refuse(connection->net, &connection->facts, reasons[want].why, reasons[want].text);
    connection_lost(connection);
}

struct rivals {
    size_t count;
    struct connection *all[RIVALS];
    uint32_t guests[RIVALS];
};

static void add_rival(struct rivals *rivals, struct list *link)
{
    struct connection *connection = MQTT_CONTAINER_OF(link, struct passage, guests)->connection;
    rivals->all[rivals->count] = connection;
    rivals->guests[rivals->count] = connection->guest;
    rivals->count++;
}

static void add_newest(struct rivals *rivals, const struct list *list)
{
    size_t more = rivals->count + SAMPLE;
    for (struct list *link = list->prev; link != list && rivals->count < more; link = link->prev)
        add_rival(rivals, link);
}

static void add_oldest(struct rivals *rivals, const struct list *list)
{
    size_t more = rivals->count + SAMPLE;
    for (struct list *link = list->next; link != list && rivals->count < more; link = link->next)
        add_rival(rivals, link);
}

/* In the order in which they are to go. Where places are short, the newest: the others may be about
 * to prove themselves. Where bytes are, those who have held theirs for longest: an honest handshake
 * is over in milliseconds, and the newest is an honest one as likely as not. */
static void add_rivals(struct rivals *rivals, const struct net *net, enum porch_want want)
{
    if (want == PORCH_BYTES) {
        add_oldest(rivals, &net->holders);
        return;
    }
    add_newest(rivals, &net->guests);
    add_oldest(rivals, &net->guests);
    add_newest(rivals, &net->holders);
    add_oldest(rivals, &net->holders);
}

/* NULL: there is nobody. */
static struct connection *choose(const struct net *net, enum porch_want want)
{
    struct rivals rivals = { 0 };
    add_rivals(&rivals, net, want);
    size_t chosen = porch_choose(net->porch, rivals.guests, rivals.count);
    return chosen < rivals.count ? rivals.all[chosen] : NULL;
}

/* ---- the fullest shard gives way ---- */

/* On the thread of the one that was asked. Others may have gone meanwhile. */
static void on_asked(struct loop_message *message, struct loop *loop)
{
    struct room *room = MQTT_CONTAINER_OF(message, struct room, message);
    const struct net *giver = room->giver;
    (void)loop;
    atomic_store(&room->is_posted, false); /* from here on it may be posted anew */
    for (unsigned want = 0; want < PORCH_WANTS; want++) {
        unsigned count = atomic_exchange(&room->asked[want], 0);
        for (; count > 0 && porch_is_over(giver->porch, (enum porch_want)want); count--) {
            struct connection *goes = choose(giver, (enum porch_want)want);
            if (goes == NULL)
                break;
            send_away(goes, (enum porch_want)want);
        }
    }
}

/* False: somebody of this shard has to go. */
static bool ask(const struct connection *connection, enum porch_want want)
{
    struct net *net = connection->net;
    struct room *room = &net->room;
    unsigned shard = porch_giver(net->porch, connection->guest, want);
    if (shard == net->shard || shard >= net->peer_count
        || atomic_load(&room->asked[want]) >= PORCH_ASKED_MOST)
        return false;
    atomic_fetch_add(&room->asked[want], 1);
    if (!atomic_exchange(&room->is_posted, true)) {
        room->giver = net->peers[shard];
        loop_post(room->giver->loop, &room->message, on_asked);
    }
    return true;
}

bool guest_yield(struct connection *connection, enum porch_want want)
{
    if (ask(connection, want))
        return true;
    struct connection *goes = choose(connection->net, want);
    if (goes == NULL)
        goes = connection;
    send_away(goes, want);
    return goes != connection;
}

/* Who holds something for the first time is the newest of those who do. */
static void sort_in(struct connection *connection, bool holds_some)
{
    struct net *net = connection->net;
    if (holds_some == connection->is_holder)
        return;
    connection->is_holder = holds_some;
    list_unlink(&connection_passage(connection)->guests);
    list_push_back(holds_some ? &net->holders : &net->guests,
                   &connection_passage(connection)->guests);
}

bool guest_hold(struct connection *connection)
{
    if (connection->guest == 0)
        return true;
    size_t bytes = tls_stream_is_open(&connection->tls) ? TLS_BYTES : 0;
    if (connection->input != NULL)
        bytes += sizeof(*connection->input) + connection->input->capacity;
    if (connection->output != NULL)
        bytes += sizeof(*connection->output) + connection->output->capacity;
    sort_in(connection, bytes > 0);
    uint32_t held = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    if (porch_hold(connection->net->porch, connection->guest, held))
        return true;
    return guest_yield(connection, PORCH_BYTES);
}

/* ---- deadlines ---- */

static uint64_t time_of(const struct connection *connection)
{
    const struct limits *limits = &connection->net->limits;
    if (connection->phase < PHASE_CONNECTING
        && limits->handshake_timeout_ms < limits->connect_timeout_ms)
        return limits->handshake_timeout_ms;
    return limits->connect_timeout_ms;
}

/* While the porch is crowded, who is slow has a quarter of the time, unless it waits for us. */
static bool is_in_the_way(const struct connection *connection)
{
    struct porch *porch = connection->net->porch;
    return porch_is_crowded(porch) && !list_is_linked(&connection_passage(connection)->queued)
           && porch_standing(porch, connection->guest) != PORCH_KNOWN;
}

/* The deadline is absolute: neither bytes that come nor a handshake that ends move it. It is
 * looked at twice, and again when the handshake has ended meanwhile. */
static void on_deadline(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct connection *connection = MQTT_CONTAINER_OF(timer, struct passage, timer)->connection;
    uint64_t due_ms = connection_passage(connection)->accepted_ms + time_of(connection);
    if (now_ms >= due_ms) {
        connection_refuse(connection, NET_REFUSED_TIMEOUT,
                          connection->phase == PHASE_CONNECTING ? "no CONNECT in time"
                                                                : "no TLS handshake in time");
        return;
    }
    if (is_in_the_way(connection)) {
        send_away(connection, PORCH_PLACES);
        return;
    }
    loop_arm(context, timer, due_ms, on_deadline);
}

void guest_watch_time(struct connection *connection)
{
    struct loop *loop = connection->net->loop;
    uint64_t look_ms = connection_passage(connection)->accepted_ms + time_of(connection) / 4;
    uint64_t now_ms = loop_now_ms(loop);
    loop_arm(loop, &connection_passage(connection)->timer, look_ms > now_ms ? look_ms : now_ms,
             on_deadline);
}
