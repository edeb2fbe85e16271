/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wipe.h"
#include "codec/frame.h"
#include "net/connection.h"
#include "net/detach.h"
#include "net/guest.h"
#include "net/handshake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The start of a packet up to so long is copied to where the rest is read to;
 * the rest of a longer packet is read to where its start is. */
#define SHORT_START_BYTES 4096u

/* One read while memory is short: what of it has to wait is kept. */
#define SHORT_READ_BYTES 8192u

/* Where plaintext lands. */
struct landing {
    struct held *large; /* is filled first; NULL: none */
    size_t wanted;      /* bytes it has when it is whole */
    size_t start;       /* bytes of a short start, at the front of net->plain */
    size_t len;         /* bytes in net->plain, the start included */
};

static size_t read_bytes(const struct connection *connection, size_t usual)
{
    return MQTT_UNLIKELY(broker_is_short(connection->net->broker)) ? SHORT_READ_BYTES : usual;
}

/* ---- what has landed ---- */

/* A CONNECT that was looked at may have had a password. The buffer is ours. */
static void forget(struct mqtt_span bytes)
{
    wipe_bytes((uint8_t *)(uintptr_t)bytes.data, bytes.len);
}

/* The start of a packet was copied elsewhere. */
static void drop_input(struct connection *connection)
{
    struct held *input = connection->input;
    if (input != NULL && connection->phase != PHASE_OPEN)
        wipe_bytes(input->bytes, input->end);
    free(input);
    connection->input = NULL;
}

static void no_memory(struct connection *connection)
{
    net_refuse(connection->net, &connection->facts, NET_REFUSED_MEMORY, "out of memory");
    connection_lost(connection);
}

static size_t wanted_bytes(const struct connection *connection, struct mqtt_span start)
{
    if (connection->phase == PHASE_OPEN)
        return client_wants_bytes(connection->client);
    struct mqtt_frame frame = { 0 };
    enum mqtt_status status =
        mqtt_frame_decode(start, connection->net->limits.connect_packet_bytes, &frame);
    return status == MQTT_PENDING ? frame.len : 0;
}

/* How much room the start of an unfinished packet gets: what was announced, but from a guest only
 * twice what has come. */
static size_t room_for(const struct connection *connection, size_t wanted, size_t has)
{
    if (connection->guest != 0 && wanted / 2 > has)
        return 2 * has;
    return wanted > has ? wanted : has;
}

static struct landing prepare(const struct connection *connection)
{
    struct landing landing = { 0 };
    struct held *input = connection->input;
    if (input == NULL)
        return landing;
    if (input->capacity > SHORT_START_BYTES) {
        struct mqtt_span start = { input->bytes, input->end };
        size_t wanted = connection->guest != 0 ? wanted_bytes(connection, start) : 0;
        landing.large = input;
        landing.wanted = wanted > input->capacity ? wanted : input->capacity;
        return landing;
    }
    memcpy(connection->net->plain, input->bytes, input->end);
    landing.start = input->end;
    landing.len = input->end;
    return landing;
}

/* A guest's packet that has filled its room gets more. -ENOMEM. */
static int make_room(struct connection *connection, struct landing *landing)
{
    struct held *large = landing->large;
    if (large == NULL || large->end < large->capacity || large->capacity == landing->wanted)
        return 0;
    size_t capacity = room_for(connection, landing->wanted, large->end);
    struct held *larger = malloc(sizeof(*larger) + capacity);
    if (larger == NULL)
        return -ENOMEM;
    *larger = (struct held){ .capacity = capacity, .end = large->end };
    memcpy(larger->bytes, large->bytes, large->end);
    drop_input(connection);
    connection->input = larger;
    landing->large = larger;
    return 0;
}

/* Keeps the start of an unfinished packet. */
static bool keep(struct connection *connection, struct mqtt_span start)
{
    drop_input(connection);
    if (start.len == 0)
        return guest_hold(connection);
    size_t capacity = room_for(connection, wanted_bytes(connection, start), start.len);
    struct held *input = malloc(sizeof(*input) + capacity);
    if (input == NULL) {
        no_memory(connection);
        return false;
    }
    *input = (struct held){ .capacity = capacity, .end = start.len };
    memcpy(input->bytes, start.data, start.len);
    connection->input = input;
    return guest_hold(connection);
}

