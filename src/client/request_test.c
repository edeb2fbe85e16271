/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, answers, and answers that do not come. */
#include "client/stand.h"

#include <tacit/request.h>

#define CALLS 2

struct office {
    struct stand stand;
    struct tacit_call calls[CALLS];
    struct tacit_requester requester;
    uint8_t next; /* what the next correlation consists of */
    bool no_random;
};

static int count_up(void *context, void *out, size_t len)
{
    struct office *office = context;
    memset(out, office->next, len);
    office->next++;
    return office->no_random ? -1 : 0;
}

static int setup(void **state)
{
    struct office *office = calloc(1, sizeof(*office));
    stand_init(&office->stand);
    office->next = 0x41;
    office->stand.config.random = count_up;
    office->stand.config.random_context = office;
    *state = office;
    return 0;
}

static int teardown(void **state)
{
    struct office *office = *state;
    stand_fini(&office->stand);
    free(office);
    return 0;
}

static enum tacit_event_type office_poll(struct office *office)
{
    struct stand *stand = &office->stand;
    stand->sleep_ms = tacit_requester_poll(&office->requester, stand->now_ms, &stand->event);
    return stand->event.type;
}

static void open_office(struct office *office)
{
    stand_connect(&office->stand, CONNACK_5);
    assert_int_equal(tacit_requester_init(&office->requester, office->stand.client, office->calls,
                                          CALLS, TEXT("r")),
                     TACIT_OK);
    stand_expect(&office->stand, "82 07 0001 00 0001 72 01");
    stand_feed(&office->stand, "90 04 0001 00 01");
    assert_int_equal(office_poll(office), TACIT_EVENT_SUBSCRIBED);
}

static uint32_t ask(struct office *office, uint8_t qos, uint32_t timeout_ms)
{
    const struct tacit_message message = { .topic = TACIT_LITERAL("q"),
                                           .payload = TACIT_LITERAL("?"),
                                           .qos = qos };
    uint32_t token = 0;
    assert_int_equal(tacit_request(&office->requester, &message, timeout_ms, &token), TACIT_OK);
    return token;
}

#define ANSWER(byte) "30 10 0001 72 0b 09 0008" byte byte byte byte byte byte byte byte "21"

static void an_answer_finds_its_request(void **state)
{
    struct office *office = *state;
    open_office(office);
    uint32_t first = ask(office, 0, 1000);
    stand_expect(&office->stand, "30 14 0001 71 0f 08 0001 72 09 0008 4141414141414141 3f");
    uint32_t second = ask(office, 0, 1000);
    const struct tacit_message third = { .topic = TACIT_LITERAL("q") };
    assert_int_equal(tacit_request(&office->requester, &third, 1, NULL), TACIT_FULL);
    stand_settle(&office->stand);
    stand_feed(&office->stand, ANSWER("42"));
    stand_feed(&office->stand, ANSWER("41"));
    stand_feed(&office->stand, ANSWER("41"));
    assert_int_equal(office_poll(office), TACIT_EVENT_RESPONSE);
    assert_int_equal(office->stand.event.token, second);
    stand_assert_bytes(office->stand.event.message.payload, "!");
    assert_int_equal(office_poll(office), TACIT_EVENT_RESPONSE);
    assert_int_equal(office->stand.event.token, first);
    /* Once: the next one is for nobody. */
    assert_int_equal(office_poll(office), TACIT_EVENT_MESSAGE);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    assert_int_equal(tacit_request(&office->requester, &third, 1, NULL), TACIT_OK);
}

static void other_messages_pass(void **state)
{
    struct office *office = *state;
    open_office(office);
    ask(office, 0, 1000);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    stand_feed(&office->stand, "30 10 0001 73 0b 09 0008 4141414141414141 21"); /* topic */
    stand_feed(&office->stand, "30 0f 0001 72 0a 09 0007 41414141414141 21");   /* length */
    stand_feed(&office->stand, ANSWER("00"));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(office_poll(office), TACIT_EVENT_MESSAGE);
}

static void an_answer_may_come_in_pieces(void **state)
{
    struct office *office = *state;
    office->stand.config.limits.receive_bytes = 64;
    office->stand.config.limits.maximum_packet_bytes = 1000;
    open_office(office);
    uint32_t token = ask(office, 0, 1000);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    stand_feed(&office->stand, "30 55 0001 72 0b 09 0008 4141414141414141");
    for (unsigned i = 0; i < 70; i++)
        stand_feed(&office->stand, "21");
    uint32_t got = 0;
    do {
        assert_int_equal(office_poll(office), TACIT_EVENT_RESPONSE);
        assert_int_equal(office->stand.event.token, token);
        assert_int_equal(office->stand.event.offset, got);
        got += (uint32_t)office->stand.event.message.payload.len;
    } while (got < office->stand.event.total);
    assert_int_equal(got, 70);
    office->stand.now_ms += 2000;
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
}

