/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/siege.h"

#include "base/list.h"
#include "bench/siege/attacks.h"
#include "bench/siege/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define ADDRESS_FIRST   0x7f100000u /* 127.16.0.0 */
#define NETWORK         256u        /* addresses of a /24 */
#define TURN_MS         1
#define TICKS           1000u /* a second; the peers take turns */
#define BURST           20.0  /* connections of one kind that may begin at once */
#define PEERS_COUNTED   10000.0
#define EVENTS_PER_TURN 512

/* What became of the peers of one kind. */
struct tally {
    unsigned peers;
    double budget; /* connections that may begin now */
    uint64_t connections;
    uint64_t handshakes;
    uint64_t refused;      /* did not get as far as a connection */
    uint64_t ended;        /* by the broker, after they were connected */
    uint64_t standing_sum; /* of peers that are connected, over the seconds */
    struct list away;      /* those that are not connected, the longest first */
};

struct siege {
    const struct hostile_options *options;
    struct attack_means means;
    struct peer *peers;
    struct tally tallies[ATTACK_KIND_COUNT];
    SSL_CTX *contexts[2]; /* TLS 1.3, 1.2 */
    unsigned ticks;       /* since the beginning */
    unsigned standing;    /* connected at the last full second */
    unsigned standing_most;
    int epoll;
};

/* ---- peers ---- */

static uint32_t address_of(const struct siege *siege, unsigned number)
{
    unsigned each = siege->options->peers_per_network;

    return ADDRESS_FIRST + number / each * NETWORK + number % each + 1;
}

static enum attack_kind kind_of(unsigned number)
{
    unsigned place = number % 100;
    unsigned kind = 0;

    /* The shares make 100: a place is always found. */
    for (; place >= attacks[kind].share; kind++)
        place -= attacks[kind].share;
    return (enum attack_kind)kind;
}

static bool is_standing(const struct peer *peer)
{
    return peer->line.state == LINE_SHAKING || peer->line.state == LINE_OPEN;
}

static void connect_peer(struct siege *siege, struct peer *peer)
{
    const struct attack *attack = &attacks[peer->kind];
    struct tally *tally = &siege->tallies[peer->kind];
    bool is_for_people = attack->listener == ATTACK_PEOPLE
                         || (attack->listener == ATTACK_EITHER && peer->address % 2 == 1);
    struct line_ends ends = { .address = peer->address,
                              .port = is_for_people ? siege->options->people_port
                                                    : siege->options->devices_port };
    SSL *ssl = NULL;

    if (attack->wire != ATTACK_TCP) {
        ssl = SSL_new(siege->contexts[attack->wire == ATTACK_TLS_1_2]);
        must(ssl != NULL, "a TLS connection");
    }
    peer->sent = 0;
    peer->turn++;
    if (!line_open(&peer->line, siege->epoll, &ends, ssl, peer)) {
        tally->refused++;
        list_push_back(&tally->away, &peer->node);
    }
}

/* After whatever may have ended its line. */
static void settle(struct siege *siege, struct peer *peer)
{
    if (peer->line.state == LINE_CLOSED && !list_is_linked(&peer->node))
        list_push_back(&siege->tallies[peer->kind].away, &peer->node);
}

static void became_open(struct tally *tally, struct peer *peer)
{
    const struct attack *attack = &attacks[peer->kind];

    tally->handshakes += attack->wire != ATTACK_TCP;
    attack->begin(peer);
    tally->ended += peer->line.state == LINE_CLOSED && peer->kind != ATTACK_KIND_handshake_flood;
}

/* What the broker says is of no interest; that it ends the line is. */
static void read_away(struct peer *peer)
{
    uint8_t bytes[4096];

    while (line_receive(&peer->line, bytes, sizeof(bytes)) > 0) {
    }
}

static void step_peer(struct siege *siege, struct peer *peer)
{
    struct tally *tally = &siege->tallies[peer->kind];
    enum line_state before = peer->line.state;

    if (before == LINE_OPEN) {
        read_away(peer);
        tally->ended += peer->line.state == LINE_CLOSED;
        return;
    }
    enum line_state after = line_step(&peer->line);
    if (before == LINE_CONNECTING) {
        tally->refused += after == LINE_CLOSED;
        tally->connections += after != LINE_CLOSED;
    } else {
        tally->ended += after == LINE_CLOSED;
    }
    if (after == LINE_OPEN)
        became_open(tally, peer);
}

/* ---- time ---- */

/* Lets those connect that are not, as far as the budget goes. */
static void spend(struct siege *siege, struct tally *tally)
{
    while (tally->budget >= 1) {
        struct list *first = list_take_first(&tally->away);

        if (first == NULL)
            return;
        tally->budget--;
        connect_peer(siege, MQTT_CONTAINER_OF(first, struct peer, node));
    }
}

