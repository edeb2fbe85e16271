/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_respond.h"

#include "core/allowance.h"
#include "core/client.h"
#include "core/hold.h"
#include "core/pace.h"
#include "core/state.h"

#include <string.h>

#define TIMES_USUAL     2.0f
#define HEADER_BYTES    16.0f /* of a packet, besides topic and payload, as a rule */
#define QUARANTINE_BITS 30.0f
#define REACH_BITS      8.0f
#define REACH_MORE      1.0f
#define REACH_FULL      200.0f /* where bits that are added do not show any more */
#define SIGNS           2u
#define HOUR_S          3600u
#define COUNT_MOST      1e9f
#define FULL            "as many of its role were put into quarantine in this hour as may be"

/* What a throttle takes away, as far as it is harm at all: more of the same. The rest is reaching for
 * something else. */
static const uint32_t volume = UINT32_C(1) << SENSE_PUBLISHES | UINT32_C(1) << SENSE_EARLY
                               | UINT32_C(1) << SENSE_SIZE | UINT32_C(1) << SENSE_BYTES
                               | UINT32_C(1) << SENSE_BYTES_DRIFT | UINT32_C(1) << SENSE_VALUE
                               | UINT32_C(1) << SENSE_KEEPALIVE | UINT32_C(1) << SENSE_JOINT;

float sensing_reach(const struct sense_standing *standing)
{
    float bits = 0;

    for (unsigned i = 0; i < SENSE_FEATURES; i++)
        if (sense_feature_verdict(i) == SENSE_ATTACKING && (volume >> i & 1u) == 0)
            bits += standing->bits[i];
    return bits;
}

/* ---- telling ---- */

/* What its clients are told, of a quarantine that is begun, in *out_why; NULL: it is not. */
static void tell(struct sensing *sensing, const struct sensed *sensed,
                 const struct sense_standing *standing, enum sensing_action action,
                 const char *not_done, const char **out_why)
{
    const struct sensing_port *port = &sensing->options.port;
    struct sense_reason reasons[SENSE_REASONS];
    struct sensing_notice notice = { .kind = SENSING_OF_DEVICE };
    const struct sensing_response response = {
        .action = action,
        .is_dry = sensed->response.is_dry,
        .not_done = not_done,
        .why = &notice,
        .messages = sensed->response.messages,
        .bytes = sensed->response.bytes,
    };

    notice.verdict = standing->attacked > standing->attacking ? SENSE_ATTACKED : SENSE_ATTACKING;
    sensing_describe(sensed, standing, reasons, &notice);
    if (!response.is_dry && not_done == NULL)
        sensing->broker->stats.sense_responses++;
    *out_why = port->respond(port->context, &response);
}

/* ---- throttle ---- */

static struct policy_rate rate_of(const struct sensing *sensing, float per_window)
{
    uint64_t window_ms = sensing->broker->limits.sense_window_ms;
    uint32_t seconds = window_ms >= 1000 ? (uint32_t)(window_ms / 1000) : 1;
    float count = per_window * ((float)seconds * 1000.0f / (float)window_ms) + 1.0f;

    return (struct policy_rate){ (uint32_t)(count < COUNT_MOST ? count : COUNT_MOST), seconds };
}

/* Its role is that of the policy in force; else it is looked up at its next use, which does all else. */
static bool is_current(const struct session *session)
{
    return session->policy_generation == session->broker->policy_generation;
}

/* Those of its clients that are on this shard are read by what counts now. */
static void follow(struct sensed *sensed)
{
    const struct broker *broker = sensed->sensing->broker;

    if (sensed->connected == 0)
        return;
    list_for_each (link, &broker->session_list) {
        const struct session *session = MQTT_CONTAINER_OF(link, struct session, in_broker);
        if (session->sensed == sensed && session->client != NULL && is_current(session))
            pace_follow(session->client, session->role);
    }
}

static void throttle(struct sensing *sensing, struct sensed *sensed,
                     const struct sense_standing *standing)
{
    struct sensed_response *response = &sensed->response;
    struct sense_usual usual = sense_device_usual(&sensed->role->model, &sensed->device);
    float messages = TIMES_USUAL * usual.messages;
    const char *why;

    response->is_throttled = true;
    response->is_dry = sensing->options.mode != SENSING_RESPONDS;
    response->messages = rate_of(sensing, messages);
    if (usual.bytes > 0)
        response->bytes = rate_of(sensing, TIMES_USUAL * usual.bytes + HEADER_BYTES * messages);
    response->window = sensed->device.number;
    response->reach = sensing_reach(standing);
    tell(sensing, sensed, standing, SENSING_THROTTLE, NULL, &why);
    if (!response->is_dry)
        follow(sensed);
}

/* The wider bound gives way. */
static void narrow(struct policy_rate *bound, const struct policy_rate *throttle)
{
    bool is_bound = bound->count != 0 && bound->count != POLICY_NO_LIMIT;

    if (throttle->count == 0)
        return;
    if (!is_bound
        || (uint64_t)throttle->count * bound->seconds < (uint64_t)bound->count * throttle->seconds)
        *bound = *throttle;
}

void sensing_curb(const struct session *session, struct policy_bounds *bounds)
{
    const struct sensed *sensed = session != NULL ? session->sensed : NULL;

    if (sensed == NULL || sensed->response.is_dry)
        return;
    narrow(&bounds->messages, &sensed->response.messages);
    narrow(&bounds->bytes, &sensed->response.bytes);
}

void sensing_relent(struct sensed *sensed)
{
    bool is_curbed = sensed->response.is_throttled && !sensed->response.is_dry;

    memset(&sensed->response, 0, sizeof(sensed->response));
    if (is_curbed)
        follow(sensed);
}

