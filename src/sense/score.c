/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/score.h"

#include "sense/bits.h"

#define NEVER            255u
#define EIGHTHS          8.0f
#define KEEPALIVE_LEAST  2.0f /* octaves: who asks for four times as much is not odd */
#define BACKLOG_LEAST    2.0f
#define OCTAVES_LEAST    0.015f
#define EXTREME_PARTS    4.0f
#define JITTER_S         0.3f  /* what a network may add to an interval, unsuspected */
#define STARVED_FROM     0.5f  /* messages a window, below which none is no news */
#define STARVED_NEAR     0.25f /* and from which some are good news nevertheless */
#define NO_DRIFT         -9.0f
#define DRIFT_LAMBDA     0.25f
#define DRIFT_VARIANCE   1.5f
#define SIGMAS_PER_WIDTH 0.8f
#define JOINT_WIDTH      1.0f /* bits */
#define LATELY_LEAST     0.01f
#define MEAN_LEAST       1e-5f
#define USUAL_LEAST      0.25f
#define DAY_KNOWN        15000u /* windows, of the 17,280 of a day */
#define BUSIEST_MARGIN   1.5f
#define RULE_BITS        26.0f /* more than SENSE_ALARM_BITS and the part of the stake */
#define RULE_WINDOWS     17280u
#define RULE_CONNECTS    3.0f
#define OWN_FILTERS      3u   /* filters that are new, from which it is no update of its own */
#define ROLE_KNOWN       720u /* windows of its devices, an hour of one, before counts say anything */
#define STEADY           0.4f
#define CLOCKWORK        0.25f  /* octaves of width */
#define REPORTS_PRIOR    256.0f /* of which one was lost, before any is counted */
#define GAPS_MOST        100.0f
#define GAP_SLOPE        4.0f
#define OUTAGE_S         20.0f
#define OUTAGE_SLOPE     5.0f
#define GAP_LEAST        1.5f /* intervals, of the first of role->gaps */
#define GAP_OCTAVES_MOST 16.0f
#define GAP_PARTS        10.0f
#define RECORD_SLOPE     0.5f /* bits of an oddness */
#define KNOWN_AFTER      12u  /* windows of a device before it is known by itself */

float sense_interval_least(const struct sense_device *device)
{
    float jitter = sense_log2(1.0f + JITTER_S * sense_exp2(-device->interval.middle));

    return jitter > OCTAVES_LEAST ? jitter : OCTAVES_LEAST;
}

/* How much more, or less, than in the long run has been usual in the last half hour. Days have hours,
 * and shifts begin: what changes slowly is not held against a device here (what SENSE_BYTES_DRIFT is
 * for), as far as it or one like it has been as busy in a day that was learned. */
static float lately(const struct sense_role *role, const struct sense_device *device,
                    unsigned counter)
{
    unsigned of = counter == SENSE_TOPICS ? SENSE_PUBLISHES : counter;

    if (of >= SENSE_LATELY)
        return 1.0f;
    float now = device->lately[of];
    float busiest =
        role->busiest[of] > device->busiest[of] ? role->busiest[of] : device->busiest[of];
    float most = BUSIEST_MARGIN * busiest;
    if (device->windows >= DAY_KNOWN && now > most)
        now = most;
    return (now + LATELY_LEAST) / (device->rates[of].mean + LATELY_LEAST);
}

/* How many windows that say nothing of each other those are worth that the device was learned from. Where
 * half hours differ by more than chance would have it, hours of work come in clumps: a day without one says
 * little about the next. */
static float worth_of(const struct sense_role *role, const struct sense_device *device,
                      unsigned counter)
{
    float windows = (float)device->windows;

    if (counter >= SENSE_LATELY || role->phase < SENSE_PROVE)
        return windows;
    float chance = (role->rates[counter].all.mean + MEAN_LEAST) / (2 * SENSE_LATELY_WINDOWS);
    float clump = role->clumps[counter] / chance;
    return clump > 1 ? windows / clump : windows;
}

struct sense_expected sense_score_expect(const struct sense_role *role,
                                         const struct sense_device *device, unsigned counter)
{
    struct sense_expected expected = sense_rate_expect(
        &device->rates[counter], worth_of(role, device, counter), &role->rates[counter]);
    float more = lately(role, device, counter);

    if (more > 1.0f)
        expected.mean *= more;
    return expected;
}

bool sense_score_asks_for_more(const struct sense_device *device)
{
    const uint16_t *counts = device->window.counts;

    return counts[SENSE_NEW_FILTERS] >= OWN_FILTERS || counts[SENSE_WILDCARDS] > 0
           || device->evidence[SENSE_WILDCARDS] > 0;
}

