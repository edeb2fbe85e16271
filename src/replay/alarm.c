/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/alarm.h"

#include <stdlib.h>

static bool watches(const struct replay *replay)
{
    return replay->role.phase == SENSE_WATCH;
}

static void tell(const struct replay *replay, struct replay_alarm *alarm)
{
    alarm->path = replay->path;
    alarm->run = replay->run;
    alarm->time_ms = replay->now_ms;
    replay->tell(replay, alarm, replay->context);
}

static void look_at_source(struct replay *replay, struct sense_source *source, const char *name)
{
    struct sense_source_standing standing;

    sense_source_look(&replay->sources, source, replay->now_ms, &standing);
    if (!watches(replay) || source->alarmed || standing.evidence < SENSE_ALARM_BITS)
        return;
    source->alarmed = true;
    struct replay_alarm alarm = {
        .kind = REPLAY_SOURCE, .verdict = SENSE_ATTACKING, .source = name, .standing = &standing
    };
    tell(replay, &alarm);
}

void alarm_count_source(struct replay *replay, struct mqtt_span address,
                        enum sense_source_feature feature)
{
    char name[FLEET_NAME_BYTES];
    uint64_t key = siphash(&replay->fleet.key, address) | 1;
    struct sense_source *source = sense_source_at(&replay->sources, key, replay->now_ms);

    sense_source_count(&replay->sources, source, replay->now_ms, feature);
    fleet_name(&replay->fleet, address, name);
    look_at_source(replay, source, name);
    /* What one source does alone is told of that source. */
    if (!source->alarmed)
        look_at_source(replay, &replay->sources.listener, "");
}

static float evidence_of(const struct fleet_device *device, enum sense_verdict verdict)
{
    return sense_member_evidence(&device->sense, device->standing.attacking,
                                 device->standing.attacked, verdict);
}

static uint32_t count_here(const struct replay *replay)
{
    uint32_t here = 0;

    for (size_t i = 0; i < replay->fleet.count; i++)
        here += replay->fleet.devices[i]->in_run ? 1 : 0;
    return here;
}

/* Those with so many bits, strongest first; to be freed. NULL: none, or no memory. */
static struct sense_member *surprised(const struct replay *replay, enum sense_verdict verdict,
                                      float bits, size_t *out_count)
{
    struct sense_member *found = NULL;
    size_t count = 0;

    for (size_t i = 0; i < replay->fleet.count; i++)
        if (evidence_of(replay->fleet.devices[i], verdict) >= bits)
            count++;
    *out_count = 0;
    if (count > 0)
        found = malloc(count * sizeof(*found));
    if (found == NULL)
        return NULL;
    for (size_t i = 0; i < replay->fleet.count; i++) {
        struct fleet_device *device = replay->fleet.devices[i];
        float evidence = evidence_of(device, verdict);
        if (evidence >= bits)
            found[(*out_count)++] = (struct sense_member){ &device->sense, evidence, device };
    }
    sense_crowd_sort(found, count);
    return found;
}

static struct sense_group *group_of(struct replay *replay, enum sense_verdict verdict)
{
    return &replay->groups[verdict == SENSE_ATTACKING ? 0 : 1];
}

static void tell_group(struct replay *replay, enum sense_verdict verdict,
                       const struct sense_member *members, size_t count, bool again)
{
    struct replay_alarm alarm = { .kind = REPLAY_GROUP,
                                  .verdict = verdict,
                                  .device = members[0].owner,
                                  .devices = members,
                                  .devices_count = count,
                                  .surprised = (uint32_t)count,
                                  .here = count_here(replay),
                                  .again = again };

    sense_crowd_accuse(members, count, verdict);
    tell(replay, &alarm);
}

static void judge(struct replay *replay, struct fleet_device *device, enum sense_verdict verdict)
{
    size_t count;
    struct sense_member *members = surprised(replay, verdict, SENSE_STIRRED_BITS, &count);
    uint32_t here = count_here(replay);
    bool again = sense_crowd_was_told(group_of(replay, verdict));
    struct replay_alarm alarm = { .kind = REPLAY_DEVICE,
                                  .verdict = verdict,
                                  .device = device,
                                  .surprised = (uint32_t)count,
                                  .here = here };

    switch (sense_crowd_judge(group_of(replay, verdict), members, count, here, &device->sense,
                              replay->now_ms)) {
    case SENSE_NO_NEWS:
        break;
    case SENSE_NEWS_OF_DEVICE:
        tell(replay, &alarm);
        break;
    case SENSE_NEWS_OF_GROUP:
        tell_group(replay, verdict, members, count, again);
        break;
    }
    free(members);
}

void alarm_look(struct replay *replay, struct fleet_device *device)
{
    struct sense_standing standing;

    if (!sense_device_look(&replay->role, &device->sense, replay->now_ms, &standing))
        return;
    device->standing = standing;
    enum sense_verdict verdict = sense_standing_verdict(&standing);
    if (watches(replay) && sense_crowd_is_due(&device->sense, &standing))
        judge(replay, device, verdict);
}

static void count_group(struct replay *replay, enum sense_verdict verdict, uint32_t here)
{
    size_t count;
    struct sense_member *members = surprised(replay, verdict, SENSE_SURPRISED_BITS, &count);
    bool learns = replay->role.phase == SENSE_PROVE;

    sense_crowd_count(group_of(replay, verdict), (uint32_t)count, here, learns);
    free(members);
}

static void watch_group(struct replay *replay, enum sense_verdict verdict, uint32_t here)
{
    struct sense_group *group = group_of(replay, verdict);
    bool again = sense_crowd_was_told(group);
    size_t count;
    struct sense_member *members = surprised(replay, verdict, SENSE_STIRRED_BITS, &count);

    if (sense_crowd_watch(group, members, count, here, replay->now_ms))
        tell_group(replay, verdict, members, count, again);
    free(members);
}

void alarm_watch_groups(struct replay *replay)
{
    uint32_t here = count_here(replay);

    if (!watches(replay) || here == 0)
        return;
    watch_group(replay, SENSE_ATTACKING, here);
    watch_group(replay, SENSE_ATTACKED, here);
}

void alarm_count_groups(struct replay *replay)
{
    uint32_t here = count_here(replay);

    if (replay->role.phase < SENSE_PROVE || here == 0)
        return;
    count_group(replay, SENSE_ATTACKING, here);
    count_group(replay, SENSE_ATTACKED, here);
}
