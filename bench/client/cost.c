/* SPDX-License-Identifier: Apache-2.0 */
/* How many instructions a PUBLISH costs to encode and to decode, on a Cortex-M4. QEMU lets one
 * instruction take one nanosecond of the board's time (-icount shift=0), SysTick counts that time in
 * steps of 40; ROUNDS of each make the step small. A loop of known length calibrates it. */
#include "board.h"
#include "client/outbound.h"
#include "client/packet.h"
#include "codec/publish.h"
#include "reference.h"

#define ROUNDS       2000u
#define KNOWN_LENGTH 100u

static uint8_t wire[160];
static size_t wire_len;

static __attribute__((noinline)) void encode(void)
{
    const struct mqtt_publish_out publish = {
        .qos = MQTT_QOS_1,
        .packet_id = 7,
        .topic = { (const uint8_t *)REFERENCE_TOPIC, REFERENCE_TOPIC_BYTES },
        .payload = { (const uint8_t *)REFERENCE_PAYLOAD, REFERENCE_PAYLOAD_BYTES },
    };
    wire_len = mqtt_publish_size(MQTT_VERSION_5, &publish);
    (void)mqtt_publish_write(wire, MQTT_VERSION_5, &publish, 0);
}

/* By the reader that a device has. */
static __attribute__((noinline)) void decode(void)
{
    static const struct tacit_config config = { .limits = REFERENCE_LIMITS };
    static struct tacit_event event;
    static struct tacit_client client = { .config = &config,
                                          .event = &event,
                                          .version = MQTT_VERSION_5 };
    struct tacit_packet packet;
    uint32_t body_len = tacit_packet_open(&packet, wire, wire + wire_len);
    if (packet.at + body_len != wire + wire_len || tacit_packet_read(&client, &packet) != 0)
        board_exit(2);
}

static const struct tacit_config sender_config = { .limits = { .send_bytes = 128 } };
static struct tacit_event sender_event;

/* A client that is online, has one message and a server without limits. */
static struct {
    struct tacit_client client;
    uint8_t queue[96];
    uint8_t send[128];
} sender = { .client = { .config = &sender_config,
                         .event = &sender_event,
                         .version = MQTT_VERSION_5,
                         .receive.memory = sender.send,
                         .grant.maximum_packet_bytes = UINT32_MAX,
                         .grant.maximum_qos = 2 } };

static void queue_one(void)
{
    const struct tacit_message message = { .topic = TACIT_LITERAL(REFERENCE_TOPIC),
                                           .payload = TACIT_LITERAL(REFERENCE_PAYLOAD),
                                           .qos = 1 };
    tacit_queue_init(&sender.client.queue, sender.queue, sizeof(sender.queue));
    if (tacit_publish(&sender.client, &message, NULL) != TACIT_OK)
        board_exit(3);
}

/* What a device does between tacit_publish and the transport: the message that is due is found,
 * fitted into the server's limits and written to the send buffer. */
static __attribute__((noinline)) void step(void)
{
    struct tacit_client *client = &sender.client;
    client->queue.head->state = TACIT_RECORD_QUEUED;
    client->queue.next = client->queue.head;
    client->grant.receive_maximum = 1;
    client->send.len = 0;
    tacit_send_due(client);
    if (client->send.len != wire_len)
        board_exit(4);
}

static __attribute__((noinline)) void nothing(void)
{
    __asm__ volatile("");
}

/* KNOWN_LENGTH instructions more than nothing(). */
static __attribute__((noinline)) void known(void)
{
    __asm__ volatile(".rept 100\n nop\n .endr");
}

static uint32_t ticks_of(void (*what)(void))
{
    board_ruler_start();
    for (uint32_t i = 0; i < ROUNDS; i++)
        what();
    return board_ruler_ticks();
}

static void tell(const char *name, uint32_t number)
{
    char digits[12];
    char *at = digits + sizeof(digits) - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    board_print(name);
    board_print(at);
    board_print("\n");
}

int main(void)
{
    uint32_t empty = ticks_of(nothing);
    tell("rounds ", ROUNDS);
    tell("known_length ", KNOWN_LENGTH);
    tell("known ", ticks_of(known) - empty);
    tell("encode ", ticks_of(encode) - empty);
    tell("decode ", ticks_of(decode) - empty);
    queue_one();
    tell("step ", ticks_of(step) - empty);
    return 0;
}