/* Whether nobody of the role asks for wildcards: nobody has in a device-day of training, in which some
 * have connected, which is when filters are asked for. */
static bool never_asks_wildcards(const struct sense_role *role)
{
    float connects = role->rates[SENSE_CONNECTS].all.mean * (float)role->windows;

    return role->windows >= RULE_WINDOWS && role->rates[SENSE_WILDCARDS].all.mean <= 0
           && connects >= RULE_CONNECTS;
}

bool sense_score_is_rule(const struct sense_role *role, unsigned feature, float observed)
{
    if (feature == SENSE_TAKEOVERS)
        return observed > 1;
    return feature == SENSE_WILDCARDS && observed > 0 && never_asks_wildcards(role);
}

static void apply_rules(const struct sense_role *role, struct sense_score *out)
{
    float asked = out->observed[SENSE_WILDCARDS];
    float changed = out->observed[SENSE_TAKEOVERS];

    if (sense_score_is_rule(role, SENSE_TAKEOVERS, changed))
        out->bits[SENSE_TAKEOVERS] = changed;
    if (sense_score_is_rule(role, SENSE_WILDCARDS, asked) && out->bits[SENSE_WILDCARDS] < RULE_BITS)
        out->bits[SENSE_WILDCARDS] = RULE_BITS;
}

/* Whether the device, which is new, does for the first time what those of its role did when they were. */
static bool is_as_others_began(const struct sense_role *role, const struct sense_device *device,
                               unsigned counter)
{
    bool is_novelty = counter == SENSE_NEW_FILTERS || counter == SENSE_WILDCARDS
                      || counter == SENSE_NEW_TOPICS || counter == SENSE_TOPICS;

    return is_novelty && device->windows < SENSE_NEW_BELOW
           && device->window.counts[counter] <= role->most[counter];
}

static void score_counters(const struct sense_role *role, const struct sense_device *device,
                           bool is_over, struct sense_score *out)
{
    for (unsigned i = 0; i < SENSE_COUNTERS; i++) {
        float counted = device->window.counts[i];
        if (role->windows < ROLE_KNOWN && i != SENSE_TAKEOVERS)
            continue;
        if (i == SENSE_DELIVERED && !sense_score_asks_for_more(device))
            continue;
        /* Nothing, of which there is no evidence either, can only take from nothing. */
        if (counted <= 0 && (!is_over || device->evidence[i] == 0))
            continue;
        struct sense_expected expected = sense_score_expect(role, device, i);
        out->observed[i] = counted;
        out->bits[i] = sense_rate_more(&expected, counted);
        if (out->bits[i] > 0 && is_as_others_began(role, device, i))
            out->bits[i] = 0;
    }
    apply_rules(role, out);
}

/* What is expected goes up and down a little with each window. Were windows judged at one side of the bound only,
 * who stands at it would be judged by those that speak against it: the one after a message. */
static void score_starved(const struct sense_role *role, const struct sense_device *device,
                          struct sense_score *out)
{
    struct sense_expected expected = sense_rate_expect(
        &device->rates[SENSE_PUBLISHES], (float)device->windows, &role->rates[SENSE_PUBLISHES]);

    float less = lately(role, device, SENSE_PUBLISHES);
    if (less < 1.0f)
        expected.mean *= less;
    if (expected.mean < STARVED_NEAR || !device->present || !device->window.whole
        || device->windows < KNOWN_AFTER)
        return;
    float bits = sense_rate_less(&expected, device->window.counts[SENSE_PUBLISHES]);
    if (expected.mean < STARVED_FROM && bits > 0)
        return;
    out->observed[SENSE_STARVED] = device->window.counts[SENSE_PUBLISHES];
    out->bits[SENSE_STARVED] = bits;
}

static void measure(struct sense_score *out, enum sense_feature feature, float oddness,
                    float observed)
{
    out->oddness[feature] = oddness > 0 ? oddness : 0;
    out->observed[feature] = observed;
}

float sense_device_longest(const struct sense_device *device)
{
    return device->longest / SENSE_INTERVAL_UNITS;
}

float sense_device_shortest(const struct sense_device *device)
{
    return device->shortest / SENSE_INTERVAL_UNITS;
}

/* How many widths an interval lies beyond the extreme on its side, 1 the longest or -1 the
 * shortest; negative when within. Who has
 * been far out before, because one message in twenty is lost, may go as far again in part: the width
 * is then a part of that. */
