/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ratchets.h"

#include "base/bytes_map.h"
#include "base/list.h"
#include "base/wipe.h"
#include "core/broker.h"
#include "daemon/exchange.h"
#include "loop/helpers.h"
#include "pki/hmac.h"
#include "pki/key_lineage.h"
#include "pki/ratchet_heir.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BATCH_MAX 256u /* turns that are committed together */

struct ratchets {
    struct helpers *helpers; /* one thread; NULL once stopped */
    unsigned queue;          /* most turns that wait */
    struct log *log;
    struct ratchet_file *file; /* the thread's, as the next */
    struct registry *registry;
    uint64_t run;
    pthread_mutex_t lock;   /* of all below */
    struct list waiting;    /* struct ratchet_turn.link: not taken by the thread yet */
    struct bytes_map known; /* struct known_name */
};

struct known_name {
    struct bytes_node node;
    char name[];
};

struct ratchet_turn {
    enum exchange_kind kind;
    struct helper_job job;
    struct list link;
    struct ratchets *ratchets;
    struct client *client; /* NULL: it has gone, or there was none */
    bool is_settled;       /* the shard has the answer */
    bool is_confirmation;  /* of question.order, and nobody waits for an answer */
    struct ratchets_question question;
    struct ratchets_answer answer;
};

static void turn_free(struct ratchet_turn *turn)
{
    wipe_bytes(turn, sizeof(*turn));
    free(turn);
}

/* ---- whose there are ---- */

static int know(void *context, const char *name)
{
    struct ratchets *ratchets = context;
    size_t len = strlen(name);
    int error = 0;

    pthread_mutex_lock(&ratchets->lock);
    if (bytes_map_find(&ratchets->known, span_of(name)) == NULL) {
        struct known_name *known = calloc(1, sizeof(*known) + len + 1);
        if (known != NULL) {
            memcpy(known->name, name, len + 1);
            known->node.key = span_of(known->name);
        }
        error = known != NULL ? bytes_map_insert(&ratchets->known, &known->node) : -ENOMEM;
        if (error < 0)
            free(known);
    }
    pthread_mutex_unlock(&ratchets->lock);
    return error;
}

bool ratchets_know(struct ratchets *ratchets, const char *name)
{
    pthread_mutex_lock(&ratchets->lock);
    bool is_known = bytes_map_find(&ratchets->known, span_of(name)) != NULL;
    pthread_mutex_unlock(&ratchets->lock);
    return is_known;
}

static void forget_name(struct bytes_node *node, void *context)
{
    bytes_map_remove(context, node);
    free(MQTT_CONTAINER_OF(node, struct known_name, node));
}

/* ---- on the thread ---- */

/* What happens after somebody has put back an old file looks like copies everywhere. */
static void tell_ahead(const struct ratchets *ratchets, const struct ratchets_question *question,
                       const struct ratchet_record *record)
{
    log_say(ratchets->log, CONFIG_LOG_WARNING,
            "the ratchet of %s stands at step %" PRIu64 ", and here at %" PRIu64
            ": was ratchet.db put back from an older copy?",
            question->who.name, question->message.counter, ratchet_record_counter(record));
}

static int save(struct ratchets *ratchets, const struct ratchets_question *question,
                struct ratchet_file_entry *entry)
{
    struct ratchet_file_entry changed = question->who;

    changed.record = entry->record;
    int error = ratchet_file_save(ratchets->file, &changed, NULL);
    wipe_bytes(&changed, sizeof(changed));
    /* It has gone on with the one of a name that it had before. */
    if (error == 0 && entry->name[0] != '\0' && strcmp(entry->name, question->who.name) != 0)
        error = ratchet_file_forget(ratchets->file, entry->name, NULL);
    return error < 0 ? error : know(ratchets, question->who.name);
}

/* Who stole a key, and asks for another one with it, may not begin the ratchet anew. The view that let
 * a key in may be a second old: what the registry says now counts. */
static int find_lineage(struct ratchets *ratchets, const struct ratchet_file_entry *who,
                        const struct ratchet_file_entry *entry, enum key_lineage *out)
{
    struct pki_fault fault = { "" };
    int error = key_lineage_find(ratchets->registry, who->name, who->key_sha256, entry->key_sha256,
                                 out, &fault);

    if (error < 0)
        log_say(ratchets->log, CONFIG_LOG_ERROR, "%s", fault.text);
    return error;
}

