/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/login.h"

#include "base/invariant.h"
#include "base/wipe.h"
#include "codec/packet.h"
#include "core/broker.h"
#include "daemon/account_objection.h"
#include "daemon/admission_canary.h"
#include "daemon/exchange.h"
#include "daemon/logins.h"
#include "daemon/names.h"
#include "net/facts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PRIORITY      10 /* of the hashing threads: whoever is in comes first */
#define ADDRESS_BYTES 64

#define OVERHEARD "passwords are not accepted without TLS, where they can be overheard"
#define WRONG     "the user name or the password is wrong"

struct login {
    enum exchange_kind kind;
    struct helper_job job;
    struct logins *logins;
    struct admission_rules *rules; /* of the shard */
    struct client *client;         /* NULL once it has gone */
    struct lockout_try attempt;
    bool is_overheard;
    bool client_id_is_bound;
    bool has_anothers_name; /* as its client identifier, where that is bound */
    atomic_bool is_abandoned;
    char address[ADDRESS_BYTES];
    /* What the helper thread finds out. */
    struct account account; /* without its secrets afterwards; name only before */
    enum lockout_outcome outcome;
    bool is_right;
    bool was_burnt_now;
    union {
        struct {
            size_t len;
            uint8_t bytes[PASSWORD_BYTES_MAX];
        } password; /* wiped as soon as it was looked at */
        struct {
            struct scram_exchange exchange;
            bool is_pretended;
        } scram;
    };
};

static void login_free(struct login *login)
{
    wipe_bytes(login, sizeof(*login));
    free(login);
}

bool login_is_overheard(const struct admission_request *request)
{
    return facts_transport(request->facts) == TRANSPORT_PLAIN;
}

/* ---- what a right password is worth ---- */

/* `account` lives as long as the answer. */
static enum admission admit(const struct login *login, const struct account *account,
                            struct admission_answer *out)
{
    struct admission_rules *rules = login->rules;
    const char *why = account_objection(rules, account);
    const struct identity identity = { .device = account->name,
                                       .tenant = name_or_none(account->tenant),
                                       .site = name_or_none(account->site),
                                       .role = account->role,
                                       .proved = true };

    if (why != NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, why);
    if (admission_canary_is_lost(rules, account->name))
        return admission_refuse(out, MQTT_SERVER_BUSY, LOST_CANARY);
    if (login->has_anothers_name)
        return admission_refuse(out, MQTT_CLIENT_IDENTIFIER_NOT_VALID, ANOTHERS_NAME);
    const struct role *role = policy_find(rules->policy, &identity);
    if (role == NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED,
                                "the account's role is not defined in the broker's configuration");
    *out = (struct admission_answer){ .identity = identity,
                                      .role = role,
                                      .client_id_is_bound = login->client_id_is_bound };
    return ADMISSION_ALLOW;
}

/* ---- may it be looked at? ---- */

static enum admission refuse_verdict(enum lockout_verdict verdict, bool is_overheard,
                                     struct admission_answer *out)
{
    if (is_overheard)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, OVERHEARD);
    if (verdict == LOCKOUT_REPEAT)
        return admission_refuse(out, MQTT_BAD_USER_NAME_OR_PASSWORD, WRONG);
    if (verdict == LOCKOUT_BUSY)
        return admission_refuse(out, MQTT_SERVER_BUSY, "too many passwords wait to be looked at");
    return admission_refuse(out, MQTT_CONNECTION_RATE_EXCEEDED,
                            "too many wrong passwords from this address; try again later");
}

static struct login *login_new(struct admission_rules *rules,
                               const struct config_listener *listener,
                               const struct admission_request *request)
{
    const struct connection_facts *facts = request->facts;
    struct login *login = calloc(1, sizeof(*login));

    if (login == NULL)
        return NULL;
    login->logins = rules->logins;
    login->rules = rules;
    login->client = request->client;
    login->is_overheard = login_is_overheard(request);
    login->client_id_is_bound = !listener->client_ids_are_free;
    atomic_init(&login->is_abandoned, false);
    (void)snprintf(login->address, sizeof(login->address), "%.*s", (int)facts_host_len(facts),
                   facts->address);
    return login;
}

/* Said at the end only, to who has proved to be that account. */
static void note_anothers_name(struct login *login, const struct admission_request *request,
                               const char *name)
{
    login->has_anothers_name =
        login->client_id_is_bound && admission_takes_anothers_name(login->rules, request, name);
}

