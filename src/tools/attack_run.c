/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_run.h"

#include "tools/attack_env.h"

#include <tacit/posix.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECKS_MAX 64
#define LONGEST_S  90 /* of a check, besides what --patience says */

/* One check under way. */
struct runner {
    pid_t child;
    int pipe;
    uint64_t began_ms;
};

static const char *missing_command(const struct attack_env *env, unsigned needs)
{
    const struct attack_options *o = env->options;

    if ((needs & ATTACK_NEEDS_CHANGE) != 0 && o->change_command == NULL)
        return "it needs a --change-command that takes a right away";
    if ((needs & ATTACK_NEEDS_REVOKE) != 0 && (o->revoke_command == NULL || !env->second.is_given))
        return "it needs a --revoke-command that revokes the second identity, and that identity";
    if ((needs & ATTACK_NEEDS_RESTART) != 0 && o->restart_command == NULL)
        return "it needs a --restart-command that kills the broker and starts it again";
    return NULL;
}

static const char *missing(const struct attack_env *env, unsigned needs)
{
    if ((needs & ATTACK_NEEDS_TLS) != 0 && !env->is_encrypted)
        return "the broker was attacked without TLS (--plaintext)";
    if ((needs & ATTACK_NEEDS_FIRST) != 0 && !env->first.is_usable)
        return env->first.why_not;
    if ((needs & ATTACK_NEEDS_SECOND) != 0 && !env->second.is_usable)
        return env->second.why_not;
    if ((needs & ATTACK_NEEDS_TOPIC) != 0 && env->topic[0] == '\0')
        return "it needs a --topic that the first identity may write and the second may read";
    return missing_command(env, needs);
}

bool attack_run_is_skipped(const struct attack_env *env, const struct attack_check *check,
                           struct attack_finding *out)
{
    bool is_named = attack_options_has(env->options, check->id);
    bool is_left_out = !is_named || (env->options->quick && (check->needs & ATTACK_IS_SLOW) != 0);
    const char *why = missing(env, check->needs);

    if (is_left_out)
        why = is_named ? "left out by --quick" : "left out by --only or --skip";
    if (why == NULL)
        return false;
    *out = (struct attack_finding){ .verdict = ATTACK_SKIPPED, .is_left_out = is_left_out };
    attack_check_note(out, "%s", why);
    return true;
}

static void give_up(struct attack_finding *out, const char *why)
{
    *out = (struct attack_finding){ .verdict = ATTACK_UNCLEAR };
    attack_check_note(out, "%s", why);
}

/* In the child: runs the check and hands the finding over. */
static void work(const struct attack_env *env, const struct attack_check *check, int pipe)
{
    struct attack_finding finding = { 0 };
    uint64_t began_ms = tacit_posix_now_ms();

    /* Whoever ends us ends the attack. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    check->run(env, &finding);
    finding.took_ms = (uint32_t)(tacit_posix_now_ms() - began_ms);
    /* Less than PIPE_BUF, so that it arrives whole or not at all. */
    ssize_t written = write(pipe, &finding, sizeof(finding));
    _exit(written == (ssize_t)sizeof(finding) ? 0 : 1);
}

static void start(const struct attack_env *env, const struct attack_check *check,
                  struct runner *runner, struct attack_finding *out)
{
    int ends[2];

    *runner = (struct runner){ .pipe = -1, .began_ms = tacit_posix_now_ms() };
    if (pipe2(ends, O_CLOEXEC) < 0) {
        give_up(out, strerror(errno));
        return;
    }
    (void)fflush(NULL);
    runner->child = fork();
    if (runner->child == 0)
        work(env, check, ends[1]);
    (void)close(ends[1]);
    if (runner->child > 0) {
        runner->pipe = ends[0];
        return;
    }
    give_up(out, strerror(errno));
    (void)close(ends[0]);
}

/* Waits for its end; past its time it is ended. */
static void finish(const struct attack_env *env, struct runner *runner, struct attack_finding *out)
{
    uint64_t end_ms = runner->began_ms + 1000u * (LONGEST_S + (uint64_t)env->options->patience_s);
    struct pollfd poller = { .fd = runner->pipe, .events = POLLIN };
    int status = 0;

    if (runner->pipe < 0)
        return;
    for (uint64_t now_ms = tacit_posix_now_ms(); now_ms < end_ms; now_ms = tacit_posix_now_ms())
        if (poll(&poller, 1, (int)(end_ms - now_ms)) != 0 && poller.revents != 0)
            break;
    bool is_late = tacit_posix_now_ms() >= end_ms;
    if (is_late)
        (void)kill(runner->child, SIGKILL);
    ssize_t got = read(runner->pipe, out, sizeof(*out));
    (void)waitpid(runner->child, &status, 0);
    (void)close(runner->pipe);
    if (got != (ssize_t)sizeof(*out) || out->verdict >= ATTACK_VERDICT_COUNT)
        give_up(out, is_late ? "the check did not end in its time"
                             : "the check itself failed: please report it");
    out->evidence[ATTACK_EVIDENCE_SIZE - 1] = '\0';
    runner->pipe = -1;
}

/* Only where the next line overwrites it. */
static void announce(const struct attack_check *check)
{
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "  ...      %-24s\r", check->id);
}

static void tell(const struct attack_check *check, const struct attack_finding *finding)
{
    if (finding->verdict != ATTACK_SKIPPED)
        (void)fprintf(stderr, "  %-8s %-24s %5.1f s\n", attack_check_verdict_name(finding->verdict),
                      check->id, finding->took_ms / 1000.0);
}

static void run_turn(const struct attack_env *env, enum attack_turn turn,
                     struct attack_finding *out)
{
    for (size_t i = 0; i < attack_check_count(); i++) {
        const struct attack_check *check = &attack_check_rows[i];
        struct runner runner;
        if (check->turn != turn || out[i].verdict == ATTACK_SKIPPED)
            continue;
        announce(check);
        start(env, check, &runner, &out[i]);
        finish(env, &runner, &out[i]);
        tell(check, &out[i]);
    }
}

void attack_run_all(const struct attack_env *env, struct attack_finding *out)
{
    struct runner beside[CHECKS_MAX];
    size_t count = attack_check_count();

    for (size_t i = 0; i < count; i++) {
        const struct attack_check *check = &attack_check_rows[i];
        out[i] = (struct attack_finding){ 0 };
        beside[i] = (struct runner){ .pipe = -1 };
        if (!attack_run_is_skipped(env, check, &out[i]) && check->turn == ATTACK_BESIDE)
            start(env, check, &beside[i], &out[i]);
    }
    run_turn(env, ATTACK_IN_TURN, out);
    for (size_t i = 0; i < count; i++) {
        const struct attack_check *check = &attack_check_rows[i];
        if (check->turn != ATTACK_BESIDE || out[i].verdict == ATTACK_SKIPPED)
            continue;
        announce(check);
        finish(env, &beside[i], &out[i]);
        tell(check, &out[i]);
    }
    run_turn(env, ATTACK_ALONE, out);
}
