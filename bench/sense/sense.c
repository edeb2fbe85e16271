/* SPDX-License-Identifier: Apache-2.0 */
/* sense [DEVICES]: what the detector costs by itself, as JSON, with so many devices (10000).
 *
 * ns_per_message: a message of a device that is chosen at random, so that its state is as cold as it
 * would be, booked as the core does it: sense_flow_publish(), and what that leaves to it by
 * sense_on_publish(). us_per_window: sense_device_look() of a window that is over, of devices in turn,
 * while the role watches. Each is the median of five rounds of processor time. */
#include "sense/evidence.h"
#include "sense/flow.h"
#include "sense/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEVICES  10000u
#define ROUNDS   5u
#define MESSAGES 2000000u
#define LEARNED  200u /* windows, of the first few devices */
#define TEACHERS 50u

struct fleet {
    struct sense_role *role;
    struct sense_device *devices;
    unsigned count;
    uint64_t now_ms;
};

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*state >> 33);
}

static void message(struct fleet *fleet, unsigned device)
{
    const struct sense_publish publish = { .topic = device * 2654435761u | 1, .bytes = 60 };
    struct sense_device *to = &fleet->devices[device];

    if (!sense_flow_publish(to, fleet->now_ms, sense_flow_topic_bit(publish.topic), publish.bytes))
        (void)sense_on_publish(to, fleet->now_ms, &publish);
}

static void window(struct fleet *fleet, unsigned count)
{
    struct sense_standing standing;

    for (unsigned i = 0; i < count; i++) {
        message(fleet, i);
        fleet->now_ms += i % 2;
    }
    fleet->now_ms += SENSE_WINDOW_MS;
    for (unsigned i = 0; i < count; i++)
        (void)sense_device_look(fleet->role, &fleet->devices[i], fleet->now_ms, &standing);
}

static void learn(struct fleet *fleet)
{
    for (int phase = SENSE_LEARN; phase <= SENSE_WATCH; phase++) {
        sense_role_enter(fleet->role, (enum sense_phase)phase);
        for (unsigned i = 0; i < LEARNED; i++)
            window(fleet, TEACHERS);
    }
    for (unsigned i = 0; i < 20; i++)
        window(fleet, fleet->count);
}

static double time_messages(struct fleet *fleet, uint64_t *random)
{
    double before = seconds();

    for (unsigned i = 0; i < MESSAGES; i++) {
        message(fleet, next(random) % fleet->count);
        fleet->now_ms += i % 64 == 0;
    }
    return (seconds() - before) / MESSAGES * 1e9;
}

static double time_windows(struct fleet *fleet)
{
    struct sense_standing standing;

    fleet->now_ms += SENSE_WINDOW_MS;
    double before = seconds();
    for (unsigned i = 0; i < fleet->count; i++)
        (void)sense_device_look(fleet->role, &fleet->devices[i], fleet->now_ms, &standing);
    return (seconds() - before) / fleet->count * 1e6;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

int main(int argc, char **argv)
{
    struct fleet fleet = { .count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : DEVICES,
                           .now_ms = 1000 };
    double messages[ROUNDS];
    double windows[ROUNDS];
    uint64_t random = 1;

    if (fleet.count < TEACHERS)
        fleet.count = TEACHERS;
    fleet.role = malloc(sizeof(*fleet.role));
    fleet.devices = calloc(fleet.count, sizeof(struct sense_device));
    if (fleet.role == NULL || fleet.devices == NULL)
        return 1;
    sense_role_init(fleet.role);
    learn(&fleet);
    for (unsigned i = 0; i < ROUNDS; i++) {
        messages[i] = time_messages(&fleet, &random);
        windows[i] = time_windows(&fleet);
    }
    qsort(messages, ROUNDS, sizeof(messages[0]), ascending);
    qsort(windows, ROUNDS, sizeof(windows[0]), ascending);
    (void)printf("{\"devices\": %u, \"ns_per_message\": %.1f, \"us_per_window\": %.2f, "
                 "\"bytes_per_device\": %zu, \"bytes_per_role\": %zu, \"bytes_of_sources\": %zu}\n",
                 fleet.count, messages[ROUNDS / 2], windows[ROUNDS / 2],
                 sizeof(struct sense_device), sizeof(struct sense_role),
                 sizeof(struct sense_sources));
    free(fleet.devices);
    free(fleet.role);
    return 0;
}