static void what_is_not_answered_in_time_is_told(void **state)
{
    struct office *office = *state;
    open_office(office);
    uint32_t late = ask(office, 0, 2000);
    uint32_t soon = ask(office, 0, 500);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    assert_int_equal(office->stand.sleep_ms, 500);
    office->stand.now_ms += 499;
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    office->stand.now_ms += 1;
    assert_int_equal(office_poll(office), TACIT_EVENT_UNANSWERED);
    assert_int_equal(office->stand.event.token, soon);
    assert_int_equal(office->stand.event.status, TACIT_TIMEOUT);
    assert_int_equal(office->stand.sleep_ms, 0);
    /* An answer that is there when time is over wins; a flood of others does not hold it up. */
    office->stand.now_ms += 5000;
    stand_feed(&office->stand, "30 04 0001 78 00 30 04 0001 78 00");
    assert_int_equal(office_poll(office), TACIT_EVENT_MESSAGE);
    assert_int_equal(office_poll(office), TACIT_EVENT_UNANSWERED);
    assert_int_equal(office->stand.event.token, late);
    assert_int_equal(office_poll(office), TACIT_EVENT_MESSAGE);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    assert_true(office->stand.sleep_ms > 500);
}

static void a_rejected_request_ends(void **state)
{
    struct office *office = *state;
    open_office(office);
    uint32_t token = ask(office, 1, 1000);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    stand_feed(&office->stand, "40 03 0002 87");
    assert_int_equal(office_poll(office), TACIT_EVENT_REJECTED);
    assert_int_equal(office->stand.event.token, token);
    uint32_t plain = stand_publish(&office->stand, "a", "1", 1);
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
    stand_feed(&office->stand, "40 03 0003 87");
    assert_int_equal(office_poll(office), TACIT_EVENT_REJECTED);
    assert_int_equal(office->stand.event.token, plain);
    office->stand.now_ms += 2000;
    assert_int_equal(office_poll(office), TACIT_EVENT_NONE);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    struct office *office = *state;
    struct tacit_message message = { .topic = TACIT_LITERAL("#") };
    open_office(office);
    assert_int_equal(tacit_requester_init(&office->requester, office->stand.client, office->calls,
                                          CALLS, TEXT("r/+")),
                     TACIT_ARGUMENT);
    assert_int_equal(
        tacit_requester_init(&office->requester, office->stand.client, office->calls, 0, TEXT("r")),
        TACIT_ARGUMENT);
    assert_int_equal(tacit_request(&office->requester, &message, 1, NULL), TACIT_ARGUMENT);
    office->no_random = true;
    assert_int_equal(tacit_request(&office->requester, &message, 1, NULL), TACIT_AGAIN);
    assert_null(office->calls[0].token != 0 ? office : NULL);
}

static void older_versions_cannot_ask(void **state)
{
    struct office *office = *state;
    const struct tacit_message message = { .topic = TACIT_LITERAL("q") };
    office->stand.config.version = 4;
    stand_connect(&office->stand, CONNACK_4);
    assert_int_equal(tacit_requester_init(&office->requester, office->stand.client, office->calls,
                                          CALLS, TEXT("r")),
                     TACIT_OK);
    assert_int_equal(tacit_request(&office->requester, &message, 1, NULL), TACIT_REFUSED);
}

static void the_other_side_answers(void **state)
{
    struct office *office = *state;
    struct stand *stand = &office->stand;
    stand_connect(stand, CONNACK_5);
    stand_feed(stand, "30 0c 0001 71 07 08 0001 72 09 0000 3f 30 05 0001 71 00 3f");
    stand_feed(stand, "30 09 0001 71 04 08 0001 23 3f");
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    assert_int_equal(tacit_respond(stand->client, &stand->event.message, TEXT("!"), 0, NULL),
                     TACIT_OK);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
    assert_int_equal(tacit_respond(stand->client, &stand->event.message, TEXT("!"), 0, NULL),
                     TACIT_REFUSED);
}

#define WITH_OFFICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_OFFICE(an_answer_finds_its_request),
        WITH_OFFICE(other_messages_pass),
        WITH_OFFICE(an_answer_may_come_in_pieces),
        WITH_OFFICE(what_is_not_answered_in_time_is_told),
        WITH_OFFICE(a_rejected_request_ends),
        WITH_OFFICE(what_cannot_be_asked_is_refused),
        WITH_OFFICE(older_versions_cannot_ask),
        WITH_OFFICE(the_other_side_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
