/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a net with a listener, a small core behind it (net_test_core.h), and devices in
 * front of it (net_test_device.h). What takes too long fails the test. */
#pragma once

#include "net/listener.h"
#include "net/net.h"
#include "net/net_test_core.h"
#include "net/net_test_device.h"
#include "net/porch.h"

#include <stdbool.h>
#include <stdint.h>

/* One shard. */
/* The first body byte of a CONNECT that is to be led to the decoy broker. */
#define WORLD_DECOY 7

struct world {
    enum kind kind;
    struct loop *loop;
    struct net *net;
    struct porch *porch;
    bool has_porch; /* it is this one's only */
    struct broker broker;
    struct broker decoy; /* of those whose CONNECT begins with WORLD_DECOY; on shard 0 */
    struct listener *listener;
    uint16_t port;
    char path[128];
    unsigned refused[NET_REFUSAL_COUNT];
    char refusal[256]; /* the last one's text */
    const char *objection;
    uint8_t barred; /* the last number of an address that is; 0: none */
    bool drained;
    unsigned calm_count; /* how often it was said */
};

/* Certificates for all worlds: a server, and a device "lamp". */
int world_set_up(void **state);
int world_tear_down(void **state);

/* Listens on loopback with a porch of its own; `changed` NULL: the default limits. */
void world_open(struct world *world, enum kind kind, const struct limits *changed);
void world_close(struct world *world);

/* Parts of world_open(), for several shards. */
struct net_options world_net_options(struct world *world, unsigned shard);
struct listener_options world_listener_options(struct world *world, enum kind kind);
void world_open_shard(struct world *world, unsigned shard, const struct limits *limits);
void world_listen(struct world *world, int fd);
struct porch *world_porch(const struct limits *limits, const struct shared_lock *lock);

/* A device that connects, with a certificate or without (NULL); or from that address (host order). */
void world_device(struct device *device, const struct world *world, const char *identity);
void world_device_from(struct device *device, const struct world *world, uint32_t source);

/* One turn of both; turns until so many bytes came, until the broker has hung up, until nobody is
 * connected. */
void world_turn(struct world *world, struct device *device);
void world_until_came(struct world *world, struct device *device, size_t bytes);
void world_until_over(struct world *world, struct device *device);
void world_until_alone(struct world *world);

/* CONNECT and CONNACK. */
void world_connect(struct world *world, struct device *device);
