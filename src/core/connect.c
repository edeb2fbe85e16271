/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT: who is it, may it, which session. MQTT 5.0 sections 3.1.4 and 4.12. */
#include "core/connect.h"

#include "base/invariant.h"
#include "codec/connect.h"
#include "codec/disconnect.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "core/allowance.h"
#include "core/authentication.h"
#include "core/client.h"
#include "core/clone.h"
#include "core/connack.h"
#include "core/connect_keep.h"
#include "core/dispatch.h"
#include "core/encode.h"
#include "core/hold.h"
#include "core/pressure.h"
#include "core/sensed.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/watch.h"

#include <errno.h>

enum mqtt_status connect_refuse(struct client *client, const struct mqtt_connect *connect,
                                uint8_t reason, const char *text, const char *server_reference)
{
    struct event event = { .kind = EVENT_REFUSED, .reason = reason, .text = text };

    client->broker->stats.connects_refused++;
    sensed_refused(client, reason);
    if (connect != NULL)
        event.claimed_id = connect->client_id;
    client_tell(client, &event);
    connack_refuse(client, reason, text, server_reference);
    client_doom(client, 0, text);
    return MQTT_OK;
}

/* A CONNECT that breaks a rule: MQTT 5 is told why; before, only an unacceptable
 * protocol version has an answer, all else just closes. [MQTT-3.1.4-1] [MQTT-3.1.2-2] */
static enum mqtt_status refuse_malformed(struct client *client, enum mqtt_version version,
                                         enum mqtt_status status)
{
    bool wrong_version = status == MQTT_ERR_PROTOCOL_VERSION;

    client->version = version;
    if (version == MQTT_VERSION_NONE && wrong_version)
        client->version = MQTT_VERSION_3_1_1;
    if (client->version == MQTT_VERSION_5 || wrong_version)
        return connect_refuse(client, NULL, mqtt_status_reason(status), mqtt_status_text(status),
                              NULL);
    return status;
}

/* Rules that need more than the packet's syntax. MQTT_SUCCESS, or the reason. */
static uint8_t judge(const struct client *client, const struct mqtt_connect *connect,
                     const char **out_text)
{
    const struct limits *limits = &client->broker->limits;
    const struct mqtt_will *will = &connect->will;

    *out_text = NULL;
    if (connect->client_id.len > limits->client_id_bytes) {
        *out_text = "client identifier is too long";
        return MQTT_CLIENT_IDENTIFIER_NOT_VALID;
    }
    if (connect->client_id.len == 0
        && (connect->version == MQTT_VERSION_3_1
            || (connect->version == MQTT_VERSION_3_1_1 && !connect->clean_start))) {
        /* [MQTT-3.1.3-8] of 3.1.1; MQTT 3.1 wants at least one character. */
        *out_text = "an empty client identifier needs a clean session";
        return MQTT_CLIENT_IDENTIFIER_NOT_VALID;
    }
    if (!connect->has_will)
        return MQTT_SUCCESS;
    if (!mqtt_topic_name_is_valid(will->topic)
        || mqtt_topic_levels(will->topic) > limits->topic_levels) {
        *out_text = "will topic is not a valid topic name";
        return MQTT_TOPIC_NAME_INVALID;
    }
    if (will->payload_is_utf8 && !mqtt_utf8_is_valid(will->payload)) {
        *out_text = "will payload is not UTF-8 as its format indicator says";
        return MQTT_PAYLOAD_FORMAT_INVALID;
    }
    return MQTT_SUCCESS;
}

static void take_over_settings(struct client *client, const struct mqtt_connect *connect)
{
    const struct limits *limits = &client->broker->limits;
    uint64_t keep_alive_s = connect->keep_alive_s;

    client->version = connect->version;
    client->request_problem = connect->request_problem;
    client->connect_expiry_s = connect->session_expiry_s;
    client->maximum_packet = connect->maximum_packet_size;
    client->send_quota = (uint16_t)(connect->receive_maximum < limits->inflight_messages
                                        ? connect->receive_maximum
                                        : limits->inflight_messages);
    client->topic_alias_maximum = (uint16_t)(connect->topic_alias_maximum < limits->topic_alias_out
                                                 ? connect->topic_alias_maximum
                                                 : limits->topic_alias_out);
    if (limits->keep_alive_s > 0 && (keep_alive_s == 0 || keep_alive_s > limits->keep_alive_s))
        keep_alive_s = limits->keep_alive_s;
    client->keep_alive_ms = (uint32_t)(keep_alive_s * 1500); /* [MQTT-3.1.2-22] */
}