static enum ratchet_verdict weigh(const struct ratchets *ratchets,
                                  const struct ratchets_question *question,
                                  enum key_lineage lineage, struct ratchet_record *record)
{
    const struct ratchet_hmac hmac = { .compute = hmac_sha256 };
    const struct ratchet_arrival arrival = { ratchets->run, question->order };

    return ratchet_record_judge(record, &hmac, &question->message, question->binding, &arrival,
                                question->believes || lineage == KEY_LINEAGE_GIVEN);
}

/* The entry is empty when there is none of its name. */
static void judge(struct ratchets *ratchets, struct ratchet_turn *turn,
                  struct ratchet_file_entry *entry)
{
    const struct ratchets_question *question = &turn->question;
    struct ratchets_answer *answer = &turn->answer;
    enum key_lineage lineage = KEY_LINEAGE_NONE;

    if (find_lineage(ratchets, &question->who, entry, &lineage) < 0)
        return;
    answer->is_outdated = lineage == KEY_LINEAGE_NONE;
    if (answer->is_outdated)
        return;
    answer->verdict = weigh(ratchets, question, lineage, &entry->record);
    if (answer->verdict == RATCHET_AHEAD)
        tell_ahead(ratchets, question, &entry->record);
    if (answer->verdict == RATCHET_TAKEN) {
        if (save(ratchets, question, entry) < 0)
            answer->verdict = RATCHET_FAILED;
        return;
    }
    answer->other = *entry;
    wipe_bytes(&answer->other.record, sizeof(answer->other.record));
}

static void confirm(struct ratchets *ratchets, const struct ratchet_turn *turn,
                    struct ratchet_file_entry *entry)
{
    const struct ratchet_arrival arrival = { ratchets->run, turn->question.order };

    if (ratchet_record_confirm(&entry->record, &arrival)
        && ratchet_file_save(ratchets->file, entry, NULL) < 0)
        log_say(ratchets->log, CONFIG_LOG_WARNING,
                "that %s has taken the last step of its ratchet cannot be written down",
                entry->name);
}

static void take(struct ratchets *ratchets, struct ratchet_turn *turn)
{
    struct pki_fault fault = { "" };
    struct ratchet_file_entry entry = { .since_s = 0 };
    int found = ratchet_heir_find(ratchets->file, ratchets->registry, turn->question.who.name,
                                  &entry, &fault);

    turn->answer.verdict = RATCHET_FAILED;
    if (found != 0 && found != -ENOENT)
        log_say(ratchets->log, CONFIG_LOG_ERROR, "%s", fault.text);
    else if (turn->is_confirmation)
        confirm(ratchets, turn, &entry);
    else if (turn->question.has_message)
        judge(ratchets, turn, &entry);
    else
        turn->answer.is_free = found == -ENOENT;
    wipe_bytes(&entry, sizeof(entry));
}

/* Up to BATCH_MAX of those that wait, each once. */
static size_t gather(struct ratchets *ratchets, struct ratchet_turn *turns[BATCH_MAX])
{
    size_t count = 0;

    pthread_mutex_lock(&ratchets->lock);
    while (count < BATCH_MAX && !list_is_empty(&ratchets->waiting))
        turns[count++] =
            MQTT_CONTAINER_OF(list_take_first(&ratchets->waiting), struct ratchet_turn, link);
    pthread_mutex_unlock(&ratchets->lock);
    return count;
}

/* The first job of those that wait does the work of all, so that the disk is waited for once. */
static void work(struct helper_job *job)
{
    struct ratchets *ratchets = MQTT_CONTAINER_OF(job, struct ratchet_turn, job)->ratchets;
    struct ratchet_turn *turns[BATCH_MAX];
    struct pki_fault fault = { "" };
    size_t count = gather(ratchets, turns);

    if (count == 0)
        return;
    int error = ratchet_file_begin(ratchets->file, &fault);
    for (size_t i = 0; error == 0 && i < count; i++)
        take(ratchets, turns[i]);
    if (error == 0)
        error = ratchet_file_end(ratchets->file, true, &fault);
    if (error == 0)
        return;
    log_say(ratchets->log, CONFIG_LOG_ERROR, "ratchets cannot be turned: %s", fault.text);
    for (size_t i = 0; i < count; i++)
        turns[i]->answer = (struct ratchets_answer){ .verdict = RATCHET_FAILED };
}

/* ---- on the shard ---- */

