/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/link.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000 /* of a machine that is busy with other things */
#define LATE_MS     300u

struct stage {
    char folder[32];
    char program[64];
    char out[64];
    struct hook_options options;
    struct hook_link *link;
};

static int run(void *context, int fd)
{
    const struct stage *stage = context;

    return hook_runner_serve(fd, &stage->options);
}

/* `body` of a shell script, which has the path of a file to write to in $out. */
static void open_stage(struct stage *stage, const char *body, uint32_t timeout_ms)
{
    *stage = (struct stage){ .folder = "/tmp/tacit-hook-XXXXXX" };
    assert_non_null(mkdtemp(stage->folder));
    (void)snprintf(stage->program, sizeof(stage->program), "%s/hook", stage->folder);
    (void)snprintf(stage->out, sizeof(stage->out), "%s/out", stage->folder);
    FILE *script = fopen(stage->program, "we");
    assert_non_null(script);
    (void)fprintf(script, "#!/bin/sh\nout=%s\n%s\n", stage->out, body);
    assert_int_equal(fclose(script), 0);
    assert_int_equal(chmod(stage->program, 0700), 0);
    stage->options = (struct hook_options){ stage->program, geteuid(), timeout_ms };
    assert_int_equal(hook_link_start(run, stage, &stage->link), 0);
}

static void close_stage(struct stage *stage)
{
    hook_link_close(stage->link);
    (void)unlink(stage->program);
    (void)unlink(stage->out);
    assert_int_equal(rmdir(stage->folder), 0);
}

static void send_text(struct stage *stage, uint32_t lane, const char *text)
{
    assert_int_equal(hook_link_send(stage->link, lane, span_of(text)), 0);
}

static struct hook_report answer(struct stage *stage)
{
    struct pollfd poller = { .fd = hook_link_fd(stage->link), .events = POLLIN };
    struct hook_report report;

    assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
    assert_int_equal(hook_link_receive(stage->link, &report), 0);
    return report;
}

static void expect(struct stage *stage, uint32_t lane, enum hook_outcome outcome, int number)
{
    struct hook_report report = answer(stage);

    assert_int_equal(report.lane, lane);
    assert_int_equal(report.outcome, outcome);
    assert_int_equal(report.number, number);
}

static void expect_written(const struct stage *stage, const char *text)
{
    char got[256] = "";
    FILE *file = fopen(stage->out, "re");

    assert_non_null(file);
    (void)!fread(got, 1, sizeof(got) - 1, file);
    (void)fclose(file);
    assert_string_equal(got, text);
}

static void each_alarm_is_its_input_in_order(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, "cat >> $out", PATIENCE_MS);
    send_text(&stage, 3, "{\"a\":\"$(id)\"}");
    send_text(&stage, 3, "{\"b\":\"`id`\"}");
    expect(&stage, 3, HOOK_DONE, 0);
    expect(&stage, 3, HOOK_DONE, 0);
    expect_written(&stage, "{\"a\":\"$(id)\"}\n{\"b\":\"`id`\"}\n");
    close_stage(&stage);
}

/* No arguments, no environment but PATH, and nothing open but the three. */
static void it_has_nothing_else(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage,
               "{ echo $#; tr '\\0' '\\n' < /proc/$$/environ; pwd; "
               "test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo leads; "
               "ls -l /proc/$$/fd | grep -c socket; } > $out; true",
               PATIENCE_MS);
    assert_int_equal(setenv("TACIT_SECRET", "x", 1), 0);
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_DONE, 0);
    expect_written(&stage, "0\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                           "/\nleads\n0\n");
    close_stage(&stage);
}

static void who_is_late_is_killed_with_what_he_has_started(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, "sleep 600 & echo $! > $out; wait", LATE_MS);
    send_text(&stage, 1, "{}");
    expect(&stage, 1, HOOK_LATE, 0);
    FILE *file = fopen(stage.out, "re");
    int child = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &child), 1);
    (void)fclose(file);
    for (unsigned i = 0; kill(child, 0) == 0 && i < PATIENCE_MS / 10; i++) {
        char path[32];
        char line[128] = "";
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", child);
        FILE *stat = fopen(path, "re");
        if (stat == NULL)
            break;
        (void)!fgets(line, sizeof(line), stat);
        (void)fclose(stat);
        if (strstr(line, ") Z") != NULL)
            break; /* nobody has asked for it yet */
        (void)poll(NULL, 0, 10);
    }
    close_stage(&stage);
}

/* One that hangs holds up its own lane. */
static void lanes_do_not_wait_for_each_other(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(
        &stage,
        "read text; test \"$text\" = slow && until test -e $out; do sleep 0.02; done; exit 3",
        PATIENCE_MS);
    send_text(&stage, 1, "slow");
    send_text(&stage, 1, "quick");
    send_text(&stage, 2, "quick");
    expect(&stage, 2, HOOK_FAILED, 3);
    struct hook_report none;
    assert_int_equal(hook_link_receive(stage.link, &none), -EAGAIN);
    FILE *out = fopen(stage.out, "we");
    assert_non_null(out);
    assert_int_equal(fclose(out), 0);
    expect(&stage, 1, HOOK_FAILED, 3);
    expect(&stage, 1, HOOK_FAILED, 3);
    close_stage(&stage);
}

/* It is looked at again before each run. */
static void what_is_made_writable_is_not_started(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, "true", PATIENCE_MS);
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_DONE, 0);
    assert_int_equal(chmod(stage.program, 0777), 0);
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_NOT_STARTED, EACCES);
    assert_int_equal(chmod(stage.program, 0700), 0);
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_DONE, 0);
    close_stage(&stage);
}

static void a_signal_and_a_bad_program_are_told(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, "kill -USR1 $$", PATIENCE_MS);
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_SIGNALLED, SIGUSR1);
    FILE *script = fopen(stage.program, "we");
    assert_non_null(script);
    (void)fputs("#!/no/such/shell\n", script);
    assert_int_equal(fclose(script), 0);
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_FAILED, 127);
    close_stage(&stage);
}

static void too_much_is_refused(void **state)
{
    static char text[HOOK_MESSAGE_BYTES + 1];
    struct stage stage;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    open_stage(&stage, "true", PATIENCE_MS);
    assert_int_equal(hook_link_send(stage.link, 0, span_of(text)), -EMSGSIZE);
    send_text(&stage, HOOK_LANES, "there is no such lane: passed over");
    send_text(&stage, 0, "{}");
    expect(&stage, 0, HOOK_DONE, 0);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_alarm_is_its_input_in_order),
        cmocka_unit_test(it_has_nothing_else),
        cmocka_unit_test(who_is_late_is_killed_with_what_he_has_started),
        cmocka_unit_test(lanes_do_not_wait_for_each_other),
        cmocka_unit_test(what_is_made_writable_is_not_started),
        cmocka_unit_test(a_signal_and_a_bad_program_are_told),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
