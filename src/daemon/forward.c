/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward.h"

#include "audit/folder.h"
#include "audit/record.h"
#include "daemon/forward_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSLOG_PATH    "/dev/log"
#define JOURNAL_PATH   "/run/systemd/journal/socket"
#define SOCKET_BYTES   1048576 /* that wait for the receiver, as far as the machine allows it */
#define CHUNKS_AT_ONCE 8       /* of AUDIT_TAIL_BYTES; then the log's own turn comes */
#define FOUND          (-ECANCELED)

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == CONFIG_SOCKET_PATH_BYTES,
               "what may be configured fits");

void forward_init(struct forward *forward, const struct config_audit_target *to)
{
    memset(forward, 0, sizeof(*forward));
    forward->to = *to;
    forward->socket = -1;
}

static void close_socket(struct forward *forward)
{
    if (forward->socket >= 0)
        close(forward->socket);
    forward->socket = -1;
}

void forward_fini(struct forward *forward)
{
    close_socket(forward);
    audit_tail_fini(&forward->tail);
}

void forward_set(struct forward *forward, const struct config_audit_target *to)
{
    forward->to = *to;
}

void forward_follow(struct forward *forward, const struct files *files)
{
    forward->files = files;
}

const char *forward_path(const struct forward *forward)
{
    if (forward->to.path[0] != '\0')
        return forward->to.path;
    return forward->to.forward == CONFIG_FORWARD_JOURNAL ? JOURNAL_PATH : SYSLOG_PATH;
}

/* ---- the receiver ---- */

static int open_socket(struct forward *forward)
{
    const int room = SOCKET_BYTES;

    if (forward->socket >= 0)
        return 0;
    forward->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (forward->socket < 0)
        return -errno;
    (void)setsockopt(forward->socket, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    return 0;
}

/* The path is asked anew each time, as the receiver may have been started again. By sendmsg(), as a
 * confined process may not connect. */
static int send_line(struct forward *forward, struct mqtt_span line)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    uint8_t bytes[FORWARD_DATAGRAM_BYTES];
    bool is_journal = forward->to.forward == CONFIG_FORWARD_JOURNAL;
    int status = open_socket(forward);

    if (status != 0)
        return status;
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", forward_path(forward));
    size_t len = is_journal ? forward_wire_journal(line, bytes)
                            : forward_wire_syslog(line, (long)getpid(), bytes);
    struct iovec part = { bytes, len };
    const struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1
    };
    return sendmsg(forward->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ? 0 : -errno;
}

/* ---- what was sent, and what was not ---- */

static void copy_stamp(struct mqtt_span time, char out[AUDIT_STAMP_SIZE])
{
    (void)snprintf(out, AUDIT_STAMP_SIZE, "%.*s", (int)time.len, (const char *)time.data);
}

static void note_gap(struct forward *forward, const struct audit_record *record)
{
    struct forward_gap *gap = &forward->gap;
    uint64_t expected = forward->done.sequence + 1;

    /* Nobody knows what was before the first; a log that begins anew has its own numbers. */
    if (forward->done.sequence == 0 || record->sequence <= expected)
        return;
    if (gap->count == 0) {
        gap->first = expected;
        memcpy(gap->since, forward->done.time, sizeof(gap->since));
    }
    gap->count += record->sequence - expected;
    gap->last = record->sequence - 1;
    copy_stamp(record->time, gap->until);
}

static void note_done(struct forward *forward, const struct audit_record *record)
{
    note_gap(forward, record);
    forward->done.sequence = record->sequence;
    memcpy(forward->done.hash, record->hash, sizeof(forward->done.hash));
    copy_stamp(record->time, forward->done.time);
    forward->is_noted = false;
}

static int on_line(void *context, struct mqtt_span line)
{
    struct forward *forward = context;
    struct audit_record record;

    /* What is no record, `tacit log verify` names; its number will be missing. */
    if (audit_record_parse(line, &record) != NULL)
        return 0;
    int status = send_line(forward, line);
    if (status == 0)
        note_done(forward, &record);
    return status;
}

/* ---- where the last time ended ---- */

struct search {
    const struct audit_statement *wanted;
    bool is_found;
};

/* Takes lines up to the one that is wanted. */
static int on_old_line(void *context, struct mqtt_span line)
{
    struct search *search = context;
    struct audit_record record;

    if (search->is_found)
        return FOUND;
    if (audit_record_parse(line, &record) != NULL)
        return 0;
    if (record.sequence > search->wanted->sequence)
        return -ENOENT;
    search->is_found = record.sequence == search->wanted->sequence
                       && memcmp(record.hash, search->wanted->hash, sizeof(record.hash)) == 0;
    return 0;
}

