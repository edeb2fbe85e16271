/* SPDX-License-Identifier: Apache-2.0 */
/* What bench/siege.py besieges a broker with:
 *   bench-siege hostile DEVICES-PORT PEOPLE-PORT PEERS PER-NETWORK PACE HUGE HUGE-SENT LEGAL
 *   bench-siege honest PORT FOLDER DEVICES PROBES MESSAGES-PER-S PROBE-EVERY-MS
 * siege.h says what these are. */
#include "bench/siege/siege.h"

#include "bench/siege/line.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t number_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    /* A line that the broker has ended is found out when it is written to. */
    must(signal(SIGPIPE, SIG_IGN) != SIG_ERR, "signal");
    if (argc == 10 && strcmp(argv[1], "hostile") == 0)
        return hostile_run(&(struct hostile_options){ .devices_port = (uint16_t)number_of(argv[2]),
                                                      .people_port = (uint16_t)number_of(argv[3]),
                                                      .peers = number_of(argv[4]),
                                                      .peers_per_network = number_of(argv[5]),
                                                      .pace = strtod(argv[6], NULL),
                                                      .huge_bytes = number_of(argv[7]),
                                                      .huge_sent_bytes = number_of(argv[8]),
                                                      .legal_bytes = number_of(argv[9]) });
    if (argc == 8 && strcmp(argv[1], "honest") == 0)
        return honest_run(
            &(struct honest_options){ .port = (uint16_t)number_of(argv[2]),
                                      .folder = argv[3],
                                      .devices = number_of(argv[4]),
                                      .probes = number_of(argv[5]),
                                      .per_s = strtod(argv[6], NULL),
                                      .probe_every_s = strtod(argv[7], NULL) / 1000 });
    fputs("usage: bench-siege hostile|honest ...: the head of its source says how\n", stderr);
    return 2;
}
