/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at those who are watched, some of them at a time, and telling what is found. */
#include "core/sensed.h"
#include "core/sensing_respond.h"
#include "core/sensing_source.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_MS     1000u
#define SLICES_MOST   20u /* of a second */
#define SLICE_LEAST   64u /* devices, below which a second has fewer */
#define LOOKS_MOST    4096u
#define TURN_LEAST_MS 5u
#define ABSENT_MS     3600000u /* after that its absence says nothing more */
#define EFFORT_MOST   4096u    /* lists of a role that are gathered in a second, by their length */
#define EFFORT_PART   64u

static const enum sense_verdict verdicts[SENSED_VERDICTS] = { SENSE_ATTACKING, SENSE_ATTACKED };

static struct sensed *from_looked(struct list *link)
{
    return MQTT_CONTAINER_OF(link, struct sensed, in_looked);
}

static float evidence_of(const struct sensed *sensed, enum sense_verdict verdict)
{
    return sense_member_evidence(&sensed->device, sensed->attacking, sensed->attacked, verdict);
}

/* The role's sums follow what is known of the device. */
static void recount(struct sensed *sensed)
{
    for (unsigned i = 0; i < SENSED_VERDICTS; i++) {
        bool counts = evidence_of(sensed, verdicts[i]) >= SENSE_SURPRISED_BITS;

        sensed->role->surprised[i] += (uint32_t)counts - (uint32_t)sensed->counts[i];
        sensed->counts[i] = counts;
    }
}

static void rest(struct sensed *sensed)
{
    sensing_relent(sensed);
    sense_device_rest(&sensed->device);
    sensed->attacking = sensed->attacked = 0;
    recount(sensed);
}

void sensing_look_away(struct sensing *sensing, struct sensed *sensed)
{
    if (!list_is_linked(&sensed->in_looked))
        return;
    sensing_settle(sensing);
    rest(sensed);
    list_unlink(&sensed->in_looked);
    sensing->looked_count--;
    sensed->role->here--;
}

/* ---- telling ---- */

/* The names are in what it is known by, a NUL behind each: allowance.h. */
static struct identity identity_of(const struct sensed *sensed)
{
    const char *device = (const char *)sensed->name + 1;
    const char *tenant = device + strlen(device) + 1;
    const char *site = tenant + strlen(tenant) + 1;

    return (struct identity){
        .device = device,
        .tenant = tenant[0] != '\0' ? tenant : NULL,
        .site = site[0] != '\0' ? site : NULL,
        .role = sensed->role->name,
        .proved = sensed->name[0] == 1,
    };
}

void sensing_describe(const struct sensed *sensed, const struct sense_standing *standing,
                      struct sense_reason *reasons, struct sensing_notice *out)
{
    out->identity = identity_of(sensed);
    out->reason_count = sense_explain(&sensed->role->model, &sensed->device, standing, reasons);
    out->reasons = reasons;
    out->evidence = standing->evidence;
    out->here = sensed->role->here;
}

static void tell(struct sensing *sensing, const struct sensed *sensed,
                 const struct sense_standing *standing, struct sensing_notice *notice)
{
    const struct sensing_port *port = &sensing->options.port;
    struct sense_reason reasons[SENSE_REASONS];

    sensing_describe(sensed, standing, reasons, notice);
    sensing->broker->stats.sense_alarms++;
    port->tell(port->context, notice);
}

/* Those of the role with so many bits, sorted, in sensing->members. NULL: none, no memory, or too
 * much was gathered in this second already. */
static struct sense_member *gather(struct sensing *sensing, struct sensed_role *role,
                                   enum sense_verdict verdict, float bits, size_t *out_count)
{
    size_t count = 0;

    *out_count = 0;
    if (sensing->members_room < role->here) {
        size_t room = (size_t)role->here * 2;
        void *bigger = realloc(sensing->members, room * sizeof(*sensing->members));
        if (bigger == NULL)
            return NULL;
        sensing->members = bigger;
        sensing->members_room = room;
    }
    list_for_each (link, &role->members) {
        struct sensed *sensed = MQTT_CONTAINER_OF(link, struct sensed, in_role);
        float evidence = evidence_of(sensed, verdict);

        if (list_is_linked(&sensed->in_looked) && evidence >= bits)
            sensing->members[count++] = (struct sense_member){ &sensed->device, evidence, sensed };
    }
    sense_crowd_sort(sensing->members, count);
    *out_count = count;
    return count > 0 ? sensing->members : NULL;
}

static void tell_group(struct sensing *sensing, enum sense_verdict verdict,
                       const struct sense_member *members, size_t count, uint64_t ms)
{
    struct sensed *strongest = members[0].owner;
    struct sense_standing standing = { .evidence = members[0].evidence };
    struct sensing_notice notice = {
        .kind = SENSING_OF_GROUP,
        .verdict = verdict,
        .surprised = (uint32_t)count,
    };

    for (size_t i = 0; i < count && i < SENSING_NAMED; i++)
        notice.members[notice.member_count++] = identity_of(members[i].owner).device;
    sense_crowd_accuse(members, count, verdict);
    (void)sense_device_look(&strongest->role->model, &strongest->device, ms, &standing);
    tell(sensing, strongest, &standing, &notice);
}