/* Another identity wants its client id, and is not to be kept from it by one that is barred. */
static void forget_barred(struct session *session, uint64_t now_ms)
{
    will_clear(session);
    session->expiry_s = 0;
    if (session->client != NULL)
        client_evict(session->client, MQTT_ADMINISTRATIVE_ACTION, "this identity is barred",
                     now_ms);
    else
        session_end(session, now_ms);
}

/* The session of this client id, cut off from whoever has it now. NULL: there is
 * none, or it had to end. `*out_reason` is set when the session is another's. */
static struct session *find_session(struct client *client, struct mqtt_span id,
                                    const struct admission_answer *answer, bool clean_start,
                                    uint64_t now_ms, uint8_t *out_reason)
{
    const struct identity *identity = &answer->identity;
    const struct role *role = answer->role;
    struct session *session = session_find(client->broker, id);

    *out_reason = MQTT_SUCCESS;
    if (session == NULL)
        return NULL;
    if (!identity_equal(session->identity, identity)) {
        if (!session_is_barred(session)) {
            *out_reason = MQTT_CLIENT_IDENTIFIER_NOT_VALID;
            return NULL;
        }
        forget_barred(session, now_ms);
        return NULL;
    }
    if (session->client != NULL) {
        client_report(session->client, EVENT_TAKEN_OVER, MQTT_SESSION_TAKEN_OVER, NULL,
                      (struct mqtt_span){ 0 });
        /* [MQTT-3.1.4-3] */
        client_evict(session->client, MQTT_SESSION_TAKEN_OVER, "session taken over", now_ms);
        session = session_find(client->broker, id); /* it may have ended with its connection */
    }
    if (session != NULL && clean_start) {
        session_end(session, now_ms); /* [MQTT-3.1.2-4] */
        return NULL;
    }
    if (session != NULL && !session_admit(session, role)) {
        session_discard(session); /* what it holds lies in another topic space */
        return NULL;
    }
    return session;
}

static bool client_id_fits(const struct mqtt_span id, const struct admission_answer *answer)
{
    if (!answer->client_id_is_bound || answer->identity.device == NULL || id.len == 0)
        return true;
    return span_starts_with(id, span_of(answer->identity.device));
}

static void observe_will(const struct client *client, const struct mqtt_connect *connect,
                         const struct admission_answer *answer, bool allowed)
{
    const struct observe_port *port = &client->broker->options.ports.observe;

    if (port->note != NULL)
        port->note(port->context, &answer->identity, POLICY_PUBLISH, connect->will.topic, allowed);
}

/* The will must be allowed now; it is asked again when it is published. NULL, or why not. */
static const char *will_objection(const struct client *client, const struct mqtt_connect *connect,
                                  const struct admission_answer *answer)
{
    const struct mqtt_will *will = &connect->will;

    if (!connect->has_will)
        return NULL;
    struct policy_publish judgement =
        policy_decide_publish(answer->role, &answer->identity, will->topic);
    observe_will(client, connect, answer, judgement.verdict == POLICY_ALLOW);
    return policy_publish_objection(&judgement, (uint8_t)will->qos, will->retain,
                                    will->payload.len);
}

/* As CONNACK will tell it. */
static void take_rights(struct client *client, const struct role *role)
{
    client->maximum_qos = role != NULL ? role_maximum_qos(role) & 3u : 0;
    client->may_retain = role != NULL && role_may_retain(role);
}

static int take_turn(struct client *client, const struct admission_answer *answer)
{
    client->has_turn = false;
    if (answer->turn == 0)
        return 0;
    struct client_aside *aside = client_aside(client);
    if (aside == NULL)
        return -ENOMEM;
    aside->turn = answer->turn;
    client->has_turn = true;
    return 0;
}

/* The rules of the session for the one who now has it. */
static int settle(struct client *client, struct session *session,
                  const struct mqtt_connect *connect, const struct admission_answer *answer)
{
    take_rights(client, answer->role);
    session->expiry_s = connect_keep_expiry(client, connect);
    will_clear(session); /* [MQTT-3.1.3-9] a delayed one is not sent any more */
    if (session_thaw(session) < 0 || (connect->has_will && will_set(session, &connect->will) < 0))
        return -ENOMEM;
    return take_turn(client, answer);
}

