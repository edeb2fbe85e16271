/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack_acts.h"

#include <stdio.h>

#define ASK_US      20000
#define BURST_US    50000
#define BACK_LOW_S  2.0
#define BACK_HIGH_S 5.0
#define ORDER_S     20.0 /* from a bot's subscription to its command */
#define ORDER_BYTES 64
#define DATA_BYTES  300

/* On the device's own line, in its own name. */
static struct fleet_speaker voice_of(const struct attack_victim *victim)
{
    struct fleet_speaker speaker = victim->device->speaker;

    speaker.attack = true;
    return speaker;
}

static void say(struct fleet *fleet, struct attack_victim *victim, int64_t now_us,
                const struct fleet_message *message)
{
    const struct fleet_speaker speaker = voice_of(victim);

    attack_touch(victim, now_us);
    fleet_air_publish(&fleet->air, persona_number(victim->device->persona), &speaker, now_us,
                      message);
}

static int64_t after_own_us(struct attack *attack, const struct attack_victim *victim,
                            int64_t now_us, double factor)
{
    return attack_later_us(attack, now_us,
                           factor * fleet_device_interval_s(victim->device, now_us));
}

static bool is_off(const struct attack_victim *victim)
{
    return !victim->device->link.up;
}

ATTACK_ACT(flood)
{
    struct fleet_message message;

    if (!is_off(victim)) {
        fleet_device_say(victim->device, &attack->random, now_us, &message);
        say(fleet, victim, now_us, &message);
    }
    return after_own_us(attack, victim, now_us, 1 / (attack->kind->amount - 1));
}

ATTACK_ACT(tempo)
{
    struct fleet_message message;
    const double interval = fleet_device_interval_s(victim->device, now_us);

    if (!is_off(victim)) {
        fleet_device_say(victim->device, &attack->random, now_us, &message);
        say(fleet, victim, now_us, &message);
    }
    return now_us + 1 + fleet_time_us(attack->kind->amount * interval);
}

