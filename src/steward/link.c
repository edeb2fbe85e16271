/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/link.h"

#include "steward/channel.h"
#include "steward/request.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define END_WAIT_MS 1000

struct steward_link {
    pthread_mutex_t lock;
    int fd;
    bool is_broken;
};

struct steward_link *steward_link_new(int fd)
{
    struct steward_link *link = calloc(1, sizeof(*link));

    if (link == NULL) {
        close(fd);
        return NULL;
    }
    link->fd = fd;
    (void)pthread_mutex_init(&link->lock, NULL);
    return link;
}

void steward_link_close(struct steward_link *link)
{
    char nothing;

    if (link == NULL)
        return;
    struct pollfd end = { .fd = link->fd, .events = POLLIN };
    if (shutdown(link->fd, SHUT_WR) == 0)
        while (poll(&end, 1, END_WAIT_MS) > 0 && read(link->fd, &nothing, 1) > 0)
            ;
    close(link->fd);
    (void)pthread_mutex_destroy(&link->lock);
    free(link);
}

static int tell_gone(struct pki_fault *fault)
{
    return pki_fail(fault, -EPIPE,
                    "the steward, who has the key of the CA, has ended; restart tacitd");
}

bool steward_link_is_gone(struct steward_link *link)
{
    struct pollfd end = { .fd = link->fd, .events = 0 };

    pthread_mutex_lock(&link->lock);
    bool is_gone = link->is_broken || (poll(&end, 1, 0) > 0 && (end.revents & POLLHUP) != 0);
    pthread_mutex_unlock(&link->lock);
    return is_gone;
}

/* ---- asking ---- */

/* What was answered; `message` holds it and is to be given back. */
struct reply {
    struct steward_message message;
    struct steward_answer answer;
};

static int read_reply(struct steward_link *link, enum steward_kind kind, int wait_ms,
                      struct reply *out)
{
    int error = steward_channel_receive(link->fd, STEWARD_ANSWER, wait_ms, &out->message);

    if (error == 0 && out->message.kind != kind)
        error = -EBADMSG;
    return error == 0 ? steward_answer_decode(steward_message_body(&out->message), &out->answer)
                      : error;
}

static int talk(struct steward_link *link, const struct steward_message *request, struct reply *out)
{
    int error = steward_channel_send(link->fd, request, STEWARD_WAIT_MS);

    return error == 0 ? read_reply(link, request->kind, STEWARD_WAIT_MS, out) : error;
}

/* The status of the answer, or that there is none. */
static int settle(struct steward_link *link, int error, struct reply *reply,
                  struct pki_fault *fault)
{
    if (error < 0) {
        link->is_broken = true;
        (void)shutdown(link->fd, SHUT_RDWR);
        error = tell_gone(fault);
    } else if (reply->answer.status < 0) {
        error = pki_fail(fault, reply->answer.status, "%s", reply->answer.fault.text);
    }
    if (error < 0)
        steward_message_fini(&reply->message);
    return error;
}

/* `out` is to be given back only after success. */
static int ask(struct steward_link *link, const struct steward_message *request, struct reply *out,
               struct pki_fault *fault)
{
    *out = (struct reply){ 0 };
    pthread_mutex_lock(&link->lock);
    int error =
        link->is_broken ? tell_gone(fault) : settle(link, talk(link, request, out), out, fault);
    pthread_mutex_unlock(&link->lock);
    return error;
}

static int ask_plainly(struct steward_link *link, enum steward_kind kind, struct reply *out,
                       struct pki_fault *fault)
{
    return ask(link, &(struct steward_message){ .kind = kind }, out, fault);
}

int steward_link_greet(struct steward_link *link, struct steward_greeting *out,
                       struct pki_fault *fault)
{
    struct reply reply = { 0 };
    int error =
        settle(link, read_reply(link, STEWARD_GREETING, STEWARD_FOREVER, &reply), &reply, fault);

    if (error < 0)
        return error;
    error = steward_greeting_decode(reply.answer.result, out);
    steward_message_fini(&reply.message);
    return error == 0 ? 0 : pki_fail(fault, error, "the steward is not understood");
}

int steward_link_prepare(struct steward_link *link, struct state_made *out, struct pki_fault *fault)
{
    struct reply reply = { 0 };
    int error = ask_plainly(link, STEWARD_PREPARE, &reply, fault);

    if (error < 0)
        return error;
    error = steward_made_decode(reply.answer.result, out);
    steward_message_fini(&reply.message);
    return error == 0 ? 0 : pki_fail(fault, error, "the steward is not understood");
}

