/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_order.h"

#include "core/sensed.h"
#include "core/sensing_keep.h"
#include "core/sensing_models.h"
#include "core/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- carrying out ---- */

struct doing {
    struct sensing *sensing;
    const struct sensing_order *order;
    uint64_t now_ms;
    struct sensing_outcome *out;
    unsigned found; /* devices of the name */
};

__attribute__((format(printf, 3, 4))) static void
say(struct sensing_outcome *out, enum sensing_result result, const char *format, ...)
{
    va_list arguments;

    out->result = result;
    va_start(arguments, format);
    (void)vsnprintf(out->text, sizeof(out->text), format, arguments);
    va_end(arguments);
}

static struct sensed_role *role_of(const struct doing *doing)
{
    struct bytes_node *node = bytes_map_find(&doing->sensing->roles, doing->order->name);

    return node != NULL ? MQTT_CONTAINER_OF(node, struct sensed_role, by_name) : NULL;
}

static void again(const struct doing *doing, struct sensed_role *role)
{
    sense_role_init(&role->model);
    for (unsigned i = 0; i < SENSED_VERDICTS; i++)
        memset(&role->groups[i], 0, sizeof(role->groups[i]));
    list_for_each (link, &role->members) {
        struct sensed *sensed = MQTT_CONTAINER_OF(link, struct sensed, in_role);
        memset(&sensed->device, 0, sizeof(sensed->device));
    }
    sensing_enter(doing->sensing, role, SENSE_LEARN, doing->now_ms);
    say(doing->out, SENSING_DONE, "role %s is learned anew", role->name);
}

static void learn(const struct doing *doing, struct sensed_role *role)
{
    if (role->model.phase != SENSE_LEARN)
        sensing_enter(doing->sensing, role, SENSE_LEARN, doing->now_ms);
    role->phase_ms = doing->now_ms;
    role->learn_ms = doing->order->for_ms;
    say(doing->out, SENSING_DONE, "role %s is learned for another %llu s", role->name,
        (unsigned long long)(doing->order->for_ms / 1000));
}

/* What is missing before it can be watched; NULL: nothing. */
static const char *missing(const struct sensed_role *role)
{
    switch (role->model.phase) {
    case SENSE_LEARN:
        return "it is not known yet how odd odd moments are, nor how much evidence there is in "
               "good "
               "times";
    case SENSE_SHAPE:
        return "it is not known yet how much evidence there is in good times";
    case SENSE_PROVE:
        return role->windows < SENSING_WINDOWS_LEAST
                   ? "too little was seen yet of how much evidence there is in good times"
                   : NULL;
    case SENSE_WATCH:
        break;
    }
    return NULL;
}

static void finish(const struct doing *doing, struct sensed_role *role)
{
    const char *why = missing(role);

    if (role->model.phase == SENSE_WATCH) {
        say(doing->out, SENSING_DONE, "role %s is watched already", role->name);
        return;
    }
    if (role->model.windows == 0) {
        say(doing->out, SENSING_REFUSED, "nothing was learned of role %s yet", role->name);
        return;
    }
    if (why != NULL && !doing->order->is_forced) {
        say(doing->out, SENSING_REFUSED,
            "role %s: %s (%u windows in this phase, of %u); --force watches it all the same, with "
            "more false alarms",
            role->name, why, role->windows, SENSING_WINDOWS_LEAST);
        return;
    }
    sensing_enter(doing->sensing, role, SENSE_WATCH, doing->now_ms);
    say(doing->out, SENSING_DONE, "role %s is watched from now on", role->name);
}

static void with_role(const struct doing *doing)
{
    struct sensed_role *role = role_of(doing);

    if (role == NULL) {
        say(doing->out, SENSING_NOT_FOUND, "nothing is known of role %.*s",
            (int)doing->order->name.len, (const char *)doing->order->name.data);
        return;
    }
    if (doing->order->kind == SENSING_ORDER_AGAIN)
        again(doing, role);
    else if (doing->order->kind == SENSING_ORDER_LEARN)
        learn(doing, role);
    else
        finish(doing, role);
}

/* ---- a device ---- */

/* Of which tenant or site it is does not matter: a name is one device. */
static bool is_called(const struct sensed *sensed, struct mqtt_span name)
{
    struct mqtt_span key = sensed->by_name.key;

    return key.len > name.len + 1 && memcmp(key.data + 1, name.data, name.len) == 0
           && key.data[name.len + 1] == 0;
}

static void forget_device(struct bytes_node *node, void *context)
{
    static const struct sense_device nothing = { .windows = 0 };
    struct doing *doing = context;
    struct sensed *sensed = MQTT_CONTAINER_OF(node, struct sensed, by_name);

    if (!is_called(sensed, doing->order->name))
        return;
    doing->found++;
    sensing_renew(doing->sensing, sensed, &nothing, doing->now_ms);
}

static void forget(struct doing *doing)
{
    int len = (int)doing->order->name.len;
    const char *name = (const char *)doing->order->name.data;

    bytes_map_each(&doing->sensing->devices, forget_device, doing);
    if (doing->found == 0)
        say(doing->out, SENSING_NOT_FOUND, "nothing is known of device %.*s", len, name);
    else
        say(doing->out, SENSING_DONE, "what device %.*s does itself is learned anew", len, name);
}

