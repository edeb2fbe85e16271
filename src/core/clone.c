/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clone.h"

#include "core/clone_order.h"
#include "core/connect.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#define BOTH_LIVE "its key is in two places: the earlier connection gave a sign of life"
#define IN_TURNS  "its key is in two places, which keep taking over from each other"
#define FORKED    "its key and its ratchet were copied: the other has gone on with it"
#define FORKED_TEXT \
    "what this device has of its ratchet was copied, and the other has gone on with it"
#define REFUSED_TEXT "this key is in use in another place"

#define HELD_AT_ONCE 64u /* others are held when the registry says so */

struct clone_contest {
    struct sighting_ref asked[CLONE_ROUND_MAX]; /* and not answered */
    size_t count;
    bool must_ask_again;        /* somebody could not be asked in this round */
    uint64_t living;            /* the number of one that answered; 0: none did */
    bool has_displaced;         /* one went because of us, or is about to */
    struct sighting_pair *pair; /* of us and the first that was asked */
};

/* ---- the one that asks ---- */

static void contest_free(struct clone_watch *watch)
{
    struct timer_wheel *wheel = &watch->client->broker->wheel;

    wheel_cancel(wheel, &watch->timer);
    if (watch->contest != NULL)
        free(watch->contest->pair);
    free(watch->contest);
    watch->contest = NULL;
}

static void on_round_over(struct wheel_timer *timer, void *context, uint64_t now_ms);

/* What an answer leads to comes at the next advance: here somebody else is being served. */
static void hurry(struct clone_watch *watch, uint64_t now_ms)
{
    wheel_arm(&watch->client->broker->wheel, &watch->timer, now_ms, on_round_over);
}

static void strike(struct clone_contest *contest, uint64_t number)
{
    for (size_t i = 0; i < contest->count; i++) {
        if (contest->asked[i].number == number) {
            contest->asked[i] = contest->asked[--contest->count];
            return;
        }
    }
}

void clone_answered(struct broker *broker, const struct clone_order *order, uint64_t now_ms)
{
    struct clone_watch *watch = clone_order_find(broker, order->to);
    struct clone_contest *contest = watch != NULL ? watch->contest : NULL;

    if (contest == NULL || watch->client->state != CLIENT_AWAITS_VERDICT)
        return;
    strike(contest, order->from);
    if (order->word == CLONE_WORD_ALIVE)
        contest->living = order->from;
    if (order->word == CLONE_WORD_LEFT)
        contest->has_displaced = true;
    if (order->word == CLONE_WORD_LATER)
        contest->must_ask_again = true;
    if (contest->living != 0 || (contest->count == 0 && !contest->must_ask_again))
        hurry(watch, now_ms);
}

/* Asks whom it meets. False: there is nobody. */
static bool begin_round(struct clone_watch *watch, uint64_t now_ms)
{
    struct client *client = watch->client;
    struct broker *broker = client->broker;
    struct clone_contest *contest = watch->contest;
    struct sighting_ref asked[CLONE_ROUND_MAX];

    contest->count =
        sightings_meet(broker->options.shared, watch->sighting, contest->asked, CLONE_ROUND_MAX);
    if (contest->count == 0)
        return false;
    contest->must_ask_again = false;
    size_t count = contest->count;
    memcpy(asked, contest->asked, sizeof(asked));
    if (contest->pair == NULL)
        contest->pair =
            sightings_describe(broker->options.shared, watch->sighting, asked[0].number);
    client->state = CLIENT_AWAITS_VERDICT;
    wheel_arm(&broker->wheel, &watch->timer, now_ms + broker->limits.clone_probe_ms, on_round_over);
    for (size_t i = 0; i < count; i++)
        clone_order_tell(broker, CLONE_WORD_ASK, &asked[i], watch->number, now_ms);
    return true;
}

/* Those that were silent are closed. Of the same client identifier one is taken over when the
 * newcomer gets the session. */
static void dismiss_silent(struct clone_watch *watch, uint64_t now_ms)
{
    struct broker *broker = watch->client->broker;
    struct clone_contest *contest = watch->contest;

    for (size_t i = 0; i < contest->count; i++) {
        const struct sighting_ref *silent = &contest->asked[i];
        if (!sightings_dismiss(broker->options.shared, watch->sighting, silent->number))
            clone_order_tell(broker, CLONE_WORD_DISMISS, silent, watch->number, now_ms);
    }
}