static void fill_budgets(struct siege *siege, double elapsed_s)
{
    double scale = siege->options->peers / PEERS_COUNTED * siege->options->pace;

    for (unsigned kind = 0; kind < ATTACK_KIND_COUNT; kind++) {
        struct tally *tally = &siege->tallies[kind];

        tally->budget += attacks[kind].per_s * scale * elapsed_s;
        tally->budget = tally->budget < BURST ? tally->budget : BURST;
        spend(siege, tally);
    }
}

static void count_standing(struct siege *siege)
{
    siege->standing = 0;
    for (unsigned i = 0; i < siege->options->peers; i++) {
        bool stands = is_standing(&siege->peers[i]);

        siege->standing += stands;
        siege->tallies[siege->peers[i].kind].standing_sum += stands;
    }
    if (siege->standing > siege->standing_most)
        siege->standing_most = siege->standing;
}

/* Every peer once a second, spread over the second. */
static void tick(struct siege *siege)
{
    for (unsigned i = siege->ticks % TICKS; i < siege->options->peers; i += TICKS) {
        struct peer *peer = &siege->peers[i];

        if (peer->line.state != LINE_OPEN)
            continue;
        attacks[peer->kind].each_second(peer);
        siege->tallies[peer->kind].ended += peer->line.state == LINE_CLOSED;
        settle(siege, peer);
    }
    siege->ticks++;
    if (siege->ticks % TICKS == 0)
        count_standing(siege);
}

static void turn(struct siege *siege)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(siege->epoll, events, EVENTS_PER_TURN, TURN_MS);

    must(count >= 0 || errno == EINTR, "epoll");
    for (int i = 0; i < count; i++) {
        step_peer(siege, events[i].data.ptr);
        settle(siege, events[i].data.ptr);
    }
}

/* ---- all of it ---- */

static void prepare(struct siege *siege)
{
    siege->epoll = epoll_create1(EPOLL_CLOEXEC);
    siege->peers = calloc(siege->options->peers, sizeof(*siege->peers));
    must(siege->epoll >= 0 && siege->peers != NULL, "memory");
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(siege->contexts); i++)
        siege->contexts[i] = line_context(i == 1);
    siege->means = (struct attack_means){ .huge_bytes = siege->options->huge_bytes,
                                          .huge_sent_bytes = siege->options->huge_sent_bytes,
                                          .legal_bytes = siege->options->legal_bytes };
    for (unsigned kind = 0; kind < ATTACK_KIND_COUNT; kind++)
        list_init(&siege->tallies[kind].away);
    attack_means_prepare(&siege->means, siege->contexts[0]);
    for (unsigned i = 0; i < siege->options->peers; i++) {
        struct peer *peer = &siege->peers[i];

        peer->kind = kind_of(i);
        peer->address = address_of(siege, i);
        peer->turn = i;
        peer->means = &siege->means;
        siege->tallies[peer->kind].peers++;
        settle(siege, peer);
    }
}

static double own_cpu_s(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
           + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print_report(const struct siege *siege, double seconds)
{
    unsigned whole_s = siege->ticks / TICKS > 0 ? siege->ticks / TICKS : 1;

    printf("{\"peers\": %u, \"seconds\": %.1f, \"standing_peak\": %u, \"standing_at_end\": %u, "
           "\"cpu_s\": %.2f, \"kinds\": {",
           siege->options->peers, seconds, siege->standing_most, siege->standing, own_cpu_s());
    for (unsigned kind = 0; kind < ATTACK_KIND_COUNT; kind++) {
        const struct tally *tally = &siege->tallies[kind];

        printf("%s\"%s\": {\"peers\": %u, \"standing_mean\": %lu, \"connections\": %lu, "
               "\"handshakes\": %lu, \"refused\": %lu, \"ended\": %lu}",
               kind > 0 ? ", " : "", attacks[kind].name, tally->peers,
               tally->standing_sum / whole_s, tally->connections, tally->handshakes, tally->refused,
               tally->ended);
    }
    printf("}}\n");
}

int hostile_run(const struct hostile_options *options)
{
    struct siege siege = { .options = options };
    char line[16];

    prepare(&siege);
    double began = now_s();
    double last = began;
    while (input_line(line, sizeof(line)) != INPUT_ENDED) {
        double now = now_s();

        fill_budgets(&siege, now - last);
        last = now;
        /* What was missed because the machine was busy is made up for. */
        while (siege.ticks < (unsigned)((now - began) * TICKS))
            tick(&siege);
        turn(&siege);
    }
    print_report(&siege, now_s() - began);
    return 0; /* the system closes what is open */
}
