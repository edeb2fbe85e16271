/* SPDX-License-Identifier: Apache-2.0 */
/* A steward in a process of its own, asked for all that there is, and for what there is not. */
#include "steward/link.h"

#include "pki/crl.h"
#include "pki/ocsp.h"
#include "pki/private_file.h"
#include "pki/scratch.h"
#include "pki/state_ca.h"
#include "pki/state_layout.h"
#include "steward/channel.h"
#include "steward/process.h"
#include "steward/service.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A state folder, and who has its keys. */
struct stand {
    const char *dir;
    struct steward_link *link;
    struct ca *ca; /* whose key is elsewhere */
    struct csr *csr;
    struct key *key;
};

static int read_file(void *context, const char *path, char **out_text, size_t *out_len)
{
    uint8_t *bytes;
    int error = private_file_read(path, 4096, &bytes, out_len);

    (void)context;
    if (error == 0)
        *out_text = (char *)bytes;
    return error;
}

static int run(void *context, int fd)
{
    const char *dir = context;
    const char *files[] = { "/proc/self/comm" };
    static const struct ca_access access = { 0 };
    const struct steward_options options = {
        .state_dir = dir, .access = &access, .files = files, .file_count = 1, .read = read_file
    };
    struct steward_greeting greeting = { .has_state = true };
    struct der told = { 0 };
    struct steward_message message = { 0 };
    struct steward_answer answer = { 0 };
    struct steward_service *service = steward_service_new(&options);

    greeting.signs = steward_service_open(service, &greeting.silent) == 0;
    if (steward_greeting_encode(&greeting, &told) != 0)
        return 1;
    answer.result = der_span(&told);
    int error = steward_answer_encode(&answer, STEWARD_GREETING, &message);
    if (error == 0)
        error = steward_channel_send(fd, &message, STEWARD_FOREVER);
    steward_message_fini(&message);
    der_fini(&told);
    if (error == 0)
        error = steward_service_serve(service, fd);
    steward_service_free(service);
    return error == 0 ? 0 : 1;
}

static void stand_up(struct stand *stand, struct scratch *scratch)
{
    struct state_made made;
    struct steward_greeting greeting;

    *stand = (struct stand){ .dir = scratch->folder };
    assert_int_equal(state_prepare(stand->dir, NULL, &made, NULL), 0);
    assert_int_equal(state_layout_prepare(stand->dir, NULL), 0);
    assert_int_equal(steward_process_start(run, scratch->folder, &stand->link), 0);
    assert_int_equal(steward_link_greet(stand->link, &greeting, NULL), 0);
    assert_true(greeting.signs && greeting.has_state);
    assert_int_equal(steward_link_open_ca(stand->link, &stand->ca, NULL), 0);
    assert_int_equal(key_generate(&stand->key, NULL), 0);
    assert_int_equal(csr_new(stand->key, "lamp", &stand->csr, NULL), 0);
}

static void stand_down(struct stand *stand)
{
    ca_close(stand->ca);
    csr_free(stand->csr);
    key_free(stand->key);
    steward_link_close(stand->link);
}

static int issue(const struct stand *stand, const char *name, unsigned days,
                 struct certificate **out)
{
    /* A time of the asker's own counts for nothing. */
    return ca_issue_identity(
        stand->ca,
        &(struct ca_identity_request){
            .csr = stand->csr, .kind = IDENTITY_DEVICE, .name = name, .now_s = 1, .days = days },
        out, NULL);
}

