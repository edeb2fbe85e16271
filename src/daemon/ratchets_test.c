/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ratchets.h"

#include "core/broker.h"
#include "pki/csr.h"
#include "pki/key_lineage.h"
#include "pki/registry_life.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES 600u /* more than are committed together */

/* Whom the answers are for. The test stands where the core does. */
struct client {
    unsigned answers;
};

void client_go_on(struct client *client, uint64_t now_ms)
{
    (void)now_ms;
    client->answers++;
}

struct place {
    struct scratch *scratch;
    char path[SCRATCH_PATH_SIZE];
    char registry_path[SCRATCH_PATH_SIZE];
    struct registry *registry;
    struct log *log;
    struct loop *loop;
    struct ratchets *ratchets;
    struct client client;
};

static struct place place_make(void **state, unsigned queue)
{
    struct place place = { .scratch = *state, .log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR) };

    scratch_path(place.scratch, "ratchet.db", place.path);
    scratch_path(place.scratch, "registry.db", place.registry_path);
    const struct ratchets_options options = {
        .path = place.path, .registry_path = place.registry_path, .queue = queue, .log = place.log
    };
    assert_int_equal(registry_open(place.registry_path, &place.registry, NULL), 0);
    assert_int_equal(loop_open(&place.loop), 0);
    assert_int_equal(ratchets_open(&options, &place.ratchets, NULL), 0);
    assert_int_equal(ratchets_start(place.ratchets), 0);
    return place;
}

/* All that was asked is on the disk then. */
static void place_stop(struct place *place)
{
    ratchets_stop(place->ratchets);
    loop_deliver(place->loop);
}

static void place_close(struct place *place)
{
    place_stop(place);
    ratchets_free(place->ratchets);
    registry_close(place->registry);
    loop_close(place->loop);
    log_free(place->log);
}

/* ---- devices: their keys are numbers ---- */

static void fill(unsigned number, uint8_t out[REGISTRY_KEY_BYTES])
{
    memset(out, 0, REGISTRY_KEY_BYTES);
    memcpy(out, &number, sizeof(number));
}

static struct registry_entry lamp_of(unsigned number)
{
    struct registry_entry entry = scratch_entry("", 1);

    (void)snprintf(entry.name, sizeof(entry.name), "lamp-%u", number);
    (void)snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%08x", number);
    fill(number, entry.key_sha256);
    fill(number, entry.certificate.fingerprint);
    return entry;
}

static void add(struct place *place, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct registry_entry entry = lamp_of(first + i);
        assert_int_equal(registry_add(place->registry, &entry, NULL), 0);
    }
}

/* Somebody in charge lets it have another key. */
static void give(struct place *place, unsigned lamp, unsigned key)
{
    const struct registry_entry entry = lamp_of(lamp);
    const struct registry_entry other = lamp_of(key);
    struct registry_new_key new_key = { .certificate = other.certificate };

    fill(key, new_key.key_sha256);
    assert_int_equal(registry_rekey(place->registry, entry.name, &new_key, NULL), 0);
}

static struct ratchets_question question_of(unsigned lamp, unsigned key, uint64_t order)
{
    const struct registry_entry entry = lamp_of(lamp);
    struct ratchets_question question = { .order = order, .has_message = true };

    (void)snprintf(question.who.name, sizeof(question.who.name), "%s", entry.name);
    fill(key, question.who.key_sha256);
    return question;
}

/* Of a device that nobody waits for. */
static void ask(struct place *place, unsigned number, int result)
{
    const struct ratchets_question question = question_of(number, number, number + 1);
    struct ratchet_turn *turn = NULL;

    assert_int_equal(ratchets_ask(place->ratchets, &question, NULL, place->loop, &turn), result);
}

/* The same, waited for. It has nothing that would prove a step: only who is believed is taken. */
static struct ratchets_answer answer_to(struct place *place,
                                        const struct ratchets_question *question)
{
    struct ratchet_turn *turn = NULL;
    unsigned before = place->client.answers;

    assert_int_equal(ratchets_ask(place->ratchets, question, &place->client, place->loop, &turn),
                     0);
    assert_null(ratchets_answer(turn));
    while (place->client.answers == before)
        assert_int_equal(loop_turn(place->loop, 1000), 0);
    struct ratchets_answer answer = *ratchets_answer(turn);
    ratchets_drop(turn);
    return answer;
}

