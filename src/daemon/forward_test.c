/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward.h"

#include "audit/folder.h"
#include "audit/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A log in memory, and a receiver of syslog on a socket in a folder. */
struct world {
    struct fake_files *fake;
    struct files files;
    struct audit_port port;
    struct audit_journal *journal;
    char folder[32];
    struct sockaddr_un here;
    int receiver; /* -1: it is away */
    struct config_audit_target target;
    struct forward forward;
    uint64_t now_ms;
    uint64_t got; /* number of the last record that came */
};

static void listen_here(struct world *world)
{
    world->receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(world->receiver >= 0);
    assert_int_equal(
        bind(world->receiver, (const struct sockaddr *)&world->here, sizeof(world->here)), 0);
}

static void go_away(struct world *world)
{
    close(world->receiver);
    unlink(world->here.sun_path);
    world->receiver = -1;
}

static void start(struct world *world)
{
    forward_init(&world->forward, &world->target);
    forward_follow(&world->forward, &world->files);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->fake = fake_files_new(1);
    world->files = fake_files_port(world->fake);
    world->port = audit_stand_port();
    world->journal = audit_stand_open_small(&world->files, &world->port);
    (void)snprintf(world->folder, sizeof(world->folder), "/tmp/tacit-forward-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->here.sun_family = AF_UNIX;
    (void)snprintf(world->here.sun_path, sizeof(world->here.sun_path), "%s/log", world->folder);
    world->target.forward = CONFIG_FORWARD_SYSLOG;
    (void)snprintf(world->target.path, sizeof(world->target.path), "%s", world->here.sun_path);
    world->now_ms = 1000000;
    listen_here(world);
    start(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    if (world->receiver >= 0)
        go_away(world);
    forward_fini(&world->forward);
    rmdir(world->folder);
    audit_journal_close(world->journal);
    fake_files_free(world->fake);
    free(world);
    return 0;
}

static uint64_t last(const struct world *world)
{
    return audit_journal_sequence(world->journal);
}

/* As soon as it is due. */
static void go(struct world *world)
{
    if (forward_due_ms(&world->forward) > world->now_ms)
        world->now_ms = forward_due_ms(&world->forward);
    forward_go(&world->forward, world->now_ms);
}

/* The number of the next record that has come; 0: none has. */
static uint64_t take_one(const struct world *world)
{
    char text[4096];
    ssize_t len = recv(world->receiver, text, sizeof(text) - 1, 0);

    if (len < 0)
        return 0;
    text[len] = '\0';
    const char *line = strstr(text, ": {\"seq\":");
    assert_non_null(line);
    assert_memory_equal(text, "<85>tacitd[", 11);
    return strtoull(line + 9, NULL, 10);
}

/* Takes what has come; it is in order, and the first is `first`. */
static void expect_from(struct world *world, uint64_t first)
{
    uint64_t sequence = take_one(world);

    assert_int_equal(sequence, first);
    for (; sequence != 0; sequence = take_one(world)) {
        assert_int_equal(sequence, first++);
        world->got = sequence;
    }
}

/* Goes on until the receiver has record `sequence`. */
static void expect_up_to(struct world *world, uint64_t first, uint64_t sequence)
{
    for (unsigned i = 0; i < 1000 && (i == 0 || world->got < sequence); i++) {
        go(world);
        expect_from(world, i == 0 ? first : world->got + 1);
    }
    assert_int_equal(world->got, sequence);
}

static void records_come_in_order(void **state)
{
    struct world *world = *state;

    audit_stand_fill(world->journal, 3, 1);
    expect_up_to(world, 1, last(world));
    assert_true(forward_is_done(&world->forward, last(world)));
    uint64_t before = last(world);
    audit_stand_fill(world->journal, 2, 2);
    expect_up_to(world, before + 1, last(world));
    assert_int_equal(forward_due_ms(&world->forward), world->now_ms + FORWARD_LOOK_MS);
    assert_int_equal(forward_take_news(&world->forward, last(world), world->now_ms),
                     FORWARD_NO_NEWS);
}

/* Away, and there again: nothing is missing, and the operator is told once, and again each minute. */
static void a_receiver_that_was_away_gets_what_it_missed(void **state)
{
    struct world *world = *state;
    struct forward_gap gap;

    audit_stand_fill(world->journal, 1, 1);
    expect_up_to(world, 1, last(world));
    uint64_t before = last(world);
    go_away(world);
    audit_stand_fill(world->journal, 3, 3);
    uint64_t since_ms = world->now_ms + FORWARD_LOOK_MS;
    unsigned told = 0, tries = 0;
    for (; world->now_ms < since_ms + FORWARD_STUCK_MS + FORWARD_TELL_MS + FORWARD_PAUSE_MS;
         tries++) {
        go(world);
        told += forward_take_news(&world->forward, last(world), world->now_ms) == FORWARD_FAILS;
    }
    assert_int_equal(told, 2);
    assert_in_range(tries, 60, 80); /* about once a second in the end */
    listen_here(world);
    expect_up_to(world, before + 1, last(world));
    assert_int_equal(forward_take_news(&world->forward, last(world), world->now_ms), FORWARD_GOES);
    assert_int_equal(forward_take_news(&world->forward, last(world), world->now_ms),
                     FORWARD_NO_NEWS);
    assert_false(forward_take_gap(&world->forward, &gap));
}

/* The kernel keeps a few datagrams for it; one that takes them by and by misses nothing. */
static void a_slow_receiver_misses_nothing(void **state)
{
    struct world *world = *state;
    bool was_full = false;

    for (unsigned round = 0; round < 40; round++) {
        audit_stand_fill(world->journal, 1, 1);
        go(world);
        was_full = was_full || world->forward.fault == -EAGAIN;
        if (round % 8 == 7)
            expect_from(world, world->got + 1);
    }
    assert_true(was_full);
    expect_up_to(world, world->got + 1, last(world));
}

/* What had to make room in the meantime is counted, to the record. */
static void what_was_removed_is_counted(void **state)
{
    struct world *world = *state;
    struct forward_gap gap = { 0 };

    audit_stand_fill(world->journal, 1, 1);
    expect_up_to(world, 1, last(world));
    uint64_t before = last(world);
    go_away(world);
    go(world);
    audit_stand_fill(world->journal, 60, 1);
    listen_here(world);
    /* Of the file that it had open nothing is missing; then there is one gap. */
    uint64_t missing = 0;
    for (unsigned i = 0; i < 1000 && world->got < last(world); i++) {
        uint64_t sequence = take_one(world);
        if (sequence == 0) {
            go(world);
            continue;
        }
        missing += sequence - world->got - 1;
        world->got = sequence;
        if (missing > 0 && gap.first == 0) {
            assert_int_equal(sequence - missing, world->forward.gap.first);
            gap.first = world->forward.gap.first;
        }
    }
    assert_int_equal(world->got, last(world));
    assert_true(missing > 0 && gap.first > before);
    assert_true(forward_take_gap(&world->forward, &gap));
    assert_int_equal(gap.count, missing);
    assert_int_equal(gap.last, gap.first + missing - 1);
    assert_false(forward_take_gap(&world->forward, &gap));
}

/* The next start goes on behind the last record that was noted, though others came in between. */
static void a_restart_goes_on(void **state)
{
    struct world *world = *state;

    go(world);
    expect_from(world, 1);
    audit_stand_fill(world->journal, 30, 3);
    expect_up_to(world, world->got + 1, last(world));
    uint64_t before = last(world);
    forward_note(&world->forward, world->now_ms);
    forward_fini(&world->forward);
    audit_stand_fill(world->journal, 2, 1);
    start(world);
    expect_up_to(world, before + 1, last(world));
}

/* A note of a record that is not in the log any more, or never was: everything that is there. */
static void a_note_of_no_record_is_no_place(void **state)
{
    struct world *world = *state;
    struct audit_statement strange = { .sequence = 2, .hash = "of another log" };

    (void)audit_stamp_put(STAND_TIME_MS, strange.time);
    audit_stand_fill(world->journal, 3, 1);
    assert_int_equal(audit_folder_write_forwarded(&world->files, &strange), 0);
    expect_up_to(world, 1, last(world));
}

static void another_receiver_goes_on_there(void **state)
{
    struct world *world = *state;

    audit_stand_fill(world->journal, 1, 1);
    expect_up_to(world, 1, last(world));
    uint64_t before = last(world);
    const struct config_audit_target none = { CONFIG_FORWARD_NONE, "" };
    forward_set(&world->forward, &none);
    audit_stand_fill(world->journal, 1, 1);
    forward_go(&world->forward, world->now_ms);
    assert_int_equal(forward_due_ms(&world->forward), 0);
    assert_true(forward_is_done(&world->forward, last(world)));
    go_away(world);
    (void)strcat(world->here.sun_path, "2");
    (void)strcat(world->target.path, "2");
    listen_here(world);
    forward_set(&world->forward, &world->target);
    expect_up_to(world, before + 1, last(world));
}

static void the_usual_sockets_are_known(void **state)
{
    const struct config_audit_target journal = { CONFIG_FORWARD_JOURNAL, "" };
    const struct config_audit_target syslog = { CONFIG_FORWARD_SYSLOG, "" };
    struct world *world = *state;

    forward_set(&world->forward, &journal);
    assert_string_equal(forward_path(&world->forward), "/run/systemd/journal/socket");
    forward_set(&world->forward, &syslog);
    assert_string_equal(forward_path(&world->forward), "/dev/log");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(records_come_in_order),
        IN_WORLD(a_receiver_that_was_away_gets_what_it_missed),
        IN_WORLD(a_slow_receiver_misses_nothing),
        IN_WORLD(what_was_removed_is_counted),
        IN_WORLD(a_restart_goes_on),
        IN_WORLD(a_note_of_no_record_is_no_place),
        IN_WORLD(another_receiver_goes_on_there),
        IN_WORLD(the_usual_sockets_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
