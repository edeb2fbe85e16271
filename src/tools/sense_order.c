/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_order.h"

#include "pki/behaviour_file.h"
#include "pki/private_file.h"
#include "pki/state.h"
#include "tools/identity_print.h"
#include "tools/sense_offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS  20
#define WAIT_S   30 /* a broker that is busy answers within a second or two */
#define A_SECOND 1000

/* ---- a running tacitd ---- */

static int post(const struct identity_options *options, const struct sensing_order *order)
{
    char path[PATH_MAX];
    char answer[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    int error = behaviour_file_beside(options->state, BEHAVIOUR_ORDER, path);

    if (error == 0)
        error = behaviour_file_beside(options->state, BEHAVIOUR_ANSWER, answer);
    if (error == 0) {
        (void)unlink(answer); /* nobody waits for it any more */
        error = sensing_order_encode(order, &bytes, &len);
    }
    if (error == 0)
        error = private_file_write(path, (struct mqtt_span){ bytes, len }, PRIVATE_FILE_REPLACE);
    free(bytes);
    return error;
}

/* -ENOENT: not yet. */
static int fetch(const struct identity_options *options, const struct sensing_order *order,
                 struct sensing_answer *out)
{
    char path[PATH_MAX];
    uint8_t *text = NULL;
    size_t len = 0;
    int error = behaviour_file_beside(options->state, BEHAVIOUR_ANSWER, path);

    if (error == 0)
        error = private_file_read(path, SENSING_ANSWER_FILE_BYTES, &text, &len);
    if (error == 0)
        error = sensing_answer_decode((const char *)text, out);
    if (error == 0 && out->nonce != order->nonce)
        error = -ENOENT; /* to one that did not wait for it */
    free(text);
    if (error == 0)
        (void)unlink(path);
    return error;
}

/* What is not taken up now must not be later, when nobody thinks of it. */
static void take_back(const struct identity_options *options)
{
    char path[PATH_MAX];

    if (behaviour_file_beside(options->state, BEHAVIOUR_ORDER, path) == 0)
        (void)unlink(path);
}

static int ask(const struct identity_options *options, const struct sensing_order *order,
               struct sensing_answer *out)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    int error = post(options, order);

    if (error == 0)
        error = -ENOENT;
    else
        return error;
    for (int i = 0; error == -ENOENT && i < WAIT_S * A_SECOND / POLL_MS; i++) {
        (void)nanosleep(&pause, NULL);
        error = fetch(options, order, out);
        if (error == -ENOENT && i % 50 == 0 && !state_is_claimed(options->state))
            break;
    }
    take_back(options);
    return error == -ENOENT ? -ETIMEDOUT : error;
}

/* ---- either ---- */

int sense_order_give(const struct identity_options *options, struct sensing_order *order,
                     struct sensing_answer *out)
{
    struct pki_fault fault = { "the path is too long" };
    int lock = -1;

    if (state_check(options->state, &fault) < 0
        || state_lock(options->state, true, &lock, &fault) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    memset(out, 0, sizeof(*out));
    int error = getrandom(&order->nonce, sizeof(order->nonce), 0) > 0 ? 0 : -EIO;
    if (error == 0)
        error = state_is_claimed(options->state) ? ask(options, order, out)
                                                 : sense_offline_do(options, order, out);
    (void)close(lock);
    if (error == -ETIMEDOUT)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "tacitd does not answer; nothing is known to have changed");
    if (error != 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "it cannot be done: %s",
                                     strerror(-error));
    return 0;
}

int sense_order_refresh(const struct identity_options *options)
{
    struct sensing_order order = { .kind = SENSING_ORDER_SAVE };
    struct sensing_answer *answer = malloc(sizeof(*answer));

    if (answer == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    int code = state_is_claimed(options->state) ? sense_order_give(options, &order, answer) : 0;
    free(answer);
    return code;
}

static int code_of(enum sensing_result result)
{
    switch (result) {
    case SENSING_NOT_FOUND:
        break;
    case SENSING_REFUSED:
        return IDENTITY_EXIT_FOUND;
    case SENSING_DONE:
        return IDENTITY_EXIT_DONE;
    }
    return IDENTITY_EXIT_FAILED;
}

int sense_order_tell(const struct identity_options *options, const char *what, const char *name,
                     const struct sensing_answer *answer)
{
    int code = code_of(answer->result);

    if (options->json) {
        int printed = identity_print_document(
            json_pack("{s:s, s:s?, s:b, s:s}", "what", what, "name", name, "done",
                      answer->result == SENSING_DONE, "text", answer->text));
        return printed != IDENTITY_EXIT_DONE ? printed : code;
    }
    (void)fputs(answer->text, code == IDENTITY_EXIT_DONE ? stdout : stderr);
    return code;
}