/* Back to where its CONNECT was left. */
static void go_on(struct clone_watch *watch, uint64_t now_ms)
{
    struct client *client = watch->client;

    contest_free(watch);
    watch->has_passed = true;
    connect_go_on(client, now_ms);
    if (client->state != CLIENT_CLOSING && client->state != CLIENT_AWAITS_VERDICT)
        list_push_back(&client->broker->resuming, &watch->resuming);
}

/* ---- a clone ---- */

static void report(const struct clone_watch *watch, struct mqtt_span client_id,
                   const struct event_clone *found, const char *text)
{
    const struct client *client = watch->client;
    const struct event_port *port = &client->broker->options.ports.events;

    if (port->report == NULL)
        return;
    struct event_clone clone = *found;
    clone.done = watch->rule;
    const struct event event = {
        .kind = EVENT_CLONE,
        .facts = client->facts,
        .client_id = client_id,
        .identity = watch->identity,
        .text = text,
        .clone = &clone,
    };
    port->report(port->context, &event);
}

static void tell_all(struct clone_watch *watch, enum clone_word word, uint64_t now_ms)
{
    struct broker *broker = watch->client->broker;
    struct sighting_ref all[HELD_AT_ONCE];
    size_t count =
        sightings_list(broker->options.shared, watch->sighting, all, MQTT_ARRAY_LEN(all));

    for (size_t i = 0; i < count; i++)
        clone_order_tell(broker, word, &all[i], watch->number, now_ms);
}

static void find_clone(struct clone_watch *watch, const char *text, uint64_t now_ms)
{
    struct client *client = watch->client;
    struct clone_contest *contest = watch->contest;

    if (contest->living != 0) {
        struct sighting_pair *pair =
            sightings_describe(client->broker->options.shared, watch->sighting, contest->living);
        if (pair != NULL) {
            free(contest->pair);
            contest->pair = pair;
        }
    }
    if (contest->pair != NULL)
        report(watch, contest->pair->client_id, &contest->pair->clone, text);
    if (watch->rule == POLICY_CLONE_KEEP_FIRST || watch->rule == POLICY_CLONE_DROP_BOTH) {
        if (watch->rule == POLICY_CLONE_DROP_BOTH)
            tell_all(watch, CLONE_WORD_DROP, now_ms);
        contest_free(watch);
        connect_turn_away(client, MQTT_NOT_AUTHORIZED, REFUSED_TEXT);
        return;
    }
    tell_all(watch, CLONE_WORD_HOLD, now_ms);
    watch->held = CLONE_HOLD_TEXT;
    go_on(watch, now_ms);
}

static void on_round_over(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct clone_watch *watch = MQTT_CONTAINER_OF(timer, struct clone_watch, timer);
    struct broker *broker = context;
    struct clone_contest *contest = watch->contest;

    if (watch->client->state != CLIENT_AWAITS_VERDICT)
        return;
    if (contest->living != 0) {
        find_clone(watch, BOTH_LIVE, now_ms);
        return;
    }
    contest->has_displaced |= contest->count > 0;
    if (contest->has_displaced
        && sightings_take_turn(broker->options.shared, watch->sighting, now_ms)) {
        find_clone(watch, IN_TURNS, now_ms);
        return;
    }
    dismiss_silent(watch, now_ms);
    contest->has_displaced = false;
    if (!begin_round(watch, now_ms))
        go_on(watch, now_ms);
}

/* ---- coming and going ---- */

static void watch_free(struct clone_watch *watch)
{
    struct broker *broker = watch->client->broker;

    contest_free(watch);
    list_unlink(&watch->resuming);
    list_unlink(&watch->in_held);
    sightings_leave(broker->options.shared, watch->sighting);
    identity_free(watch->identity);
    free(watch);
}

static bool watch_begin(struct client *client, struct mqtt_span client_id,
                        const struct admission_answer *answer)
{
    struct broker *broker = client->broker;
    struct clone_watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL)
        return false;
    watch->client = client;
    watch->identity = identity_new(&answer->identity);
    watch->sighting = sightings_enter(broker->options.shared, broker->options.shard,
                                      &answer->credential, client_id);
    if (watch->identity == NULL || watch->sighting == NULL)
        goto fail;
    watch->number = sightings_number(watch->sighting);
    watch->by_number.key =
        (struct mqtt_span){ (const uint8_t *)&watch->number, sizeof(watch->number) };
    if (bytes_map_insert(&broker->watches, &watch->by_number) < 0)
        goto fail;
    client->watch = watch;
    return true;