int steward_link_show(struct steward_link *link, struct pki_fault *fault)
{
    struct reply reply = { 0 };
    int error = ask_plainly(link, STEWARD_SHOW, &reply, fault);

    if (error == 0)
        steward_message_fini(&reply.message);
    return error;
}

/* The result, and a NUL behind it; gives the reply back. */
static int take_result(struct reply *reply, struct der *out)
{
    struct mqtt_span result = reply->answer.result;

    out->len = result.len;
    out->bytes = malloc(result.len + 1);
    if (out->bytes != NULL) {
        if (result.len > 0)
            memcpy(out->bytes, result.data, result.len);
        out->bytes[result.len] = '\0';
    }
    steward_message_fini(&reply->message);
    return out->bytes != NULL ? 0 : -ENOMEM;
}

int steward_link_fetch(struct steward_link *link, const char *path, char **out_text,
                       size_t *out_len)
{
    struct steward_message request;
    struct reply reply = { 0 };
    struct der text = { 0 };

    if (path[0] == '\0')
        return -EACCES;
    int error = steward_message_init(&request, STEWARD_READ, STEWARD_REQUEST, strlen(path));
    if (error < 0)
        return error == -E2BIG ? -ENAMETOOLONG : error;
    memcpy(request.body, path, request.len);
    error = ask(link, &request, &reply, NULL);
    steward_message_fini(&request);
    if (error < 0)
        return error;
    error = take_result(&reply, &text);
    if (error < 0)
        return error;
    *out_text = (char *)text.bytes;
    *out_len = text.len;
    return 0;
}

/* ---- the CA ---- */

static int name_of(const struct certificate *by, uint8_t out[STEWARD_BY_BYTES],
                   struct pki_fault *fault)
{
    struct certificate_facts facts;
    int error = certificate_facts_of(by, &facts, fault);

    if (error == 0)
        memcpy(out, facts.registered.fingerprint, STEWARD_BY_BYTES);
    return error;
}

/* Gives the request back. */
static int ask_with(struct steward_link *link, int error, struct steward_message *request,
                    struct reply *out, struct pki_fault *fault)
{
    if (error < 0)
        return pki_fail(fault, error, "the steward cannot be asked for that: %s", strerror(-error));
    error = ask(link, request, out, fault);
    steward_message_fini(request);
    return error;
}

/* The same, for a result that is taken as it is. */
static int ask_for_der(struct steward_link *link, int error, struct steward_message *request,
                       struct der *out, struct pki_fault *fault)
{
    struct reply reply = { 0 };

    error = ask_with(link, error, request, &reply, fault);
    return error == 0 ? take_result(&reply, out) : error;
}

static int issue(void *context, const struct certificate *by,
                 const struct ca_identity_request *wanted, struct certificate **out,
                 struct pki_fault *fault)
{
    uint8_t name[STEWARD_BY_BYTES];
    struct steward_message request;
    struct reply reply = { 0 };
    int error = name_of(by, name, fault);

    if (error < 0)
        return error;
    error =
        ask_with(context, steward_issue_encode(name, wanted, &request), &request, &reply, fault);
    if (error < 0)
        return error;
    error = certificate_decode(reply.answer.result, out);
    steward_message_fini(&reply.message);
    return error == 0 ? 0 : pki_fail(fault, error, "what the steward signed is no certificate");
}

static int list(void *context, const struct certificate *by, const struct crl_entries *entries,
                struct der *out, struct pki_fault *fault)
{
    uint8_t name[STEWARD_BY_BYTES];
    struct steward_message request;
    int error = name_of(by, name, fault);

    if (error < 0)
        return error;
    error = steward_list_encode(name, entries, &request);
    return ask_for_der(context, error, &request, out, fault);
}

static int vouch(void *context, const struct certificate *by, const struct certificate *server,
                 struct der *out, struct pki_fault *fault)
{
    uint8_t name[STEWARD_BY_BYTES];
    struct steward_message request;
    int error = name_of(by, name, fault);

    if (error < 0)
        return error;
    error = steward_vouch_encode(name, server, &request);
    return ask_for_der(context, error, &request, out, fault);
}

int steward_link_open_ca(struct steward_link *link, struct ca **out, struct pki_fault *fault)
{
    const struct ca_signer signer = {
        .context = link, .issue = issue, .list = list, .vouch = vouch
    };
    struct certificate *certificate = NULL;
    struct reply reply = { 0 };
    int error = ask_plainly(link, STEWARD_OPEN, &reply, fault);

    if (error < 0)
        return error;
    error = certificate_decode(reply.answer.result, &certificate);
    steward_message_fini(&reply.message);
    if (error < 0)
        return pki_fail(fault, error, "the steward is not understood");
    return ca_new_remote(certificate, &signer, out, fault);
}
