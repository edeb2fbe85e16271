/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of sensing.h: who is watched, and the places in the core where it is told what they do.
 * Private to the core.
 *
 * Owner: the shard. What is called for messages begins with a look at session.sensed, which is NULL
 * for whoever is not watched; nothing is looked up or allocated there. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "base/list.h"
#include "base/timer_wheel.h"
#include "codec/publish.h"
#include "core/client.h"
#include "core/route.h"
#include "core/sensing.h"
#include "core/session.h"
#include "sense/crowd.h"
#include "sense/device.h"
#include "sense/flow.h"
#include "sense/group.h"
#include "sense/value.h"

#define SENSED_VERDICTS     2u /* attacking and attacked */
#define SENSED_HEADER_BYTES 2u /* of the length of a topic */

/* One role, by its name, whatever policy it is of. */
struct sensed_role {
    struct bytes_node by_name;
    struct list members; /* struct sensed.in_role */
    uint32_t here;       /* of them, those that are looked at */
    uint32_t surprised[SENSED_VERDICTS];
    uint32_t windows;  /* closed in this phase */
    uint64_t phase_ms; /* when this phase began; the broker's time, for differences */
    uint64_t learn_ms; /* so long it stays in SENSE_LEARN; 0: as the options say */
    uint64_t group_ms; /* when groups are counted next; the detector's time */
    struct sense_group groups[SENSED_VERDICTS];
    struct sense_role model;
    char name[];
};

/* What is done about an identity: sensing_respond.h. */
struct sensed_response {
    struct policy_rate messages; /* while it is throttled; count 0: no bound */
    struct policy_rate bytes;
    float compared;        /* sensing_reach() when it was last held against its group */
    float reach;           /* the most bits so far that no throttle takes away */
    uint16_t window;       /* number of the last one that was looked at */
    uint8_t signs;         /* windows in which they became more */
    bool is_called : 1;    /* an alarm of it alone was told */
    bool is_throttled : 1; /* or would be */
    bool is_dry : 1;
    bool is_protected : 1;
    bool is_over : 1;  /* nothing more follows until it is calm */
    bool was_full : 1; /* it was told that its role's share is used up */
};

/* One identity. */
struct sensed {
    struct bytes_node by_name; /* allowance_owner() */
    struct list in_looked;     /* while it is looked at */
    struct list idle;          /* while it is not connected */
    struct list in_role;
    struct sensing *sensing;
    struct sensed_role *role;
    struct session *session;      /* connected; of several the last one; NULL: none */
    uint32_t connected;           /* sessions */
    bool counts[SENSED_VERDICTS]; /* among role.surprised */
    float attacking;              /* bits, when it was last looked at */
    float attacked;
    bool is_ousted;     /* its connection had to give way to another one of it */
    uint64_t left_ms;   /* when the last one went; the detector's time */
    uint64_t ousted_ms; /* when that was last from another place; likewise */
    struct sensed_response response;
    struct sense_device device;
    uint8_t name[];
};

struct sensing {
    struct broker *broker;
    struct sensing_options options;
    uint64_t factor;   /* from the broker's time to the detector's: 1/65536 */
    uint64_t asked_ms; /* the broker's time that was turned into the detector's last */
    uint64_t latest_ms;
    struct bytes_map devices;
    struct bytes_map roles;
    struct list looked; /* the one that was looked at the longest ago first */
    struct list idle;   /* the one that went the longest ago first */
    size_t looked_count;
    struct wheel_timer timer;
    uint64_t second_ms;           /* the detector's */
    uint64_t since_ms;            /* the broker's; for differences, as it may be before its 0 */
    uint32_t effort;              /* in this second */
    struct sense_member *members; /* scratch */
    size_t members_room;
    struct sense_sources sources;
    /* Adds up messages while a client is read; `running` is whose they are, NULL: there are none. */
    struct sense_run run;
    struct sensed *running;
};

/* The detector's time. It has a window of five seconds, and the broker has limits.sense_window_ms;
 * and it must not see time go back, while `now_ms` may be that of an earlier packet. */
static inline uint64_t sensing_ms(struct sensing *sensing, uint64_t now_ms)
{
    if (MQTT_LIKELY(now_ms == sensing->asked_ms)) /* what is read at once has one time */
        return sensing->latest_ms;
    uint64_t ms = now_ms * sensing->factor >> 16;
    sensing->asked_ms = now_ms;
    if (ms > sensing->latest_ms)
        sensing->latest_ms = ms;
    return sensing->latest_ms;
}

/* ---- whom it watches ---- */

/* The role of that name, made when there is room for it; NULL: there is none. */
struct sensed_role *sensing_role_at(struct sensing *sensing, struct mqtt_span name,
                                    uint64_t now_ms);

/* An identity of which something is known already, and that is not here; nothing is done when it is
 * known otherwise, or there is no room. */