static void tell_alone(struct sensing *sensing, struct sensed *sensed,
                       const struct sense_standing *standing, struct sensing_notice *notice)
{
    tell(sensing, sensed, standing, notice);
    sensed->response.is_called = true;
    sensed->response.is_over = false;
}

static unsigned index_of(enum sense_verdict verdict)
{
    return verdict == SENSE_ATTACKING ? 0 : 1;
}

/* Whoever has many devices of a role may not make the broker sort them all day: what is not judged
 * now is at its next look. */
static bool takes_effort(struct sensing *sensing, const struct sensed_role *role)
{
    if (sensing->effort >= EFFORT_MOST)
        return false;
    sensing->effort += 1 + role->here / EFFORT_PART;
    return true;
}

static void judge(struct sensing *sensing, struct sensed *sensed,
                  const struct sense_standing *standing, enum sense_verdict verdict, uint64_t ms)
{
    struct sensed_role *role = sensed->role;
    struct sensing_notice notice = { .kind = SENSING_OF_DEVICE, .verdict = verdict };
    size_t count;

    if (!takes_effort(sensing, role))
        return;
    const struct sense_member *members = gather(sensing, role, verdict, SENSE_STIRRED_BITS, &count);
    notice.surprised = (uint32_t)count;
    switch (sense_crowd_judge(&role->groups[index_of(verdict)], members, count, role->here,
                              &sensed->device, ms)) {
    case SENSE_NO_NEWS:
        break;
    case SENSE_NEWS_OF_DEVICE:
        tell_alone(sensing, sensed, standing, &notice);
        break;
    case SENSE_NEWS_OF_GROUP:
        tell_group(sensing, verdict, members, count, ms);
        break;
    }
}

/* A group is no shelter for who reaches for what is not his: one that was told of with others is held
 * against them again as its evidence grows, since only who is told of alone is answered. Of more of
 * the same one has more than the others by chance, and by when it was looked at. */
static void single_out(struct sensing *sensing, struct sensed *sensed,
                       const struct sense_standing *standing)
{
    const struct sensed_role *role = sensed->role;
    struct sensing_notice notice = { .kind = SENSING_OF_DEVICE, .verdict = SENSE_ATTACKING };
    size_t count;
    float reach = sensing_reach(standing);

    if (sensed->response.is_called || reach < sensed->response.compared + SENSE_ALARM_BITS
        || !takes_effort(sensing, role))
        return;
    sensed->response.compared = reach;
    const struct sense_member *members =
        gather(sensing, sensed->role, SENSE_ATTACKING, SENSE_STIRRED_BITS, &count);
    notice.surprised = (uint32_t)count;
    if (sense_crowd_stands_out(&role->groups[index_of(SENSE_ATTACKING)], members, count, role->here,
                               &sensed->device))
        tell_alone(sensing, sensed, standing, &notice);
}

void sensing_look(struct sensing *sensing, struct sensed *sensed, uint64_t now_ms)
{
    struct sensed_role *role = sensed->role;
    struct sense_standing standing;
    uint64_t ms = sensing_ms(sensing, now_ms);
    uint16_t window = sensed->device.number;

    if (!sense_device_look(&role->model, &sensed->device, ms, &standing))
        return;
    role->windows += window != sensed->device.number ? 1 : 0;
    sensed->attacking = standing.attacking;
    sensed->attacked = standing.attacked;
    recount(sensed);
    enum sense_verdict verdict = sense_standing_verdict(&standing);
    if (role->model.phase != SENSE_WATCH)
        return;
    if (sense_crowd_is_due(&sensed->device, &standing))
        judge(sensing, sensed, &standing, verdict, ms);
    else if (verdict == SENSE_ATTACKING)
        single_out(sensing, sensed, &standing);
}

/* ---- roles, once a second ---- */

static uint64_t phase_ms(const struct sensing *sensing, const struct sensed_role *role)
{
    const struct sensing_phases *phases = &sensing->options.phases;

    switch (role->model.phase) {
    case SENSE_LEARN:
        return role->learn_ms != 0 ? role->learn_ms : (uint64_t)phases->learn_s * 1000;
    case SENSE_SHAPE:
        return (uint64_t)phases->shape_s * 1000;
    case SENSE_PROVE:
        return (uint64_t)phases->prove_s * 1000;
    case SENSE_WATCH:
        break;
    }
    return UINT64_MAX;
}

void sensing_enter(struct sensing *sensing, struct sensed_role *role, enum sense_phase phase,
                   uint64_t now_ms)
{
    const struct sensing_port *port = &sensing->options.port;

    sense_role_enter(&role->model, phase);
    if (port->entered != NULL)
        port->entered(port->context, role->name, role->model.phase);
    role->phase_ms = now_ms;
    role->learn_ms = 0;
    role->windows = 0;
    for (unsigned i = 0; i < SENSED_VERDICTS; i++)
        sense_group_rest(&role->groups[i]);
    list_for_each (link, &role->members) {
        struct sensed *sensed = MQTT_CONTAINER_OF(link, struct sensed, in_role);

        rest(sensed);
        if (sensed->connected > 0)
            sense_device_expect(&sensed->device, sensing_ms(sensing, now_ms));
    }
}

