/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/model.h"

#include <stdlib.h>
#include <string.h>

#define LIVES_ON_ITS_WAY 4u
#define LATE_MS          3000 /* a busy machine may deliver so much later than a message expires */

static const char *const topics[MODEL_TOPICS] = { "c/0", "c/1", "c/2", "c/3", "c/4", "c/5",
                                                  "r/0", "r/1", "r/2", "s/0", "s/1", "w/0" };

static const char *const filters[MODEL_FILTERS] = {
    "c/0", "c/1", "c/2", "c/3",          "c/4",          "c/5", "c/#",
    "r/0", "r/1", "r/2", "$share/g/s/0", "$share/g/s/1", "w/0",
};

const char *model_topic(unsigned topic)
{
    return topics[topic];
}

const char *model_filter(unsigned filter)
{
    return filters[filter];
}

bool model_matches(unsigned filter, unsigned topic)
{
    if (filter == MODEL_FILTER_WILD)
        return topic < MODEL_PLAIN;
    return filter < MODEL_FILTER_WILD ? filter == topic : filter == topic + 1;
}

static bool is_shared(unsigned topic)
{
    return topic >= MODEL_SHARED && topic < MODEL_WILL;
}

void model_init(struct model *model, const struct place *place)
{
    memset(model, 0, sizeof(*model));
    model->place = *place;
    memset(model->possible, MODEL_ABSENT, sizeof(model->possible));
    for (unsigned i = 0; i < 3; i++) {
        model->values[i][0] = (struct value){ .until = UINT64_MAX };
        model->value_count[i] = 1;
    }
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->count; i++)
        free(model->publications[i]);
    free(model->publications);
    model->publications = NULL;
    model->count = 0;
}

static void note(struct model *model, struct publication *publication, enum deed deed,
                 unsigned actor, uint32_t detail)
{
    model->tick++;
    publication->history[publication->events++ % MODEL_HISTORY] =
        (struct event){ (uint8_t)deed, (uint8_t)actor, (uint16_t)model->place.life, model->tick,
                        detail };
}

static void step(struct model *model, unsigned actor, const char *what, unsigned filter)
{
    struct steps *steps = &model->steps[actor];

    steps->items[steps->count++ % MODEL_HISTORY] = (struct step){
        .what = what,
        .tick = ++model->tick,
        .life = (uint16_t)model->place.life,
        .filter = (uint8_t)filter,
        .possible = filter < MODEL_FILTERS ? model->possible[actor][filter] : 0,
    };
}

void model_step(struct model *model, unsigned actor, const char *what)
{
    step(model, actor, what, MODEL_FILTERS);
}

static void tell_steps(const struct model *model, unsigned actor)
{
    const struct steps *steps = &model->steps[actor];

    report_say("  client-%u:\n", actor);
    for (uint32_t i = steps->count > MODEL_HISTORY ? steps->count - MODEL_HISTORY : 0;
         i < steps->count; i++) {
        const struct step *one = &steps->items[i % MODEL_HISTORY];
        report_say("    life %u, %llu: %s", one->life, (unsigned long long)one->tick, one->what);
        if (one->filter < MODEL_FILTERS)
            report_say(" %s; may be:%s%s%s%s", filters[one->filter],
                       (one->possible & MODEL_ABSENT) != 0 ? " none" : "",
                       (one->possible & MODEL_QOS(0)) != 0 ? " QoS 0" : "",
                       (one->possible & MODEL_QOS(1)) != 0 ? " QoS 1" : "",
                       (one->possible & MODEL_QOS(2)) != 0 ? " QoS 2" : "");
        report_say("\n");
    }
}

static void tell_history(const struct publication *p)
{
    static const char *const deeds[] = {
        [DEED_SENT] = "sent by",
        [DEED_SENT_AGAIN] = "sent again by",
        [DEED_ACKNOWLEDGED] = "acknowledged to",
        [DEED_LEFT] = "forgotten by",
        [DEED_ARRIVED] = "arrived at",
        [DEED_REPEATED] = "came again, with an identifier that awaits PUBREL, to",
        [DEED_SETTLED] = "received for good by",
        [DEED_EXCUSED] = "no longer owed to",
    };
    uint32_t first = p->events > MODEL_HISTORY ? p->events - MODEL_HISTORY : 0;

    for (uint32_t i = first; i < p->events; i++) {
        const struct event *event = &p->history[i % MODEL_HISTORY];
        report_say("    life %u, %llu: %s client-%u", event->life, (unsigned long long)event->tick,
                   deeds[event->deed], event->actor);
        if (event->detail != 0)
            report_say(" (packet identifier %u%s)", event->detail & 0xffff,
                       event->detail > 0xffff ? ", DUP" : "");
        report_say("\n");
    }
}

