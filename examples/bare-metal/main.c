/* SPDX-License-Identifier: Apache-2.0 */
/* A device without an operating system: connects over its serial line, subscribes, answers each
 * command with QoS 1, and ends when it is told "end".
 *
 * The serial line is the transport: whatever is at its other end (a modem, a gateway, QEMU's TCP
 * connection to a server on the same machine) carries the bytes of MQTT as they are. A line is not
 * encrypted: a product puts its TLS library between this transport and the line, as examples/template
 * shows. Sent are devices/board/state, received devices/board/set. */
#include "board.h"

#include <tacit/client.h>

#include <string.h>

#define ANSWER_BYTES 64
#define POLL_BYTES   64 /* read from the line a turn, so that the clock is seen to as well */

struct board {
    struct tacit_client *client;
    char answer[ANSWER_BYTES]; /* to be published */
    size_t answer_len;         /* 0: none */
    bool ends;
};

static int line_open(void *context, struct tacit_bytes host, uint16_t port)
{
    (void)context;
    (void)host; /* a line has one other end */
    (void)port;
    board_serial_start();
    return TACIT_OK;
}

/* What the line takes now; the rest is offered again. */
static int line_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    int sent = 0;
    (void)context;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *bytes = pieces[i].data;
        for (size_t at = 0; at < pieces[i].len; at++) {
            if (!board_serial_put(bytes[at]))
                return sent;
            sent++;
        }
    }
    return sent;
}

static int line_receive(void *context, void *out, size_t size)
{
    uint8_t *bytes = out;
    int got = 0;
    (void)context;
    while ((size_t)got < size && got < POLL_BYTES && board_serial_get(&bytes[got]))
        got++;
    return got;
}

static void line_close(void *context)
{
    (void)context;
}

/* For the jitter of reconnecting alone, and there is one line. This board has no source of
 * randomness: one that has reads it here. */
static int line_random(void *context, void *out, size_t len)
{
    uint8_t *bytes = out;
    (void)context;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(board_ruler_ticks() >> i);
    return 0;
}

static const struct tacit_config config = {
    .host = TACIT_LITERAL("line"),
    .port = 1,
    .client_id = TACIT_LITERAL("board"),
    .keep_alive_s = 30,
    .session_expiry_s = 3600,
    .limits = { .receive_bytes = 256,
                .send_bytes = 256,
                .queue_bytes = 512,
                .inbound_messages = 4,
                .subscriptions = 1,
                .aliases_out = 1,
                .alias_topic_bytes = 40 },
    .transport = { line_open, line_sendv, line_receive, line_close, 0 },
    .random = line_random,
};
static const struct tacit_subscription commands = { .filter = TACIT_LITERAL("devices/board/set"),
                                                    .qos = 1 };
static uint64_t arena[256]; /* 2 KiB; tacit_init says whether it is enough */

static void publish(struct board *board, const char *text, size_t len)
{
    memcpy(board->answer, text, len);
    board->answer_len = len;
}

/* A full queue is no failure: the answer is kept until it takes it. */
static void work(struct board *board)
{
    const struct tacit_message message = { .topic = TACIT_LITERAL("devices/board/state"),
                                           .payload = { board->answer, board->answer_len },
                                           .qos = 1 };
    if (board->answer_len > 0 && tacit_publish(board->client, &message, 0) == TACIT_OK)
        board->answer_len = 0;
}

static void take(struct board *board, const struct tacit_event *event)
{
    const struct tacit_bytes command = event->message.payload;
    if (event->type == TACIT_EVENT_UP)
        board_print("up\n");
    if (event->type == TACIT_EVENT_DELIVERED)
        board_print("delivered\n");
    if (event->type == TACIT_EVENT_SUBSCRIBED && event->reason < 0x80)
        publish(board, "ready", 5);
    if (event->type == TACIT_EVENT_MESSAGE && event->total == command.len
        && command.len < ANSWER_BYTES && command.len > 0) {
        publish(board, command.data, command.len);
        board->ends = command.len == 3 && memcmp(command.data, "end", 3) == 0;
    }
}

int main(void)
{
    struct board board = { .client = tacit_init(arena, sizeof(arena), &config) };
    bool stopped = false;
    if (board.client == 0 || tacit_subscribe(board.client, &commands) != TACIT_OK)
        return 1;
    board_clock_start();
    tacit_start(board.client);
    while (!stopped) {
        struct tacit_event event;
        uint32_t sleep_ms = tacit_poll(board.client, board_now_ms(), &event);
        take(&board, &event);
        work(&board);
        if (board.ends && board.answer_len == 0 && tacit_is_idle(board.client))
            tacit_stop(board.client, false);
        stopped = event.type == TACIT_EVENT_DOWN && event.status == TACIT_STOPPED;
        if (sleep_ms > 0 && event.type == TACIT_EVENT_NONE)
            board_sleep();
    }
    board_print("stopped\n");
    return 0;
}