/* The client waits for its verdict, and what it left with it: one read at most, as nothing more
 * is read meanwhile. */
static bool hold(struct connection *connection, struct mqtt_span rest)
{
    connection->is_waiting = true;
    if (transmit_watch(connection) < 0) {
        connection_lost(connection);
        return false;
    }
    free(connection->input);
    connection->input = NULL;
    if (rest.len == 0)
        return guest_hold(connection);
    struct held *input = malloc(sizeof(*input) + rest.len);
    if (input == NULL) {
        no_memory(connection);
        return false;
    }
    *input = (struct held){ .capacity = rest.len, .end = rest.len };
    memcpy(input->bytes, rest.data, rest.len);
    connection->input = input;
    return guest_hold(connection);
}

/* Its client may have been let in. */
static void welcome(struct connection *connection)
{
    if (connection->guest == 0 || !client_is_connected(connection->client))
        return;
    guest_let_in(connection);
    detach_welcome(connection);
}

void receive_resume(struct connection *connection)
{
    struct held *input = connection->input;

    welcome(connection);
    connection->is_waiting = false;
    connection->input = NULL;
    if (transmit_watch(connection) < 0)
        connection_lost(connection);
    else if (input != NULL)
        (void)receive_bytes(connection, (struct mqtt_span){ input->bytes, input->end });
    free(input);
}

bool receive_bytes(struct connection *connection, struct mqtt_span bytes)
{
    bool is_gone = false;
    bool is_new = connection->guest != 0;
    size_t used =
        client_receive(connection->client, bytes, loop_now_ms(connection->net->loop), &is_gone);
    if (MQTT_UNLIKELY(is_new))
        forget((struct mqtt_span){ bytes.data, used });
    if (is_gone)
        return false;
    if (MQTT_UNLIKELY(is_new))
        welcome(connection);
    if (MQTT_UNLIKELY(client_is_waiting(connection->client)))
        return hold(connection, (struct mqtt_span){ bytes.data + used, bytes.len - used });
    if (MQTT_LIKELY(used == bytes.len && connection->input == NULL))
        return true;
    return keep(connection, (struct mqtt_span){ bytes.data + used, bytes.len - used });
}

/* False when the connection is gone or ending. */
static bool take_in(struct connection *connection, struct mqtt_span bytes)
{
    if (MQTT_LIKELY(connection->phase == PHASE_OPEN))
        return receive_bytes(connection, bytes);
    bool goes_on = connection_arrive(connection, bytes)
                   && (connection->phase != PHASE_CONNECTING || keep(connection, bytes));
    forget(bytes);
    return goes_on;
}

static bool take_in_large(struct connection *connection, struct held *large)
{
    connection->input = NULL;
    bool is_alive = take_in(connection, (struct mqtt_span){ large->bytes, large->end });
    free(large);
    if (is_alive && connection->input != NULL) {
        /* A whole packet was left lying; what follows it cannot be placed. */
        connection_lost(connection);
        is_alive = false;
    }
    return is_alive;
}

/* A long packet of which the end has yet to come. False when the connection is gone. */
static bool rest(struct connection *connection)
{
    if (connection->phase != PHASE_OPEN
        || MQTT_LIKELY(!client_rest(connection->client, loop_now_ms(connection->net->loop))))
        return true;
    connection->is_waiting = true;
    if (transmit_watch(connection) == 0)
        return true;
    connection_lost(connection);
    return false;
}

static bool consume(struct connection *connection, const struct landing *landing)
{
    if (landing->large != NULL) {
        if (landing->large->end < landing->wanted)
            return guest_hold(connection) && rest(connection);
        if (!take_in_large(connection, landing->large))
            return false;
    }
    if (landing->len == landing->start)
        return true;
    drop_input(connection); /* the short start: it is in front of the rest now */
    return take_in(connection, (struct mqtt_span){ connection->net->plain, landing->len });
}

/* ---- plaintext ---- */

static void landed(struct landing *landing, size_t len)
{
    if (landing->large != NULL) {
        size_t room = landing->large->capacity - landing->large->end;
        size_t part = len < room ? len : room;
        landing->large->end += part;
        len -= part;
    }
    landing->len += len;
}