/* It comes in, but gets no session. */
static enum mqtt_status accept_held(struct client *client, const struct mqtt_connect *connect,
                                    const struct admission_answer *answer, uint64_t now_ms)
{
    uint8_t memory[SESSION_ASSIGNED_BYTES];
    bool is_assigned = connect->client_id.len == 0;
    const struct connack_session session = {
        .client_id = is_assigned ? session_assign_id(client->broker, memory) : connect->client_id,
        .expiry_s = connect_keep_expiry(client, connect),
        .id_is_assigned = is_assigned,
    };

    take_rights(client, answer->role);
    if (take_turn(client, answer) < 0
        || hold_newcomer(client, session.client_id, answer, now_ms) < 0)
        return connect_refuse(client, connect, MQTT_SERVER_BUSY, "out of memory", NULL);
    connack_accept(client, connect, answer, &session);
    return MQTT_OK;
}

static enum mqtt_status accept(struct client *client, const struct mqtt_connect *connect,
                               const struct admission_answer *answer, uint64_t now_ms)
{
    uint8_t memory[SESSION_ASSIGNED_BYTES];
    uint8_t reason;
    client->durability = connect_keep_level(client, answer->role);
    const char *objection = connect_keep_objection(client, connect, &reason);
    if (objection != NULL)
        return connect_refuse(client, connect, reason, objection, NULL);
    bool is_assigned = connect->client_id.len == 0;
    struct mqtt_span id =
        is_assigned ? session_assign_id(client->broker, memory) : connect->client_id;
    const struct journal_mark before = journal_mark(client->broker);
    struct session *session =
        find_session(client, id, answer, connect->clean_start, now_ms, &reason);
    bool is_present = session != NULL;

    if (reason != MQTT_SUCCESS)
        return connect_refuse(client, connect, reason,
                              "this client identifier belongs to another identity", NULL);
    if (session == NULL && pressure_is(client->broker, PRESSURE_NEWCOMERS))
        return connect_refuse(client, connect, MQTT_SERVER_BUSY, "the broker is short of memory",
                              NULL);
    if (session == NULL)
        session = session_new(client->broker, id, &answer->identity, answer->role);
    if (session == NULL)
        return connect_refuse(client, connect, MQTT_QUOTA_EXCEEDED, "no room for another session",
                              NULL);
    if (settle(client, session, connect, answer) < 0) {
        session_detach(session, now_ms);
        return connect_refuse(client, connect, MQTT_SERVER_BUSY, "out of memory", NULL);
    }
    client_activate(client, session, now_ms);
    clone_settle(client);
    connect_keep_session(client, connect);
    connect_keep_hold(client, &before);
    const struct connack_session given = { session_client_id(session), session->expiry_s,
                                           is_assigned, is_present };
    connack_accept(client, connect, answer, &given);
    client_report(client, EVENT_CONNECTED, MQTT_SUCCESS, NULL, (struct mqtt_span){ 0 });
    watch_will(client, connect);
    session_resume(session, now_ms);
    return MQTT_OK;
}

/* Unless its key is somewhere else, too. */
static enum mqtt_status accept_alone(struct client *client, const struct mqtt_connect *connect,
                                     const struct admission_answer *answer, uint64_t now_ms)
{
    uint8_t reason;
    const char *text;

    switch (clone_enter(client, connect->client_id, answer, now_ms, &reason, &text)) {
    case CLONE_REFUSED:
        break;
    case CLONE_WAITS:
        return MQTT_OK;
    case CLONE_HELD:
        return accept_held(client, connect, answer, now_ms);
    case CLONE_COMES_IN:
        return accept(client, connect, answer, now_ms);
    }
    return connect_refuse(client, connect, reason, text, NULL);
}

static enum mqtt_status on_answer(struct client *client, const struct mqtt_connect *connect,
                                  enum admission admission, struct admission_answer *answer,
                                  uint64_t now_ms)
{
    if (admission == ADMISSION_REFUSE)
        return connect_refuse(client, connect,
                              answer->reason != 0 ? answer->reason : MQTT_NOT_AUTHORIZED,
                              answer->reason_text, answer->server_reference);
    if (!allowance_connect(client, connect->client_id, answer, now_ms))
        return connect_refuse(client, connect, MQTT_CONNECTION_RATE_EXCEEDED,
                              "it connects too often", NULL);
    if (!client_id_fits(connect->client_id, answer))
        return connect_refuse(client, connect, MQTT_CLIENT_IDENTIFIER_NOT_VALID,
                              "client identifier must start with the device's name", NULL);
    if (connect->has_will && answer->role != NULL
        && connect->will.qos > role_maximum_qos(answer->role))
        return connect_refuse(client, connect, MQTT_QOS_NOT_SUPPORTED,
                              "QoS of the will is not allowed", NULL);
    if (will_objection(client, connect, answer) != NULL)
        return connect_refuse(client, connect, MQTT_NOT_AUTHORIZED,
                              "not allowed to publish the will", NULL);
    return accept_alone(client, connect, answer, now_ms);
}