/* ---- */

static void what_is_asked_is_on_the_disk(void **state)
{
    struct place place = place_make(state, 1000);
    struct ratchet_file *file = NULL;
    struct ratchet_file_entry found;

    assert_false(ratchets_know(place.ratchets, "lamp-7"));
    add(&place, 0, DEVICES);
    for (unsigned i = 0; i < DEVICES; i++)
        ask(&place, i, 0);
    ratchets_confirm(place.ratchets, "lamp-7", 8, place.loop);
    ratchets_confirm(place.ratchets, "lamp-8", 8, place.loop); /* not its last connection */
    ratchets_confirm(place.ratchets, "nobody", 8, place.loop);
    place_stop(&place);
    assert_true(ratchets_know(place.ratchets, "lamp-7"));
    assert_false(ratchets_know(place.ratchets, "nobody"));
    place_close(&place);

    assert_int_equal(ratchet_file_open(place.path, false, &file, NULL), 0);
    assert_int_equal(ratchet_file_find(file, "lamp-7", &found, NULL), 0);
    assert_true(found.record.has_base && !found.record.has_next);
    assert_int_equal(found.record.base.counter, 1);
    assert_int_equal(ratchet_file_find(file, "lamp-8", &found, NULL), 0);
    assert_true(!found.record.has_base && found.record.has_next);
    ratchet_file_close(file);

    place = place_make(state, 8);
    assert_true(ratchets_know(place.ratchets, "lamp-599"));
    place_close(&place);
}

static struct ratchet_file_entry stored(const struct place *place, const char *name)
{
    struct ratchet_file *file = NULL;
    struct ratchet_file_entry found;

    assert_int_equal(ratchet_file_open(place->path, false, &file, NULL), 0);
    assert_int_equal(ratchet_file_find(file, name, &found, NULL), 0);
    ratchet_file_close(file);
    return found;
}

/* And its device has stored what it was given. */
static void takes(struct place *place, const struct ratchets_question *question)
{
    assert_int_equal(answer_to(place, question).verdict, RATCHET_TAKEN);
    ratchets_confirm(place->ratchets, question->who.name, question->order, place->loop);
}

static void who_was_given_another_key_is_believed_once(void **state)
{
    struct place place = place_make(state, 8);
    struct ratchets_question question = question_of(1, 1, 1);

    add(&place, 1, 1);
    takes(&place, &question);
    question.order++;
    assert_int_equal(answer_to(&place, &question).verdict, RATCHET_FORKED);
    give(&place, 1, 100);
    question = question_of(1, 100, 3);
    takes(&place, &question);
    question.order++;
    assert_int_equal(answer_to(&place, &question).verdict, RATCHET_FORKED);
    assert_memory_equal(stored(&place, "lamp-1").key_sha256, question.who.key_sha256,
                        REGISTRY_KEY_BYTES);
    place_close(&place);
}

/* The view of a shard may let it in a moment longer. */
static void a_key_that_was_replaced_changes_nothing(void **state)
{
    struct place place = place_make(state, 8);
    struct ratchets_question old = question_of(1, 1, 1);
    struct ratchets_question new = question_of(1, 100, 2);

    add(&place, 1, 1);
    give(&place, 1, 100);
    struct ratchets_answer answer = answer_to(&place, &old);
    assert_true(answer.is_outdated && answer.verdict == RATCHET_FAILED); /* nor makes a row */
    takes(&place, &new);
    old.order = 3;
    old.believes = true;
    assert_true(answer_to(&place, &old).is_outdated);
    assert_memory_equal(stored(&place, "lamp-1").key_sha256, new.who.key_sha256,
                        REGISTRY_KEY_BYTES);
    assert_int_equal(stored(&place, "lamp-1").record.arrival.order, 2);
    /* Nor raises it an alarm, when the row is its own still. */
    give(&place, 1, 101);
    new.order = 4;
    assert_true(answer_to(&place, &new).is_outdated);
    place_close(&place);
}

