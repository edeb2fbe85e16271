/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/evidence.h"

#include "sense/bits.h"
#include "sense/learn.h"
#include "sense/score.h"

#define UNITS         256.0f /* of evidence in a bit */
#define EVIDENCE_TOP  250.0f
#define PEAK_UNITS    2048.0f
#define STAKE_BITS    4.585f /* log2(SENSE_FEATURES): each has an equal part of the stake */
#define OWN_AFTER     120.0f /* windows of a device, after which half of what is proved is its own */
#define PROVED_MARGIN 1.25f  /* the worst of more days is worse than that of a few */
#define DRIFT_MARGIN  2.0f
#define REGULAR       10.0f /* episodes in the training */
#define WORKED        3.0f  /* the same, of hours of work */
#define LONGER_BITS   6.64f /* log2 of a hundred days */
#define FORGOTTEN     1u    /* units of evidence in a window in which nothing was measured */
#define RHYTHM_FADES  2u    /* the same, of the rhythm */
#define CALM_WINDOWS  60.0f
/* Who was to have so many and had none is not one who has them. They come in clumps: who was to have three may
 * well have had none. */
#define EXPECTED_MOST 8.0f

static float held(const struct sense_device *device, unsigned feature)
{
    return device->evidence[feature] / UNITS;
}

/* How far what the role has proved goes for a device: all the way for one that is new, and for what
 * happens in the role so seldom, an outage, a restart, an hour of work, that it may not have come to this
 * device yet. */
static float share_of_role(const struct sense_role *role, const struct sense_device *device,
                           unsigned feature)
{
    float windows = (float)device->windows;
    float share = OWN_AFTER / (OWN_AFTER + windows);
    float expected = role->episodes[feature] * windows / ((float)role->windows + 1.0f);

    if (role->episodes[feature] == 0)
        return share;
    float rare = expected > EXPECTED_MOST ? EXPECTED_MOST / expected : 1.0f;
    return rare > share ? rare : share;
}

/* Days differ in how much there is to do, and the mean that a slow change is measured from is that of the
 * days it was proved on. What comes regularly, hours of work, lasts for different times, of which the
 * longest of a hundred days is longer than that of the training as the logarithms of their numbers are. */
static float margin_of(const struct sense_role *role, unsigned feature)
{
    float episodes = role->episodes[feature];

    if (feature == SENSE_BYTES_DRIFT)
        return DRIFT_MARGIN;
    if (episodes < (feature == SENSE_PUBLISHES ? WORKED : REGULAR))
        return PROVED_MARGIN;
    return 1.0f + LONGER_BITS / sense_log2(episodes > REGULAR ? episodes : REGULAR);
}

/* Evidence that is no news: as much was seen in good traffic. */
static float proved(const struct sense_role *role, const struct sense_device *device,
                    unsigned feature)
{
    float own = device->worst[feature];
    float of_role = role->worst[feature] * share_of_role(role, device, feature);

    return margin_of(role, feature) * (own > of_role ? own : of_role);
}

static uint16_t packed_peak(float observed)
{
    return (uint16_t)sense_clamp(PEAK_UNITS * sense_log2(1.0f + observed), 0, UINT16_MAX);
}

static float unpacked_peak(unsigned feature, uint16_t peak)
{
    float observed = sense_exp2(peak / PEAK_UNITS) - 1.0f;

    return feature < SENSE_COUNTERS ? (float)(uint32_t)(observed + 0.5f) : observed;
}

/* The most of what is observed; of what is missing, the least. */
static uint16_t peak_with(const struct sense_device *device, unsigned feature, float observed)
{
    uint16_t seen = packed_peak(observed);
    bool least = feature == SENSE_STARVED || feature == SENSE_EARLY;
    bool beyond = least ? seen < device->peak[feature] : seen > device->peak[feature];

    return device->evidence[feature] == 0 || beyond ? seen : device->peak[feature];
}

/* What the window adds. Of a device without a clock, in a role of which no rhythm is known, a busy hour is one
 * surprise, not one for each interval of it: only one that is shorter still is news. */
