/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_ratchet.h"

#include "base/wipe.h"
#include "pki/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int device_ratchet_path(const char *certificate, char out[PATH_MAX])
{
    size_t len = strlen(certificate);

    if (len < 4 || strcmp(certificate + len - 4, ".crt") != 0)
        return -EINVAL;
    int made = snprintf(out, PATH_MAX, "%.*s.ratchet", (int)(len - 4), certificate);
    return made > 0 && made < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int device_ratchet_make(const char *path)
{
    uint8_t state[TACIT_RATCHET_STATE_BYTES];
    int error = tacit_ratchet_first(tacit_posix_random, NULL, state);

    if (error == 0)
        error =
            private_file_write(path, (struct mqtt_span){ state, sizeof(state) }, PRIVATE_FILE_KEEP);
    wipe_bytes(state, sizeof(state));
    return error == -EEXIST ? 0 : error;
}

/* ---- what the library asks for ---- */

static int hmac(void *context, const uint8_t key[TACIT_RATCHET_KEY_BYTES], struct tacit_bytes data,
                uint8_t out[TACIT_RATCHET_KEY_BYTES])
{
    (void)context;
    return tacit_posix_hmac(key, data, out);
}

static int binding(void *context, uint8_t out[TACIT_RATCHET_KEY_BYTES])
{
    const struct device_ratchet *ratchet = context;

    if (!tacit_posix_agrees(ratchet->posix, TACIT_RATCHET_PROTOCOL))
        return 1;
    return tacit_posix_export(ratchet->posix, TACIT_RATCHET_LABEL, out, TACIT_RATCHET_KEY_BYTES);
}

static int read_state(const char *path, uint8_t out[TACIT_RATCHET_STATE_BYTES])
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    int error = private_file_read(path, TACIT_RATCHET_STATE_BYTES, &bytes, &len);

    if (error == 0 && len == TACIT_RATCHET_STATE_BYTES)
        memcpy(out, bytes, len);
    else if (error == 0)
        error = -EBADMSG;
    if (bytes != NULL)
        wipe_bytes(bytes, len);
    free(bytes);
    return error;
}

int device_ratchet_turns(const char *path, uint64_t *out_turns)
{
    uint8_t state[TACIT_RATCHET_STATE_BYTES] = { 0 };
    int error = read_state(path, state);

    *out_turns = tacit_ratchet_counter(state);
    wipe_bytes(state, sizeof(state));
    return error;
}

static int load(void *context, uint8_t out[TACIT_RATCHET_STATE_BYTES])
{
    const struct device_ratchet *ratchet = context;

    return read_state(ratchet->path, out);
}

static void unlock(struct device_ratchet *ratchet)
{
    if (ratchet->lock >= 0)
        close(ratchet->lock);
    ratchet->lock = -1;
}

static int store(void *context, const uint8_t state[TACIT_RATCHET_STATE_BYTES])
{
    struct device_ratchet *ratchet = context;
    int error =
        private_file_write(ratchet->path, (struct mqtt_span){ state, TACIT_RATCHET_STATE_BYTES },
                           PRIVATE_FILE_REPLACE);

    unlock(ratchet);
    return error;
}

/* ---- one at a time ---- */

static int lock(struct device_ratchet *ratchet)
{
    char path[PATH_MAX + sizeof(".lock")];

    if (ratchet->lock >= 0)
        return 0;
    (void)snprintf(path, sizeof(path), "%s.lock", ratchet->path);
    ratchet->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = ratchet->lock >= 0 && flock(ratchet->lock, LOCK_EX) == 0 ? 0 : -errno;
    if (error < 0)
        unlock(ratchet);
    return error;
}

/* Before the connection is made: the broker goes by the order in which they come. */
static int open_transport(void *context, struct tacit_bytes host, uint16_t port)
{
    struct device_ratchet *ratchet = context;

    if (lock(ratchet) < 0)
        return TACIT_KEY;
    return ratchet->transport.open(ratchet->transport.context, host, port);
}

static int sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    const struct device_ratchet *ratchet = context;

    return ratchet->transport.sendv(ratchet->transport.context, pieces, count);
}

static int receive(void *context, void *out, size_t size)
{
    const struct device_ratchet *ratchet = context;

    return ratchet->transport.receive(ratchet->transport.context, out, size);
}

static void close_transport(void *context)
{
    struct device_ratchet *ratchet = context;

    ratchet->transport.close(ratchet->transport.context);
    unlock(ratchet);
}

struct tacit_transport device_ratchet_transport(struct device_ratchet *ratchet)
{
    return (struct tacit_transport){ .open = open_transport,
                                     .sendv = sendv,
                                     .receive = receive,
                                     .close = close_transport,
                                     .context = ratchet };
}

/* ---- life ---- */

bool device_ratchet_init(struct device_ratchet *out, const char *certificate,
                         struct tacit_posix *posix)
{
    *out = (struct device_ratchet){
        .posix = posix,
        .transport = tacit_posix_transport(posix),
        .lock = -1,
        .port = { .context = out,
                  .hmac = hmac,
                  .binding = binding,
                  .random = tacit_posix_random,
                  .load = load,
                  .store = store },
    };
    tacit_ratchet_init(&out->ratchet, &out->port);
    bool is_there = certificate != NULL && device_ratchet_path(certificate, out->path) == 0
                    && access(out->path, F_OK) == 0;
    if (is_there)
        tacit_posix_offer(posix, TACIT_RATCHET_PROTOCOL);
    return is_there;
}

void device_ratchet_fini(struct device_ratchet *ratchet)
{
    unlock(ratchet);
    wipe_bytes(&ratchet->ratchet, sizeof(ratchet->ratchet));
}