/* ---- models ---- */

struct taking {
    struct doing *doing;
    struct sensing_part part;
    struct sensed_role **roles; /* of the file; NULL: there was no room */
    struct sense_role *model;   /* scratch */
    uint32_t taken;
    uint32_t devices;
};

/* What its devices did is held against another model now. */
static int take_role(struct taking *taking, uint32_t i)
{
    struct sensing *sensing = taking->doing->sensing;
    uint64_t now_ms = taking->doing->now_ms;
    struct sensing_part_role head;
    struct mqtt_span name;
    int status = sensing_part_role(&taking->part, &head, &name, taking->model);

    if (status != 0)
        return status;
    struct sensed_role *role = sensing_role_at(sensing, name, now_ms);
    taking->roles[i] = role;
    if (role == NULL)
        return 0;
    sensing_keep_teach(role, &head, taking->model, now_ms);
    sensing_enter(sensing, role, role->model.phase, now_ms);
    sensing_keep_teach(role, &head, taking->model, now_ms);
    taking->taken++;
    return 0;
}

static int take_device(struct taking *taking)
{
    struct sensing *sensing = taking->doing->sensing;
    const struct siphash_key *ours = &sensing->options.key;
    const struct siphash_key *theirs = &taking->part.head.key;
    struct sensing_part_device head;
    struct sense_device device;
    struct mqtt_span name;
    int status = sensing_part_device(&taking->part, &head, &name, &device);

    if (status != 0 || taking->roles[head.role] == NULL)
        return status;
    sensing_models_strip(&device, ours->low == theirs->low && ours->high == theirs->high);
    struct bytes_node *node = bytes_map_find(&sensing->devices, name);
    struct sensed *sensed = node != NULL ? MQTT_CONTAINER_OF(node, struct sensed, by_name) : NULL;
    if (sensed == NULL)
        sensing_know(sensing, name, taking->roles[head.role], &device);
    else if (sensed->role == taking->roles[head.role])
        sensing_renew(sensing, sensed, &device, taking->doing->now_ms);
    taking->devices++;
    return 0;
}

static int take_all(struct taking *taking)
{
    int status = 0;

    for (uint32_t i = 0; status == 0 && i < taking->part.head.roles; i++)
        status = take_role(taking, i);
    for (uint32_t i = 0; status == 0 && i < taking->part.head.devices; i++)
        status = take_device(taking);
    return status;
}

static void tell_taken(const struct taking *taking, int status)
{
    struct sensing_outcome *out = taking->doing->out;
    uint32_t wanted = taking->part.head.roles;

    if (status != 0)
        say(out, SENSING_REFUSED, "the models are damaged, or memory is out");
    else if (taking->taken < wanted)
        say(out, SENSING_REFUSED, "there is room for %u of %u roles (limits.sense-roles)",
            taking->taken, wanted);
    else
        say(out, SENSING_DONE, "%u role%s and %u device%s taken up", taking->taken,
            taking->taken == 1 ? "" : "s", taking->devices, taking->devices == 1 ? "" : "s");
}

static void take(struct doing *doing)
{
    struct taking taking = { .doing = doing };
    uint64_t window_ms = doing->sensing->broker->limits.sense_window_ms;
    int status = sensing_models_open(doing->order->models, &taking.part);

    if (status != 0) {
        say(doing->out, SENSING_REFUSED, "the models are damaged, or of another version");
        return;
    }
    if (taking.part.head.window_ms != window_ms) {
        say(doing->out, SENSING_REFUSED,
            "they were learned in windows of %llu ms, and limits.sense-window-ms is %llu here",
            (unsigned long long)taking.part.head.window_ms, (unsigned long long)window_ms);
        return;
    }
    taking.roles = calloc((size_t)taking.part.head.roles + 1, sizeof(*taking.roles));
    taking.model = malloc(sizeof(*taking.model));
    status = taking.roles != NULL && taking.model != NULL ? take_all(&taking) : -ENOMEM;
    tell_taken(&taking, status);
    free(taking.roles);
    free(taking.model);
}

/* ---- all of them ---- */

void sensing_order_carry_out(struct broker *broker, const struct sensing_order *order,
                             uint64_t now_ms, struct sensing_outcome *out)
{
    struct doing doing = {
        .sensing = broker->sensing, .order = order, .now_ms = now_ms, .out = out
    };

    *out = (struct sensing_outcome){ .result = SENSING_DONE };
    if (broker->sensing == NULL) {
        say(out, SENSING_REFUSED, "behaviour is not looked at: sense { mode = off }");
        return;
    }
    switch (order->kind) {
    case SENSING_ORDER_SAVE:
    case SENSING_ORDER_KINDS:
        break;
    case SENSING_ORDER_TAKE:
        take(&doing);
        break;
    case SENSING_ORDER_AGAIN:
    case SENSING_ORDER_LEARN:
    case SENSING_ORDER_FINISH:
        with_role(&doing);
        break;
    case SENSING_ORDER_FORGET:
        forget(&doing);
        break;
    }
}
