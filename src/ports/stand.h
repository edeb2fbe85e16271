/* SPDX-License-Identifier: Apache-2.0 */
/* A listener on the loopback, for tests of what connects. */
#pragma once

#include <netinet/in.h>

/* The listener, and what the test has accepted; each -1 if there is none. Closed by the test. */
struct server {
    int listener, peer;
    uint16_t port;
    struct sockaddr_in from;
};

/* Listens on a port that is free; fails the test if it cannot. */
struct server stand_listen(void);