ATTACK_ACT(big)
{
    struct fleet_message message;

    if (!is_off(victim)) {
        fleet_device_say(victim->device, &attack->random, now_us, &message);
        fleet_message_scramble(&message, (uint32_t)attack->kind->amount, &attack->random);
        say(fleet, victim, now_us, &message);
    }
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

/* Nothing of it is delivered: the policy refuses the topics, and not the connection. */
ATTACK_ACT(odd)
{
    static const char *const topics[] = {
        "$", "$topic", "///////",       "/../../../../", "test", "/", "$SYS/broker/clients",
        " ", "site//", "TEST/test/TEST"
    };
    static const unsigned keepalives[] = { 0, 1, 3, 234, 65535 };
    const struct fleet_speaker speaker = voice_of(victim);
    struct fleet_message message = { .qos = 0 };

    (void)fleet;
    if (is_off(victim))
        return attack_later_us(attack, now_us, attack->kind->interval_s);
    attack_touch(victim, now_us);
    if (victim->steps % 8 == 7) {
        fleet_wire_connect(&speaker, now_us, keepalives[victim->steps / 8 % 5], 0);
    } else {
        fleet_message_topic(&message, "%s", topics[victim->steps % 10]);
        fleet_message_fill(&message, PERSONA_NUMBER, 4, 1, 0);
        fleet_wire_publish(&speaker, now_us, &message);
    }
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

ATTACK_ACT(wildcard)
{
    static const struct {
        const char *filter;
        bool granted;
    } rows[] = { { "#", true }, { "+/+/#", true }, { "$SYS/#", false }, { "$share/x/#", false } };
    const unsigned which = (unsigned)attack->kind->amount;
    const struct fleet_device *device = victim->device;
    const struct fleet_speaker speaker = voice_of(victim);
    struct fleet_message own;

    if (is_off(victim))
        return attack_later_us(attack, now_us, BACK_HIGH_S);
    attack_touch(victim, now_us);
    if (which == sizeof rows / sizeof rows[0]) {
        fleet_message_topic(&own, "site/%s/%04u/#", device->persona->name, device->number);
        fleet_wire_subscribe(&speaker, now_us, own.topic, true);
        return FLEET_NEVER;
    }
    fleet_wire_subscribe(&speaker, now_us, rows[which].filter, rows[which].granted);
    if (rows[which].granted)
        fleet_air_listen(&fleet->air, &(struct fleet_listener){ &device->speaker, &device->link.up,
                                                                FLEET_EVERYBODY, true });
    return FLEET_NEVER;
}

/* A topic of somebody else, or one that nobody has. */
static void guess_topic(struct attack *attack, struct fleet_message *out)
{
    static const char *const leaves[] = { "command", "value/0", "firmware", "config", "key" };
    const unsigned persona = 1 + (unsigned)test_random_below(&attack->random, persona_count());

    fleet_message_topic(out, "site/%s/%04u/%s", persona_at(persona)->name,
                        1 + (unsigned)test_random_below(&attack->random, 100),
                        leaves[test_random_below(&attack->random, 5)]);
}

ATTACK_ACT(scan_subscribe)
{
    const struct fleet_speaker speaker = voice_of(victim);
    struct fleet_message message;

    (void)fleet;
    guess_topic(attack, &message);
    if (!is_off(victim)) {
        attack_touch(victim, now_us);
        fleet_wire_subscribe(&speaker, now_us, message.topic, false);
    }
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

ATTACK_ACT(scan_publish)
{
    const struct fleet_speaker speaker = voice_of(victim);
    struct fleet_message message = { .qos = 1 };

    (void)fleet;
    guess_topic(attack, &message);
    fleet_message_fill(&message, PERSONA_NUMBER, 4, 1, 0);
    if (!is_off(victim)) {
        attack_touch(victim, now_us);
        fleet_wire_publish(&speaker, now_us, &message);
    }
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

ATTACK_ACT(new_topics)
{
    const struct fleet_device *device = victim->device;
    struct fleet_message message;

    if (!is_off(victim)) {
        fleet_device_say(device, &attack->random, now_us, &message);
        fleet_message_scramble(&message, (uint32_t)(message.bytes * attack->kind->amount),
                               &attack->random);
        fleet_message_topic(&message, "site/%s/%04u/log/%u", device->persona->name, device->number,
                            victim->steps % 16);
        say(fleet, victim, now_us, &message);
    }
    return after_own_us(attack, victim, now_us, 1);
}

ATTACK_ACT(bursts)
{
    struct fleet_message message;

    for (unsigned i = 0; i < attack->kind->amount && !is_off(victim); i++) {
        fleet_device_say(victim->device, &attack->random, now_us, &message);
        say(fleet, victim, now_us + (int64_t)i * BURST_US, &message);
    }
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

/* First it subscribes, then it is sent a command, from then on it sends what it was told to. */
ATTACK_ACT(bot)
{
    const struct fleet_device *device = victim->device;
    const struct fleet_speaker speaker = voice_of(victim);
    struct fleet_message message = { .qos = 0 };

    if (is_off(victim))
        return attack_later_us(attack, now_us, BACK_HIGH_S);
    fleet_message_topic(&message, "site/%s/update/channel", device->persona->name);
    if (victim->touched == 0) {
        attack_touch(victim, now_us);
        fleet_wire_subscribe(&speaker, now_us, message.topic, true);
        return attack_later_us(attack, now_us, ORDER_S);
    }
    if (victim->touched == 1) {
        attack_touch(victim, now_us);
        fleet_message_scramble(&message, ORDER_BYTES, &attack->random);
        fleet_wire_deliver(&speaker, now_us, &message);
        return attack_later_us(attack, now_us, 1);
    }
    fleet_message_topic(&message, "site/%s/%04u/out", device->persona->name, device->number);
    fleet_message_scramble(&message, DATA_BYTES, &attack->random);
    say(fleet, victim, now_us, &message);
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

/* Connects with the device's own key from elsewhere, and says something like it. */
static void impersonate(struct attack *attack, struct fleet *fleet, struct attack_victim *victim,
                        int64_t now_us)
{
    const struct fleet_device *device = victim->device;
    struct fleet_message message;

    victim->line.client_id = device->id;
    attack_dial(attack, victim);
    attack_touch(victim, now_us);
    fleet_wire_connect(&victim->line, now_us, device->persona->link.keepalive_s, 0);
    fleet_device_say(device, &attack->random, now_us, &message);
    fleet_air_publish(&fleet->air, persona_number(device->persona), &victim->line, now_us + ASK_US,
                      &message);
}

ATTACK_ACT(take_over)
{
    const double back_s = fleet_random_between(&attack->random, BACK_LOW_S, BACK_HIGH_S);

    if (is_off(victim))
        return attack_later_us(attack, now_us, BACK_HIGH_S);
    impersonate(attack, fleet, victim, now_us);
    fleet_device_lose(victim->device, &fleet->air, now_us + fleet_time_us(back_s));
    fleet_wake(fleet, victim->device);
    return victim->touched == (uint64_t)attack->kind->amount
               ? FLEET_NEVER
               : attack_later_us(attack, now_us, attack->kind->interval_s);
}

/* The device is switched off until the attack ends; after a while its clone is there. */
ATTACK_ACT(replace)
{
    struct fleet_message message;

    if (victim->steps == 0) {
        fleet_device_lose(victim->device, &fleet->air, attack->end_us);
        fleet_wake(fleet, victim->device);
        return attack_later_us(attack, now_us, ORDER_S);
    }
    if (victim->steps == 1) {
        impersonate(attack, fleet, victim, now_us);
        return after_own_us(attack, victim, now_us, 1);
    }
    attack_touch(victim, now_us);
    fleet_device_say(victim->device, &attack->random, now_us, &message);
    fleet_air_publish(&fleet->air, persona_number(victim->device->persona), &victim->line, now_us,
                      &message);
    return after_own_us(attack, victim, now_us, 1);
}