void sensing_know(struct sensing *sensing, struct mqtt_span name, struct sensed_role *role,
                  const struct sense_device *device);

/* From now on this is what is known of it, and nothing of what it does at present; where it came from
 * is forgotten. Of one that is not here, and of which nothing is known then, nothing is left. */
void sensing_renew(struct sensing *sensing, struct sensed *sensed,
                   const struct sense_device *device, uint64_t now_ms);

/* The session's client has come: is it watched? */
void sensing_follow(struct session *session, uint64_t now_ms);

/* The same for one that has another role, or may have. */
void sensing_take_in(struct session *session);

/* Its client goes. */
void sensing_leave(struct session *session, uint64_t now_ms);

/* Its client is held (hold.h): what it does from now on is not seen, and says nothing. */
void sensing_hold(struct session *session, uint64_t now_ms);

/* The broker goes. NULL is fine. */
void sensing_free(struct sensing *sensing);

/* ---- what they do ---- */

/* Books what `running` has published. Before anything else that has to do with an identity, and when its client
 * was read. NULL is fine. */
static inline void sensing_settle(struct sensing *sensing)
{
    if (sensing == NULL || sensing->running == NULL)
        return;
    sense_run_end(&sensing->run, &sensing->running->device);
    sensing->running = NULL;
}

MQTT_HOT void sensed_note_publish(struct sensed *sensed, const struct mqtt_publish *publish,
                                  struct route *route, uint64_t now_ms);
void sensed_note_delivered(struct sensed *sensed, unsigned messages, bool is_echo, uint64_t now_ms);

/* What an event of the detector has as its size. */
static inline uint32_t sensed_bytes(const struct mqtt_publish *publish)
{
    return (uint32_t)(SENSED_HEADER_BYTES + publish->topic.len + publish->payload.len);
}

static MQTT_INLINED void sensed_publish(const struct session *session,
                                        const struct mqtt_publish *publish, struct route *route,
                                        uint64_t now_ms)
{
    struct sensed *sensed = session->sensed;

    if (sensed == NULL
        || (sensed == sensed->sensing->running && !publish->retain
            && !sense_value_may_be(publish->payload)
            && sense_run_take(&sensed->sensing->run, route->sense_bit, sensed_bytes(publish))))
        return;
    sensed_note_publish(sensed, publish, route, now_ms);
}

/* The client is sent a message; `is_echo`: one that it has published itself. Counted here, and booked by sensed_sent()
 * when the transport takes from the outbox: nobody answers what waits in it. */
static inline void sensed_delivered(struct client *client, bool is_echo)
{
    if (client->session->sensed == NULL)
        return;
    client->told = (uint16_t)(client->told + (client->told < UINT16_MAX));
    client->told_news |= !is_echo;
}

static inline void sensed_sent(struct client *client, uint64_t now_ms)
{
    unsigned messages = client->told;
    bool is_echo = !client->told_news;

    if (messages == 0)
        return;
    client->told = 0;
    client->told_news = false;
    struct sensed *sensed = client->session != NULL ? client->session->sensed : NULL;
    if (sensed != NULL && MQTT_UNLIKELY(!sense_flow_delivered(&sensed->device, messages, is_echo)))
        sensed_note_delivered(sensed, messages, is_echo, now_ms);
}

/* A client was let in: follows. */
void sensed_connect(struct client *client, uint64_t now_ms);

/* It parts from its session. */
void sensed_disconnect(const struct client *client, uint64_t now_ms);

/* A filter was granted, as the client wrote it; or the policy refused it, or a PUBLISH. */
void sensed_subscribe(const struct session *session, struct mqtt_span filter, uint64_t now_ms);
void sensed_denied(const struct session *session, bool is_subscribe, uint64_t now_ms);

/* A packet broke a rule: of the identity, or of the place when there is none yet. */
void sensed_error(const struct client *client);

/* CONNECT was refused. Only what speaks against the one who sent it counts. */
void sensed_refused(const struct client *client, uint8_t reason);

/* ---- looking: sensing_look.c ---- */

/* Weighs what the identity has done so far, and tells if it is time. */
void sensing_look(struct sensing *sensing, struct sensed *sensed, uint64_t now_ms);

/* Forgets what it does at present: it is not looked at any more. */
void sensing_look_away(struct sensing *sensing, struct sensed *sensed);

/* Who it is, how it stands, and the SENSE_REASONS for that, in `reasons`. */
void sensing_describe(const struct sensed *sensed, const struct sense_standing *standing,
                      struct sense_reason *reasons, struct sensing_notice *out);

/* The role is in that phase from now on: what its devices do at present says nothing in it. */
void sensing_enter(struct sensing *sensing, struct sensed_role *role, enum sense_phase phase,
                   uint64_t now_ms);

void sensing_look_start(struct sensing *sensing, uint64_t now_ms);