static float beyond(const struct sense_device *device, float interval, float extreme, float side)
{
    float middle = device->interval.middle;
    float part = side * (extreme - middle) / EXTREME_PARTS;
    float least = sense_interval_least(device);

    if (part > least)
        least = part;
    return side
           * (sense_location_away(&device->interval, interval, least)
              - sense_location_away(&device->interval, extreme, least));
}

bool sense_score_is_clockwork(const struct sense_device *device)
{
    return device->intervals >= SENSE_RHYTHM_AFTER && device->interval.width < CLOCKWORK;
}

bool sense_score_is_steady(const struct sense_device *device)
{
    return device->intervals >= SENSE_RHYTHM_AFTER && device->interval.width < STEADY;
}

/* The chance that the role's reports leave a gap of so many intervals, in bits, by one outage: how often
 * there were gaps as long. Beyond the longest that was learned each doubling is rarer by GAP_SLOPE; and
 * an outage that has taken longer than any, and than OUTAGE_S, by OUTAGE_SLOPE besides: of who
 * reports seldom two reports in a row are not lost by a short one. Who reports often does not vouch
 * for more windows than there were. */
static float bits_of_outage(const struct sense_role *role, float intervals, float unit_s)
{
    float octaves = sense_clamp(sense_log2(intervals) - SENSE_MISSED_OCTAVES, 0, GAP_OCTAVES_MOST);
    unsigned at = (unsigned)octaves;
    unsigned known = 0;

    while (known < SENSE_GAPS && role->gaps[known] > 0)
        known++;
    float seen = at < known ? (float)role->gaps[at] : 0;
    float beyond = sense_clamp(octaves - (float)known, 0, GAP_OCTAVES_MOST);
    float took = (intervals - 2.0f) * unit_s;
    float longest = known > 1 ? GAP_LEAST * (float)((1u << (known - 1)) - 1u) * unit_s : 0;
    float longer = sense_log2(took / (longest > OUTAGE_S ? longest : OUTAGE_S));

    float looked = role->reports < role->windows ? (float)role->reports : (float)role->windows;

    return sense_log2((looked + REPORTS_PRIOR) / (seen + 1.0f)) + GAP_SLOPE * beyond
           + OUTAGE_SLOPE * sense_clamp(longer, 0, GAP_OCTAVES_MOST);
}

/* The same by so many reports that are lost one by one. */
static float bits_of_losses(const struct sense_role *role, float lost)
{
    return lost
           * sense_log2(((float)role->reports + REPORTS_PRIOR) / ((float)role->gaps[0] + 1.0f));
}

/* What a gap of so many seconds is evidence of, however often it is looked at while it lasts: of
 * clockwork, by how rare it is, in whichever way it is less so; of others that so many times its longest interval has passed,
 * each as rare as that one was. A tenth of an interval is enough for a whole one. */
static float gap_bits(const struct sense_role *role, const struct sense_device *device, float gap_s)
{
    float longest = sense_exp2(sense_device_longest(device));
    bool is_steady = sense_score_is_steady(device);
    float unit = is_steady ? sense_exp2(device->interval.middle) : longest;
    float passed = sense_clamp((gap_s - longest) / unit, 0, GAPS_MOST);
    float whole = (float)(unsigned)passed;
    float part = sense_clamp(GAP_PARTS * (passed - whole), 0, 1);

    if (is_steady && beyond(device, sense_log2(gap_s), sense_device_longest(device), 1) <= 1)
        return 0; /* as measure_rhythm() has it */
    if (is_steady) {
        float losses = bits_of_losses(role, whole + part);
        float outage = bits_of_outage(role, gap_s / unit, unit);
        return losses < outage ? losses : outage;
    }
    return sense_log2((float)device->intervals + 1.0f) * (whole + part);
}

/* What the gap had lasted when the window began. */
static float gap_before_s(const struct sense_device *device, float gap_s)
{
    const struct sense_window *window = &device->window;
    bool is_open = window->intervals == 0 || gap_s > sense_exp2(window->interval_most);

    if (!is_open)
        return window->waited_s;
    return device->published_ms < window->start_ms
               ? (float)(window->start_ms - device->published_ms) / 1000.0f
               : 0;
}

/* What the gap has come to mean since the window began. One silence is one observation, also where it
 * is seen as windows with too few messages. */
static void limit_silence(const struct sense_role *role, const struct sense_device *device,
                          struct sense_score *out)
{
    float gap = out->observed[SENSE_SILENT];
    float most = gap_bits(role, device, gap) - gap_bits(role, device, gap_before_s(device, gap));
    bool is_steady = sense_score_is_steady(device);

