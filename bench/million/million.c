/* SPDX-License-Identifier: Apache-2.0 */
/* A million sessions without sockets: core, codec, policy and, for those that are away, the store.
 *
 * bench-million online SESSIONS PER_SECOND SECONDS
 *     all connected, each with a subscription; then so many messages a second among them, take-overs,
 *     and a change of policy
 * bench-million sensed SESSIONS PER_SECOND SECONDS
 *     the same with detection on, after it has learned; then once around all of them without messages, and what
 *     was learned is saved, and loaded into a broker that starts
 * bench-million offline FOLDER SESSIONS MESSAGES
 *     each with ten subscriptions and MESSAGES queued, all in the store in FOLDER, which is empty
 * bench-million start FOLDER SESSIONS MESSAGES
 *     a start with what `offline` has left; one session in a thousand is looked at
 *
 * Prints one "name value" a line. Times of operations are wall clock; costs, and the longest
 * slices, are CPU: what else the machine does meanwhile is not in them. */
#include "bench/ground.h"
#include "bench/million/crowd.h"
#include "core/journal_restore.h"
#include "core/sensed.h"
#include "core/sensing_keep.h"
#include "core/state.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S        1e9
#define MS_PER_S        1000u
#define PING_MS         200000u /* each person's */
#define TAKEOVERS       10000u
#define WALK_STEP       256u
#define CHANNELS        10u
#define SETTLE_EVERY    1000u
#define LOOKED_AT_EVERY 1000u
#define LEARN_MOST_S    300u
#define ROUND_MOST_S    120u
#define NEAR_THE_END    4096u /* at most so many are looked at in one turn */

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

static double heap_bytes(void)
{
    const struct mallinfo2 heap = mallinfo2();

    return (double)heap.uordblks + (double)heap.hblkhd;
}

static void tell(const char *name, double value)
{
    printf("%s %.3f\n", name, value);
}

static size_t next_random(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(state >> 33);
}

/* ---- all connected ---- */

static void gather(struct crowd *crowd)
{
    double heap = heap_bytes();
    double cpu = cpu_s();

    for (size_t i = 0; i < crowd->count; i++) {
        crowd_connect(crowd, i, true);
        crowd_take(crowd);
    }
    double connected = heap_bytes();
    tell("ns_per_connect", (cpu_s() - cpu) * NS_PER_S / (double)crowd->count);
    cpu = cpu_s();
    for (size_t i = 0; i < crowd->count; i++) {
        crowd_subscribe(crowd, i, 1, 1);
        crowd_take(crowd);
    }
    tell("ns_per_subscribe", (cpu_s() - cpu) * NS_PER_S / (double)crowd->count);
    tell("bytes_per_session", (heap_bytes() - heap) / (double)crowd->count);
    tell("bytes_per_connected_session", (connected - heap) / (double)crowd->count);
    tell("bytes_per_subscription", (heap_bytes() - connected) / (double)crowd->count);
}

/* One of the same site, whole or the last one's rest. */
static size_t neighbour(const struct crowd *crowd, size_t who)
{
    size_t first = who / CROWD_SITE * CROWD_SITE;
    size_t people = crowd->count - first < CROWD_SITE ? crowd->count - first : CROWD_SITE;

    return first + next_random() % people;
}

struct flow {
    uint64_t sent;
    uint64_t pinged;
    double longest_turn_s;
    double longest_advance_s; /* of it what timers do: pings that are late, and detection's looks */
};

/* One millisecond. */
static void flow_on(struct crowd *crowd, struct flow *flow, unsigned per_second, uint64_t ms)
{
    double begin = cpu_s();

    crowd_advance(crowd, 1);
    double advanced = cpu_s() - begin;
    for (; flow->pinged < ms * crowd->count / PING_MS; flow->pinged++)
        crowd_ping(crowd, (size_t)flow->pinged % crowd->count);
    for (; flow->sent < ms * per_second / MS_PER_S; flow->sent++) {
        size_t from = next_random() % crowd->count;
        crowd_publish(crowd, from, neighbour(crowd, from), 0, flow->sent % 2);
    }
    crowd_take(crowd);
    double turn = cpu_s() - begin;
    if (turn > flow->longest_turn_s)
        flow->longest_turn_s = turn;
    if (advanced > flow->longest_advance_s)
        flow->longest_advance_s = advanced;
}

static void flow(struct crowd *crowd, unsigned per_second, unsigned seconds)
{
    struct flow flow = { 0 };
    uint64_t taken = crowd->taken;
    double cpu = cpu_s();

    for (uint64_t ms = 1; ms <= (uint64_t)seconds * MS_PER_S; ms++)
        flow_on(crowd, &flow, per_second, ms);
    must(crowd->taken - taken == flow.sent, "messages are missing");
    double spent = cpu_s() - cpu;
    tell("messages", (double)flow.sent);
    tell("ns_per_message", spent * NS_PER_S / (double)flow.sent);
    tell("cpu_percent_of_a_core", 100 * spent / seconds);
    tell("longest_turn_ms", flow.longest_turn_s * MS_PER_S);
    tell("longest_advance_ms", flow.longest_advance_s * MS_PER_S);
}

