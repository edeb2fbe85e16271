/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    struct loop *loop;
    struct loop_watch watch;
    signals_callback on_signal;
    void *context;
    sigset_t taken;
    sigset_t before;
};

static void on_readable(struct loop_watch *watch, unsigned ready)
{
    (void)ready;
    struct signals *signals = MQTT_CONTAINER_OF(watch, struct signals, watch);
    struct signalfd_siginfo info;
    /* One a turn: the callback may close us, and the rest is reported again. */
    if (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        signals->on_signal(signals->context, (int)info.ssi_signo);
}

static int watch_signals(struct signals *signals)
{
    int error = pthread_sigmask(SIG_BLOCK, &signals->taken, &signals->before);
    if (error != 0)
        return -error;
    int fd = signalfd(-1, &signals->taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        error = -errno;
        goto fail_mask;
    }
    error = loop_watch(signals->loop, &signals->watch, fd, LOOP_READABLE, on_readable);
    if (error < 0)
        goto fail_fd;
    return 0;

fail_fd:
    close(fd);
fail_mask:
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
    return error;
}

int signals_open(struct loop *loop, const int *numbers, size_t count, signals_callback on_signal,
                 void *context, struct signals **out)
{
    struct signals *signals = calloc(1, sizeof(*signals));
    if (signals == NULL)
        return -ENOMEM;
    signals->loop = loop;
    signals->on_signal = on_signal;
    signals->context = context;
    sigemptyset(&signals->taken);
    for (size_t i = 0; i < count; i++) {
        if (sigaddset(&signals->taken, numbers[i]) < 0) {
            free(signals);
            return -EINVAL;
        }
    }
    int error = watch_signals(signals);
    if (error < 0) {
        free(signals);
        return error;
    }
    *out = signals;
    return 0;
}

void signals_close(struct signals *signals)
{
    if (signals == NULL)
        return;
    int fd = signals->watch.fd;
    loop_unwatch(signals->loop, &signals->watch);
    close(fd);
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
    free(signals);
}