static void tell_publication(const struct publication *p, unsigned actor, const char *what)
{
    report_say("%s at client-%u: message %u on %s, QoS %u%s, from client-%u\n", what, actor, p->id,
               topics[p->topic], p->qos, p->retain ? ", retained" : "", p->publisher);
    tell_history(p);
}

static void blame(const struct model *model, enum fault fault, const struct publication *p,
                  unsigned actor, const char *what)
{
    if (!report_begin(&model->place, fault, 1))
        return;
    tell_publication(p, actor, what);
    tell_steps(model, actor);
    if (p->publisher != actor)
        tell_steps(model, p->publisher);
    report_end(&model->place);
}

/* ---- what a publication is owed to whom ---- */

static bool is_certain(const struct model *model, unsigned actor, unsigned filter)
{
    return model->session[actor] == SESSION_SURE
           && (model->possible[actor][filter] & MODEL_ABSENT) == 0;
}

static bool has_certain(const struct model *model, unsigned actor, unsigned topic)
{
    for (unsigned f = 0; f < MODEL_FILTERS; f++)
        if (model_matches(f, topic) && is_certain(model, actor, f)
            && (model->possible[actor][f] & MODEL_QOS(0)) == 0)
            return true;
    return false;
}

/* QoS values, as bits, with which a message may go to the actor; 0: none. */
static uint8_t ways(const struct model *model, unsigned actor, unsigned topic, unsigned qos)
{
    uint8_t found = 0;

    for (unsigned f = 0; f < MODEL_FILTERS; f++)
        for (unsigned q = 0; model_matches(f, topic) && q < 3; q++)
            if ((model->possible[actor][f] & MODEL_QOS(q)) != 0)
                found |= (uint8_t)(1u << (q < qos ? q : qos));
    return found;
}

static void begin_claims(const struct model *model, struct publication *p)
{
    for (unsigned a = 0; a < MODEL_ACTORS; a++) {
        struct due *due = &p->due[a];
        due->qos = ways(model, a, p->topic, p->qos);
        bool pledged =
            p->qos > 0 && p->topic != MODEL_WILL && !p->is_empty && has_certain(model, a, p->topic);
        due->claim = due->qos == 0 ? CLAIM_NONE : pledged ? CLAIM_PLEDGED : CLAIM_MAY;
        if (!is_shared(p->topic))
            continue;
        /* To the group it is owed, to no one in it. */
        if (due->claim > p->group_claim)
            p->group_claim = due->claim;
        if (due->claim > CLAIM_MAY)
            due->claim = CLAIM_MAY;
    }
}

static void add_value(struct model *model, const struct publication *p)
{
    unsigned which = p->topic - MODEL_RETAINED;
    struct value *values = model->values[which];
    unsigned *count = &model->value_count[which];

    /* The oldest goes; with so many open at once a test would prove nothing. */
    if (*count == MODEL_VALUES)
        memmove(values, values + 1, --*count * sizeof(*values));
    values[(*count)++] = (struct value){ p->is_empty ? 0 : p->id, p->id, UINT64_MAX };
}

struct publication *model_publish(struct model *model, const struct publication *like,
                                  int64_t now_ms)
{
    struct publication *p = malloc(sizeof(*p));

    if (model->count == model->room) {
        model->room = model->room > 0 ? 2 * model->room : 1024;
        model->publications =
            realloc(model->publications, model->room * sizeof(*model->publications));
    }
    if (p == NULL || model->publications == NULL)
        abort(); /* a test may */
    *p = *like;
    model->publications[model->count++] = p;
    p->id = (uint32_t)model->count;
    p->sent_ms = now_ms;
    p->is_still_open = true;
    p->sends = p->topic == MODEL_WILL ? 0 : 1;
    p->state = p->qos == 0 ? PUBLICATION_LEFT : PUBLICATION_OPEN;
    p->done_life = (uint16_t)model->place.life;
    begin_claims(model, p);
    note(model, p, DEED_SENT, p->publisher, p->packet_id);
    if (p->retain)
        add_value(model, p);
    return p;
}

