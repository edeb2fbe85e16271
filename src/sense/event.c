/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and nothing that has to be weighed. */
#include "sense/bits.h"
#include "sense/device.h"
#include "sense/flow.h"
#include "sense/score.h"

#include <string.h>

#define NEVER         255u
#define STEP_FREE     4.0f /* widths from its level that a value may be for nothing */
#define STEP_MOST     8.0f
#define SUM_MOST      31.0f
#define LEVEL_UNKNOWN (-4.0f) /* as a sum: so many numbers find the level again */
#define VALUE_STEP    0.02f
#define PING_PONG     26u /* bits that it is worth when a third address is the first again */
#define LOOK_FROM     4u

static struct sense_window *window_at(struct sense_device *device, uint64_t now_ms)
{
    struct sense_window *window = &device->window;

    if (window->start_ms == 0) {
        memset(window, 0, sizeof(*window));
        window->start_ms = now_ms > 0 ? now_ms : 1;
        window->size_least = UINT16_MAX;
        window->keepalive = window->backlog = NEVER;
        window->whole = device->present;
        device->here = true;
    }
    return window;
}

/* true at 1 when the first is worth a look, and at powers of two or beyond one. */
static bool count(struct sense_window *window, enum sense_feature feature, unsigned by)
{
    uint16_t before = window->counts[feature];

    window->counts[feature] = sense_flow_sum(before, by);
    return sense_flow_passes_step(before, window->counts[feature]);
}

/* Whether the name was in the filter; it is after. */
static bool is_new(struct sense_device *device, uint32_t hash)
{
    bool known = true;

    for (unsigned i = 0; i < 3; i++) {
        uint32_t bit = (hash * (2654435761u + 2 * i) >> (7 * i)) & 255u;
        uint64_t mask = UINT64_C(1) << (bit & 63);
        known = known && (device->known[bit >> 6] & mask) != 0;
        device->known[bit >> 6] |= mask;
    }
    return !known;
}

bool sense_on_address(struct sense_device *device, uint64_t now_ms, uint32_t address)
{
    bool is_back = address == device->address_before && device->address_before != 0;

    if (address == device->address)
        return false;
    device->address_before = device->address;
    device->address = address;
    if (device->address_before == 0)
        return false;
    (void)count(window_at(device, now_ms), SENSE_TAKEOVERS, is_back ? PING_PONG : 1);
    return true;
}

void sense_device_move(struct sense_device *device, bool has_gone)
{
    device->address_before = 0;
    if (has_gone)
        device->address = 0;
}

void sense_on_disconnect(struct sense_device *device, uint64_t now_ms, bool is_lost)
{
    if (is_lost)
        (void)count(window_at(device, now_ms), SENSE_LOST, 1);
    device->present = device->flows = false;
    device->published_ms = 0;
}

/* Seconds from a moment to the beginning of the window, 0 when it is later. */
static uint16_t waited_s(const struct sense_window *window, uint64_t from_ms)
{
    uint64_t waited = window->start_ms > from_ms ? (window->start_ms - from_ms) / 1000 : 0;

    return waited < UINT16_MAX ? (uint16_t)waited : UINT16_MAX;
}

/* An interval, as log2 of seconds, that began at `from_ms`. */
static void keep_interval(struct sense_window *window, float interval, uint64_t from_ms)
{
    if (window->intervals == 0 || interval < window->interval_least)
        window->interval_least = interval;
    if (window->intervals == 0 || interval > window->interval_most) {
        window->interval_most = interval;
        window->waited_s = waited_s(window, from_ms);
    }
    if (window->intervals < UINT16_MAX)
        window->intervals++;
}

/* What a gap of so many octaves more than an interval has held back: who works, up to as much as in the busiest
 * half hour. */
