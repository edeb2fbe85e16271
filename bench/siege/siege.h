/* SPDX-License-Identifier: Apache-2.0 */
/* The two sides of bench-siege, each a process of its own so that its cost can be told apart. Both
 * speak with bench/siege.py: lines come in, one object of JSON goes out at the end of the input. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hostile_options {
    uint16_t devices_port;      /* where certificates are demanded */
    uint16_t people_port;       /* where the handshake needs none */
    unsigned peers;             /* each with an address of its own */
    unsigned peers_per_network; /* 1..254 of a /24 */
    double pace;                /* 1: as often as attacks.def says */
    uint32_t huge_bytes;        /* see attacks.h */
    uint32_t huge_sent_bytes;
    uint32_t legal_bytes;
};

/* Besieges until its input ends. The exit code. */
int hostile_run(const struct hostile_options *options);

struct honest_options {
    uint16_t port;
    const char *folder; /* of d0000.crt, d0000.key and so on */
    unsigned devices;
    unsigned probes; /* further devices that come and go */
    double per_s;    /* messages, of all devices */
    double probe_every_s;
};

/* Connects all devices and says "ready"; from then on every device publishes, and what the other
 * gets is judged. A line of input is the name of the phase that begins. The exit code. */
int honest_run(const struct honest_options *options);
