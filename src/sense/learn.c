/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/learn.h"

#include "sense/bits.h"

#define NEVER          255u
#define EIGHTHS        8.0f
#define WINDOWS_MOST   17280u /* a day: older windows fade */
#define ROLE_MOST      2000000u
#define INTERVALS_MOST 1000u
#define ACTIVE_MOST    2000u
/* Of what is usual, in a day, once the role watches: who changes slowly to be believed needs weeks
 * to double, and is seen against what was commissioned meanwhile. */
#define DRIFT_PER_DAY   0.1f
#define JOINT_MOST      200u
#define DRIFT_LEAST     -8.0f /* below it there was nothing to measure */
#define FULL_BIN        255u
#define LEARNED_FAST    120u /* windows of a device that is new: no cap yet */
#define SIZES_KNOWN     60u  /* windows with messages, and */
#define INTERVALS_KNOWN 32u  /* intervals: before them widths and extremes are those of a few */
#define YOUNG           8640.0f

bool sense_learn_is_empty(const struct sense_window *window)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < SENSE_COUNTERS; i++)
        sum += window->counts[i];
    return sum == 0;
}

static float step_of(uint32_t seen, uint32_t most)
{
    return 1.0f / (float)((seen < most ? seen : most) + 1);
}

typedef void learn_location(struct sense_location *location, float value, float step);

static void count_size(struct sense_device *device, float octaves)
{
    unsigned bin = (unsigned)sense_clamp(octaves, 0, SENSE_SIZE_BINS - 1);

    if (device->sizes[bin] == FULL_BIN)
        for (unsigned i = 0; i < SENSE_SIZE_BINS; i++)
            device->sizes[i] = (uint8_t)((device->sizes[i] + 1) / 2);
    device->sizes[bin]++;
}

static void learn_sizes(struct sense_device *device, learn_location *learn)
{
    const struct sense_window *window = &device->window;
    float step = step_of(device->active, ACTIVE_MOST);

    float most = sense_size_octaves(window->size_most);
    float least = sense_size_octaves(window->size_least);

    count_size(device, most);
    count_size(device, least);
    learn(&device->size, most, step);
    learn(&device->size, least, step);
    learn(&device->bytes, sense_log2((float)window->bytes + 1.0f), step);
    if (device->active < ACTIVE_MOST)
        device->active++;
}

static void learn_intervals(struct sense_device *device, learn_location *learn)
{
    const struct sense_window *window = &device->window;
    float step = step_of(device->intervals, INTERVALS_MOST);

    learn(&device->interval, window->interval_least, step);
    if (window->intervals > 1)
        learn(&device->interval, window->interval_most, step);
    if (device->intervals < INTERVALS_MOST)
        device->intervals++;
    /* Of a device that is watched the extremes stay: else silence would be taught step by step. */
    if (learn == sense_location_follow)
        return;
    int16_t most = (int16_t)(window->interval_most * SENSE_INTERVAL_UNITS + 1);
    int16_t least = (int16_t)(window->interval_least * SENSE_INTERVAL_UNITS - 1);
    if (device->intervals == 1 || most > device->longest)
        device->longest = most;
    if (device->intervals == 1 || least < device->shortest)
        device->shortest = least;
}

/* What can only be learned once the rest has been: places among the windows of the role, and of the
 * device. */
static void learn_second(struct sense_device *device, const struct sense_score *score)
{
    if (score->joint >= 0)
        device->joint += (score->joint - device->joint) * step_of(device->active, JOINT_MOST);
    if (score->drift >= DRIFT_LEAST)
        device->drift += (score->drift - device->drift) * step_of(device->active, ACTIVE_MOST);
}

static void learn_role(struct sense_role *role, const struct sense_device *device, float step)
{
    const struct sense_window *window = &device->window;
    float raw[SENSE_DIMENSIONS];

    for (unsigned i = 0; i < SENSE_COUNTERS; i++) {
        sense_role_rate_learn(&role->rates[i], window->counts[i], device->rates[i].mean, step);
        if (window->counts[i] > role->most[i])
            role->most[i] = window->counts[i];
    }
    if (window->keepalive != NEVER)
        sense_location_learn(&role->keepalive, window->keepalive / EIGHTHS, 0.1f);
    if (window->backlog != NEVER)
        sense_location_learn(&role->backlog, window->backlog / EIGHTHS, 0.01f);
    if (!sense_learn_is_empty(window)) {
        sense_score_raw(window, raw);
        for (unsigned i = 0; i < SENSE_DIMENSIONS; i++)
            sense_location_learn(&role->usual[i], raw[i], step);
    }
    role->windows++;
}