static void certificates(void **state)
{
    struct stand stand;
    struct certificate *made;
    struct certificate_facts facts;
    char uri[IDENTITY_URI_SIZE];
    int64_t now_s = (int64_t)time(NULL);

    stand_up(&stand, *state);
    assert_null(ca_key(stand.ca));
    assert_int_equal(issue(&stand, "lamp", 7, &made), 0);
    assert_true(certificate_is_valid_under(made, ca_certificate(stand.ca), now_s));
    assert_true(certificate_matches_key(made, stand.key));
    assert_int_equal(certificate_facts_of(made, &facts, NULL), 0);
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/device/lamp", ca_trust_domain(stand.ca));
    assert_string_equal(facts.uri, uri);
    assert_false(facts.is_ca);
    assert_in_range(facts.registered.not_after_s, now_s + 7 * 86400 - 60, now_s + 7 * 86400 + 60);
    certificate_free(made);
    assert_int_equal(issue(&stand, "lamp", CA_MAX_DAYS + 1, &made), -EINVAL);
    assert_int_equal(issue(&stand, "../lamp", 7, &made), -EINVAL);
    /* What only the key itself can do is not to be had. */
    assert_int_equal(
        ca_issue_server(stand.ca, &(struct ca_server_request){ .key = stand.key }, &made, NULL),
        -EPERM);
    assert_int_equal(ca_make_issuing(stand.ca, stand.key, now_s, &made, NULL), -EPERM);
    assert_int_equal(issue(&stand, "lamp", 0, &made), 0);
    certificate_free(made);
    stand_down(&stand);
}

static void the_key_of_the_ca(void **state)
{
    struct stand stand;
    struct certificate *made;
    char path[STATE_PATH_SIZE];
    struct key *key;

    stand_up(&stand, *state);
    csr_free(stand.csr);
    assert_int_equal(state_path(stand.dir, STATE_CA_KEY, path), 0);
    assert_int_equal(key_load(path, &key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &stand.csr, NULL), 0);
    assert_int_equal(issue(&stand, "lamp", 7, &made), -EPERM);
    key_free(key);
    stand_down(&stand);
}

static void another_ca(void **state)
{
    struct stand stand;
    struct certificate *made;
    struct certificate *root;
    struct ca *strange;
    const struct ca_signer *signer;

    stand_up(&stand, *state);
    signer = ca_signer(stand.ca);
    assert_int_equal(ca_make_root(stand.key, NULL, (int64_t)time(NULL), &root, NULL), 0);
    assert_int_equal(ca_new_remote(root, signer, &strange, NULL), 0);
    ca_close(stand.ca);
    stand.ca = strange;
    struct key *key;
    assert_int_equal(key_generate(&key, NULL), 0);
    csr_free(stand.csr);
    assert_int_equal(csr_new(key, "lamp", &stand.csr, NULL), 0);
    assert_int_equal(issue(&stand, "lamp", 7, &made), -ENOKEY);
    key_free(key);
    stand_down(&stand);
}

/* After a renewal both sign: enrolment has the one before until the configuration is read again. */
static void the_next_ca(void **state)
{
    struct stand stand;
    struct certificate *made;
    struct ca *next;

    stand_up(&stand, *state);
    assert_int_equal(state_ca_renew(stand.dir, NULL, (int64_t)time(NULL), NULL), 0);
    assert_int_equal(steward_link_open_ca(stand.link, &next, NULL), 0);
    assert_int_equal(issue(&stand, "lamp", 7, &made), 0);
    assert_true(certificate_is_valid_under(made, ca_certificate(stand.ca), (int64_t)time(NULL)));
    assert_false(certificate_is_valid_under(made, ca_certificate(next), (int64_t)time(NULL)));
    certificate_free(made);
    ca_close(stand.ca);
    stand.ca = next;
    assert_int_equal(issue(&stand, "lamp", 7, &made), 0);
    assert_true(certificate_is_valid_under(made, ca_certificate(next), (int64_t)time(NULL)));
    certificate_free(made);
    stand_down(&stand);
}

static void lists_and_statements(void **state)
{
    struct stand stand;
    struct registry *registry;
    struct certificate *server;
    char path[STATE_PATH_SIZE];
    int64_t now_s = (int64_t)time(NULL);
    bool is_made = false;

    stand_up(&stand, *state);
    assert_int_equal(state_path(stand.dir, STATE_REGISTRY, path), 0);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    assert_int_equal(crl_publish(stand.dir, stand.ca, registry, now_s, &is_made, NULL), 0);
    assert_true(is_made);
    now_s = (int64_t)time(NULL); /* the list says the steward's */
    assert_int_equal(crl_is_current(stand.dir, registry, now_s, &is_made, NULL), 0);
    assert_true(is_made);
    registry_close(registry);
    assert_int_equal(state_path(stand.dir, STATE_SERVER_CERTIFICATE, path), 0);
    assert_int_equal(certificate_load(path, &server, NULL), 0);
    assert_int_equal(state_path(stand.dir, STATE_OCSP, path), 0);
    assert_int_equal(ocsp_write(path, server, stand.ca, now_s, NULL), 0);
    assert_true(ocsp_is_current(path, server, ca_certificate(stand.ca), now_s));
    assert_int_equal(ocsp_write(path, ca_certificate(stand.ca), stand.ca, now_s, NULL), -EPERM);
    certificate_free(server);
    stand_down(&stand);
}