void model_resent(struct model *model, struct publication *p, int64_t now_ms)
{
    p->sends++;
    p->sent_ms = now_ms;
    p->is_still_open = true;
    note(model, p, DEED_SENT_AGAIN, p->publisher, p->packet_id);
}

void model_acknowledged(struct model *model, struct publication *p)
{
    note(model, p, DEED_ACKNOWLEDGED, p->publisher, 0);
    report_add(&model->place.report->acknowledged, 1);
    p->state = PUBLICATION_ACKNOWLEDGED;
    p->done_life = (uint16_t)model->place.life;
    for (unsigned a = 0; a < MODEL_ACTORS; a++) {
        if (p->due[a].claim == CLAIM_PLEDGED) {
            p->due[a].claim = CLAIM_MUST;
            report_add(&model->place.report->owed, 1);
        }
    }
    if (p->group_claim == CLAIM_PLEDGED) {
        p->group_claim = CLAIM_MUST;
        report_add(&model->place.report->owed, 1);
    }
    if (!p->retain)
        return;
    unsigned which = p->topic - MODEL_RETAINED;
    for (unsigned i = 0; i < model->value_count[which]; i++)
        if (model->values[which][i].order < p->id && model->values[which][i].until == UINT64_MAX)
            model->values[which][i].until = model->tick;
}

void model_left(struct model *model, struct publication *p)
{
    note(model, p, DEED_LEFT, p->publisher, 0);
    p->state = PUBLICATION_LEFT;
    p->done_life = (uint16_t)model->place.life;
}

void model_crash(struct model *model)
{
    for (size_t i = model->first_open; i < model->count; i++) {
        struct publication *p = model->publications[i];
        /* From one shard to another it may take longer than to its publisher, and over a crash. */
        if (p->state != PUBLICATION_OPEN && p->done_life + LIVES_ON_ITS_WAY <= model->place.life)
            p->is_still_open = false;
    }
    while (model->first_open < model->count
           && !model->publications[model->first_open]->is_still_open)
        model->first_open++;
}

/* ---- sessions and subscriptions ---- */

static void excuse(struct model *model, struct publication *p, unsigned actor)
{
    struct due *due = &p->due[actor];

    if (due->claim > CLAIM_MAY) {
        due->claim = CLAIM_MAY;
        if (!due->has_arrived)
            note(model, p, DEED_EXCUSED, actor, 0);
    }
    /* What was meant for this member may not be given to another. */
    if (is_shared(p->topic) && p->group_claim > CLAIM_MAY && due->claim != CLAIM_NONE
        && p->group_arrivals == 0) {
        p->group_claim = CLAIM_MAY;
        note(model, p, DEED_EXCUSED, actor, 0);
    }
}

void model_subscribing(struct model *model, unsigned actor, unsigned filter, unsigned qos)
{
    model->possible[actor][filter] |= (uint8_t)MODEL_QOS(qos);
    step(model, actor, "SUBSCRIBE", filter);
    for (size_t i = 0; i < model->count; i++) {
        struct publication *p = model->publications[i];
        /* A group may give to a new member what it had meant for one who has gone. */
        bool is_open = p->is_still_open || is_shared(p->topic);
        if (!is_open || !model_matches(filter, p->topic))
            continue;
        p->due[actor].qos |= ways(model, actor, p->topic, p->qos);
        if (p->due[actor].claim == CLAIM_NONE)
            p->due[actor].claim = CLAIM_MAY;
        /* QoS 0 is not kept, and it may not have come by yet. */
        if (qos == 0 && !has_certain(model, actor, p->topic))
            excuse(model, p, actor);
        if (is_shared(p->topic) && p->group_claim == CLAIM_NONE)
            p->group_claim = CLAIM_MAY;
    }
}

void model_unsubscribing(struct model *model, unsigned actor, unsigned filter)
{
    model->possible[actor][filter] |= MODEL_ABSENT;
    step(model, actor, "UNSUBSCRIBE", filter);
    /* "MAY continue to deliver any existing messages buffered": MQTT 5.0, 3.10.4. */
    for (size_t i = 0; i < model->count; i++)
        if (model_matches(filter, model->publications[i]->topic)
            && !has_certain(model, actor, model->publications[i]->topic))
            excuse(model, model->publications[i], actor);
}