/* ---- watched ---- */

static void learn(struct crowd *crowd, unsigned per_second)
{
    struct flow flow = { 0 };
    uint64_t ms = 0;

    while (crowd->phase != SENSE_WATCH) {
        must(++ms <= (uint64_t)LEARN_MOST_S * MS_PER_S, "nothing is learned");
        flow_on(crowd, &flow, per_second, ms);
    }
    must(broker_statistics(crowd->broker)->sense_devices == crowd->count, "some are not looked at");
    tell("learned_s", (double)ms / MS_PER_S);
    tell("longest_learning_advance_ms", flow.longest_advance_s * MS_PER_S);
}

/* Is `mark` one of the last that were looked at? */
static bool is_at_the_end(const struct list *looked, const struct list *mark)
{
    const struct list *at = looked->prev;

    for (unsigned i = 0; i < NEAR_THE_END && at != looked; i++, at = at->prev)
        if (at == mark)
            return true;
    return false;
}

/* The next one that is looked at, until it is again: with nothing else to do. */
static void look_at_all(struct crowd *crowd)
{
    const struct list *looked = &crowd->broker->sensing->looked;
    const struct list *mark = looked->next;
    uint64_t begin_ms = crowd->now_ms;
    double cpu = cpu_s();
    double longest = 0;
    bool has_left = false;

    while (!has_left || !is_at_the_end(looked, mark)) {
        double begin = cpu_s();
        crowd_advance(crowd, 1);
        double turn = cpu_s() - begin;
        longest = turn > longest ? turn : longest;
        crowd_take(crowd);
        has_left = has_left || (looked->next != mark && !is_at_the_end(looked, mark));
        must(crowd->now_ms - begin_ms < (uint64_t)ROUND_MOST_S * MS_PER_S, "nobody is looked at");
    }
    tell("round_s", (double)(crowd->now_ms - begin_ms) / MS_PER_S);
    tell("round_ns_per_device", (cpu_s() - cpu) * NS_PER_S / (double)crowd->count);
    tell("round_longest_slice_ms", longest * MS_PER_S);
    tell("alarms", (double)crowd->alarms);
}

/* What was learned goes to where its file would be, and into a broker that starts. Ends the crowd. */
static void keep(struct crowd *crowd)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t count = crowd->count;
    double cpu = cpu_s();

    must(sensing_keep_save(crowd->broker, crowd->now_ms, &bytes, &len) == 0, "out of memory");
    tell("save_slice_ms", (cpu_s() - cpu) * MS_PER_S);
    tell("saved_bytes_per_device", (double)len / (double)count);
    crowd_close(crowd);
    crowd_open(crowd, count, NULL);
    crowd_observe(crowd);
    cpu = cpu_s();
    must(sensing_keep_load(crowd->broker, (struct mqtt_span){ bytes, len }, crowd->now_ms) == 0,
         "what was learned is not taken up");
    tell("load_s", cpu_s() - cpu);
    must(crowd->broker->sensing->devices.count == count, "devices were forgotten");
    free(bytes);
}

/* ---- sessions change hands, and the policy ---- */

static int by_size(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return (*a > *b) - (*a < *b);
}

static void take_over(struct crowd *crowd)
{
    static double took[TAKEOVERS];

    for (unsigned i = 0; i < TAKEOVERS; i++) {
        size_t who = next_random() % crowd->count;
        double begin = now_s();
        crowd_connect(crowd, who, true);
        crowd_take(crowd);
        took[i] = (now_s() - begin) * NS_PER_S / 1000;
        must(crowd->has_session, "a session was not taken over");
    }
    qsort(took, TAKEOVERS, sizeof(took[0]), by_size);
    tell("takeover_us_p50", took[TAKEOVERS / 2]);
    tell("takeover_us_p99", took[TAKEOVERS / 100 * 99]);
    tell("takeover_us_max", took[TAKEOVERS - 1]);
}

static void reload(struct crowd *crowd)
{
    double begin = now_s();
    double longest = 0;
    bool has_more = true;

    crowd_change_policy(crowd);
    double in_force = now_s() - begin;
    while (has_more) {
        double slice = cpu_s();
        has_more = broker_policy_step(crowd->broker, WALK_STEP, crowd->now_ms);
        slice = cpu_s() - slice;
        longest = slice > longest ? slice : longest;
    }
    tell("policy_in_force_ms", in_force * MS_PER_S);
    tell("policy_reload_ms", (now_s() - begin) * MS_PER_S);
    tell("policy_longest_slice_ms", longest * MS_PER_S);
}

static int run_online(size_t sessions, unsigned per_second, unsigned seconds, bool is_sensed)
{
    static struct crowd crowd;

    crowd_open(&crowd, sessions, NULL);
    if (is_sensed)
        crowd_observe(&crowd);
    gather(&crowd);
    if (is_sensed)
        learn(&crowd, per_second);
    flow(&crowd, per_second, seconds);
    if (is_sensed)
        look_at_all(&crowd);
    take_over(&crowd);
    reload(&crowd);
    if (is_sensed)
        keep(&crowd);
    crowd_close(&crowd);
    return 0;
}

