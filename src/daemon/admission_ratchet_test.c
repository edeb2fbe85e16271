/* SPDX-License-Identifier: Apache-2.0 */
/* The test stands where the ratchets and TLS do: what is asked of them, and what becomes of an
 * answer. */
#include "daemon/admission_ratchet.h"

#include "codec/packet.h"
#include "daemon/exchange.h"
#include "daemon/ratchets.h"
#include "net/facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ORDER 99u

struct ratchet_turn {
    enum exchange_kind kind;
    struct ratchets_answer answer;
};

struct ratchets {
    const char *known;
    int error; /* of what is asked */
    unsigned asked;
    struct ratchets_question question; /* the last one */
    struct ratchet_turn turn;
    char confirmed[64];
    uint64_t confirmed_order;
};

bool ratchets_know(struct ratchets *ratchets, const char *name)
{
    return ratchets->known != NULL && strcmp(ratchets->known, name) == 0;
}

int ratchets_ask(struct ratchets *ratchets, const struct ratchets_question *question,
                 struct client *client, struct loop *home, struct ratchet_turn **out)
{
    (void)client;
    (void)home;
    ratchets->asked++;
    ratchets->question = *question;
    ratchets->turn = (struct ratchet_turn){ .kind = EXCHANGE_RATCHET };
    *out = &ratchets->turn;
    return ratchets->error;
}

const struct ratchets_answer *ratchets_answer(const struct ratchet_turn *turn)
{
    return &turn->answer;
}

void ratchets_confirm(struct ratchets *ratchets, const char *name, uint64_t order,
                      struct loop *home)
{
    (void)home;
    (void)snprintf(ratchets->confirmed, sizeof(ratchets->confirmed), "%s", name);
    ratchets->confirmed_order = order;
}

/* A lamp that comes, with everything that is known of it. */
struct lamp {
    struct ratchets ratchets;
    struct tls_stream stream;
    struct tls_peer peer;
    struct connection_opening opening;
    struct connection_facts facts;
    struct mqtt_connect connect;
    struct admission_request request;
    struct registry_view_entry entry;
    struct admission_rules rules;
    struct policy *policy;
    uint8_t message[RATCHET_MESSAGE_BYTES];
    struct admission_answer answer;
};

int tls_stream_export(const struct tls_stream *stream, const char *label, uint8_t *out, size_t len)
{
    assert_string_equal(label, RATCHET_EXPORTER_LABEL);
    memset(out, 5, len);
    return stream->peer != NULL ? 0 : -EPROTO; /* its handshake is not over */
}

static const struct role_options plain = { .ratchet = POLICY_RATCHET_ON };

static void fill(struct lamp *lamp, const struct role_options *options, enum policy_clone clone)
{
    *lamp = (struct lamp){
        .peer = { .key_fingerprint = { 7 } },
        .connect = { .version = MQTT_VERSION_5, .client_id = span_of("lamp-2") },
        .entry = { .name = "lamp" },
        .policy = policy_new(),
        .rules = { .portrait = { .address = "192.0.2.1:4", .serial = "0a", .since_s = 12 } },
        .message = { 1 },
    };
    lamp->stream.peer = &lamp->peer;
    lamp->opening = (struct connection_opening){ .stream = &lamp->stream, .accepted_ns = ORDER };
    lamp->facts = (struct connection_facts){ .peer = &lamp->peer, .opening = &lamp->opening };
    lamp->request = (struct admission_request){ .facts = &lamp->facts, .connect = &lamp->connect };
    lamp->rules.ratchets = &lamp->ratchets;
    assert_non_null(lamp->policy);
    lamp->answer.role = policy_add_role(lamp->policy, "device", options);
    lamp->answer.credential.rule = clone;
}

static enum admission decide(struct lamp *lamp)
{
    return admission_ratchet_decide(&lamp->rules, &lamp->request, &lamp->entry, &lamp->answer);
}

static void brings(struct lamp *lamp, enum mqtt_version version)
{
    const struct mqtt_span bytes = { lamp->message, sizeof(lamp->message) };

    lamp->connect.version = version;
    lamp->request.method = lamp->request.data = (struct mqtt_span){ 0 };
    lamp->connect.has_user_name = lamp->connect.has_password = version != MQTT_VERSION_5;
    if (version == MQTT_VERSION_5) {
        lamp->request.method = span_of(RATCHET_NAME);
        lamp->request.data = bytes;
        return;
    }
    lamp->connect.user_name = span_of(RATCHET_NAME);
    lamp->connect.password = bytes;
}