/* With the key it had it goes on where it stood; nobody can get rid of a ratchet by a new name. */
static void who_is_renamed_goes_on(void **state)
{
    struct place place = place_make(state, 8);
    struct ratchets_question question = question_of(1, 1, 1);
    struct ratchet_file_entry found;
    struct ratchet_file *file = NULL;

    add(&place, 1, 2);
    takes(&place, &question);
    assert_int_equal(registry_rename(place.registry, "lamp-1", "torch", NULL), 0);
    assert_int_equal(registry_rename(place.registry, "torch", "lamp-9", NULL), 0);
    question = question_of(9, 1, 2);
    assert_int_equal(answer_to(&place, &question).verdict, RATCHET_FORKED);
    question.has_message = false;
    assert_false(answer_to(&place, &question).is_free);
    question.has_message = true;
    question.believes = true;
    takes(&place, &question);
    assert_int_equal(stored(&place, "lamp-9").record.arrival.order, 2);
    assert_int_equal(ratchet_file_open(place.path, false, &file, NULL), 0);
    assert_int_equal(ratchet_file_find(file, "lamp-1", &found, NULL), -ENOENT);
    ratchet_file_close(file);
    /* What another one was called is nobody's. */
    question = question_of(2, 2, 3);
    question.has_message = false;
    assert_true(answer_to(&place, &question).is_free);
    place_close(&place);
}

/* Who has stolen a key can ask for another with it. */
static void a_key_that_was_renewed_is_not_believed(void **state)
{
    struct place place = place_make(state, 8);
    struct ratchets_question question = question_of(1, 1, 1);
    struct key *key;
    struct csr *csr;
    struct registry_new_key next = { .certificate = lamp_of(100).certificate };

    add(&place, 1, 1);
    takes(&place, &question);
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp-1", &csr, NULL), 0);
    assert_int_equal(csr_key_sha256(csr, next.key_sha256), 0);
    assert_int_equal(key_lineage_record(place.registry, csr, question.who.key_sha256, NULL), 0);
    assert_int_equal(registry_rekey(place.registry, "lamp-1", &next, NULL), 0);
    memcpy(question.who.key_sha256, next.key_sha256, sizeof(next.key_sha256));
    question.order++;
    assert_int_equal(answer_to(&place, &question).verdict, RATCHET_FORKED);
    csr_free(csr);
    key_free(key);
    place_close(&place);
}

static void who_comes_without_is_told_whether_there_is_one(void **state)
{
    struct place place = place_make(state, 8);
    struct ratchets_question question = question_of(1, 1, 1);

    add(&place, 1, 1);
    question.has_message = false;
    assert_true(answer_to(&place, &question).is_free);
    ask(&place, 1, 0);
    assert_false(answer_to(&place, &question).is_free);
    place_close(&place);
}

static void what_waits_is_bounded(void **state)
{
    struct place place = place_make(state, 1);
    struct ratchets_question question = { .order = 1 };
    struct ratchet_turn *turn = NULL;
    int error = 0;

    /* The thread needs longer for one than we do. */
    for (unsigned i = 0; i < 100000 && error == 0; i++)
        error = ratchets_ask(place.ratchets, &question, NULL, place.loop, &turn);
    assert_int_equal(error, -EAGAIN);
    place_stop(&place);
    ask(&place, 1, -EAGAIN);
    place_close(&place);
}

static void a_file_that_is_none_is_an_error(void **state)
{
    struct ratchets *ratchets = NULL;
    struct pki_fault fault = { "" };
    char registry_path[SCRATCH_PATH_SIZE];
    struct ratchets_options options = { .path = "/nonexistent/ratchet.db",
                                        .registry_path = registry_path,
                                        .queue = 1 };

    scratch_path(*state, "registry.db", registry_path);
    assert_true(ratchets_open(&options, &ratchets, &fault) < 0);
    assert_non_null(strstr(fault.text, "/nonexistent/ratchet.db"));
    options.registry_path = "/nonexistent/registry.db";
    assert_true(ratchets_open(&options, &ratchets, &fault) < 0);
    assert_non_null(strstr(fault.text, "/nonexistent/registry.db"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_asked_is_on_the_disk),
        TEST(who_was_given_another_key_is_believed_once),
        TEST(a_key_that_was_replaced_changes_nothing),
        TEST(a_key_that_was_renewed_is_not_believed),
        TEST(who_is_renamed_goes_on),
        TEST(who_comes_without_is_told_whether_there_is_one),
        TEST(what_waits_is_bounded),
        TEST(a_file_that_is_none_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
