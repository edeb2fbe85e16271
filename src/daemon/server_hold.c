/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <errno.h>
#include <stdlib.h>

#define AGAIN_MS 2000 /* after a failure */

/* A hold on its way into the registry. */
struct hold_order {
    struct list link; /* in server->holds */
    struct helper_job job;
    struct wheel_timer timer; /* armed after a failure */
    struct server *server;
    int status;
    struct pki_fault fault;
    struct registry_hold hold;
};

int server_open_holds(struct server *server)
{
    list_init(&server->holds);
    server->holding = holding_new();
    return server->holding != NULL ? 0 : -ENOMEM;
}

static void order_free(struct hold_order *order)
{
    list_unlink(&order->link);
    free(order);
}

static void submit(struct hold_order *order);

static void on_again(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    (void)context;
    (void)now_ms;
    submit(MQTT_CONTAINER_OF(timer, struct hold_order, timer));
}

/* It counts all the same: as long as this process lives and has not written it. */
static void try_again(struct hold_order *order)
{
    struct server *server = order->server;
    struct loop *loop = server->shards[0].loop;

    log_say(server->log, CONFIG_LOG_WARNING,
            "the hold of %s is in force, but would not survive a restart yet: %s", order->hold.name,
            order->fault.text);
    if (server->is_stopping)
        order_free(order);
    else
        loop_arm(loop, &order->timer, loop_now_ms(loop) + AGAIN_MS, on_again);
}

static void work(struct helper_job *job)
{
    struct hold_order *order = MQTT_CONTAINER_OF(job, struct hold_order, job);

    order->status = holds_put(order->server->registry, &order->hold, &order->fault);
}

/* The keeper does one thing after the other: a ruling that comes in force from now on was made
 * after the hold was written. */
static void on_done(struct helper_job *job)
{
    struct hold_order *order = MQTT_CONTAINER_OF(job, struct hold_order, job);
    struct server *server = order->server;

    if (order->status < 0) {
        try_again(order);
        return;
    }
    /* A pardon that came in between counts at once. */
    holding_settle(server->holding, order->hold.name,
                   order->status > 0 ? (uint64_t)server->ruling_number + 1 : 0,
                   loop_now_ms(server->shards[0].loop));
    order_free(order);
}

static void submit(struct hold_order *order)
{
    struct server *server = order->server;

    if (server->keeper != NULL && server->registry != NULL
        && helpers_submit(server->keeper, &order->job, server->shards[0].loop, work, on_done) == 0)
        return;
    (void)pki_fail(&order->fault, -EAGAIN, "too much to do");
    try_again(order);
}

void server_on_held(void *context, const struct registry_hold *hold)
{
    struct server *server = context;
    struct hold_order *order = calloc(1, sizeof(*order));

    if (order == NULL) {
        log_say(
            server->log, CONFIG_LOG_ERROR,
            "out of memory: %s is held until tacitd ends, and no command to release it knows it",
            hold->name);
        return;
    }
    order->server = server;
    order->fault = (struct pki_fault){ "out of memory" };
    order->hold = *hold;
    list_push_back(&server->holds, &order->link);
    submit(order);
}

void server_close_holds(struct server *server)
{
    if (server->holding == NULL)
        return;
    list_for_each_safe (link, following, &server->holds)
        order_free(MQTT_CONTAINER_OF(link, struct hold_order, link));
    holding_free(server->holding);
    server->holding = NULL;
}