static enum mqtt_status continue_authentication(struct client *client,
                                                struct admission_answer *answer)
{
    client->authentication->exchange = answer->exchange;
    client->authentication->is_under_way = true;
    client->state = CLIENT_AWAITS_AUTH;
    encode_auth(client, MQTT_CONTINUE_AUTHENTICATION, authentication_method(client), answer->data);
    return MQTT_OK;
}

static enum mqtt_status await_verdict(struct client *client, struct admission_answer *answer)
{
    client->authentication->exchange = answer->exchange;
    client->authentication->is_under_way = false;
    client->state = CLIENT_AWAITS_VERDICT;
    return MQTT_OK;
}

enum mqtt_status connect_follow(struct client *client, const struct mqtt_connect *connect,
                                enum admission admission, struct admission_answer *answer,
                                uint64_t now_ms)
{
    bool has_method = authentication_method(client).len > 0;
    enum mqtt_status status;

    if (admission == ADMISSION_CONTINUE && has_method)
        return continue_authentication(client, answer);
    if (admission == ADMISSION_WAIT)
        return await_verdict(client, answer);
    if (client->authentication != NULL) {
        client->authentication->exchange = NULL; /* it is over, whatever follows */
        client->authentication->turn = answer->turn;
    }
    /* [MQTT-4.12.0-6]: no method, no AUTH */
    status = on_answer(client, connect, admission == ADMISSION_ALLOW ? admission : ADMISSION_REFUSE,
                       answer, now_ms);
    if (client->state != CLIENT_AWAITS_VERDICT)
        authentication_settle(client);
    return status;
}

enum mqtt_status on_connect(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    struct mqtt_connect connect = { 0 };
    struct admission_answer answer = { 0 };
    const char *text;
    enum mqtt_status status = mqtt_connect_decode(frame->body, &connect);

    if (status != MQTT_OK)
        return refuse_malformed(client, connect.version, status);
    take_over_settings(client, &connect);
    uint8_t reason = judge(client, &connect, &text);
    if (reason != MQTT_SUCCESS)
        return connect_refuse(client, &connect, reason, text, NULL);

    const struct admission_request request = {
        .client = client,
        .facts = client->facts,
        .connect = &connect,
        .method = connect.authentication_method,
        .data = connect.authentication_data,
    };
    if (connect.has_authentication_method
        && authentication_begin(client, connect.authentication_method, frame->body) < 0)
        return connect_refuse(client, &connect, MQTT_SERVER_BUSY, "out of memory", NULL);
    enum admission admission = port->decide(port->context, &request, &answer);
    bool may_wait = admission == ADMISSION_WAIT
                    || (admission == ADMISSION_ALLOW && answer.credential.key.len > 0);
    if (may_wait && client->authentication == NULL
        && authentication_begin(client, (struct mqtt_span){ 0 }, frame->body) < 0) {
        if (admission == ADMISSION_WAIT)
            port->abandon(port->context, answer.exchange);
        return connect_refuse(client, &connect, MQTT_SERVER_BUSY, "out of memory", NULL);
    }
    return connect_follow(client, &connect, admission, &answer, now_ms);
}

enum mqtt_status on_connect_auth(struct client *client, const struct mqtt_frame *frame,
                                 uint64_t now_ms)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    struct authentication *a = client->authentication;
    struct admission_answer answer = { .exchange = a->exchange };
    struct mqtt_connect connect = { 0 };
    struct mqtt_auth auth;
    enum mqtt_status status = mqtt_auth_decode(frame->body, &auth);

    if (status == MQTT_OK
        && (auth.reason != MQTT_CONTINUE_AUTHENTICATION
            || !span_equal(auth.method, authentication_method(client))))
        status = MQTT_ERR_PROTOCOL; /* [MQTT-4.12.0-3] [MQTT-4.12.0-5] */
    if (status == MQTT_OK)
        status = mqtt_connect_decode(authentication_connect(client), &connect);
    if (status != MQTT_OK)
        return connect_refuse(client, NULL, mqtt_status_reason(status), mqtt_status_text(status),
                              NULL);

    const struct admission_request request = {
        .client = client,
        .facts = client->facts,
        .connect = &connect,
        .method = auth.method,
        .data = auth.data,
        .exchange = a->exchange,
    };
    enum admission admission = port->decide(port->context, &request, &answer);
    return connect_follow(client, &connect, admission, &answer, now_ms);
}