void model_subscription(struct model *model, unsigned actor, unsigned filter, unsigned possible)
{
    model->possible[actor][filter] = (uint8_t)possible;
    step(model, actor, "confirmed", filter);
}

void model_session_may_begin(struct model *model, unsigned actor)
{
    if (model->session[actor] == SESSION_NONE)
        model->session[actor] = SESSION_MAYBE;
}

void model_session_may_end(struct model *model, unsigned actor)
{
    if (model->session[actor] != SESSION_SURE)
        return;
    model->session[actor] = SESSION_MAYBE;
    model_step(model, actor, "its session may have ended");
    for (unsigned f = 0; f < MODEL_FILTERS; f++)
        model->possible[actor][f] |= MODEL_ABSENT;
    for (size_t i = 0; i < model->count; i++)
        excuse(model, model->publications[i], actor);
}

void model_session_ended(struct model *model, unsigned actor)
{
    model_step(model, actor, "its session has ended");
    model->session[actor] = SESSION_NONE;
    memset(model->possible[actor], MODEL_ABSENT, sizeof(model->possible[actor]));
    for (size_t i = 0; i < model->count; i++) {
        excuse(model, model->publications[i], actor);
        /* What comes to the next session does not come twice. */
        model->publications[i]->due[actor] = (struct due){ 0 };
    }
}

void model_connected(struct model *model, unsigned actor, bool is_present)
{
    if (is_present && model->session[actor] == SESSION_NONE)
        report_fault(&model->place, FAULT_WRONG,
                     "the session of client-%u is there, which had been ended\n", actor);
    if (!is_present && model->session[actor] == SESSION_SURE) {
        unsigned missing = model_missing(model, actor);
        if (report_begin(&model->place, FAULT_LOST, missing + 1)) {
            report_say("the session of client-%u, with %u messages that are owed to it\n", actor,
                       missing);
            report_end(&model->place);
        }
    }
    if (!is_present)
        model_session_ended(model, actor);
    model->session[actor] = SESSION_SURE;
    model_step(model, actor, is_present ? "CONNACK, session present" : "CONNACK, new session");
}

/* ---- receivers ---- */

static void check_order(struct model *model, const struct arrival *a, const struct publication *p)
{
    uint32_t *newest = &model->newest[a->actor][p->publisher][p->topic][p->qos][a->qos];

    /* What was sent twice may have missed the receiver the first time, before it subscribed. */
    bool counts = p->sends == 1 || p->due[a->actor].claim >= CLAIM_PLEDGED;

    if (is_shared(p->topic) || p->topic == MODEL_WILL || !counts)
        return;
    if (p->id < *newest) {
        if (report_begin(&model->place, FAULT_REORDERED, 1)) {
            tell_publication(p, a->actor, "came after a newer one");
            report_say("  the newer one, message %u:\n", *newest);
            tell_history(model->publications[*newest - 1]);
            tell_steps(model, a->actor);
            report_end(&model->place);
        }
        return;
    }
    *newest = p->id;
}

/* "The arrival is one that no state of things allows", or NULL. */
static const char *what_is_wrong(const struct arrival *a, const struct publication *p,
                                 int64_t now_ms)
{
    const struct due *due = &p->due[a->actor];

    if (a->topic != p->topic)
        return "came under another topic";
    if (a->len != p->len)
        return "came with another payload";
    if (a->is_retained)
        return p->retain ? NULL : "came as retained";
    if (due->claim == CLAIM_NONE)
        return "came to one who is not subscribed";
    if ((due->qos & 1u << a->qos) == 0)
        return "came with another QoS";
    if (p->expiry_s > 0 && !a->is_duplicate
        && now_ms > p->sent_ms + 1000 * (int64_t)p->expiry_s + LATE_MS)
        return "came long after it had expired";
    return NULL;
}

static bool is_duplicated(const struct arrival *a, const struct publication *p)
{
    const struct due *due = &p->due[a->actor];

    if (a->qos == 2 && is_shared(p->topic))
        return p->group_arrivals > 0;
    if (a->qos == 2)
        return due->has_arrived_for_good;
    /* QoS 1 may repeat itself, but not after the receiver's PUBACK was kept for certain. */
    return a->qos == 1 && due->is_settled && p->sends == 1 && p->state == PUBLICATION_ACKNOWLEDGED;
}