    if (out->bits[SENSE_SILENT] > most || (is_steady && most > 0))
        out->bits[SENSE_SILENT] = most;
    most = sense_clamp(out->bits[SENSE_SILENT], 0, SENSE_BITS_TOP);
    bool is_one = is_steady || device->window.counts[SENSE_PUBLISHES] == 0;
    if (gap > 0 && is_one && out->bits[SENSE_STARVED] > most)
        out->bits[SENSE_STARVED] = most;
}

/* That an interval is shorter than all before it is as rare as there were few of them. */
static float limit_record(const struct sense_device *device, float oddness, float surprise)
{
    float most = sense_log2((float)device->intervals + 1.0f) + RECORD_SLOPE * oddness;

    return surprise < most ? surprise : most;
}

/* Odd is what is beyond all that the device has done before: by how much it is, is compared with the
 * other devices of the role. */
static void measure_rhythm(const struct sense_device *device, uint64_t now_ms,
                           struct sense_score *out)
{
    const struct sense_window *window = &device->window;

    if (device->intervals < SENSE_RHYTHM_AFTER)
        return;
    float most = window->intervals > 0 ? window->interval_most : -20.0f;
    if (device->present && device->published_ms != 0 && now_ms > device->published_ms) {
        float open = sense_log2((float)(now_ms - device->published_ms) / 1000.0f);
        most = open > most ? open : most;
    }
    float late = beyond(device, most, sense_device_longest(device), 1.0f);
    if (window->intervals > 0 || late > 1.0f)
        measure(out, SENSE_SILENT, late > 0 ? sense_oddness(late) : 0, sense_exp2(most));
    if (window->intervals == 0)
        return;
    float early = beyond(device, window->interval_least, sense_device_shortest(device), -1.0f);
    measure(out, SENSE_EARLY, early > 0 ? sense_oddness(early) : 0,
            sense_exp2(window->interval_least));
}

/* A size that the device has sent before is as odd as it was rare. */
static float limit_by_seen(const struct sense_device *device, float log_size, float oddness)
{
    unsigned bin = (unsigned)sense_clamp(log_size, 0, SENSE_SIZE_BINS - 1);
    unsigned sum = 0;

    for (unsigned i = 0; i < SENSE_SIZE_BINS; i++)
        sum += device->sizes[i];
    if (device->sizes[bin] == 0)
        return oddness;
    float rare = sense_log2((float)sum / device->sizes[bin]);
    return rare < oddness ? rare : oddness;
}

static void measure_sizes(const struct sense_device *device, bool is_over, struct sense_score *out)
{
    const struct sense_window *window = &device->window;

    if (!sense_window_has_sizes(window) || device->active < KNOWN_AFTER)
        return;
    float big = sense_size_octaves(window->size_most);
    float small = sense_size_octaves(window->size_least);
    float above = sense_location_away(&device->size, big, SENSE_SIZE_LEAST * 2);
    float below = -sense_location_away(&device->size, small, SENSE_SIZE_LEAST * 2);
    float far = above > below ? big : small;
    float odd = sense_oddness(sense_clamp(above > below ? above : below, 0, 1e6f));
    measure(out, SENSE_SIZE, limit_by_seen(device, far, odd), sense_exp2(far) - 1);

    float bytes = sense_log2((float)window->bytes + 1.0f);
    float more = sense_location_away(&device->bytes, bytes, SENSE_BYTES_LEAST);
    if (more > 0 || is_over)
        measure(out, SENSE_BYTES, more > 0 ? sense_oddness(more) : 0, (float)window->bytes);
    if (is_over) {
        out->drift = sense_clamp(more * SIGMAS_PER_WIDTH, -2.0f, 3.0f);
        float beyond = out->drift - device->drift;
        out->bits[SENSE_BYTES_DRIFT] =
            DRIFT_LAMBDA * (beyond - DRIFT_LAMBDA * DRIFT_VARIANCE / 2) * SENSE_LOG2_E;
        out->observed[SENSE_BYTES_DRIFT] = (float)window->bytes;
    }
}

static void measure_requests(const struct sense_role *role, const struct sense_window *window,
                             struct sense_score *out)
{
    if (window->keepalive != NEVER) {
        float asked = window->keepalive / EIGHTHS;
        float away = sense_location_away(&role->keepalive, asked, KEEPALIVE_LEAST);
        measure(out, SENSE_KEEPALIVE, sense_oddness(away), sense_exp2(asked) - 1);
    }
    if (window->backlog != NEVER) {
        float waits = window->backlog / EIGHTHS;
        float away = sense_location_away(&role->backlog, waits, BACKLOG_LEAST);
        measure(out, SENSE_BACKLOG, away > 0 ? sense_oddness(away) : 0, sense_exp2(waits) - 1);
    }
}