static void owe(struct sense_device *device, float later)
{
    if (later <= 0.5f)
        return;
    float usual = sense_exp2(later);
    float gap_s = sense_exp2(later + device->interval.middle);
    float busy = gap_s * (1000.0f / SENSE_WINDOW_MS) * device->busiest[SENSE_PUBLISHES];
    device->owed = (uint8_t)sense_clamp(usual > busy ? usual : busy, 0, UINT8_MAX);
}

/* A line that was lost without a word: how long nothing was heard is known when it is back. */
static void note_outage(struct sense_device *device, struct sense_window *window, uint64_t now_ms)
{
    if (!device->present || device->published_ms == 0 || device->expected)
        return;
    float x = sense_log2((float)(now_ms - device->published_ms) / 1000.0f);
    if (device->intervals == 0 || x <= device->interval.middle)
        return;
    keep_interval(window, x, device->published_ms);
    owe(device, x - device->interval.middle);
}

/* After a gap the messages that were held back may come as they like: a flushed backlog is no
 * rhythm. */
static bool is_owed(struct sense_device *device, float interval)
{
    float later = interval - device->interval.middle;

    if (device->intervals == 0 || interval > sense_device_shortest(device)) {
        owe(device, later);
        return false;
    }
    if (device->owed == 0)
        return false;
    device->owed--;
    return true;
}

void sense_on_connect(struct sense_device *device, uint64_t now_ms, uint32_t address,
                      uint16_t keepalive_s)
{
    struct sense_window *window = window_at(device, now_ms);

    /* That it comes back after an error of its own is no sign of an attack on it. */
    if (!device->erred)
        (void)count(window, SENSE_CONNECTS, 1);
    device->erred = false;
    window->keepalive = sense_log2_eighths(keepalive_s);
    note_outage(device, window, now_ms);
    device->present = true;
    device->flows = false;
    device->published_ms = 0;
    (void)sense_on_address(device, now_ms, address);
}

/* Messages that belong together: within half a second, or a sixth of the device's interval. */
static uint64_t report_ms(const struct sense_device *device)
{
    float sixth = 0;

    if (device->intervals > 0)
        sixth = sense_exp2(device->interval.middle) * (1000.0f / 6);
    return (uint64_t)sense_clamp(sixth, SENSE_SAME_REPORT_MS, 1e9f);
}

/* Also of messages that are one report, for a flood may be as dense as that. */
static void note_pause(struct sense_window *window, uint64_t since_ms)
{
    uint8_t pause = sense_rhythm_pause(since_ms);

    if (pause != 0 && (window->pause == 0 || pause < window->pause))
        window->pause = pause;
}

static void note_interval(struct sense_device *device, struct sense_window *window, uint64_t now_ms)
{
    uint64_t since = now_ms - device->published_ms;
    bool is_known = device->published_ms != 0 && !device->expected;

    device->published_ms = now_ms;
    if (is_known)
        note_pause(window, since);
    /* A report goes on as long as its messages follow each other: measured from its first one, a long
     * burst would seem to come at intervals of just what divides reports. */
    if (is_known && (since < SENSE_SAME_REPORT_MS || since < report_ms(device)))
        return;
    device->expected = false;
    if (!is_known)
        return;
    float x = sense_log2((float)since / 1000.0f);
    if (is_owed(device, x))
        return;
    keep_interval(window, x, now_ms - since);
}

/* A message that was held back and comes right behind another: it is not more than usual, only later. */
static bool is_backlog(struct sense_device *device, uint64_t now_ms)
{
    if (device->owed == 0 || device->published_ms == 0
        || now_ms - device->published_ms >= SENSE_SAME_REPORT_MS)
        return false;
    device->owed--;
    return true;
}

static void note_size(struct sense_window *window, uint32_t bytes, uint32_t more)
{
    uint16_t size = sense_size_of(bytes);

    window->bytes = more < UINT32_MAX - window->bytes ? window->bytes + more : UINT32_MAX;
    if (size < window->size_least)
        window->size_least = size;
    if (size > window->size_most)
        window->size_most = size;
}

