/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the detector watches: contract in sensing.h and sensed.h. */
#include "core/sensing.h"

#include "core/allowance.h"
#include "core/client.h"
#include "core/pace.h"
#include "core/sensed.h"
#include "core/standing.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#define ONE (UINT64_C(1) << 16)

/* ---- roles ---- */

static struct sensed_role *role_new(struct sensing *sensing, struct mqtt_span name, uint64_t now_ms)
{
    struct sensed_role *role;

    if (sensing->roles.count >= sensing->broker->limits.sense_roles)
        return NULL;
    role = calloc(1, sizeof(*role) + name.len + 1);
    if (role == NULL)
        return NULL;
    memcpy(role->name, name.data, name.len);
    role->by_name.key = (struct mqtt_span){ (const uint8_t *)role->name, name.len };
    list_init(&role->members);
    sense_role_init(&role->model);
    role->phase_ms = now_ms;
    if (bytes_map_insert(&sensing->roles, &role->by_name) == 0)
        return role;
    free(role);
    return NULL;
}

struct sensed_role *sensing_role_at(struct sensing *sensing, struct mqtt_span name, uint64_t now_ms)
{
    struct bytes_node *node = bytes_map_find(&sensing->roles, name);

    if (node != NULL)
        return MQTT_CONTAINER_OF(node, struct sensed_role, by_name);
    return role_new(sensing, name, now_ms);
}

/* What it has done in another role says nothing in this one. */
static void take_role(struct sensing *sensing, struct sensed *sensed, struct sensed_role *role)
{
    if (sensed->role == role)
        return;
    sensing_look_away(sensing, sensed);
    list_unlink(&sensed->in_role);
    memset(&sensed->device, 0, sizeof(sensed->device));
    sensed->role = role;
    list_push_back(&role->members, &sensed->in_role);
}

/* ---- identities ---- */

static void forget(struct sensing *sensing, struct sensed *sensed)
{
    sensing_look_away(sensing, sensed);
    list_unlink(&sensed->idle);
    list_unlink(&sensed->in_role);
    bytes_map_remove(&sensing->devices, &sensed->by_name);
    free(sensed);
}

/* This shard's part of limits.sense_devices. */
static size_t room(const struct broker *broker)
{
    size_t part = (size_t)(broker->limits.sense_devices / broker->options.shard_count);

    return part > 0 ? part : 1;
}

static bool make_room(struct sensing *sensing)
{
    if (sensing->devices.count < room(sensing->broker))
        return true;
    if (list_is_empty(&sensing->idle))
        return false;
    forget(sensing, MQTT_CONTAINER_OF(sensing->idle.next, struct sensed, idle));
    return true;
}

static struct sensed *sensed_new(struct sensing *sensing, struct mqtt_span name)
{
    struct sensed *sensed;

    if (!make_room(sensing))
        return NULL;
    sensed = calloc(1, sizeof(*sensed) + name.len);
    if (sensed == NULL)
        return NULL;
    memcpy(sensed->name, name.data, name.len);
    sensed->sensing = sensing;
    sensed->by_name.key = (struct mqtt_span){ sensed->name, name.len };
    if (bytes_map_insert(&sensing->devices, &sensed->by_name) == 0)
        return sensed;
    free(sensed);
    return NULL;
}

static struct sensed *sensed_at(struct sensing *sensing, struct mqtt_span name)
{
    struct bytes_node *node = bytes_map_find(&sensing->devices, name);

    return node != NULL ? MQTT_CONTAINER_OF(node, struct sensed, by_name)
                        : sensed_new(sensing, name);
}

void sensing_know(struct sensing *sensing, struct mqtt_span name, struct sensed_role *role,
                  const struct sense_device *device)
{
    struct sensed *sensed = sensed_at(sensing, name);

    if (sensed == NULL || sensed->role != NULL)
        return;
    take_role(sensing, sensed, role);
    sensed->device = *device;
    list_push_back(&sensing->idle, &sensed->idle);
}

static void look_at(struct sensing *sensing, struct sensed *sensed)
{
    if (list_is_linked(&sensed->in_looked))
        return;
    list_push_back(&sensing->looked, &sensed->in_looked);
    sensing->looked_count++;
    sensed->role->here++;
}

void sensing_renew(struct sensing *sensing, struct sensed *sensed,
                   const struct sense_device *device, uint64_t now_ms)
{
    if (sensed->connected == 0 && device->windows == 0 && device->active == 0) {
        forget(sensing, sensed);
        return;
    }
    sensing_look_away(sensing, sensed);
    sensed->device = *device;
    sense_device_rest(&sensed->device);
    if (sensed->connected == 0)
        return;
    look_at(sensing, sensed);
    sense_device_expect(&sensed->device, sensing_ms(sensing, now_ms));
}

