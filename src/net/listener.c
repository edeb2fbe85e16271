/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "net/address.h"
#include "net/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* When the machine is short of something, it is given time. */
#define PAUSE_MS 100

struct listener {
    struct net *net;
    struct list in_net;
    struct loop_watch watch;
    struct wheel_timer pause;
    bool is_local;                 /* a Unix socket */
    struct connection_start start; /* but for address and place */
};

static void on_acceptable(struct loop_watch *watch, unsigned ready);

static int resume(struct listener *listener)
{
    unsigned interest = LOOP_READABLE;
    if (listener->is_local)
        interest |= LOOP_EXCLUSIVE;
    int fd = listener->watch.fd;
    return loop_watch(listener->net->loop, &listener->watch, fd, interest, on_acceptable);
}

static void on_pause_end(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    (void)context;
    struct listener *listener = MQTT_CONTAINER_OF(timer, struct listener, pause);
    struct net *net = listener->net;
    if (net->spare_fd < 0)
        net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (resume(listener) < 0)
        loop_arm(net->loop, timer, now_ms + PAUSE_MS, on_pause_end);
}

static void pause_for_a_while(struct listener *listener)
{
    struct net *net = listener->net;
    loop_unwatch(net->loop, &listener->watch);
    loop_arm(net->loop, &listener->pause, loop_now_ms(net->loop) + PAUSE_MS, on_pause_end);
}

/* No descriptors left: with the spare one the newcomer is taken and closed, so that it
 * knows, and does not stand at the door making us run in circles. False when nobody is
 * there, or it did not work. */
static bool turn_away(struct listener *listener)
{
    struct net *net = listener->net;
    if (net->spare_fd >= 0)
        close(net->spare_fd);
    int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_CLOEXEC);
    bool is_nobody = fd < 0 && errno == EAGAIN;
    if (fd >= 0)
        close(fd);
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if ((fd < 0 && !is_nobody) || net->spare_fd < 0)
        pause_for_a_while(listener);
    if (fd < 0)
        return false;
    struct connection_opening opening = { .is_tls = listener->start.tls != NULL };
    const struct connection_facts facts = { .listener = listener->start.listener,
                                            .address = listener->is_local ? "unix" : "",
                                            .opening = &opening };
    net_refuse(net, &facts, NET_REFUSED_DESCRIPTORS, "no file descriptors left");
    return net->spare_fd >= 0;
}

/* After a failed accept: is the next one worth a try now? */
static bool try_again(struct listener *listener, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        return turn_away(listener);
    case ENOBUFS:
    case ENOMEM:
        pause_for_a_while(listener);
        return false;
    default: /* that one newcomer's network trouble */
        return true;
    }
}

static void on_acceptable(struct loop_watch *watch, unsigned ready)
{
    (void)ready;
    struct listener *listener = MQTT_CONTAINER_OF(watch, struct listener, watch);
    for (uint64_t i = 0; i < listener->net->limits.accepts_per_turn; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t len = sizeof(from);
        int fd = accept4(watch->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (!try_again(listener, errno))
                return;
            continue;
        }
        char address[ADDRESS_TEXT_BYTES];
        struct connection_start start = listener->start;
        address_format(&from, address);
        start.address = address;
        start.place = address_place(&from);
        connection_open(listener->net, fd, &start);
    }
}

int listener_open(struct net *net, const struct listener_options *options, int fd,
                  struct listener **out)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        close(fd);
        return -ENOMEM;
    }
    listener->net = net;
    listener->watch.fd = fd;
    listener->is_local = options->path != NULL;
    listener->start = (struct connection_start){ .listener = options->name };
    int error = resume(listener);
    if (error < 0) {
        close(fd);
        free(listener);
        return error;
    }
    if (options->tls != NULL)
        listener->start.tls = tls_context_ref(options->tls);
    list_push_back(&net->listeners, &listener->in_net);
    *out = listener;
    return 0;
}

void listener_set_tls(struct listener *listener, struct tls_context *tls)
{
    struct tls_context *before = listener->start.tls;
    listener->start.tls = tls_context_ref(tls);
    tls_context_free(before);
}

static void stop(struct listener *listener)
{
    loop_unwatch(listener->net->loop, &listener->watch);
    loop_cancel(listener->net->loop, &listener->pause);
}

void listener_pause_all(struct net *net)
{
    list_for_each (link, &net->listeners)
        stop(MQTT_CONTAINER_OF(link, struct listener, in_net));
}

void listener_close(struct listener *listener)
{
    if (listener == NULL)
        return;
    int fd = listener->watch.fd;
    stop(listener);
    close(fd);
    list_unlink(&listener->in_net);
    tls_context_free(listener->start.tls);
    free(listener);
}