static uint64_t stamp_of(const struct admission_rules *rules, struct mqtt_span name)
{
    const struct account_view_entry *entry = account_view_find(rules->accounts, name);

    return entry != NULL ? entry->stamp : 0;
}

/* False: no account can be called that, which costs the same to find out. */
static bool copy_name(struct mqtt_span name, char out[REGISTRY_TEXT_SIZE])
{
    out[0] = '\0';
    if (name.len >= REGISTRY_TEXT_SIZE || memchr(name.data, '\0', name.len) != NULL)
        return false;
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
    return true;
}

/* ---- on a helper thread ---- */

/* A better verifier, and keys for SCRAM, while the password is at hand. */
static void renew(struct login *login, struct registry *registry)
{
    const struct mqtt_span password = { login->password.bytes, login->password.len };
    struct account better = { .name = "" };
    struct pki_fault fault = { "out of memory" };
    bool can_scram = password_check(password, NULL) == 0;
    int status = can_scram ? accounts_make_secret(password, &better, &fault)
                           : password_hash(password, better.verifier, &fault);
    const struct account_secret secret = { better.verifier, can_scram ? &better.scram : NULL };

    if (status == 0)
        status = accounts_renew_secret(registry, login->account.name, login->account.verifier,
                                       &secret, &fault);
    wipe_bytes(&better, sizeof(better));
    if (status != 0)
        log_say(logins_log(login->logins), CONFIG_LOG_WARNING,
                "the password of account %s is not hashed anew: %s", login->account.name,
                fault.text);
}

static void burn(struct login *login, struct registry *registry)
{
    struct account *account = &login->account;
    struct pki_fault fault = { "out of memory" };
    int changed = accounts_burn(registry, account->name, account->verifier, login->address, &fault);

    login->was_burnt_now = changed > 0;
    if (changed < 0)
        log_say(logins_log(login->logins), CONFIG_LOG_ERROR,
                "the password of account %s was seen in the clear and cannot be burnt: %s",
                account->name, fault.text);
}

/* A name that is no account's may be a password in the wrong place: it is not told. */
static void tell(const struct login *login, enum config_log_level level, enum log_kind kind,
                 const char *text)
{
    bool is_known = login->account.role[0] != '\0';
    const struct log_line line = {
        .level = level,
        .kind = kind,
        .text = text,
        .fields = { { "account", span_of(is_known ? login->account.name : "") },
                    { "address", span_of(login->address) } },
        .field_count = 2,
    };
    log_write(logins_log(login->logins), &line);
}

static void tell_burnt(const struct login *login)
{
    char text[LOG_LINE_BYTES / 2];

    (void)snprintf(text, sizeof(text),
                   "the password of account %s was sent in the clear from %s and is burnt: set a "
                   "new one with tacit passwd %s",
                   login->account.name, login->address, login->account.name);
    tell(login, CONFIG_LOG_WARNING, LOG_PASSWORD_BURNT, text);
}

static void tell_wrong(const struct login *login)
{
    if (login->outcome == LOCKOUT_WRONG)
        tell(login, CONFIG_LOG_DEBUG, LOG_PASSWORD_WRONG, "a password was wrong");
}

/* Knowing a burnt password proves nothing, but is no wrong guess either. */
static void conclude(struct login *login, struct registry *registry, enum password_verdict verdict)
{
    if (verdict == PASSWORD_WRONG) {
        login->outcome = LOCKOUT_WRONG;
        return;
    }
    login->is_right = true;
    if (login->is_overheard)
        burn(login, registry);
    else if (login->account.burnt_s == 0)
        login->outcome = LOCKOUT_RIGHT;
    if (login->outcome == LOCKOUT_RIGHT && verdict == PASSWORD_RIGHT_BUT_OLD)
        renew(login, registry);
}

static void look(struct login *login, struct registry *registry)
{
    const struct mqtt_span password = { login->password.bytes, login->password.len };
    enum password_verdict verdict = PASSWORD_WRONG;
    char name[REGISTRY_TEXT_SIZE];

    memcpy(name, login->account.name, sizeof(name));
    int status = name[0] == '\0' ? -ENOENT : accounts_find(registry, name, &login->account, NULL);
    if (status != 0 && status != -ENOENT)
        return;
    status = password_verify(
        status == 0 && login->account.verifier[0] != '\0' ? login->account.verifier : NULL,
        password, &verdict);
    if (status == 0)
        conclude(login, registry, verdict);
}