fail:
    watch_free(watch);
    return false;
}

static enum clone_entry enter_held(struct client *client, uint8_t *out_reason,
                                   const char **out_text)
{
    struct broker *broker = client->broker;
    const struct clone_watch *watch = client->watch;

    if (sightings_count_held(broker->options.shared, watch->sighting)
        < broker->limits.held_connections)
        return CLONE_HELD;
    *out_reason = MQTT_QUOTA_EXCEEDED;
    *out_text = "this identity is held, and has as many connections as one that is held may have";
    return CLONE_REFUSED;
}

/* Somebody else has gone on with what it has of its ratchet: the other one may be anywhere, or
 * nowhere now. */
static enum clone_entry enter_forked(struct client *client, struct mqtt_span client_id,
                                     const struct admission_answer *answer, uint64_t now_ms,
                                     uint8_t *out_reason, const char **out_text)
{
    struct clone_watch *watch = client->watch;
    struct event_clone clone = *answer->fork;

    clone.key = answer->credential.key;
    clone.note = answer->credential.note;
    report(watch, client_id, &clone, FORKED);
    if (watch->rule == POLICY_CLONE_KEEP_FIRST || watch->rule == POLICY_CLONE_DROP_BOTH) {
        if (watch->rule == POLICY_CLONE_DROP_BOTH)
            tell_all(watch, CLONE_WORD_DROP, now_ms);
        *out_reason = MQTT_NOT_AUTHORIZED;
        *out_text = FORKED_TEXT;
        return CLONE_REFUSED;
    }
    tell_all(watch, CLONE_WORD_HOLD, now_ms);
    watch->held = CLONE_HOLD_TEXT;
    return enter_held(client, out_reason, out_text);
}

static enum clone_entry wait_for_others(struct clone_watch *watch, uint64_t now_ms)
{
    watch->contest = calloc(1, sizeof(*watch->contest));
    if (watch->contest == NULL)
        return CLONE_REFUSED;
    if (begin_round(watch, now_ms))
        return CLONE_WAITS;
    contest_free(watch);
    watch->has_passed = true;
    return CLONE_COMES_IN;
}

enum clone_entry clone_enter(struct client *client, struct mqtt_span client_id,
                             const struct admission_answer *answer, uint64_t now_ms,
                             uint8_t *out_reason, const char **out_text)
{
    bool is_allowed = answer->credential.rule == POLICY_CLONE_ALLOW && answer->held == NULL;

    *out_reason = MQTT_SERVER_BUSY;
    *out_text = "out of memory";
    if (client->watch == NULL && (answer->credential.key.len == 0 || is_allowed))
        return CLONE_COMES_IN;
    if (client->watch == NULL && !watch_begin(client, client_id, answer))
        return CLONE_REFUSED;
    struct clone_watch *watch = client->watch;
    watch->rule = answer->credential.rule;
    if (answer->fork != NULL && answer->held == NULL && watch->held == NULL)
        return enter_forked(client, client_id, answer, now_ms, out_reason, out_text);
    if (answer->held != NULL || watch->held != NULL)
        return enter_held(client, out_reason, out_text);
    return watch->has_passed ? CLONE_COMES_IN : wait_for_others(watch, now_ms);
}

void clone_settle(struct client *client)
{
    struct clone_watch *watch = client->watch;

    if (watch == NULL)
        return;
    sightings_set_state(client->broker->options.shared, watch->sighting, SIGHTING_IN);
    identity_free(watch->identity); /* the session has it */
    watch->identity = NULL;
}

void clone_forget(struct client *client, uint64_t now_ms)
{
    struct clone_watch *watch = client->watch;

    if (watch == NULL)
        return;
    bytes_map_remove(&client->broker->watches, &watch->by_number);
    clone_answer_all(watch, CLONE_WORD_LEFT, now_ms);
    client->watch = NULL;
    watch_free(watch);
}

void clone_resume(struct broker *broker)
{
    const struct transport_port *port = &broker->options.ports.transport;
    struct list *link = list_take_first(&broker->resuming);

    while (link != NULL) {
        port->resume(MQTT_CONTAINER_OF(link, struct clone_watch, resuming)->client->transport);
        link = list_take_first(&broker->resuming);
    }
}