static struct sense_value *slot_of(struct sense_device *device, uint32_t topic)
{
    for (unsigned i = 0; i < SENSE_VALUE_SLOTS; i++) {
        struct sense_value *value = &device->values[i];
        if (value->topic == topic || value->topic == 0)
            return value;
    }
    return NULL;
}

void sense_on_value(struct sense_device *device, uint32_t topic, float number)
{
    struct sense_window *window = &device->window;
    struct sense_value *value = slot_of(device, topic);

    if (value == NULL)
        return;
    number = sense_clamp(number, -1e9f, 1e9f);
    if (value->topic == 0) {
        *value = (struct sense_value){ .topic = topic, .last = number };
        return;
    }
    float away = number - value->last;
    if (value->sum < 0) {
        value->last += value->sum == LEVEL_UNKNOWN ? away : away / 2;
        value->sum += 1;
        return;
    }
    float step = away < 0 ? -away : away;
    float size = number < 0 ? -number : number;
    float least = 1e-3f * size + 1e-6f;

    if (value->width <= 0) {
        value->width = step + least;
        value->last = number;
        return;
    }
    float width = value->width > least ? value->width : least;
    /* The level follows by what is usual: false values stay far from it, one by one, and the true ones
     * between them do not. */
    value->last += sense_clamp(away, -width, width);
    float steps = sense_clamp(step / width, 0, STEP_MOST);
    value->sum = sense_clamp(value->sum + steps - STEP_FREE, 0, SUM_MOST);
    if (value->sum > window->value)
        window->value = value->sum;
    value->width += (sense_clamp(step, 0, STEP_FREE * width) - value->width) * VALUE_STEP;
}

/* No more than on the average of what was learned is no news before the window is over, unless the device has asked
 * for more than it should. */
static bool publishes_as_usual(const struct sense_device *device)
{
    uint16_t counted = device->window.counts[SENSE_PUBLISHES];

    return counted < LOOK_FROM
           || (counted < device->rates[SENSE_PUBLISHES].mean && !sense_score_asks_for_more(device));
}

bool sense_on_publish(struct sense_device *device, uint64_t now_ms,
                      const struct sense_publish *publish)
{
    struct sense_window *window = window_at(device, now_ms);
    uint64_t bit = sense_flow_topic_bit(publish->topic);
    bool is_late = is_backlog(device, now_ms);
    bool looks = !is_late && count(window, SENSE_PUBLISHES, 1) && !publishes_as_usual(device);

    device->present = true;
    note_interval(device, window, now_ms);
    device->flows = device->published_ms != 0;
    note_size(window, publish->bytes, is_late ? 0 : publish->bytes);
    if ((window->topics & bit) == 0) {
        window->topics |= bit;
        if (!is_late && window->counts[SENSE_PUBLISHES] > 1)
            looks |= count(window, SENSE_TOPICS, 1) && window->counts[SENSE_TOPICS] >= LOOK_FROM;
        if (is_new(device, publish->topic))
            looks |= count(window, SENSE_NEW_TOPICS, 1);
    }
    if (publish->is_retained)
        (void)count(window, SENSE_RETAINED, 1);
    if (publish->is_reserved)
        looks |= count(window, SENSE_RESERVED, 1);
    if (publish->has_value)
        sense_on_value(device, publish->topic, publish->value);
    return looks;
}

bool sense_on_delivered(struct sense_device *device, uint64_t now_ms, unsigned messages,
                        bool is_echo)
{
    struct sense_window *window = window_at(device, now_ms);

    /* Who is told something may answer at once. */
    if (device->owed == 0 && !is_echo)
        device->owed = 1;
    /* Else it says nothing of the device, and a look would find what it found before. */
    return count(window, SENSE_DELIVERED, messages) && window->counts[SENSE_DELIVERED] >= LOOK_FROM
           && sense_score_asks_for_more(device);
}

