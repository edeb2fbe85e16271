/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_device.h"

#include "bench/sense/fleet_rhythm.h"

#include <math.h>
#include <stdio.h>

#define PACE_SPREAD     0.03 /* how far the devices of a persona differ */
#define BULK_SPREAD     0.05
#define SWITCH_ON_S     90.0 /* until all are connected */
#define OUTAGE_SPREAD   0.8
#define FLUSH_US        20000 /* between two reports of a backlog */
#define AFTER_ACK_US    8000  /* from a question to what follows its answer */
#define TAU             6.283185307179586
#define DAILY_SWING     4.0
#define DRIFT_STEP      0.05
#define VALUE_MEAN      20.0
#define PER_NETWORK     250
#define CHUNK_SPREAD_US 500000 /* between two messages from the back end */

void fleet_device_init(struct fleet_device *device, const struct persona *persona, unsigned number,
                       const struct fleet_birth *birth, struct fleet_sink *sink)
{
    *device = (struct fleet_device){
        .persona = persona,
        .number = number,
        .random = fleet_random_seeded(birth->seed, birth->index),
        .link = { .ping_us = FLEET_NEVER, .drop_us = FLEET_NEVER, .back_us = FLEET_NEVER },
    };
    (void)snprintf(device->id, sizeof device->id, "%s-%04u", persona->name, number);
    (void)snprintf(device->address, sizeof device->address, "10.%u.%u.%u", persona_number(persona),
                   (number - 1) / PER_NETWORK, (number - 1) % PER_NETWORK + 1);
    device->speaker = (struct fleet_speaker){ .sink = sink,
                                              .address = device->address,
                                              .client_id = device->id,
                                              .stream = birth->index,
                                              .origin = birth->index,
                                              .sequence = &device->sequence };
    device->pace = fleet_random_lognormal(&device->random, 1, PACE_SPREAD);
    device->bulk = fleet_random_lognormal(&device->random, 1, BULK_SPREAD);
    const int64_t on_us =
        birth->at_us + fleet_time_us(fleet_random_between(&device->random, 0, SWITCH_ON_S));
    if (persona->link.stay == PERSONA_STAYS)
        device->link.back_us = on_us;
    fleet_rhythm_start(device, on_us + FLEET_SECOND_US);
}

int64_t fleet_device_due_us(const struct fleet_device *device)
{
    const int64_t moments[] = { device->link.back_us, device->link.drop_us,
                                device->rhythm.activity_us, device->rhythm.report_us,
                                device->link.ping_us };
    int64_t due_us = FLEET_NEVER;

    for (unsigned i = 0; i < sizeof moments / sizeof moments[0]; i++)
        due_us = moments[i] < due_us ? moments[i] : due_us;
    return due_us;
}

/* The value swings with the day and drifts a little. */
static double value_of(const struct fleet_device *device, int64_t now_us)
{
    const double hour = (double)((now_us + device->clock_us) % FLEET_DAY_US) / FLEET_DAY_US;

    return VALUE_MEAN - DAILY_SWING * cos(TAU * hour) + device->drift;
}

void fleet_device_say(const struct fleet_device *device, struct test_random *random, int64_t now_us,
                      struct fleet_message *out)
{
    const struct persona_payload *payload = &device->persona->payload;
    const double size = fleet_random_lognormal(random, payload->bytes, payload->spread);
    /* Digits are digits; the size of everything else is the device's own. */
    const double bulk = payload->form == PERSONA_NUMBER ? 1 : device->bulk;
    double value = value_of(device, now_us);

    if (payload->form == PERSONA_NUMBER && payload->bytes <= 1)
        value = device->reports % 2 == 0 ? 1 : -1;
    out->qos = payload->qos;
    fleet_message_fill(out, payload->form, (uint32_t)(size * bulk + 0.5), value, device->reports);
    fleet_message_topic(out, "site/%s/%04u/value/%u", device->persona->name, device->number,
                        device->reports % payload->topics);
}

static void sent(struct fleet_device *device, int64_t at_us)
{
    device->link.ping_us = at_us + device->persona->link.keepalive_s * FLEET_SECOND_US;
}

/* One SUBSCRIBE for each persona that it hears, or for its own commands. */
static void subscribe(struct fleet_device *device, struct fleet_air *air, int64_t at_us)
{
    const struct persona_hears *hears = &device->persona->hears;
    char filter[FLEET_TOPIC_MAX];

    if (hears->ear == PERSONA_COMMANDED) {
        (void)snprintf(filter, sizeof filter, "site/%s/%04u/command", device->persona->name,
                       device->number);
        fleet_wire_subscribe(&device->speaker, at_us, filter, true);
    }
    if (hears->ear != PERSONA_WIDE)
        return;
    for (unsigned number = 1; number <= persona_count(); number++) {
        if ((hears->personas >> (number - 1) & 1) == 0)
            continue;
        (void)snprintf(filter, sizeof filter, "site/%s/#", persona_at(number)->name);
        fleet_wire_subscribe(&device->speaker, at_us, filter, true);
    }
    fleet_air_listen(air, &(struct fleet_listener){ &device->speaker, &device->link.up,
                                                    hears->personas, false });
}