static ssize_t read_plain(const struct connection *connection, const struct landing *landing)
{
    uint8_t *at = connection->net->plain + landing->len;
    size_t room = read_bytes(connection, NET_READ_BYTES) - landing->len;
    if (MQTT_LIKELY(landing->large == NULL))
        return recv(connection->watch.fd, at, room, 0);
    struct held *large = landing->large;
    size_t missing = large->capacity - large->end;
    size_t most = read_bytes(connection, SIZE_MAX);
    if (MQTT_UNLIKELY(missing > most))
        return recv(connection->watch.fd, large->bytes + large->end, most, 0);
    struct iovec parts[] = { { large->bytes + large->end, missing }, { at, room } };
    return readv(connection->watch.fd, parts, large->capacity < landing->wanted ? 1 : 2);
}

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EINTR;
}

/* A read that was shorter than any room has left nothing. -1: nobody knows. */
static void note_rest(struct connection *connection, ssize_t got)
{
    if (got < 0 || got >= (ssize_t)SHORT_START_BYTES)
        connection->has_ended = false;
}

static void receive_plain(struct connection *connection)
{
    struct landing landing = prepare(connection);
    if (make_room(connection, &landing) < 0) {
        no_memory(connection);
        return;
    }
    ssize_t got = read_plain(connection, &landing);
    note_rest(connection, landing.large == NULL ? got : -1);
    if (got > 0) {
        landed(&landing, (size_t)got);
        (void)consume(connection, &landing);
        return;
    }
    if (got == 0 || !is_temporary(errno))
        connection_lost(connection);
}

/* ---- TLS ---- */

static void decrypt(struct connection *connection)
{
    struct net *net = connection->net;
    struct landing landing = prepare(connection);
    enum tls_result result;
    do {
        if (make_room(connection, &landing) < 0) {
            no_memory(connection);
            return;
        }
        uint8_t *at = net->plain + landing.len;
        size_t room = NET_READ_BYTES - landing.len;
        struct held *large = landing.large;
        if (large != NULL && large->end < large->capacity) {
            at = large->bytes + large->end;
            room = large->capacity - large->end;
        }
        size_t got = 0;
        result = tls_stream_read(&connection->tls, net->tls, at, room, &got);
        landed(&landing, got);
    } while (result == TLS_DONE);

    /* What came before the end counts, whatever the end was. */
    int error = transmit_ciphertext(connection);
    if (!consume(connection, &landing))
        return;
    if (result != TLS_WANTS_INPUT || error < 0)
        connection_lost(connection);
}

static void tls_ended(struct connection *connection)
{
    if (connection->phase == PHASE_HANDSHAKE)
        connection_refuse(connection, NET_REFUSED_HANDSHAKE, "the client hung up");
    else
        connection_lost(connection);
}

static void receive_tls(struct connection *connection)
{
    struct net *net = connection->net;
    /* A storm of newcomers must not starve those who are in. */
    if (connection->phase < PHASE_CONNECTING && !handshake_is_due(connection))
        return;
    ssize_t got =
        recv(connection->watch.fd, net->cipher, read_bytes(connection, NET_CIPHER_BYTES), 0);
    note_rest(connection, got);
    if (got <= 0) {
        if (got == 0 || !is_temporary(errno))
            tls_ended(connection);
        return;
    }
    connection->quiet_rounds = 0;
    if (connection->facts.opening != NULL)
        detach_heard(connection);
    tls_shard_feed(net->tls, (struct mqtt_span){ net->cipher, (size_t)got });
    if (connection->phase < PHASE_CONNECTING && !handshake_step(connection))
        return;
    decrypt(connection);
}

/* ---- after the end ---- */

bool receive_rest(struct connection *connection)
{
    ssize_t got = recv(connection->watch.fd, connection->net->plain, NET_READ_BYTES, 0);
    if (got > 0 || (got < 0 && is_temporary(errno)))
        return true;
    connection_free(connection);
    return false;
}

void receive_ready(struct connection *connection)
{
    if (connection->phase == PHASE_OPEN)
        connection->net->handshakes.has_others = true;
    if (connection->phase > PHASE_OPEN)
        (void)receive_rest(connection);
    else if (tls_stream_is_open(&connection->tls) || connection->phase == PHASE_GREETING)
        receive_tls(connection);
    else
        receive_plain(connection);
}