static void work_look(struct helper_job *job)
{
    struct login *login = MQTT_CONTAINER_OF(job, struct login, job);

    (void)setpriority(PRIO_PROCESS, 0, PRIORITY); /* of this thread */
    if (!atomic_load(&login->is_abandoned) && !logins_is_stopping(login->logins)) {
        struct registry *registry = logins_take_registry(login->logins);
        look(login, registry);
        logins_give_registry(login->logins, registry);
    }
    wipe_bytes(&login->password, sizeof(login->password));
    wipe_bytes(login->account.verifier, sizeof(login->account.verifier));
    wipe_bytes(&login->account.scram, sizeof(login->account.scram));
}

/* ---- back on the shard ---- */

static enum admission answer_look(const struct login *login, struct admission_answer *out)
{
    MQTT_INVARIANT(login->rules != NULL);
    if (login->is_overheard)
        return admission_refuse(
            out, MQTT_NOT_AUTHORIZED,
            login->was_burnt_now
                ? "this password has just been sent in the clear and is burnt; set a "
                  "new one with tacit passwd, and use TLS"
                : OVERHEARD);
    if (login->outcome == LOCKOUT_WRONG)
        return admission_refuse(out, MQTT_BAD_USER_NAME_OR_PASSWORD, WRONG);
    if (!login->is_right)
        return admission_refuse(out, MQTT_SERVER_BUSY, "the password could not be looked at");
    return admit(login, &login->account, out);
}

static void done_look(struct helper_job *job)
{
    struct login *login = MQTT_CONTAINER_OF(job, struct login, job);
    struct admission_answer answer = { 0 };
    uint64_t now_ms = loop_now_ms(job->home);

    logins_done(login->logins);
    logins_settle(login->logins, &login->attempt, login->outcome, login->address, now_ms);
    if (login->was_burnt_now)
        tell_burnt(login);
    tell_wrong(login);
    if (login->client != NULL) {
        enum admission admission = answer_look(login, &answer);
        client_judged(login->client, admission, &answer, now_ms);
    }
    login_free(login);
}

enum admission login_by_password(struct admission_rules *rules,
                                 const struct config_listener *listener,
                                 const struct admission_request *request,
                                 struct admission_answer *out)
{
    const struct mqtt_connect *connect = request->connect;
    const struct connection_facts *facts = request->facts;
    bool is_overheard = login_is_overheard(request);
    const struct lockout_facts asked = {
        .address = facts->address,
        .account = connect->user_name,
        .secret = connect->password,
        .stamp = stamp_of(rules, connect->user_name),
    };

    if (connect->password.len > PASSWORD_BYTES_MAX || !connect->has_user_name)
        return admission_refuse(out, MQTT_BAD_USER_NAME_OR_PASSWORD, WRONG);
    struct login *login = login_new(rules, listener, request);
    if (login == NULL)
        return admission_refuse(out, MQTT_SERVER_BUSY, "out of memory");
    enum lockout_verdict verdict =
        logins_ask(rules->logins, &asked, loop_now_ms(rules->loop), &login->attempt);
    if (verdict != LOCKOUT_GO) {
        login_free(login);
        return refuse_verdict(verdict, is_overheard, out);
    }
    (void)copy_name(connect->user_name, login->account.name);
    note_anothers_name(login, request, login->account.name);
    login->password.len = connect->password.len;
    if (connect->password.len > 0)
        memcpy(login->password.bytes, connect->password.data, connect->password.len);
    if (logins_submit(rules->logins, &login->job, rules->loop, login->attempt.is_known, work_look,
                      done_look)
        != 0) {
        logins_settle(rules->logins, &login->attempt, LOCKOUT_UNDECIDED, login->address,
                      loop_now_ms(rules->loop));
        login_free(login);
        return refuse_verdict(LOCKOUT_BUSY, is_overheard, out);
    }
    *out = (struct admission_answer){ .exchange = login };
    return ADMISSION_WAIT;
}

/* ---- SCRAM ---- */