static void attach(struct sensing *sensing, struct session *session, struct sensed_role *role)
{
    struct sensed *sensed = session->sensed;

    if (sensed == NULL)
        sensed = sensed_at(sensing, allowance_owner(session->allowance));
    if (sensed == NULL)
        return;
    if (session->sensed == NULL)
        sensed->connected++;
    session->sensed = sensed;
    sensed->session = session;
    list_unlink(&sensed->idle);
    take_role(sensing, sensed, role);
    if (sensed->response.messages.count != 0)
        pace_follow(session->client, session->role);
    look_at(sensing, sensed);
}

void sensing_leave(struct session *session, uint64_t now_ms)
{
    struct sensing *sensing = session->broker->sensing;
    struct sensed *sensed = session->sensed;

    if (sensed == NULL)
        return;
    sensing_settle(sensing);
    session->sensed = NULL;
    if (sensed->session == session)
        sensed->session = NULL;
    if (--sensed->connected > 0)
        return;
    sensed->left_ms = sensing_ms(sensing, now_ms);
    list_push_back(&sensing->idle, &sensed->idle);
}

void sensing_hold(struct session *session, uint64_t now_ms)
{
    struct sensed *sensed = session->sensed;

    if (sensed == NULL)
        return;
    sensing_leave(session, now_ms);
    if (sensed->connected == 0)
        sensing_look_away(sensed->sensing, sensed);
}

/* Asking session_role() would lead back here. */
static struct sensed_role *wanted_role(struct sensing *sensing, const struct session *session,
                                       uint64_t now_ms)
{
    const struct role *role = session->role;

    if (session->client == NULL || session->client->state == CLIENT_HELD
        || session->identity->device == NULL || role == NULL
        || role_options_of(role)->sense == POLICY_SENSE_OFF)
        return NULL;
    return sensing_role_at(sensing, span_of(role_name(role)), now_ms);
}

void sensing_follow(struct session *session, uint64_t now_ms)
{
    struct sensing *sensing = session->broker->sensing;
    struct sensed_role *role;

    if (sensing == NULL)
        return;
    role = wanted_role(sensing, session, now_ms);
    if (role != NULL)
        attach(sensing, session, role);
    else
        sensing_leave(session, now_ms);
}

void sensing_take_in(struct session *session)
{
    uint64_t now_ms = session->broker->wheel.now_ms;
    bool was_watched = session->sensed != NULL;

    sensing_follow(session, now_ms);
    if (session->sensed != NULL && !was_watched)
        sense_device_expect(&session->sensed->device, sensing_ms(session->broker->sensing, now_ms));
}

/* ---- on and off ---- */

static void free_device(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct sensed, by_name));
}

static void free_role(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct sensed_role, by_name));
}

void sensing_free(struct sensing *sensing)
{
    if (sensing == NULL)
        return;
    wheel_cancel(&sensing->broker->wheel, &sensing->timer);
    bytes_map_each(&sensing->devices, free_device, NULL);
    bytes_map_each(&sensing->roles, free_role, NULL);
    bytes_map_fini(&sensing->devices);
    bytes_map_fini(&sensing->roles);
    free(sensing->members);
    free(sensing);
}

static struct sensing *sensing_new(struct broker *broker, uint64_t now_ms)
{
    struct sensing *sensing = calloc(1, sizeof(*sensing));

    if (sensing == NULL)
        return NULL;
    sensing->broker = broker;
    sensing->factor = SENSE_WINDOW_MS * ONE / broker->limits.sense_window_ms;
    sensing->since_ms = now_ms;
    sensing->sources.learns = true;
    bytes_map_init(&sensing->devices, &broker->options.hash_key);
    bytes_map_init(&sensing->roles, &broker->options.hash_key);
    list_init(&sensing->looked);
    list_init(&sensing->idle);
    return sensing;
}

static void turn_off(struct broker *broker)
{
    list_for_each (link, &broker->session_list)
        MQTT_CONTAINER_OF(link, struct session, in_broker)->sensed = NULL;
    sensing_free(broker->sensing);
    broker->sensing = NULL;
}

bool sensing_set(struct broker *broker, const struct sensing_options *options, uint64_t now_ms)
{
    if (!options->is_on) {
        turn_off(broker);
        return true;
    }
    bool is_new = broker->sensing == NULL;
    if (is_new) {
        broker->sensing = sensing_new(broker, now_ms);
        if (broker->sensing == NULL)
            return false;
        sensing_look_start(broker->sensing, now_ms);
    }
    const struct siphash_key key = broker->sensing->options.key;
    broker->sensing->options = *options;
    if (!is_new)
        broker->sensing->options.key = key;
    return true;
}