static void files(void **state)
{
    struct stand stand;
    struct state_made made;
    char path[STATE_PATH_SIZE];
    char *text;
    size_t len;

    stand_up(&stand, *state);
    assert_int_equal(steward_link_fetch(stand.link, "/proc/self/comm", &text, &len), 0);
    assert_true(len > 0 && text[len] == '\0');
    free(text);
    assert_int_equal(state_path(stand.dir, STATE_CA_KEY, path), 0);
    assert_int_equal(steward_link_fetch(stand.link, path, &text, &len), -EACCES);
    assert_int_equal(steward_link_fetch(stand.link, "/proc/self/../self/comm", &text, &len),
                     -EACCES);
    assert_int_equal(steward_link_fetch(stand.link, "", &text, &len), -EACCES);
    assert_int_equal(steward_link_show(stand.link, NULL), 0);
    assert_int_equal(state_path(stand.dir, STATE_SHOWN_ROOT, path), 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(state_path(stand.dir, STATE_SERVER_CERTIFICATE, path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(steward_link_prepare(stand.link, &made, NULL), 0);
    assert_true(made.server && access(path, F_OK) == 0);
    stand_down(&stand);
}

/* Of the other end everything may come; it is not answered, and that is the end. */
static int shout(void *context, int fd)
{
    static const uint8_t noise[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

    (void)context;
    return write(fd, noise, sizeof(noise)) == (ssize_t)sizeof(noise) ? 0 : 1;
}

static int leave(void *context, int fd)
{
    (void)context;
    (void)fd;
    return 0;
}

static void who_is_gone(void **state)
{
    static const steward_run others[] = { shout, leave };
    struct steward_link *link;
    struct steward_greeting greeting;
    struct pki_fault fault = { "" };
    struct ca *ca;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(others); i++) {
        assert_int_equal(steward_process_start(others[i], NULL, &link), 0);
        assert_int_equal(steward_link_greet(link, &greeting, &fault), -EPIPE);
        assert_true(steward_link_is_gone(link));
        assert_int_equal(steward_link_open_ca(link, &ca, &fault), -EPIPE);
        assert_non_null(strstr(fault.text, "restart tacitd"));
        steward_link_close(link);
    }
}

/* The steward itself, asked for what it does not do. */
static void no_request(void **state)
{
    const struct scratch *scratch = *state;
    static const struct ca_access access = { 0 };
    const struct steward_options options = { .state_dir = scratch->folder, .access = &access };
    struct steward_service *service = steward_service_new(&options);
    struct steward_answer answer;
    uint8_t noise[64] = { 9 };

    assert_non_null(service);
    for (unsigned kind = 0; kind < STEWARD_KIND_COUNT; kind++) {
        const struct steward_message request = { (enum steward_kind)kind, noise, sizeof(noise) };
        struct steward_message message;
        assert_int_equal(steward_service_answer(service, &request, &message), 0);
        assert_int_equal(steward_answer_decode(steward_message_body(&message), &answer), 0);
        if (kind == STEWARD_GREETING || kind >= STEWARD_ISSUE)
            assert_true(answer.status < 0);
        steward_message_fini(&message);
    }
    steward_service_free(service);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(certificates), IN_A_FOLDER(the_key_of_the_ca),
        IN_A_FOLDER(another_ca),   IN_A_FOLDER(the_next_ca),
        IN_A_FOLDER(files),        IN_A_FOLDER(lists_and_statements),
        IN_A_FOLDER(no_request),   cmocka_unit_test(who_is_gone),
    };

    /* As tacitd does: who writes to one that is gone is told so. */
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