static void done(struct helper_job *job)
{
    struct ratchet_turn *turn = MQTT_CONTAINER_OF(job, struct ratchet_turn, job);

    turn->is_settled = true;
    if (turn->client == NULL)
        turn_free(turn);
    else
        client_go_on(turn->client, loop_now_ms(job->home));
}

/* Waits for its place in the batch before the thread can look for it there. */
static int submit(struct ratchet_turn *turn, struct loop *home)
{
    struct ratchets *ratchets = turn->ratchets;

    pthread_mutex_lock(&ratchets->lock);
    list_push_back(&ratchets->waiting, &turn->link);
    int error = ratchets->helpers != NULL
                    ? helpers_submit(ratchets->helpers, &turn->job, home, work, done)
                    : -EAGAIN;
    if (error < 0)
        list_unlink(&turn->link);
    pthread_mutex_unlock(&ratchets->lock);
    return error;
}

int ratchets_ask(struct ratchets *ratchets, const struct ratchets_question *question,
                 struct client *client, struct loop *home, struct ratchet_turn **out)
{
    struct ratchet_turn *turn = calloc(1, sizeof(*turn));

    if (turn == NULL)
        return -ENOMEM;
    turn->kind = EXCHANGE_RATCHET;
    turn->ratchets = ratchets;
    turn->client = client;
    turn->question = *question;
    turn->answer.verdict = RATCHET_FAILED;
    int error = submit(turn, home);
    if (error < 0)
        turn_free(turn);
    else
        *out = turn;
    return error;
}

const struct ratchets_answer *ratchets_answer(const struct ratchet_turn *turn)
{
    return turn->is_settled ? &turn->answer : NULL;
}

void ratchets_drop(struct ratchet_turn *turn)
{
    turn->client = NULL;
    if (turn->is_settled)
        turn_free(turn);
}

void ratchets_confirm(struct ratchets *ratchets, const char *name, uint64_t order,
                      struct loop *home)
{
    struct ratchet_turn *turn = calloc(1, sizeof(*turn));

    if (turn == NULL)
        return;
    turn->kind = EXCHANGE_RATCHET;
    turn->ratchets = ratchets;
    turn->is_confirmation = true;
    turn->question.order = order;
    (void)snprintf(turn->question.who.name, sizeof(turn->question.who.name), "%s", name);
    if (submit(turn, home) < 0)
        turn_free(turn);
}

/* ---- life ---- */

int ratchets_open(const struct ratchets_options *options, struct ratchets **out,
                  struct pki_fault *fault)
{
    struct ratchets *ratchets = calloc(1, sizeof(*ratchets));
    struct siphash_key key;

    if (ratchets == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    pthread_mutex_init(&ratchets->lock, NULL);
    list_init(&ratchets->waiting);
    ratchets->log = options->log;
    ratchets->queue = options->queue;
    bool is_random =
        getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key)
        && getrandom(&ratchets->run, sizeof(ratchets->run), 0) == (ssize_t)sizeof(ratchets->run);
    bytes_map_init(&ratchets->known, &key);
    int error = is_random ? 0 : pki_fail(fault, -EIO, "the kernel has no random numbers");
    if (error == 0)
        error = registry_open(options->registry_path, &ratchets->registry, fault);
    if (error == 0)
        error = ratchet_file_open(options->path, true, &ratchets->file, fault);
    if (error == 0)
        error = ratchet_file_each(ratchets->file, know, ratchets, fault);
    if (error == 0)
        *out = ratchets;
    else
        ratchets_free(ratchets);
    return error;
}

int ratchets_start(struct ratchets *ratchets)
{
    return ratchets == NULL ? 0 : helpers_open(1, ratchets->queue, &ratchets->helpers);
}

void ratchets_stop(struct ratchets *ratchets)
{
    if (ratchets == NULL || ratchets->helpers == NULL)
        return;
    pthread_mutex_lock(&ratchets->lock);
    struct helpers *helpers = ratchets->helpers;
    ratchets->helpers = NULL;
    pthread_mutex_unlock(&ratchets->lock);
    helpers_close(helpers);
}

void ratchets_free(struct ratchets *ratchets)
{
    if (ratchets == NULL)
        return;
    ratchets_stop(ratchets);
    ratchet_file_close(ratchets->file);
    registry_close(ratchets->registry);
    bytes_map_each(&ratchets->known, forget_name, &ratchets->known);
    bytes_map_fini(&ratchets->known);
    pthread_mutex_destroy(&ratchets->lock);
    free(ratchets);
}