static void weigh_tails(const struct sense_role *role, const struct sense_device *device,
                        struct sense_score *out)
{
    for (unsigned i = SENSE_SILENT; i < SENSE_FEATURES; i++) {
        if (out->oddness[i] < 0)
            continue;
        float surprise = sense_tail_surprise(&role->tails[i - SENSE_SILENT], out->oddness[i]);
        if (i == SENSE_EARLY)
            surprise = limit_record(device, out->oddness[i], surprise);
        out->bits[i] = sense_bits_of_chance(surprise);
    }
}

/* How rare the shortest pause is in the role: what an interval is that lies between those of rest and of work.
 * Of a device with a clock one that is shorter than all before it may say more. */
static void weigh_pause(const struct sense_role *role, const struct sense_device *device,
                        struct sense_score *out)
{
    uint8_t pause = device->window.pause;

    if (pause == 0 || !sense_rhythm_is_known(&role->rhythm))
        return;
    float bits = sense_bits_of_chance(sense_rhythm_surprise(&role->rhythm, pause));
    if (sense_score_is_clockwork(device) && out->bits[SENSE_EARLY] >= bits)
        return;
    out->bits[SENSE_EARLY] = bits;
    out->observed[SENSE_EARLY] = sense_rhythm_seconds(pause);
}

void sense_score_raw(const struct sense_window *window, float raw[SENSE_DIMENSIONS])
{
    /* Not what it is sent, which is the doing of others. */
    static const uint8_t counted[] = { SENSE_PUBLISHES, SENSE_NEW_TOPICS, SENSE_CONNECTS,
                                       SENSE_TOPICS, SENSE_RETAINED };
    const unsigned counts = sizeof(counted) / sizeof(counted[0]);

    for (unsigned i = 0; i < counts; i++)
        raw[i] = sense_log2((float)window->counts[counted[i]] + 1.0f);
    raw[SENSE_POINT_BYTES] = sense_log2((float)window->bytes + 1.0f);
    raw[SENSE_POINT_SIZE] = sense_size_octaves(window->size_most); /* 0 when there was none */
    raw[SENSE_POINT_INTERVAL] = window->intervals == 0 ? -2.0f : window->interval_least;
}

void sense_score_point(const struct sense_role *role, const struct sense_window *window,
                       float point[SENSE_DIMENSIONS])
{
    sense_score_raw(window, point);
    for (unsigned i = 0; i < SENSE_DIMENSIONS; i++)
        point[i] = sense_clamp(
            0.5f + sense_location_away(&role->usual[i], point[i], USUAL_LEAST) / 8, 0.0f, 1.0f);
}

/* A device may live in a rare corner: odd is what is rarer than that. */
static void measure_joint(const struct sense_role *role, const struct sense_device *device,
                          struct sense_score *out)
{
    float point[SENSE_DIMENSIONS];

    sense_score_point(role, &device->window, point);
    out->joint = sense_trees_rarity(&role->trees, point);
    if (device->active < KNOWN_AFTER)
        return;
    float rarer = (out->joint - device->joint) / JOINT_WIDTH;
    measure(out, SENSE_JOINT, rarer > 0 ? sense_oddness(rarer) : 0, out->joint);
}

static bool is_active(const struct sense_window *window)
{
    return window->counts[SENSE_PUBLISHES] + window->counts[SENSE_CONNECTS] > 0;
}

void sense_score_window(const struct sense_role *role, const struct sense_device *device,
                        uint64_t now_ms, bool is_over, struct sense_score *out)
{
    const struct sense_window *window = &device->window;

    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        out->bits[i] = out->observed[i] = 0;
        out->oddness[i] = -1;
    }
    out->joint = -1;
    out->drift = NO_DRIFT;
    score_counters(role, device, is_over, out);
    if (is_over)
        score_starved(role, device, out);
    measure_rhythm(device, now_ms, out);
    measure_sizes(device, is_over, out);
    measure_requests(role, window, out);
    if (window->counts[SENSE_PUBLISHES] > 0 && device->values[0].topic != 0)
        measure(out, SENSE_VALUE, window->value, window->value);
    if (is_over && is_active(window))
        measure_joint(role, device, out);
    weigh_tails(role, device, out);
    weigh_pause(role, device, out);
    if (out->oddness[SENSE_SILENT] >= 0)
        limit_silence(role, device, out);
}