static float news(const struct sense_role *role, const struct sense_device *device,
                  const struct sense_score *score, unsigned feature)
{
    float bits = score->bits[feature];

    if (feature != SENSE_EARLY || bits <= 0 || device->evidence[feature] == 0
        || sense_rhythm_is_known(&role->rhythm) || sense_score_is_clockwork(device))
        return bits;
    return packed_peak(score->observed[feature]) < device->peak[feature] ? bits : 0;
}

static bool is_looked_at(const struct sense_role *role, unsigned feature)
{
    return (role->features >> feature & 1u) != 0;
}

static void stand(const struct sense_role *role, const struct sense_device *device,
                  const struct sense_score *score, bool is_over, struct sense_standing *out)
{
    float together = 0;

    *out = (struct sense_standing){ .evidence = 0 };
    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        if (device->evidence[i] == 0 && score->bits[i] <= 0) /* as of most, nearly always */
            continue;
        float added = news(role, device, score, i);
        float ahead = is_over || added <= 0 ? 0 : added;
        float bits = held(device, i) + ahead - proved(role, device, i);
        if (bits <= 0 || !is_looked_at(role, i))
            continue;
        uint16_t peak = device->peak[i];
        if (ahead > 0)
            peak = peak_with(device, i, score->observed[i]);
        out->observed[i] = unpacked_peak(i, peak);
        out->bits[i] = sense_clamp(bits, 0, EVIDENCE_TOP);
        out->score += out->bits[i];
        if (sense_feature_verdict(i) == SENSE_ATTACKING)
            out->attacking += out->bits[i];
        else
            out->attacked += out->bits[i];
        together = sense_bits_add(together, out->bits[i]);
    }
    out->evidence = together > STAKE_BITS ? together - STAKE_BITS : 0;
}

static void count_episode(struct sense_role *role, unsigned feature)
{
    if (role->episodes[feature] < UINT16_MAX)
        role->episodes[feature]++;
}

/* Whether the window says that what adds little in each has not gone: a slow change, a silence. */
static bool lasts(unsigned feature, float added, float evidence)
{
    return (feature == SENSE_BYTES_DRIFT || feature == SENSE_SILENT) && added > 0
           && evidence >= SENSE_NOTE_BITS;
}

/* What is not measured any more is forgotten, by the least that can be written; what is odd in a rhythm
 * twice as fast: pauses that are rare in the role come every day, and are no reason when they are hours apart. */
static void forget(struct sense_device *device, unsigned feature)
{
    uint16_t by = feature == SENSE_EARLY ? RHYTHM_FADES : FORGOTTEN;
    uint16_t units = device->evidence[feature];

    device->evidence[feature] = units > by ? (uint16_t)(units - by) : 0;
}

static void commit(struct sense_role *role, struct sense_device *device,
                   const struct sense_score *score)
{
    bool grew = false;

    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        float before = held(device, i);
        float added = news(role, device, score, i);
        float after = sense_clamp(before + added, 0, EVIDENCE_TOP);
        if (before <= 0 && after > 0)
            device->onset[i] = device->number;
        if (role->phase == SENSE_PROVE && before < SENSE_NOTE_BITS && after >= SENSE_NOTE_BITS)
            count_episode(role, i);
        if (score->bits[i] > 0)
            device->peak[i] = peak_with(device, i, score->observed[i]);
        grew = grew || added > 1.0f || lasts(i, added, after);
        device->evidence[i] = (uint16_t)(after * UNITS);
        if (score->bits[i] == 0)
            forget(device, i);
    }
    device->quiet = grew ? 0 : (uint16_t)(device->quiet + (device->quiet < UINT16_MAX));
}

/* Windows without new evidence, after which an alarm is over: of a device that speaks seldom, three
 * of its intervals. */
static float calm_after(const struct sense_device *device)
{
    float windows = 0;

    if (device->intervals > 0)
        windows = 3 * sense_exp2(sense_device_longest(device)) * (1000.0f / SENSE_WINDOW_MS);
    return sense_clamp(windows, CALM_WINDOWS, UINT16_MAX);
}

static void calm(struct sense_device *device)
{
    if (!device->alarmed || device->quiet < calm_after(device))
        return;
    for (unsigned i = 0; i < SENSE_FEATURES; i++)
        device->evidence[i] = 0;
    device->alarmed = device->accused = false;
}