/* ---- away ---- */

/* The first person of each site stays and publishes; all others are away. So many in all that
 * `sessions` are. */
static size_t people_for(size_t sessions)
{
    return sessions + (sessions + CROWD_SITE - 2) / (CROWD_SITE - 1);
}

static bool is_away(size_t who)
{
    return who % CROWD_SITE != 0;
}

static void settle(struct crowd *crowd)
{
    disk_settle(crowd->disk, crowd->broker, crowd->now_ms);
    crowd_take(crowd);
}

static void leave_all(struct crowd *crowd)
{
    for (size_t who = 0; who < crowd->count; who++) {
        crowd_connect(crowd, who, is_away(who));
        if (is_away(who))
            crowd_subscribe(crowd, who, CHANNELS, 1);
        if (who % SETTLE_EVERY == 0)
            settle(crowd);
    }
    settle(crowd);
    for (size_t who = 0; who < crowd->count; who++)
        if (is_away(who))
            crowd_lose(crowd, who);
    settle(crowd);
}

static void fill_queues(struct crowd *crowd, size_t messages)
{
    uint64_t sent = 0;

    for (size_t n = 0; n < messages; n++) {
        for (size_t who = 0; who < crowd->count; who++) {
            if (!is_away(who))
                continue;
            crowd_publish(crowd, who / CROWD_SITE * CROWD_SITE, who, (unsigned)(n % CHANNELS), 1);
            sent++;
            if (sent % SETTLE_EVERY == 0)
                settle(crowd);
        }
    }
    settle(crowd);
    must(crowd->answers == sent, "messages were not acknowledged");
}

static int run_offline(const char *folder, size_t sessions, size_t messages)
{
    static struct crowd crowd;
    struct disk disk;

    disk_open(&disk, folder);
    crowd_open(&crowd, people_for(sessions), &disk);
    journal_write_meta(crowd.broker);
    leave_all(&crowd);
    double living = (double)store_figures(disk.store).living_bytes;
    double heap = heap_bytes();
    double begin = cpu_s();
    fill_queues(&crowd, messages);
    double queued = (double)sessions * (double)messages;
    tell("queued_messages", queued);
    tell("ns_per_queued_message", (cpu_s() - begin) * NS_PER_S / queued);
    tell("heap_bytes_per_queued_message", (heap_bytes() - heap) / queued);
    tell("disk_bytes_per_session", living / (double)sessions);
    tell("disk_bytes_per_queued_message",
         ((double)store_figures(disk.store).living_bytes - living) / queued);
    tell("store_bytes", (double)store_figures(disk.store).bytes);
    crowd_close(&crowd);
    disk_close(&disk);
    return 0;
}

/* Some come back, and each has its queue. */
static void look(struct crowd *crowd, size_t messages)
{
    for (size_t who = 1; who < crowd->count; who += LOOKED_AT_EVERY) {
        uint64_t taken = crowd->taken;
        crowd_connect(crowd, who, true);
        settle(crowd);
        settle(crowd);
        must(crowd->has_session, "a session is lost");
        must(crowd->taken - taken == messages, "messages are lost");
    }
}

static int run_start(const char *folder, size_t sessions, size_t messages)
{
    static struct crowd crowd;
    struct disk disk;
    double heap = heap_bytes();
    double begin = now_s();
    double cpu = cpu_s();

    disk_open(&disk, folder);
    double opened = now_s();
    crowd_open(&crowd, people_for(sessions), &disk);
    uint64_t things = disk_restore(&disk, crowd.broker, crowd.shared, crowd.now_ms);
    settle(&crowd);
    tell("start_s", now_s() - begin);
    tell("start_open_s", opened - begin);
    tell("start_cpu_s", cpu_s() - cpu);
    tell("start_things", (double)things);
    tell("heap_bytes_per_offline_session", (heap_bytes() - heap) / (double)sessions);
    tell("start_subscriptions", (double)broker_statistics(crowd.broker)->subscriptions);
    look(&crowd, messages);
    crowd_close(&crowd);
    disk_close(&disk);
    return 0;
}

/* 0: it is no number of at least 1. */
static size_t number(const char *text)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);

    return *end == '\0' && value > 0 ? (size_t)value : 0;
}

static int usage(void)
{
    fputs("usage: bench-million online|sensed SESSIONS PER_SECOND SECONDS\n"
          "       bench-million offline|start FOLDER SESSIONS MESSAGES\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    size_t last = argc == 5 ? number(argv[4]) : 0;
    size_t middle = argc == 5 ? number(argv[3]) : 0;

    if (last == 0 || middle == 0)
        return usage();
    bool is_sensed = strcmp(argv[1], "sensed") == 0;
    if ((is_sensed || strcmp(argv[1], "online") == 0) && number(argv[2]) > 0)
        return run_online(number(argv[2]), (unsigned)middle, (unsigned)last, is_sensed);
    if (strcmp(argv[1], "offline") == 0)
        return run_offline(argv[2], middle, last);
    if (strcmp(argv[1], "start") == 0)
        return run_start(argv[2], middle, last);
    return usage();
}
