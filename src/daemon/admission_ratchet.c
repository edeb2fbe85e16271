/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_ratchet.h"

#include "base/wipe.h"
#include "codec/packet.h"
#include "daemon/exchange.h"
#include "daemon/ratchets.h"
#include "net/facts.h"

#include <stdio.h>
#include <string.h>

#define WITHOUT                                                                                 \
    "this device turns a ratchet and came without it, as one would who has a copy of its key; " \
    "tacit device release --reset-ratchet lets it begin anew"
#define REQUIRED  "this role needs a device that turns a ratchet: tacit enroll makes one"
#define UNCLEAR   "what this device says of its ratchet cannot be understood"
#define LATE      "a newer connection of this device has come"
#define UNDECIDED "the ratchet of this device could not be turned"

static bool is_name(struct mqtt_span method)
{
    return span_equal(method, span_of(RATCHET_NAME));
}

bool admission_ratchet_is_exchange(const struct admission_request *request)
{
    return request->exchange != NULL && exchange_kind_of(request->exchange) == EXCHANGE_RATCHET;
}

bool admission_ratchet_is_turned(const struct admission_rules *rules,
                                 const struct admission_request *request)
{
    const struct connection_facts *facts = request->facts;

    return rules->ratchets != NULL && facts->peer != NULL && !request->is_reauthentication
           && is_name(request->method);
}

/* Before MQTT 5 it is a user name with its password. */
bool admission_ratchet_is_implied(const struct admission_request *request)
{
    const struct mqtt_connect *connect = request->connect;

    return connect != NULL && connect->version != MQTT_VERSION_5 && connect->has_user_name
           && is_name(connect->user_name) && connect->password.len > 0;
}

/* Empty: it says nothing. */
static struct mqtt_span find_message(const struct admission_request *request)
{
    if (is_name(request->method))
        return request->data;
    return admission_ratchet_is_implied(request) ? request->connect->password
                                                 : (struct mqtt_span){ 0 };
}

static bool comes_with_one(const struct admission_request *request)
{
    return is_name(request->method) || admission_ratchet_is_implied(request);
}

static void copy_text(struct mqtt_span text, char out[RATCHET_FILE_TEXT_SIZE])
{
    size_t len = text.len < RATCHET_FILE_TEXT_SIZE ? text.len : RATCHET_FILE_TEXT_SIZE - 1;

    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
}

static void describe(const struct admission_rules *rules, const struct admission_request *request,
                     const struct registry_view_entry *entry, struct ratchet_file_entry *out)
{
    const struct connection_facts *facts = request->facts;

    (void)snprintf(out->name, sizeof(out->name), "%s", entry->name);
    memcpy(out->key_sha256, facts->peer->key_fingerprint, sizeof(out->key_sha256));
    out->since_s = rules->portrait.since_s;
    copy_text(span_of(rules->portrait.address), out->address);
    copy_text(span_of(rules->portrait.serial), out->serial);
    copy_text(request->connect->client_id, out->client_id);
}

/* Who is in already comes too late. */
static uint64_t order_of(const struct connection_facts *facts)
{
    return facts->opening != NULL ? facts->opening->accepted_ns : 0;
}

/* 0; or the text why not. */
static const char *read_message(const struct admission_request *request,
                                struct ratchets_question *out)
{
    const struct connection_facts *facts = request->facts;

    out->has_message = true;
    if (ratchet_message_decode(find_message(request), &out->message) < 0)
        return UNCLEAR;
    return facts->opening != NULL && facts->opening->stream != NULL
                   && tls_stream_export(facts->opening->stream, RATCHET_EXPORTER_LABEL,
                                        out->binding, sizeof(out->binding))
                          == 0
               ? NULL
               : UNDECIDED;
}

static enum admission ask(struct admission_rules *rules, const struct admission_request *request,
                          const struct registry_view_entry *entry, bool believes,
                          struct admission_answer *answer)
{
    const struct connection_facts *facts = request->facts;
    struct ratchets_question question = { .order = order_of(facts), .believes = believes };
    struct ratchet_turn *turn = NULL;
    int error = 0;
    const char *why = comes_with_one(request) ? read_message(request, &question) : NULL;