/* The answer has come. */
static enum admission conclude(struct lamp *lamp, const struct ratchets_answer *found)
{
    lamp->ratchets.turn = (struct ratchet_turn){ EXCHANGE_RATCHET, *found };
    lamp->request.exchange = &lamp->ratchets.turn;
    return decide(lamp);
}

/* ---- who is asked for one ---- */

static void who_comes_without(void **state)
{
    static const struct {
        enum policy_ratchet rule;
        enum policy_clone clone;
        bool is_known;
        bool is_renamed;
        enum admission admission;
    } rows[] = {
        { POLICY_RATCHET_ON, POLICY_CLONE_HOLD, false, false, ADMISSION_ALLOW },
        { POLICY_RATCHET_ON, POLICY_CLONE_HOLD, true, false, ADMISSION_WAIT },
        { POLICY_RATCHET_ON, POLICY_CLONE_HOLD, false, true, ADMISSION_WAIT },
        { POLICY_RATCHET_ON, POLICY_CLONE_ALLOW, true, true, ADMISSION_ALLOW },
        { POLICY_RATCHET_OFF, POLICY_CLONE_HOLD, true, true, ADMISSION_ALLOW },
        { POLICY_RATCHET_REQUIRED, POLICY_CLONE_HOLD, false, false, ADMISSION_REFUSE },
        { POLICY_RATCHET_REQUIRED, POLICY_CLONE_HOLD, true, false, ADMISSION_REFUSE },
        { POLICY_RATCHET_REQUIRED, POLICY_CLONE_ALLOW, false, false, ADMISSION_REFUSE },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct lamp lamp;

        fill(&lamp, &(struct role_options){ .ratchet = rows[i].rule }, rows[i].clone);
        lamp.ratchets.known = rows[i].is_known ? "lamp" : "wall";
        lamp.entry.is_renamed = rows[i].is_renamed;
        assert_int_equal(decide(&lamp), rows[i].admission);
        assert_int_equal(lamp.ratchets.asked, rows[i].admission == ADMISSION_WAIT);
        assert_false(lamp.ratchets.question.has_message);
        policy_unref(lamp.policy);
    }
}

/* What the shards know of may have been reset since. */
static void what_becomes_of_who_came_without(void **state)
{
    struct lamp lamp;

    (void)state;
    fill(&lamp, &plain, POLICY_CLONE_HOLD);
    assert_int_equal(conclude(&lamp, &(struct ratchets_answer){ .is_free = true }),
                     ADMISSION_ALLOW);
    assert_int_equal(lamp.answer.turn, 0);
    assert_int_equal(conclude(&lamp, &(struct ratchets_answer){ .is_free = false }),
                     ADMISSION_REFUSE);
    assert_int_equal(lamp.answer.reason, MQTT_NOT_AUTHORIZED);
    assert_non_null(strstr(lamp.answer.reason_text, "came without it"));
    policy_unref(lamp.policy);
}

static void where_no_ratchet_is_looked_at(void **state)
{
    struct lamp lamp;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        fill(&lamp, &(struct role_options){ .ratchet = POLICY_RATCHET_REQUIRED },
             POLICY_CLONE_HOLD);
        if (i == 0)
            lamp.rules.ratchets = NULL;
        lamp.rules.is_decoy = i == 1;
        if (i == 2)
            lamp.request.connect = NULL; /* a re-authentication */
        assert_int_equal(decide(&lamp), ADMISSION_ALLOW);
        policy_unref(lamp.policy);
    }
}

/* ---- what is asked ---- */