/* How far half hours lie from what the device does in the mean of its days. */
static void learn_clump(struct sense_role *role, unsigned counter, float away)
{
    float step = step_of(role->shaped, ROLE_MOST);

    role->clumps[counter] += (away * away - role->clumps[counter]) * step;
}

void sense_learn_lately(struct sense_role *role, struct sense_device *device)
{
    for (unsigned i = 0; i < SENSE_LATELY; i++) {
        float step = step_of(device->windows, SENSE_LATELY_WINDOWS);
        device->lately[i] += (device->window.counts[i] - device->lately[i]) * step;
        if (role->phase == SENSE_WATCH)
            continue;
        if (role->phase == SENSE_SHAPE)
            learn_clump(role, i, device->lately[i] - device->rates[i].mean);
        if (device->lately[i] > device->busiest[i])
            device->busiest[i] = device->lately[i];
        if (device->lately[i] > role->busiest[i])
            role->busiest[i] = device->lately[i];
    }
    if (role->phase == SENSE_SHAPE)
        role->shaped++;
}

/* The part of itself by which a mean may move in a window. The young may drift faster. */
static float drift_of(const struct sense_device *device)
{
    return DRIFT_PER_DAY / SENSE_WINDOWS_PER_DAY * (1.0f + YOUNG / (float)(device->windows + 1));
}

void sense_learn_window(struct sense_role *role, struct sense_device *device,
                        const struct sense_score *score)
{
    const struct sense_window *window = &device->window;
    float step = step_of(device->windows, WINDOWS_MOST);
    bool is_known = role->phase == SENSE_WATCH && device->windows > LEARNED_FAST;
    float cap = is_known ? drift_of(device) : 0;
    learn_location *learn = is_known ? sense_location_follow : sense_location_learn;

    for (unsigned i = 0; i < SENSE_COUNTERS; i++)
        sense_rate_learn(&device->rates[i], window->counts[i], step, cap);
    if (sense_window_has_sizes(window))
        learn_sizes(device, device->active < SIZES_KNOWN ? sense_location_learn : learn);
    if (window->intervals > 0)
        learn_intervals(device, device->intervals < INTERVALS_KNOWN ? sense_location_learn : learn);
    if (role->phase != SENSE_LEARN && !is_known)
        learn_second(device, score);
    device->windows++;
    if (role->phase == SENSE_LEARN)
        learn_role(role, device, step_of(role->windows, ROLE_MOST));
}

void sense_learn_absence(struct sense_role *role, struct sense_device *device)
{
    float step = step_of(device->windows, WINDOWS_MOST);

    if (role->phase == SENSE_LEARN || device->windows < LEARNED_FAST)
        sense_rate_learn(&device->rates[SENSE_CONNECTS], 0, step, 0);
}

/* How often a report goes missing that was due. */
static void learn_loss(struct sense_role *role, const struct sense_device *device)
{
    const struct sense_window *window = &device->window;

    if (window->intervals == 0 || !sense_score_is_steady(device))
        return;
    role->reports += window->intervals;
    float octaves = window->interval_most - device->interval.middle - SENSE_MISSED_OCTAVES;
    for (unsigned i = 0; i < SENSE_GAPS && octaves >= (float)i; i++)
        role->gaps[i]++;
}

void sense_learn_shape(struct sense_role *role, struct sense_device *device,
                       const struct sense_score *score)
{
    float point[SENSE_DIMENSIONS];

    for (unsigned i = SENSE_SILENT; i < SENSE_FEATURES; i++)
        if (score->oddness[i] >= 0)
            sense_tail_see(&role->tails[i - SENSE_SILENT], score->oddness[i]);
    learn_loss(role, device);
    sense_rhythm_see(&role->rhythm, device->window.pause);
    learn_second(device, score);
    if (score->joint < 0)
        return;
    sense_score_point(role, &device->window, point);
    sense_trees_learn(&role->trees, point);
}