static void watch_group(struct sensing *sensing, struct sensed_role *role, unsigned i, uint64_t ms)
{
    struct sense_group *group = &role->groups[i];
    size_t count;

    if (!sense_crowd_may_tell(group, role->surprised[i], role->here, ms)
        || !takes_effort(sensing, role))
        return;
    const struct sense_member *members =
        gather(sensing, role, verdicts[i], SENSE_STIRRED_BITS, &count);
    if (sense_crowd_watch(group, members, count, role->here, ms))
        tell_group(sensing, verdicts[i], members, count, ms);
}

struct ticking {
    struct sensing *sensing;
    uint64_t now_ms;
};

static void tick_role(struct bytes_node *node, void *context)
{
    const struct ticking *ticking = context;
    struct sensing *sensing = ticking->sensing;
    struct sensed_role *role = MQTT_CONTAINER_OF(node, struct sensed_role, by_name);
    uint64_t now_ms = ticking->now_ms;
    uint64_t ms = sensing_ms(sensing, now_ms);

    if (role->windows >= SENSING_WINDOWS_LEAST
        && now_ms - role->phase_ms >= phase_ms(sensing, role))
        sensing_enter(sensing, role, (enum sense_phase)(role->model.phase + 1), now_ms);
    if (role->here == 0 || role->model.phase < SENSE_PROVE)
        return;
    for (unsigned i = 0; i < SENSED_VERDICTS && role->model.phase == SENSE_WATCH; i++)
        watch_group(sensing, role, i, ms);
    if (ms < role->group_ms)
        return;
    role->group_ms = ms + SENSE_WINDOW_MS;
    for (unsigned i = 0; i < SENSED_VERDICTS; i++)
        sense_crowd_count(&role->groups[i], role->surprised[i], role->here,
                          role->model.phase == SENSE_PROVE);
}

/* ---- devices, a slice of them at a time ---- */

static void note_backlog(struct sensed *sensed, uint64_t ms)
{
    const struct session *session = sensed->session;

    if (session == NULL || session->client == NULL)
        return;
    uint64_t bytes = session->outgoing.queued_bytes + session->client->outbox.bytes;
    sense_on_backlog(&sensed->device, ms, bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX);
}

static void look_at_next(struct sensing *sensing, uint64_t now_ms)
{
    struct sensed *sensed = from_looked(sensing->looked.next);
    uint64_t ms = sensing_ms(sensing, now_ms);

    list_unlink(&sensed->in_looked);
    list_push_back(&sensing->looked, &sensed->in_looked);
    if (sensed->connected == 0 && ms >= sensed->left_ms + ABSENT_MS) {
        sensing_look_away(sensing, sensed);
        return;
    }
    if (sense_device_is_due(&sensed->device, ms)) {
        note_backlog(sensed, ms);
        sensing_look(sensing, sensed, now_ms);
    }
    if (MQTT_UNLIKELY(sensed->response.is_called))
        sensing_respond(sensing, sensed, now_ms);
}

static unsigned slices(const struct sensing *sensing)
{
    size_t slices = sensing->looked_count / SLICE_LEAST + 1;

    return slices < SLICES_MOST ? (unsigned)slices : SLICES_MOST;
}

static void tick(struct sensing *sensing, uint64_t now_ms)
{
    struct ticking ticking = { sensing, now_ms };

    sensing->second_ms = sensing_ms(sensing, now_ms) + SECOND_MS;
    sensing->effort = 0;
    sensing_source_tick(sensing, now_ms);
    bytes_map_each(&sensing->roles, tick_role, &ticking);
    sensing->broker->stats.sense_devices = sensing->looked_count;
}

static void on_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct sensing *sensing = MQTT_CONTAINER_OF(timer, struct sensing, timer);
    size_t looks = sensing->looked_count / slices(sensing) + 1;

    (void)context;
    for (size_t i = 0; i < looks && i < LOOKS_MOST && !list_is_empty(&sensing->looked); i++)
        look_at_next(sensing, now_ms);
    if (sensing_ms(sensing, now_ms) >= sensing->second_ms)
        tick(sensing, now_ms);
    sensing_look_start(sensing, now_ms);
}

void sensing_look_start(struct sensing *sensing, uint64_t now_ms)
{
    uint64_t second_ms = SECOND_MS * sensing->broker->limits.sense_window_ms / SENSE_WINDOW_MS;
    uint64_t turn_ms = second_ms / slices(sensing);

    wheel_arm(&sensing->broker->wheel, &sensing->timer,
              now_ms + (turn_ms > TURN_LEAST_MS ? turn_ms : TURN_LEAST_MS), on_timer);
}