static void what_it_says_is_asked_about(void **state)
{
    static const enum mqtt_version versions[] = { MQTT_VERSION_5, MQTT_VERSION_3_1_1,
                                                  MQTT_VERSION_3_1 };
    static const uint8_t binding[RATCHET_KEY_BYTES] = { 5, 5, 5 };
    struct lamp lamp;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(versions); i++) {
        fill(&lamp, &plain, POLICY_CLONE_HOLD);
        brings(&lamp, versions[i]);
        lamp.message[8] = 3;
        assert_int_equal(decide(&lamp), ADMISSION_WAIT);
        assert_ptr_equal(lamp.answer.exchange, &lamp.ratchets.turn);
        const struct ratchets_question *question = &lamp.ratchets.question;
        assert_true(question->has_message && !question->believes);
        assert_int_equal(question->message.counter, 3);
        assert_int_equal(question->order, ORDER);
        assert_memory_equal(question->binding, binding, 3);
        assert_string_equal(question->who.name, "lamp");
        assert_string_equal(question->who.client_id, "lamp-2");
        assert_string_equal(question->who.address, "192.0.2.1:4");
        assert_int_equal(question->who.key_sha256[0], 7);
        policy_unref(lamp.policy);
    }
}

static void who_is_believed(void **state)
{
    struct lamp lamp;

    (void)state;
    fill(&lamp, &(struct role_options){ .ratchet = POLICY_RATCHET_OFF }, POLICY_CLONE_HOLD);
    brings(&lamp, MQTT_VERSION_5);
    assert_int_equal(decide(&lamp), ADMISSION_WAIT);
    assert_true(lamp.ratchets.question.believes);
    policy_unref(lamp.policy);
    fill(&lamp, &(struct role_options){ .ratchet = POLICY_RATCHET_REQUIRED }, POLICY_CLONE_ALLOW);
    brings(&lamp, MQTT_VERSION_5);
    assert_int_equal(decide(&lamp), ADMISSION_WAIT);
    assert_true(lamp.ratchets.question.believes);
    policy_unref(lamp.policy);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    static const struct {
        uint8_t version;
        bool is_unfinished;
        int ask_error;
        uint8_t reason;
    } rows[] = {
        { 0, false, 0, MQTT_NOT_AUTHORIZED }, /* no message of ours */
        { 1, true, 0, MQTT_NOT_AUTHORIZED },
        { 1, false, -EAGAIN, MQTT_SERVER_BUSY },
        { 1, false, -ENOMEM, MQTT_SERVER_BUSY },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct lamp lamp;

        fill(&lamp, &plain, POLICY_CLONE_HOLD);
        brings(&lamp, MQTT_VERSION_5);
        lamp.message[0] = rows[i].version;
        lamp.stream.peer = rows[i].is_unfinished ? NULL : &lamp.peer;
        lamp.ratchets.error = rows[i].ask_error;
        assert_int_equal(decide(&lamp), ADMISSION_REFUSE);
        assert_int_equal(lamp.answer.reason, rows[i].reason);
        policy_unref(lamp.policy);
    }
}

/* Another's method, and a user name in MQTT 5, are none. */
static void what_is_no_ratchet(void **state)
{
    struct lamp lamp;

    (void)state;
    fill(&lamp, &plain, POLICY_CLONE_HOLD);
    brings(&lamp, MQTT_VERSION_5);
    assert_true(admission_ratchet_is_turned(&lamp.rules, &lamp.request));
    lamp.request.is_reauthentication = true;
    assert_false(admission_ratchet_is_turned(&lamp.rules, &lamp.request));
    lamp.request.is_reauthentication = false;
    lamp.facts.peer = NULL;
    assert_false(admission_ratchet_is_turned(&lamp.rules, &lamp.request));
    lamp.facts.peer = &lamp.peer;
    lamp.request.method = span_of("tacit-ratchet-2");
    assert_false(admission_ratchet_is_turned(&lamp.rules, &lamp.request));
    brings(&lamp, MQTT_VERSION_3_1_1);
    lamp.connect.version = MQTT_VERSION_5;
    assert_int_equal(decide(&lamp), ADMISSION_ALLOW);
    assert_int_equal(lamp.ratchets.asked, 0);
    policy_unref(lamp.policy);
}

/* ---- what becomes of an answer ---- */

