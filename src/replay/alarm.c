/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/alarm.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 5000u

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

/* What speaks for one of the verdicts, if any of it is new: a common cause has one moment. */
static float evidence_of(const struct fleet_device *device, enum sense_verdict verdict)
{
    const struct sense_standing *standing = &device->standing;

    if (device->sense.quiet > SENSE_FRESH_WINDOWS)
        return 0;
    return verdict == SENSE_ATTACKING ? standing->attacking : standing->attacked;
}

static bool is_here(const struct fleet_device *device)
{
    return device->in_run;
}

static uint32_t count_here(const struct replay *replay)
{
    uint32_t here = 0;

    for (size_t i = 0; i < replay->fleet.count; i++)
        here += is_here(replay->fleet.devices[i]) ? 1 : 0;
    return here;
}

/* The evidence of one verdict first, in descending order; for qsort(). */
static int by_attacking(const void *left, const void *right)
{
    float a = (*(struct fleet_device *const *)left)->standing.attacking;
    float b = (*(struct fleet_device *const *)right)->standing.attacking;
    return a > b ? -1 : a < b;
}

static int by_attacked(const void *left, const void *right)
{
    float a = (*(struct fleet_device *const *)left)->standing.attacked;
    float b = (*(struct fleet_device *const *)right)->standing.attacked;
    return a > b ? -1 : a < b;
}

/* Those with so many bits, strongest first; to be freed. NULL and 0: none, or no memory. */
static struct fleet_device **surprised(const struct replay *replay, enum sense_verdict verdict,
                                       float bits, size_t *out_count)
{
    struct fleet_device **found = NULL;
    size_t count = 0;

    for (size_t i = 0; i < replay->fleet.count; i++)
        if (evidence_of(replay->fleet.devices[i], verdict) >= bits)
            count++;
    *out_count = 0;
    if (count > 0)
        found = malloc(count * sizeof(struct fleet_device *));
    if (found == NULL)
        return NULL;
    for (size_t i = 0; i < replay->fleet.count; i++)
        if (evidence_of(replay->fleet.devices[i], verdict) >= bits)
            found[(*out_count)++] = replay->fleet.devices[i];
    qsort(found, count, sizeof(struct fleet_device *),
          verdict == SENSE_ATTACKING ? by_attacking : by_attacked);
    return found;
}

static struct sense_group *group_of(struct replay *replay, enum sense_verdict verdict)
{
    return &replay->groups[verdict == SENSE_ATTACKING ? 0 : 1];
}

static uint64_t *told_ms(struct replay *replay, enum sense_verdict verdict)
{
    return &replay->told_ms[verdict == SENSE_ATTACKING ? 0 : 1];
}

static void tell_group(struct replay *replay, enum sense_verdict verdict,
                       struct fleet_device *const *devices, size_t count, uint32_t here)
{
    struct sense_group *group = group_of(replay, verdict);
    struct replay_alarm alarm = { .kind = REPLAY_GROUP,
                                  .verdict = verdict,
                                  .device = devices[0],
                                  .devices = devices,
                                  .devices_count = count,
                                  .surprised = (uint32_t)count,
                                  .here = here,
                                  .again = *told_ms(replay, verdict) != 0 };

    group->open = true;
    group->quiet = 0;
    for (size_t i = 0; i < count; i++)
        if (evidence_of(devices[i], verdict) >= SENSE_SURPRISED_BITS)
            devices[i]->sense.alarmed = true;
    *told_ms(replay, verdict) = replay->now_ms;
    tell(replay, &alarm);
}

/* A device of a group is told of by itself only for what it does not share with the others. */
static bool is_own(const struct fleet_device *device, enum sense_verdict verdict,
                   struct fleet_device *const *devices, size_t count)
{
    float common = count > 1 ? evidence_of(devices[count / 2], verdict) : 0;

    return sense_group_own(evidence_of(device, verdict), common) >= SENSE_ALARM_BITS;
}

/* Enough of them are new in it: one that was told of is not told of again. */
static bool is_news(struct fleet_device *const *devices, size_t count)
{
    unsigned fresh = 0;

    for (size_t i = 0; i < count && fresh < SENSE_GROUP_LEAST; i++)
        fresh += devices[i]->sense.alarmed ? 0 : 1;
    return fresh == SENSE_GROUP_LEAST;
}

static bool joined(struct fleet_device *const *devices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!devices[i]->sense.alarmed)
            return true;
    return false;
}

/* Of a group that is open: told again with its new members, but not every moment. */
static bool is_due_again(struct replay *replay, enum sense_verdict verdict)
{
    return replay->now_ms >= *told_ms(replay, verdict) + AGAIN_MS;
}

static void judge(struct replay *replay, struct fleet_device *device, enum sense_verdict verdict)
{
    struct sense_group *group = group_of(replay, verdict);
    size_t count;
    struct fleet_device **devices = surprised(replay, verdict, SENSE_STIRRED_BITS, &count);
    uint32_t here = count_here(replay);
    bool is_group = devices != NULL && sense_group_is(group, (uint32_t)count, here);

    if (is_group && (group->open ? is_due_again(replay, verdict) : is_news(devices, count))) {
        tell_group(replay, verdict, devices, count, here);
    } else if (!is_group || is_own(device, verdict, devices, count)) {
        device->sense.alarmed = true;
        struct replay_alarm alarm = { .kind = REPLAY_DEVICE,
                                      .verdict = verdict,
                                      .device = device,
                                      .surprised = (uint32_t)count,
                                      .here = here };
        tell(replay, &alarm);
    }
    free(devices);
}

void alarm_look(struct replay *replay, struct fleet_device *device)
{
    struct sense_standing standing;

    if (!sense_device_look(&replay->role, &device->sense, replay->now_ms, &standing))
        return;
    device->standing = standing;
    enum sense_verdict verdict = sense_standing_verdict(&standing);
    if (watches(replay) && verdict != SENSE_QUIET && !device->sense.alarmed)
        judge(replay, device, verdict);
}

static void count_group(struct replay *replay, enum sense_verdict verdict, uint32_t here)
{
    size_t count;
    struct fleet_device **devices = surprised(replay, verdict, SENSE_SURPRISED_BITS, &count);
    bool learns = replay->role.phase == SENSE_PROVE;

    (void)sense_group_count(group_of(replay, verdict), (uint32_t)count, here, learns);
    if (!group_of(replay, verdict)->open)
        *told_ms(replay, verdict) = 0;
    free(devices);
}

/* A group is told of as soon as there is one; one that is open, when devices have joined it. */
static void watch_group(struct replay *replay, enum sense_verdict verdict, uint32_t here)
{
    struct sense_group *group = group_of(replay, verdict);
    size_t surprised_count;
    size_t count;
    struct fleet_device **devices =
        surprised(replay, verdict, SENSE_SURPRISED_BITS, &surprised_count);
    bool is_group = devices != NULL && sense_group_is(group, (uint32_t)surprised_count, here);
    bool tells = is_group
                 && (group->open ? is_due_again(replay, verdict) && joined(devices, surprised_count)
                                 : is_news(devices, surprised_count));

    free(devices);
    if (!tells)
        return;
    devices = surprised(replay, verdict, SENSE_STIRRED_BITS, &count);
    if (devices != NULL)
        tell_group(replay, verdict, devices, count, here);
    free(devices);
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