static void lift(struct sensing *sensing, struct sensed *sensed,
                 const struct sense_standing *standing)
{
    const char *why;

    if (sensed->response.is_throttled)
        tell(sensing, sensed, standing, SENSING_LIFT, NULL, &why);
    sensing_relent(sensed);
}

/* ---- quarantine ---- */

/* A bounded part of the role in an hour, of all shards together. */
static bool take_share(const struct sensing *sensing, const struct sensed *sensed, uint64_t now_ms)
{
    struct broker *broker = sensing->broker;
    uint64_t here = (uint64_t)sensed->role->here * broker->options.shard_count;
    uint64_t share = here * broker->limits.sense_quarantine_percent / 100;
    const struct policy_rate rate = { share > 0 ? (uint32_t)share : 1, HOUR_S };

    if (broker->limits.sense_quarantine_percent == 0)
        return false;
    struct allowance *allowance = allowance_take_quarantines(
        broker->options.shared, sensed->session->role, broker->limits.accounts);
    if (allowance == NULL)
        return false;
    bool is_taken = bucket_take(&allowance->quarantines, &rate, 1, now_ms);
    allowance_give(broker->options.shared, allowance, broker->limits.accounts);
    return is_taken;
}

static void hold(const struct sensed *sensed, const char *why, uint64_t now_ms)
{
    const struct broker *broker = sensed->sensing->broker;

    list_for_each (link, &broker->session_list) {
        const struct session *session = MQTT_CONTAINER_OF(link, struct session, in_broker);
        if (session->sensed == sensed && session->client != NULL)
            hold_begin(session->client, why, now_ms);
    }
}

static void quarantine(struct sensing *sensing, struct sensed *sensed,
                       const struct sense_standing *standing, uint64_t now_ms)
{
    struct sensed_response *response = &sensed->response;
    const char *why;

    if (!take_share(sensing, sensed, now_ms)) {
        if (!response->was_full)
            tell(sensing, sensed, standing, SENSING_QUARANTINE, FULL, &why);
        response->was_full = true;
        return;
    }
    response->is_over = true;
    tell(sensing, sensed, standing, SENSING_QUARANTINE, NULL, &why);
    if (!response->is_dry && why != NULL)
        hold(sensed, why, now_ms);
}

/* A single deed may be a mistake, and what happens once may be an update: somebody who goes on
 * reaching for more is none of both. */
static bool is_severe(struct sensed *sensed, const struct sense_standing *standing)
{
    struct sensed_response *response = &sensed->response;
    float reach = sensing_reach(standing);

    if (response->window == sensed->device.number)
        return false;
    response->window = sensed->device.number;
    bool is_full = reach >= REACH_FULL && sensed->device.quiet == 0;
    if (reach > response->reach + REACH_MORE || is_full) {
        response->reach = reach;
        response->signs++;
    }
    response->signs = response->signs < SIGNS ? response->signs : SIGNS;
    return response->signs == SIGNS && reach >= REACH_BITS && standing->evidence >= QUARANTINE_BITS
           && standing->attacking >= QUARANTINE_BITS;
}

/* ---- the next step ---- */

static void protect(struct sensing *sensing, struct sensed *sensed,
                    const struct sense_standing *standing)
{
    const char *why;

    lift(sensing, sensed, standing);
    sensed->response.is_called = true;
    sensed->response.is_protected = true;
    sensed->response.is_dry = sensing->options.mode != SENSING_RESPONDS;
    tell(sensing, sensed, standing, SENSING_PROTECT, NULL, &why);
}

/* Being held up, with others or on purpose, is no shelter for whoever reaches for what is not his. */
static bool is_victim(const struct sensed *sensed, const struct sense_standing *standing)
{
    return standing->attacked > standing->attacking && !sensed->device.accused
           && sensing_reach(standing) < QUARANTINE_BITS;
}

static void step(struct sensing *sensing, struct sensed *sensed, enum sensing_right right,
                 uint64_t now_ms)
{
    struct sensed_response *response = &sensed->response;
    struct sense_standing standing;

    if (!sense_device_look(&sensed->role->model, &sensed->device, sensing_ms(sensing, now_ms),
                           &standing))
        return;
    if (is_victim(sensed, &standing)) {
        if (!response->is_protected)
            protect(sensing, sensed, &standing);
    } else if (!response->is_throttled) {
        throttle(sensing, sensed, &standing);
    } else if (is_severe(sensed, &standing) && right == SENSING_MAY_QUARANTINE) {
        quarantine(sensing, sensed, &standing, now_ms);
    }
}

static enum sensing_right right_of(const struct sensing *sensing, const struct sensed *sensed)
{
    const struct sensing_port *port = &sensing->options.port;

    if (sensing->options.mode == SENSING_OBSERVES || port->may == NULL || port->respond == NULL)
        return SENSING_MAY_TELL;
    return port->may(port->context, sensed->session->identity);
}

void sensing_respond(struct sensing *sensing, struct sensed *sensed, uint64_t now_ms)
{
    static const struct sense_standing nothing = { .evidence = 0 };
    const struct sensed_response *response = &sensed->response;

    if (sensed->session == NULL || sensed->session->role == NULL || !is_current(sensed->session))
        return; /* when it is back */
    enum sensing_right right = right_of(sensing, sensed);
    bool is_dry = sensing->options.mode == SENSING_REHEARSES;
    bool has_changed = response->is_throttled && response->is_dry != is_dry;
    if (!sensed->device.alarmed || (response->is_throttled && right == SENSING_MAY_TELL)
        || has_changed) {
        bool is_called = sensed->device.alarmed;
        lift(sensing, sensed, &nothing);
        sensed->response.is_called = is_called;
        return;
    }
    if (right != SENSING_MAY_TELL && !response->is_over)
        step(sensing, sensed, right, now_ms);
}