/* Who cannot come in is asked all the same, and for something that nobody has. */
static int find_keys(struct admission_rules *rules, struct login *login, const char *user,
                     struct scram_keys *out)
{
    struct account *account = &login->account;
    int status =
        rules->newcomers != NULL ? accounts_find(rules->newcomers, user, account, NULL) : -ENOENT;

    if (status != 0 && status != -ENOENT)
        return status;
    login->scram.is_pretended = status != 0 || !account->has_scram;
    if (login->scram.is_pretended)
        return scram_pretend(logins_secret(rules->logins), user, out);
    *out = account->scram;
    wipe_bytes(account->verifier, sizeof(account->verifier));
    wipe_bytes(&account->scram, sizeof(account->scram));
    return 0;
}

static int begin_scram(struct admission_rules *rules, struct login *login,
                       const struct scram_first *first)
{
    struct scram_keys keys = { .rounds = 0 };
    char nonce[SCRAM_NONCE_SIZE];
    int status = scram_nonce(nonce);

    if (status == 0)
        status = find_keys(rules, login, first->user, &keys);
    if (status == 0)
        scram_begin(first, &keys, nonce, &login->scram.exchange);
    wipe_bytes(&keys, sizeof(keys));
    return status;
}

static enum admission first_step(struct admission_rules *rules,
                                 const struct config_listener *listener,
                                 const struct admission_request *request,
                                 struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    struct scram_first first = { .user = "" };
    int status = scram_read_first(request->data, &first);

    if (status != 0)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED,
                                status == -ENOTSUP
                                    ? "SCRAM is offered without channel binding, extensions "
                                      "and speaking for another user"
                                    : "the first message of SCRAM cannot be understood");
    struct login *login = login_new(rules, listener, request);
    if (login == NULL)
        return admission_refuse(out, MQTT_SERVER_BUSY, "out of memory");
    const struct lockout_facts asked = { .address = facts->address,
                                         .account = span_of(first.user),
                                         .is_free = true };
    enum lockout_verdict verdict =
        logins_ask(rules->logins, &asked, loop_now_ms(rules->loop), &login->attempt);
    if (verdict != LOCKOUT_GO) {
        login_free(login);
        return refuse_verdict(verdict, false, out);
    }
    note_anothers_name(login, request, first.user);
    if (begin_scram(rules, login, &first) != 0) {
        login_abandon(login);
        return admission_refuse(out, MQTT_SERVER_BUSY, "the account could not be looked at");
    }
    *out = (struct admission_answer){
        .data = span_of(login->scram.exchange.server_first),
        .exchange = login,
    };
    return ADMISSION_CONTINUE;
}

static enum admission last_step(struct login *login, const struct admission_request *request,
                                struct admission_answer *out)
{
    struct admission_rules *rules = login->rules;
    int status = scram_finish(&login->scram.exchange, request->data, rules->data);
    bool is_right = status == 0 && !login->scram.is_pretended;
    enum admission admission;

    login->outcome = is_right ? LOCKOUT_RIGHT : LOCKOUT_WRONG;
    logins_settle(login->logins, &login->attempt, login->outcome, login->address,
                  loop_now_ms(rules->loop));
    tell_wrong(login);
    rules->account = login->account;
    if (is_right)
        admission = admit(login, &rules->account, out);
    else
        admission = admission_refuse(out, MQTT_NOT_AUTHORIZED, WRONG);
    if (admission == ADMISSION_ALLOW)
        out->data = span_of(rules->data);
    login_free(login);
    return admission;
}

enum admission login_by_scram(struct admission_rules *rules, const struct config_listener *listener,
                              const struct admission_request *request, struct admission_answer *out)
{
    if (request->exchange != NULL && listener->passwords == CONFIG_PASSWORDS_OFF) {
        login_abandon(request->exchange);
        return admission_refuse(out, MQTT_NOT_AUTHORIZED,
                                "passwords are not accepted here any more");
    }
    if (request->exchange != NULL)
        return last_step(request->exchange, request, out);
    return first_step(rules, listener, request, out);
}

/* A job is the helpers' until it is done; an exchange of SCRAM is nobody else's. */
void login_abandon(struct login *login)
{
    login->client = NULL;
    atomic_store(&login->is_abandoned, true);
    if (login->job.work != NULL)
        return;
    logins_settle(login->logins, &login->attempt, LOCKOUT_UNDECIDED, login->address,
                  loop_now_ms(login->rules->loop));
    login_free(login);
}