bool sense_on_subscribe(struct sense_device *device, uint64_t now_ms,
                        const struct sense_filter *filter)
{
    struct sense_window *window = window_at(device, now_ms);
    bool looks = is_new(device, filter->filter ^ 0x5bd1e995u);

    device->present = true;
    if (looks)
        (void)count(window, SENSE_NEW_FILTERS, 1);
    if (looks && filter->wildcards > 0)
        (void)count(window, SENSE_WILDCARDS, filter->wildcards);
    if (filter->is_reserved)
        looks |= count(window, SENSE_RESERVED, 1);
    return looks;
}

bool sense_on_denied(struct sense_device *device, uint64_t now_ms, bool is_subscribe)
{
    return count(window_at(device, now_ms),
                 is_subscribe ? SENSE_DENIED_SUBSCRIBES : SENSE_DENIED_PUBLISHES, 1);
}

bool sense_on_protocol_error(struct sense_device *device, uint64_t now_ms)
{
    device->erred = true;
    return count(window_at(device, now_ms), SENSE_PROTOCOL_ERRORS, 1);
}

void sense_on_backlog(struct sense_device *device, uint64_t now_ms, uint32_t bytes)
{
    struct sense_window *window = window_at(device, now_ms);
    uint8_t size = sense_log2_eighths(bytes);

    if (window->backlog == NEVER || size > window->backlog)
        window->backlog = size;
}

bool sense_device_is_due(const struct sense_device *device, uint64_t now_ms)
{
    const struct sense_window *window = &device->window;

    if (window->start_ms == 0 || now_ms >= window->start_ms + SENSE_WINDOW_MS)
        return device->here;
    if (!device->present || device->published_ms == 0 || device->intervals == 0)
        return false;
    float silent = sense_log2((float)(now_ms - device->published_ms) / 1000.0f);
    return silent > device->interval.middle + device->interval.width
           && silent > sense_device_longest(device);
}

void sense_device_keep(struct sense_device *device, uint64_t now_ms)
{
    (void)window_at(device, now_ms);
}

void sense_device_expect(struct sense_device *device, uint64_t now_ms)
{
    (void)window_at(device, now_ms);
    device->present = true;
    if (device->published_ms != 0)
        return;
    device->published_ms = now_ms;
    device->expected = true;
}

void sense_device_rest(struct sense_device *device)
{
    device->window.start_ms = 0;
    device->published_ms = 0;
    sense_device_move(device, true);
    device->here = device->present = device->alarmed = device->accused = device->flows = false;
    device->quiet = 0;
    device->owed = 0;
    memset(device->evidence, 0, sizeof(device->evidence));
    for (unsigned i = 0; i < SENSE_LATELY; i++)
        device->lately[i] = device->rates[i].mean;
    for (unsigned i = 0; i < SENSE_VALUE_SLOTS; i++)
        device->values[i].sum = LEVEL_UNKNOWN;
}

/* Where the filter of a shared subscription begins, behind "$share/" and the name of the group. */
static size_t behind_share(const char *filter, size_t len)
{
    static const char share[] = "$share/";
    const size_t head = sizeof(share) - 1;

    if (len < head || memcmp(filter, share, head) != 0)
        return 0;
    const char *slash = memchr(filter + head, '/', len - head);
    return slash == NULL ? len : (size_t)(slash - filter) + 1;
}

uint8_t sense_filter_weight(const char *filter, size_t len)
{
    unsigned level = 8;
    unsigned weight = 0;

    for (size_t i = behind_share(filter, len); i < len; i++) {
        if (filter[i] == '/' && level > 1)
            level /= 2;
        if (filter[i] == '#')
            weight = weight > level ? weight : level;
        if (filter[i] == '+')
            weight = weight > (level + 1) / 2 ? weight : (level + 1) / 2;
    }
    return (uint8_t)weight;
}
