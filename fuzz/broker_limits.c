/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_limits.h"

#include "broker_oracle.h"
#include "broker_witness.h"

struct limits broker_small_limits(void)
{
    struct limits limits = limits_default();

    limits.packet_bytes = 2048;
    limits.connect_packet_bytes = 512;
    limits.connections = ACTORS - 1;
    limits.sessions = FORESEEN;
    limits.session_queue_messages = 24;
    limits.session_queue_bytes = 4096;
    limits.inflight_messages = 16;
    limits.receive_maximum = 8;
    limits.outbox_bytes = 4096;
    limits.subscriptions = 6;
    limits.topic_alias_maximum = 4;
    limits.topic_alias_out = 4;
    limits.retained_messages = 6;
    limits.retained_bytes = 1024;
    limits.route_cache_entries = 16;
    limits.held_connections = 2;
    limits.store_backlog_bytes = 2048;
    return limits;
}