/* What is lost or kept back is not sent: it does not put off the next ping. */
static void publish(struct fleet_device *device, struct fleet_air *air,
                    const struct fleet_censor *censor, int64_t at_us)
{
    struct fleet_speaker speaker = device->speaker;
    struct fleet_message message;

    device->drift = 0.99 * device->drift + DRIFT_STEP * fleet_random_normal(&device->random);
    fleet_device_say(device, &device->random, at_us, &message);
    device->reports++;
    if (fleet_random_is(&device->random, device->persona->link.loss))
        return;
    if (device->attackers > 0
        && !censor->look(censor->context, device, at_us, &message, &speaker.attack))
        return;
    fleet_air_publish(air, persona_number(device->persona), &speaker, at_us, &message);
    sent(device, at_us);
}

static void connect_line(struct fleet_device *device, struct fleet_air *air, int64_t now_us)
{
    const struct persona_link *link = &device->persona->link;

    device->speaker.stream = fleet_wire_stream(device->link.connections++, device->speaker.origin);
    device->link.up = true;
    device->link.back_us = FLEET_NEVER;
    fleet_wire_connect(&device->speaker, now_us, link->keepalive_s, 0);
    subscribe(device, air, now_us + AFTER_ACK_US);
    sent(device, now_us + AFTER_ACK_US);
}

/* A line that stays is lost by chance; one for an activity ends with it. */
static void connect_for_long(struct fleet_device *device, struct fleet_air *air,
                             const struct fleet_censor *censor, int64_t now_us)
{
    const double drops = device->persona->link.drops_per_day;

    connect_line(device, air, now_us);
    if (device->persona->link.stay == PERSONA_PER_ACTIVITY)
        device->link.drop_us = device->rhythm.active_until_us;
    else if (drops > 0)
        device->link.drop_us =
            now_us + 1 + (int64_t)fleet_random_exponential(&device->random, FLEET_DAY_US / drops);
    for (int64_t at_us = now_us + 2 * AFTER_ACK_US; device->link.waiting > 0;
         device->link.waiting--, at_us += FLUSH_US)
        publish(device, air, censor, at_us);
}

void fleet_device_lose(struct fleet_device *device, struct fleet_air *air, int64_t back_us)
{
    fleet_air_leave(air, &device->speaker, false);
    device->link.up = false;
    device->link.ping_us = device->link.drop_us = FLEET_NEVER;
    device->link.back_us = back_us;
}

static void drop(struct fleet_device *device, struct fleet_air *air, int64_t now_us)
{
    int64_t back_us = FLEET_NEVER;

    if (device->persona->link.stay == PERSONA_STAYS)
        back_us = now_us
                  + fleet_time_us(fleet_random_lognormal(
                      &device->random, device->persona->link.outage_s, OUTAGE_SPREAD));
    else
        fleet_wire_disconnect(&device->speaker, now_us);
    fleet_device_lose(device, air, back_us);
}

/* What the back end sends comes over a bridge that the trace does not show. */
static void hear(struct fleet_device *device, int64_t now_us)
{
    const struct persona_hears *hears = &device->persona->hears;
    struct fleet_message message;

    for (unsigned i = 0; i < hears->messages && hears->ear == PERSONA_COMMANDED; i++) {
        fleet_message_topic(&message, "site/%s/%04u/command", device->persona->name,
                            device->number);
        fleet_message_fill(&message, PERSONA_BINARY, (uint32_t)hears->bytes, i, i);
        if (device->link.up)
            fleet_wire_deliver(&device->speaker, now_us + (int64_t)i * CHUNK_SPREAD_US, &message);
    }
}

static void begin_activity(struct fleet_device *device, struct fleet_air *air, int64_t now_us)
{
    if (device->persona->link.stay == PERSONA_PER_ACTIVITY)
        connect_line(device, air, now_us);
    hear(device, now_us);
    fleet_rhythm_activity(device, now_us);
    if (device->persona->link.stay == PERSONA_PER_ACTIVITY)
        device->link.drop_us = device->rhythm.active_until_us;
}

static void report(struct fleet_device *device, struct fleet_air *air,
                   const struct fleet_censor *censor, int64_t now_us)
{
    const bool sleeps = device->persona->link.stay == PERSONA_PER_REPORT;

    if (sleeps)
        connect_line(device, air, now_us);
    if (device->link.up)
        publish(device, air, censor, now_us + (sleeps ? 2 * AFTER_ACK_US : 0));
    else if (device->link.waiting < device->persona->link.backlog)
        device->link.waiting++;
    if (sleeps) {
        fleet_wire_disconnect(&device->speaker, now_us + 4 * AFTER_ACK_US);
        fleet_device_lose(device, air, FLEET_NEVER);
    }
    fleet_rhythm_next(device, now_us);
}

void fleet_device_act(struct fleet_device *device, struct fleet_air *air,
                      const struct fleet_censor *censor, int64_t now_us)
{
    if (device->link.back_us <= now_us)
        connect_for_long(device, air, censor, now_us);
    else if (device->link.drop_us <= now_us)
        drop(device, air, now_us);
    else if (device->rhythm.activity_us <= now_us)
        begin_activity(device, air, now_us);
    else if (device->rhythm.report_us <= now_us)
        report(device, air, censor, now_us);
    else {
        fleet_wire_ping(&device->speaker, now_us);
        sent(device, now_us);
    }
}
