/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard.h"
#include "daemon/wall.h"

void shard_follow_wall(struct shard *shard)
{
    uint64_t now_ms = loop_now_ms(shard->loop);
    int64_t wall_ms = wall_now_ms();
    int64_t offset_ms = wall_ms - (int64_t)now_ms;
    int64_t change_ms = offset_ms - shard->wall_offset_ms;

    if (change_ms > -1000 && change_ms < 1000)
        return;
    shard->wall_offset_ms = offset_ms;
    broker_set_wall(shard->broker, wall_ms, now_ms);
}
