/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_losses.h"

#include "core/journal_record.h"
#include "store/log_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVED_ID_BITS 16u
#define PLACE_MOST_BYTES ((uint64_t)1 << 30)

bool store_losses_init(struct store_losses *losses, const struct files *files)
{
    *losses = (struct store_losses){
        .files = files,
        .contents = { .keeps_bytes = true },
        .touched = { .keeps_bytes = true },
        .clients = json_object(),
    };
    return losses->clients != NULL;
}

void store_losses_fini(struct store_losses *losses)
{
    store_contents_fini(&losses->contents);
    store_contents_fini(&losses->touched);
    store_contents_fini(&losses->returned);
    json_decref(losses->clients);
    *losses = (struct store_losses){ 0 };
}

/* ---- what is whole ---- */

static void forget(struct store_losses *losses, uint64_t key)
{
    const struct journal_op drop = { .verb = JOURNAL_DROP, .key = key };
    if (store_contents_apply_op(&losses->touched, &drop) < 0
        || store_contents_apply_op(&losses->returned, &drop) < 0)
        losses->failed = true;
}

int store_losses_frame(struct store_losses *losses, const struct scan_frame *frame)
{
    struct mqtt_span ops = frame->ops;
    struct journal_op op;
    int more = journal_op_next(&ops, &op);
    /* What was set or dropped once more was not lost. */
    for (; more == 1 && losses->places > 0; more = journal_op_next(&ops, &op))
        forget(losses, op.key);
    int error = store_contents_apply(&losses->contents, frame->ops);
    return error == -EBADMSG ? 0 : error;
}

/* ---- what is not ---- */

static int touch(struct store_losses *losses, const struct journal_op *op)
{
    struct journal_op note = { .verb = JOURNAL_PUT, .key = op->key, .bytes = op->bytes };
    forget(losses, op->key);
    return store_contents_apply_op(op->verb == JOURNAL_PUT ? &losses->touched : &losses->returned,
                                   &note);
}

/* Follows operations as far as they make sense. Returns how many bytes that was. */
static size_t follow(struct store_losses *losses, struct mqtt_span bytes)
{
    struct mqtt_span rest = bytes;
    struct journal_op op;
    size_t used = 0;
    while (journal_op_next(&rest, &op) == 1) {
        used = bytes.len - rest.len;
        if (touch(losses, &op) < 0)
            losses->failed = true;
    }
    return used;
}

/* A frame may begin where the damage does, behind another one, and in every block. Its check sums
 * are what is wrong, so the operations speak for themselves. */
static bool examine(struct store_losses *losses, struct mqtt_span bytes, size_t first)
{
    struct log_head head;
    size_t at = 0;
    bool is_telling = false;
    while (at < bytes.len && bytes.len - at > LOG_FORMAT_HEAD_BYTES) {
        size_t begin = at + LOG_FORMAT_HEAD_BYTES;
        struct mqtt_span ops = { bytes.data + begin, bytes.len - begin };
        bool has_head = log_format_read_head(bytes.data + at, &head) && head.length <= ops.len;
        if (has_head)
            ops.len = head.length;
        size_t used = follow(losses, ops);
        is_telling |= used > 0;
        if (has_head)
            at = begin + head.length;
        else if (used > 0)
            at = begin + used;
        else
            at = (size_t)log_format_round_up(first + at + 1) - first;
    }
    return is_telling;
}

static bool examine_file(struct store_losses *losses, struct file *file,
                         const struct store_damage *damage)
{
    int64_t size = losses->files->size(file);
    uint64_t len = damage->bytes;
    if (size < 0 || (uint64_t)size <= damage->offset)
        return false;
    if (len == 0 || len > (uint64_t)size - damage->offset)
        len = (uint64_t)size - damage->offset;
    uint8_t *bytes = len <= PLACE_MOST_BYTES ? malloc(len) : NULL;
    if (bytes == NULL)
        return false;
    int64_t n = losses->files->read(file, damage->offset, bytes, len);
    bool is_telling =
        n > 0 && examine(losses, (struct mqtt_span){ bytes, (size_t)n }, (size_t)damage->offset);
    free(bytes);
    return is_telling;
}