/* The tail is behind the record; false: it is not there. */
static bool find_in(struct forward *forward, uint64_t number)
{
    uint64_t first = audit_folder_first_sequence(forward->files, number);
    struct search search = { &forward->done, false };
    int status = 1;

    if (first == 0 || first > forward->done.sequence)
        return false;
    audit_tail_fini(&forward->tail);
    audit_tail_init(&forward->tail, forward->files, number, 0);
    while (status == 1)
        status = audit_tail_read(&forward->tail, on_old_line, &search);
    return search.is_found;
}

/* Behind the last record that was sent, or at the oldest one where that is not there any more. Who
 * has never forwarded begins with the newest file. */
static int find_place(struct forward *forward)
{
    struct audit_folder folder;
    bool is_first = audit_folder_read_forwarded(forward->files, &forward->done) != 0;
    bool is_found = false;
    int status = audit_folder_read(forward->files, &folder);

    if (status != 0)
        return status;
    for (size_t i = folder.count; !is_first && !is_found && i > 0; i--)
        is_found = find_in(forward, folder.numbers[i - 1]);
    if (!is_found) {
        audit_tail_fini(&forward->tail);
        audit_tail_init(&forward->tail, forward->files,
                        is_first && folder.count > 0 ? folder.numbers[folder.count - 1] : 0, 0);
    }
    audit_folder_fini(&folder);
    forward->is_noted = true;
    forward->is_placed = true;
    return 0;
}

/* ---- going ---- */

static bool is_on(const struct forward *forward)
{
    return forward->to.forward != CONFIG_FORWARD_NONE && forward->files != NULL;
}

static void note_fault(struct forward *forward, int fault, bool has_sent, uint64_t now_ms)
{
    if (has_sent || forward->fault == 0) {
        forward->failing_ms = now_ms;
        forward->wait_ms = 0;
    }
    forward->fault = fault;
    forward->wait_ms = forward->wait_ms == 0                     ? FORWARD_RETRY_MS
                       : forward->wait_ms < FORWARD_PAUSE_MS / 2 ? 2 * forward->wait_ms
                                                                 : FORWARD_PAUSE_MS;
    forward->due_ms = now_ms + forward->wait_ms;
}

void forward_note(struct forward *forward, uint64_t now_ms)
{
    forward->noted_ms = now_ms;
    if (is_on(forward) && forward->is_placed && !forward->is_noted)
        forward->is_noted = audit_folder_write_forwarded(forward->files, &forward->done) == 0;
}

void forward_go(struct forward *forward, uint64_t now_ms)
{
    uint64_t before = forward->done.sequence;
    int status = 1;

    if (!is_on(forward) || (forward->fault != 0 && now_ms < forward->due_ms))
        return;
    if (!forward->is_placed)
        status = find_place(forward) == 0 ? 1 : -EIO;
    for (unsigned i = 0; i < CHUNKS_AT_ONCE && status == 1; i++)
        status = audit_tail_read(&forward->tail, on_line, forward);
    if (status < 0) {
        note_fault(forward, status, forward->done.sequence != before, now_ms);
    } else {
        forward->fault = 0;
        forward->due_ms = status == 1 ? now_ms : now_ms + FORWARD_LOOK_MS;
    }
    if (now_ms - forward->noted_ms >= FORWARD_NOTE_MS)
        forward_note(forward, now_ms);
}

uint64_t forward_due_ms(const struct forward *forward)
{
    return is_on(forward) ? forward->due_ms : 0;
}

bool forward_is_done(const struct forward *forward, uint64_t last_sequence)
{
    return !is_on(forward) || forward->done.sequence >= last_sequence;
}

/* ---- what is told ---- */

enum forward_news forward_take_news(struct forward *forward, uint64_t last_sequence,
                                    uint64_t now_ms)
{
    if (!is_on(forward)) {
        forward->is_told = false;
        return FORWARD_NO_NEWS;
    }
    if (forward->fault != 0) {
        uint64_t since_ms = forward->is_told ? forward->told_ms : forward->failing_ms;
        if (now_ms - since_ms < (forward->is_told ? FORWARD_TELL_MS : FORWARD_STUCK_MS))
            return FORWARD_NO_NEWS;
        forward->is_told = true;
        forward->told_ms = now_ms;
        return FORWARD_FAILS;
    }
    if (!forward->is_told || !forward_is_done(forward, last_sequence))
        return FORWARD_NO_NEWS;
    forward->is_told = false;
    return FORWARD_GOES;
}

bool forward_take_gap(struct forward *forward, struct forward_gap *out)
{
    if (forward->gap.count == 0)
        return false;
    *out = forward->gap;
    forward->gap = (struct forward_gap){ 0 };
    return true;
}