static void one_that_was_taken_is_let_in(void **state)
{
    struct lamp lamp;

    (void)state;
    fill(&lamp, &plain, POLICY_CLONE_HOLD);
    brings(&lamp, MQTT_VERSION_5);
    assert_int_equal(conclude(&lamp, &(struct ratchets_answer){ .verdict = RATCHET_TAKEN }),
                     ADMISSION_ALLOW);
    assert_int_equal(lamp.answer.turn, ORDER);
    assert_true(span_equal(lamp.answer.data, span_of("\1")));
    /* It has waited for something else since. */
    lamp.request.exchange = NULL;
    lamp.request.turn = ORDER;
    lamp.answer.turn = 0;
    assert_int_equal(decide(&lamp), ADMISSION_ALLOW);
    assert_int_equal(lamp.answer.turn, ORDER);
    assert_int_equal(lamp.ratchets.asked, 0);
    /* Before MQTT 5 there is nothing to say it with. */
    brings(&lamp, MQTT_VERSION_3_1_1);
    lamp.answer.data = (struct mqtt_span){ 0 };
    assert_int_equal(decide(&lamp), ADMISSION_ALLOW);
    assert_int_equal(lamp.answer.data.len, 0);
    policy_unref(lamp.policy);
}

static void one_that_was_left_behind_is_told_of(void **state)
{
    static const enum ratchet_verdict verdicts[] = { RATCHET_FORKED, RATCHET_AHEAD };
    struct ratchets_answer found = {
        .other = { .address = "198.51.100.9:1", .serial = "0b", .client_id = "copy", .since_s = 34 }
    };
    struct portrait portrait;
    struct lamp lamp;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(verdicts); i++) {
        fill(&lamp, &plain, POLICY_CLONE_HOLD);
        brings(&lamp, MQTT_VERSION_5);
        found.verdict = verdicts[i];
        assert_int_equal(conclude(&lamp, &found), ADMISSION_ALLOW);
        assert_int_equal(lamp.answer.turn, 0);
        assert_non_null(lamp.answer.fork);
        assert_true(span_equal(lamp.answer.fork->other_client_id, span_of("copy")));
        memcpy(&portrait, lamp.answer.fork->other_note.data, sizeof(portrait));
        assert_string_equal(portrait.address, "198.51.100.9:1");
        assert_string_equal(portrait.serial, "0b");
        assert_int_equal(portrait.since_s, 34);
        policy_unref(lamp.policy);
    }
}

static void others_are_refused_without_an_alarm(void **state)
{
    static const struct {
        struct ratchets_answer found;
        uint8_t reason;
    } rows[] = {
        { { .verdict = RATCHET_LATE }, MQTT_SERVER_BUSY },
        { { .verdict = RATCHET_FAILED }, MQTT_SERVER_BUSY },
        { { .verdict = RATCHET_FAILED, .is_outdated = true }, MQTT_NOT_AUTHORIZED },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct lamp lamp;

        fill(&lamp, &plain, POLICY_CLONE_HOLD);
        brings(&lamp, MQTT_VERSION_5);
        assert_int_equal(conclude(&lamp, &rows[i].found), ADMISSION_REFUSE);
        assert_int_equal(lamp.answer.reason, rows[i].reason);
        assert_null(lamp.answer.fork);
        policy_unref(lamp.policy);
    }
}

static void a_confirmation_is_passed_on(void **state)
{
    struct lamp lamp;

    (void)state;
    fill(&lamp, &plain, POLICY_CLONE_HOLD);
    admission_ratchet_confirm(&lamp.rules, &(struct identity){ .device = NULL }, 1);
    assert_string_equal(lamp.ratchets.confirmed, "");
    admission_ratchet_confirm(&lamp.rules, &(struct identity){ .device = "lamp" }, ORDER);
    assert_string_equal(lamp.ratchets.confirmed, "lamp");
    assert_int_equal(lamp.ratchets.confirmed_order, ORDER);
    policy_unref(lamp.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_without),
        cmocka_unit_test(what_becomes_of_who_came_without),
        cmocka_unit_test(where_no_ratchet_is_looked_at),
        cmocka_unit_test(what_it_says_is_asked_about),
        cmocka_unit_test(who_is_believed),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(what_is_no_ratchet),
        cmocka_unit_test(one_that_was_taken_is_let_in),
        cmocka_unit_test(one_that_was_left_behind_is_told_of),
        cmocka_unit_test(others_are_refused_without_an_alarm),
        cmocka_unit_test(a_confirmation_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