void store_losses_damage(struct store_losses *losses, const struct store_damage *damage)
{
    struct file *file = NULL;
    losses->places++;
    bool is_telling =
        losses->files->open(losses->files->context, damage->segment, FILE_READ, &file) == 0
        && examine_file(losses, file, damage);
    losses->files->close(file);
    losses->opaque_places += !is_telling;
}

/* ---- the balance ---- */

static const struct store_item *session_of(const struct store_losses *losses, uint64_t number)
{
    uint64_t key = journal_key(JOURNAL_SESSION, number);
    const struct store_item *item = store_contents_find(&losses->contents, key);
    return item != NULL ? item : store_contents_find(&losses->touched, key);
}

static struct mqtt_span bytes_of(const struct store_item *item)
{
    return (struct mqtt_span){ item->bytes, item->len };
}

/* Number of the session that a thing belongs to; 0: to none. */
static uint64_t owner_of(const struct store_item *item)
{
    struct journal_subscription subscription;
    struct journal_delivery delivery;
    uint64_t number = journal_number_of(item->key);
    enum journal_kind kind = journal_kind_of(item->key);
    if (kind == JOURNAL_SESSION || kind == JOURNAL_WILL)
        return number;
    if (kind == JOURNAL_RECEIVED)
        return number >> RECEIVED_ID_BITS;
    if (kind == JOURNAL_SUBSCRIPTION
        && journal_subscription_read(bytes_of(item), &subscription) == 0)
        return subscription.session;
    if (kind == JOURNAL_DELIVERY && journal_delivery_read(bytes_of(item), &delivery) == 0)
        return delivery.session;
    return 0;
}

static void note_client(struct store_losses *losses, const struct store_item *item)
{
    struct journal_session session;
    uint64_t owner = owner_of(item);
    const struct store_item *found = owner != 0 ? session_of(losses, owner) : NULL;
    if (found == NULL || journal_session_read(bytes_of(found), &session) < 0
        || session.client_id.len == 0)
        return;
    char *name = strndup((const char *)session.client_id.data, session.client_id.len);
    /* What is no UTF-8 is no client identifier either, and is refused here. */
    if (name == NULL)
        losses->failed = true;
    else
        (void)json_object_set_new(losses->clients, name, json_true());
    free(name);
}

static void count(struct store_losses *losses, uint64_t figures[JOURNAL_KINDS],
                  const struct store_item *item)
{
    figures[journal_kind_of(item->key)]++;
    note_client(losses, item);
}

static void on_lost(void *context, const struct store_item *item)
{
    struct store_losses *losses = context;
    count(losses, losses->lost, item);
}

/* Bodies are not among them: those count by the things that need them. */
static void weigh_touched(struct store_losses *losses)
{
    for (size_t i = 0; i < losses->touched.count; i++) {
        const struct store_item *item = &losses->touched.items[i];
        bool is_there = store_contents_find(&losses->contents, item->key) != NULL;
        count(losses, is_there ? losses->stale : losses->lost, item);
    }
}

static void weigh_returned(struct store_losses *losses)
{
    for (size_t i = 0; i < losses->returned.count; i++) {
        const struct store_item *item =
            store_contents_find(&losses->contents, losses->returned.items[i].key);
        if (item != NULL)
            count(losses, losses->back, item);
    }
}

/* Things of a session that is not there: nobody will ever ask for them. */
static void weigh_orphans(struct store_losses *losses)
{
    for (size_t i = 0; i < losses->contents.count; i++) {
        const struct store_item *item = &losses->contents.items[i];
        uint64_t owner = owner_of(item);
        if (owner != 0
            && store_contents_find(&losses->contents, journal_key(JOURNAL_SESSION, owner)) == NULL)
            count(losses, losses->lost, item);
    }
}

int store_losses_conclude(struct store_losses *losses)
{
    /* These first: a session that was lost still tells whose the other things were. */
    store_contents_settle(&losses->touched, NULL, NULL);
    store_contents_settle(&losses->returned, NULL, NULL);
    store_contents_settle(&losses->contents, on_lost, losses);
    weigh_touched(losses);
    weigh_returned(losses);
    if (losses->places > 0)
        weigh_orphans(losses);
    return losses->failed ? -ENOMEM : 0;
}