static void prove(struct sense_role *role, struct sense_device *device)
{
    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        uint8_t bits = (uint8_t)sense_clamp(held(device, i) + 0.99f, 0, EVIDENCE_TOP);
        if (bits > device->worst[i])
            device->worst[i] = bits;
        if (bits > role->worst[i])
            role->worst[i] = bits;
    }
}

/* Whether the window may be learned from. A device that is new is believed until there is more than
 * a note against it: what it does steadily is its nature, as soon as the role allows for it. */
static bool is_quiet(const struct sense_device *device, const struct sense_standing *standing)
{
    float against = device->windows < SENSE_NEW_BELOW ? standing->evidence : standing->score;

    return against < SENSE_NOTE_BITS;
}

/* A window of a device that is not connected says only that it did not connect. */
static void close_absence(struct sense_role *role, struct sense_device *device,
                          struct sense_standing *out)
{
    struct sense_score score = { .joint = -1 };
    struct sense_expected expected = sense_rate_expect(
        &device->rates[SENSE_CONNECTS], (float)device->windows, &role->rates[SENSE_CONNECTS]);

    score.bits[SENSE_CONNECTS] = sense_rate_more(&expected, 0);
    if (role->phase >= SENSE_PROVE)
        commit(role, device, &score);
    stand(role, device, &score, true, out);
    sense_learn_absence(role, device);
}

static void close_presence(struct sense_role *role, struct sense_device *device, uint64_t now_ms,
                           struct sense_standing *out)
{
    struct sense_score score;

    sense_score_window(role, device, now_ms, true, &score);
    if (role->phase >= SENSE_PROVE)
        commit(role, device, &score);
    stand(role, device, &score, true, out);
    if (role->phase == SENSE_SHAPE)
        sense_learn_shape(role, device, &score);
    if (role->phase == SENSE_PROVE)
        prove(role, device);
    sense_learn_lately(role, device);
    if (role->phase == SENSE_LEARN || (role->phase == SENSE_WATCH && is_quiet(device, out)))
        sense_learn_window(role, device, &score);
}

static void close_window(struct sense_role *role, struct sense_device *device, uint64_t now_ms,
                         struct sense_standing *out)
{
    const struct sense_window *window = &device->window;

    calm(device);
    if (device->present || window->whole || !sense_learn_is_empty(window))
        close_presence(role, device, now_ms, out);
    else
        close_absence(role, device, out);
    device->number++;
    device->window.start_ms = 0;
}

bool sense_device_look(struct sense_role *role, struct sense_device *device, uint64_t now_ms,
                       struct sense_standing *out)
{
    uint64_t start = device->window.start_ms;

    if (start == 0 && device->here)
        sense_device_keep(device, now_ms);
    if (start == 0)
        return false;
    if (now_ms >= start + SENSE_WINDOW_MS) {
        uint64_t end = start + SENSE_WINDOW_MS;
        close_window(role, device, end, out);
        sense_device_keep(device, now_ms < end + SENSE_WINDOW_MS ? end : now_ms);
        return true;
    }
    if (role->phase != SENSE_WATCH)
        return false;
    struct sense_score score;
    sense_score_window(role, device, now_ms, false, &score);
    stand(role, device, &score, false, out);
    return true;
}

void sense_device_standing(const struct sense_role *role, const struct sense_device *device,
                           struct sense_standing *out)
{
    const struct sense_score nothing = { .joint = -1 };

    stand(role, device, &nothing, true, out);
}

enum sense_verdict sense_standing_verdict(const struct sense_standing *standing)
{
    if (standing->evidence < SENSE_ALARM_BITS)
        return SENSE_QUIET;
    return standing->attacking > standing->attacked ? SENSE_ATTACKING : SENSE_ATTACKED;
}

uint32_t sense_device_onset_s(const struct sense_device *device, enum sense_feature feature)
{
    uint16_t windows = (uint16_t)(device->number - device->onset[feature]);

    return device->evidence[feature] == 0 ? 0 : windows * (SENSE_WINDOW_MS / 1000u);
}