struct publication *model_arrived(struct model *model, const struct arrival *a, int64_t now_ms)
{
    if (a->id == 0 || a->id > model->count) {
        report_fault(&model->place, FAULT_WRONG, "client-%u received what nobody has sent",
                     a->actor);
        return NULL;
    }
    struct publication *p = model->publications[a->id - 1];
    const char *wrong = what_is_wrong(a, p, now_ms);

    note(model, p, DEED_ARRIVED, a->actor, a->packet_id | (a->is_duplicate ? 0x10000u : 0));
    report_add(&model->place.report->delivered, 1);
    if (wrong != NULL)
        blame(model, FAULT_WRONG, p, a->actor, wrong);
    if (wrong != NULL || a->is_retained)
        return p;
    if (is_duplicated(a, p))
        blame(model, FAULT_DUPLICATED, p, a->actor, "came twice");
    if (!p->due[a->actor].has_arrived)
        check_order(model, a, p);
    p->due[a->actor].has_arrived = true;
    p->due[a->actor].has_arrived_for_good |= a->qos == 2;
    p->group_arrivals = (uint16_t)(p->group_arrivals + (a->qos > 0));
    return p;
}

void model_repeated(struct model *model, const struct arrival *a)
{
    if (a->id > 0 && a->id <= model->count)
        note(model, model->publications[a->id - 1], DEED_REPEATED, a->actor,
             a->packet_id | (a->is_duplicate ? 0x10000u : 0));
}

void model_settled(struct model *model, unsigned actor, struct publication *p)
{
    p->due[actor].is_settled = true;
    note(model, p, DEED_SETTLED, actor, 0);
}

void model_retained(struct model *model, unsigned which, uint32_t id, uint64_t since)
{
    const struct value *values = model->values[which];
    bool is_known = false;

    for (unsigned i = 0; i < model->value_count[which]; i++) {
        if (values[i].id != id)
            continue;
        if (values[i].until > since)
            return;
        is_known = true;
    }
    if (!report_begin(&model->place, id == 0 || is_known ? FAULT_LOST : FAULT_WRONG, 1))
        return;
    report_say("%s keeps %s%u; it may keep", topics[MODEL_RETAINED + which],
               id == 0 ? "nothing: " : "an older message: ", id);
    for (unsigned i = 0; i < model->value_count[which]; i++)
        if (values[i].until > since)
            report_say(" %u", values[i].id);
    report_say("\n");
    if (id > 0 && id <= model->count)
        tell_history(model->publications[id - 1]);
    report_end(&model->place);
}

/* ---- the end ---- */

static bool is_missing(const struct publication *p, unsigned actor)
{
    return p->due[actor].claim == CLAIM_MUST && !p->due[actor].has_arrived
           && (p->expiry_s == 0 || p->expiry_s > 60);
}

static bool is_missing_of_group(const struct publication *p)
{
    return p->group_claim == CLAIM_MUST && p->group_arrivals == 0
           && (p->expiry_s == 0 || p->expiry_s > 60);
}

unsigned model_missing(const struct model *model, unsigned actor)
{
    unsigned missing = 0;

    for (size_t i = 0; i < model->count; i++)
        missing += is_missing(model->publications[i], actor);
    return missing;
}

unsigned model_missing_of_groups(const struct model *model)
{
    unsigned missing = 0;

    for (size_t i = 0; i < model->count; i++)
        missing += is_missing_of_group(model->publications[i]);
    return missing;
}

void model_will_is_due(struct model *model, struct publication *will)
{
    for (unsigned a = 0; a < MODEL_ACTORS; a++)
        if (will->due[a].claim != CLAIM_NONE && has_certain(model, a, will->topic))
            will->due[a].claim = CLAIM_MUST;
}

void model_will_is_off(struct publication *will)
{
    will->is_still_open = false;
    for (unsigned a = 0; a < MODEL_ACTORS; a++)
        will->due[a].claim = CLAIM_NONE;
}

void model_judge(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct publication *p = model->publications[i];
        for (unsigned a = 0; a < MODEL_ACTORS; a++)
            if (is_missing(p, a))
                blame(model, FAULT_LOST, p, a, "never came");
        if (is_missing_of_group(p))
            blame(model, FAULT_LOST, p, p->publisher, "never came to the group; asked");
    }
}