    if (why == NULL) {
        describe(rules, request, entry, &question.who);
        error = ratchets_ask(rules->ratchets, &question, request->client, rules->loop, &turn);
    }
    wipe_bytes(&question, sizeof(question));
    if (why != NULL)
        return admission_refuse(answer, MQTT_NOT_AUTHORIZED, why);
    if (error < 0)
        return admission_refuse(answer, MQTT_SERVER_BUSY, UNDECIDED);
    *answer = (struct admission_answer){ .exchange = turn };
    return ADMISSION_WAIT;
}

/* What is told of the one that has gone on. */
static const struct event_clone *find_fork(struct admission_rules *rules,
                                           const struct ratchet_file_entry *other)
{
    struct portrait *portrait = &rules->other;

    memset(portrait, 0, sizeof(*portrait));
    portrait->since_s = other->since_s;
    (void)snprintf(portrait->address, sizeof(portrait->address), "%.63s", other->address);
    (void)snprintf(portrait->serial, sizeof(portrait->serial), "%.63s", other->serial);
    (void)snprintf(rules->other_client_id, sizeof(rules->other_client_id), "%s", other->client_id);
    rules->fork = (struct event_clone){
        .other_client_id = span_of(rules->other_client_id),
        .other_note = { (const uint8_t *)portrait, sizeof(*portrait) },
    };
    return &rules->fork;
}

/* Told to the device, which goes on to its next step only then. */
static void accept(uint64_t turn, const struct admission_request *request,
                   struct admission_answer *answer)
{
    static const uint8_t taken = 1;

    answer->turn = turn;
    if (request->method.len > 0)
        answer->data = (struct mqtt_span){ &taken, 1 };
}

static enum admission conclude(struct admission_rules *rules,
                               const struct admission_request *request,
                               const struct ratchets_answer *found, struct admission_answer *answer)
{
    const struct connection_facts *facts = request->facts;

    if (!comes_with_one(request) && found->is_free)
        return ADMISSION_ALLOW;
    if (!comes_with_one(request))
        return admission_refuse(answer, MQTT_NOT_AUTHORIZED, WITHOUT);
    if (found->is_outdated)
        return admission_refuse(answer, MQTT_NOT_AUTHORIZED, ADMISSION_WRONG_KEY);
    switch (found->verdict) {
    case RATCHET_TAKEN:
        accept(order_of(facts), request, answer);
        return ADMISSION_ALLOW;
    case RATCHET_LATE:
        return admission_refuse(answer, MQTT_SERVER_BUSY, LATE);
    case RATCHET_FAILED:
        return admission_refuse(answer, MQTT_SERVER_BUSY, UNDECIDED);
    case RATCHET_FORKED:
    case RATCHET_AHEAD:
        break;
    }
    answer->fork = find_fork(rules, &found->other);
    return ADMISSION_ALLOW;
}

enum admission admission_ratchet_decide(struct admission_rules *rules,
                                        const struct admission_request *request,
                                        const struct registry_view_entry *entry,
                                        struct admission_answer *answer)
{
    enum policy_ratchet rule = role_options_of(answer->role)->ratchet;
    bool believes = rule == POLICY_RATCHET_OFF || answer->credential.rule == POLICY_CLONE_ALLOW;

    if (rules->ratchets == NULL || rules->is_decoy || request->connect == NULL)
        return ADMISSION_ALLOW;
    if (request->turn != 0) {
        accept(request->turn, request, answer);
        return ADMISSION_ALLOW;
    }
    if (request->exchange != NULL)
        return conclude(rules, request, ratchets_answer(request->exchange), answer);
    if (!comes_with_one(request)) {
        if (rule == POLICY_RATCHET_REQUIRED)
            return admission_refuse(answer, MQTT_NOT_AUTHORIZED, REQUIRED);
        if (believes || (!entry->is_renamed && !ratchets_know(rules->ratchets, entry->name)))
            return ADMISSION_ALLOW;
    }
    return ask(rules, request, entry, believes, answer);
}

void admission_ratchet_confirm(void *context, const struct identity *identity, uint64_t turn)
{
    struct admission_rules *rules = context;

    if (rules->ratchets != NULL && identity->device != NULL)
        ratchets_confirm(rules->ratchets, identity->device, turn, rules->loop);
}
