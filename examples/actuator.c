/* SPDX-License-Identifier: Apache-2.0 */
/* An actuator: does what it is told, and tells what it has done.
 *
 *   actuator ... [LAST]
 *
 * Each message on devices/NAME/set is a new position; the position is published, retained, on
 * devices/NAME/state, so that whoever asks later knows it. Should the actuator vanish, the server
 * says "lost" there in its name (its will). Ends after the position LAST, or never. */
#include "device.h"

#include <stdio.h>
#include <string.h>

#define POSITION_BYTES 64

struct actuator {
    struct device device;
    char set[DEVICE_TOPIC_SIZE];
    char state[DEVICE_TOPIC_SIZE];
    char position[POSITION_BYTES + 1];
    bool untold; /* the position is new, and not yet in the queue */
};

static void tell(struct actuator *actuator)
{
    struct tacit_message message = {
        .topic = device_topic(&actuator->device, actuator->state, "state"),
        .payload = { actuator->position, strlen(actuator->position) },
        .qos = 1,
        .retain = true,
    };
    if (tacit_publish(actuator->device.client, &message, NULL) == TACIT_OK)
        actuator->untold = false;
}

/* A command that is too long for any position is not obeyed in part. */
static void obey(struct actuator *actuator, const struct tacit_event *event)
{
    const struct tacit_bytes command = event->message.payload;
    if (event->total > POSITION_BYTES || event->total != command.len)
        return;
    if (command.len > 0)
        memcpy(actuator->position, command.data, command.len);
    actuator->position[command.len] = '\0';
    actuator->untold = true;
    (void)printf("moved to %s\n", actuator->position);
}

static void take(struct actuator *actuator, const struct tacit_event *event)
{
    if (event->type == TACIT_EVENT_MESSAGE)
        obey(actuator, event);
    else if (event->type == TACIT_EVENT_SUBSCRIBED)
        (void)printf("%s\n", event->reason < 0x80 ? "ready" : tacit_reason_text(event->reason));
}

int main(int count, char **arguments)
{
    static struct actuator actuator;
    (void)count;
    if (!device_read(&actuator.device, arguments, "[LAST]"))
        return 2;
    const char *last = actuator.device.rest[0];
    const struct tacit_message will = {
        .topic = device_topic(&actuator.device, actuator.state, "state"),
        .payload = TACIT_LITERAL("lost"),
        .qos = 1,
        .retain = true,
    };
    const struct tacit_subscription commands = {
        .filter = device_topic(&actuator.device, actuator.set, "set"), .qos = 1
    };
    actuator.device.config.will = &will;
    if (!device_start(&actuator.device)
        || tacit_subscribe(actuator.device.client, &commands) != TACIT_OK)
        return 2;
    bool done = false;
    while (!done) {
        struct tacit_event event;
        if (actuator.untold)
            tell(&actuator);
        device_next(&actuator.device, -1, actuator.untold ? 10 : 60000, &event);
        take(&actuator, &event);
        done = last != NULL && strcmp(actuator.position, last) == 0 && !actuator.untold
               && tacit_is_idle(actuator.device.client);
    }
    device_end(&actuator.device);
    return 0;
}
